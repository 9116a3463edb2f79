import { useFastEngine } from '../../edge/executor/parallel/fastEngine.ts'
import { secretAt, secretIndex, withSecret } from '../../sdk/bitcoin/bolt3/index.ts'
import { p2wpkh } from '../../sdk/bitcoin/index.ts'
import { emptyHub, encodeHub, type HubTerms, hubChanges, hubPreimages, hubStep } from '../../sdk/channel/hub/index.ts'
import {
  acceptChannel,
  type Channel,
  channelSecrets,
  type Draft,
  encodeChannel,
  type Input,
  isLive,
  type LiveChannel,
  type Note,
  openChannel,
  otherSide,
  penaltyStep,
  type Side,
  sideKeysOf,
} from '../../sdk/channel/penalty/index.ts'
import { currentEngine, nobleEngine, sha256, useEngine } from '../../sdk/crypto/index.ts'
import { type ChannelId, channelId, height, inMsats, msats, sats } from '../../sdk/units.ts'
import { fundingOfDraft, plainUpdate } from './penaltyPeer.ts'
import type { Figure } from './run.ts'

const rounds = 300
/** Tables of keys that are used again and again are made within so many updates. */
const warmUp = 60
const longRounds = 10_000

/**
 * Payments through a two-way channel, both sides in one process, storage and transport left out: each side builds, signs,
 * verifies and revokes. No published library has such a channel, so the peer is what one would write: bitcoinjs-lib builds every
 * transaction, noble derives the keys where they are needed, signs and verifies. `ratio` says how many times faster ours is.
 */
export async function* penaltyFigures(): AsyncIterable<Figure> {
  const pair = openPair()
  const theirs = plainUpdate()
  const [pay, addAndFulfil] = [payer(pair), offerer(pair)]
  for (let at = 0; at < warmUp; at++) pay()
  const best = { ours: Number.POSITIVE_INFINITY, theirs: Number.POSITIVE_INFINITY, htlc: Number.POSITIVE_INFINITY }
  for (let round = 0; round < rounds; round++) {
    best.ours = Math.min(best.ours, msOf(pay))
    if (round % 4 === 0) best.theirs = Math.min(best.theirs, msOf(theirs))
    if (round % 6 === 0) best.htlc = Math.min(best.htlc, msOf(addAndFulfil))
  }
  const [value, peerValue] = [1_000 / best.ours, 1_000 / best.theirs]
  const peer = 'bitcoinjs-lib, noble-curves'
  yield { name: 'two-way updates, both sides', value, unit: '/s', peer, peerValue, ratio: value / peerValue }
  const none = { peer: null, peerValue: null, ratio: null }
  yield { name: 'two-way HTLCs offered and taken, both sides', value: 1_000 / best.htlc, unit: '/s', ...none }
  const name = 'two-way HTLCs offered and taken through a hub, all four sides'
  yield { name, value: fastest(passer(), rounds / 6), unit: '/s', ...none }
  useFastEngine()
  yield { name: 'two-way updates, both sides, on WebAssembly', value: fastest(payer(openPair())), unit: '/s', ...none }
  yield { name: `${name}, on WebAssembly`, value: fastest(passer(), rounds / 6), unit: '/s', ...none }
  useEngine(nobleEngine)
  if (!isLive(pair.channels.opener)) return
  const long = afterLong(pair.channels.opener)
  const record = `two-way record after ${longRounds.toLocaleString('en')} updates`
  yield { name: record, value: encodeChannel(long).length, unit: 'bytes', ...none }
  yield { name: `${record}, secrets kept`, value: long.secrets.filter(Boolean).length, unit: '', ...none }
}

function fastest(run: () => void, count = rounds): number {
  let best = Number.POSITIVE_INFINITY
  for (let at = 0; at < Math.min(warmUp, count); at++) run()
  for (let round = 0; round < count; round++) best = Math.min(best, msOf(run))
  return 1_000 / best
}

/** A channel as it stands after so many updates: with the secrets that the other side has told by then. */
function afterLong(channel: LiveChannel): LiveChannel {
  const seed = sha256(new TextEncoder().encode('the other side'))
  let secrets: LiveChannel['secrets'] = []
  for (let number = 0; number < longRounds; number++) {
    const index = secretIndex(number)
    const next = withSecret(secrets, { index, secret: secretAt(seed, index) })
    if (!next) throw new Error('The secrets are not of one seed.')
    secrets = next
  }
  return { ...channel, base: { ...channel.base, number: longRounds }, secrets }
}

interface Pair {
  readonly channels: Record<Side, Channel>
  /** What has become true for each side. */
  readonly notes: Record<Side, Note[]>
  readonly feed: (side: Side, input: Input) => void
}

function openPair(): Pair {
  const { publicKey } = currentEngine()
  const of = (text: string) => sha256(new TextEncoder().encode(text))
  const secrets = { opener: channelSecrets(of('opener')), accepter: channelSecrets(of('accepter')) }
  const draft: Draft = {
    terms: {
      network: 'regtest',
      nodeKey: publicKey(of('node')),
      feeratePerKw: 1_000,
      delayBlocks: 144,
      confirmationsMin: 1,
      capacityMin: sats(20_000n),
      capacityMax: sats(10_000_000n),
      amountMin: msats(1n),
      inFlightMax: inMsats(sats(1_000_000n)),
      htlcsMax: 8,
      marginBlocks: 18,
    },
    capacity: sats(10_000_000n),
    pushed: inMsats(sats(1_000_000n)),
    keys: sideKeysOf(secrets.opener, p2wpkh(publicKey(of('payout')))),
  }
  const accepterKeys = sideKeysOf(secrets.accepter, p2wpkh(publicKey(of('other payout'))))
  const channels: Record<Side, Channel> = {
    opener: openChannel(draft).channel,
    accepter: acceptChannel(draft, accepterKeys).channel,
  }
  const notes: Record<Side, Note[]> = { opener: [], accepter: [] }
  const feed = (side: Side, input: Input): void => {
    const step = penaltyStep(channels[side], input, secrets[side])
    channels[side] = step.channel
    for (const effect of step.effects) {
      if (effect.type === 'refused') throw new Error(`The ${side} refuses: ${effect.fault}.`)
      if (effect.type === 'persist') notes[side].push(...effect.notes)
      if (effect.type === 'send') feed(otherSide(side), { type: 'message', message: effect.message })
    }
  }
  feed('opener', { type: 'message', message: { type: 'accept', keys: accepterKeys } })
  feed('opener', { type: 'funding', transaction: fundingOfDraft(draft, accepterKeys) })
  const view = { height: height(110), fundedAt: height(100), isSpent: false }
  for (const side of ['opener', 'accepter'] as const) feed(side, { type: 'chain', view })
  for (const side of ['opener', 'accepter'] as const) feed(side, { type: 'reconnected', random: new Uint8Array(16) })
  return { channels, notes, feed }
}

function payer({ channels, feed }: Pair): () => void {
  const change = { type: 'pay', amount: msats(1_000n), paymentId: new Uint8Array(16) } as const
  return () => {
    const before = numberOf(channels.accepter)
    feed('opener', { type: 'propose', changes: [change] })
    if (numberOf(channels.accepter) !== before + 1) throw new Error('The payment was not taken.')
  }
}

/** Four updates' worth of words in two: the opener offers, the accepter takes, and hands the turn back. */
function offerer({ channels, feed }: Pair): () => void {
  const preimage = new Uint8Array(32).fill(7)
  let id = 0
  return () => {
    const htlc = { amount: msats(2_000_000n), paymentHash: sha256(preimage), expiry: height(600_000) }
    feed('opener', { type: 'propose', changes: [{ type: 'add', id, ...htlc }] })
    feed('accepter', { type: 'ask' })
    feed('accepter', { type: 'propose', changes: [{ type: 'fulfil', id, preimage }] })
    feed('opener', { type: 'ask' })
    id += 1
    if (!isLive(channels.opener) || channels.opener.base.htlcs.length > 0) throw new Error('The HTLC was not taken.')
  }
}

/** A payment over two channels: offered, offered on, taken, and taken in turn. The hub's record is made beside the channels'. */
function passer(): () => void {
  const [first, second] = [openPair(), openPair()]
  const [from, to] = [channelId(`0x${'0a'.repeat(32)}`), channelId(`0x${'0b'.repeat(32)}`)]
  const terms: HubTerms = { fee: msats(1_000n), deltaBlocks: 72, leftBlocksMin: 40, forwardsMax: 16 }
  const tip = height(110)
  const preimage = new Uint8Array(32).fill(7)
  const paymentHash = sha256(preimage)
  let hub = hubStep(emptyHub, { type: 'order', order: { paymentHash, to } }, terms)
  const hear = (pair: Pair, channel: ChannelId, own: Side): void => {
    const notes = pair.notes[own].splice(0)
    hub = hubStep(hub, { type: 'noted', channel, own, notes, tip }, terms)
  }
  const pass = (pair: Pair, channel: ChannelId, own: Side): void => {
    const live = pair.channels[own]
    if (!isLive(live)) return
    for (const known of hubPreimages(hub, channel, live)) pair.feed(own, { type: 'learn', preimage: known })
    const changes = hubChanges(hub, channel, pair.channels[own] as LiveChannel)
    hub = hubStep(hub, { type: 'proposed', channel, changes }, terms)
    pair.feed(own, { type: 'propose', changes })
    hub = hubStep(hub, { type: 'swept', channel, live: pair.channels[own] as LiveChannel, tip }, terms)
    encodeHub(hub)
  }
  let id = 0
  return () => {
    const htlc = { amount: msats(2_001_000n), paymentHash, expiry: height(600_000) }
    first.feed('opener', { type: 'propose', changes: [{ type: 'add', id, ...htlc }] })
    hear(first, from, 'accepter')
    pass(second, to, 'opener')
    second.feed('accepter', { type: 'ask' })
    second.feed('accepter', { type: 'learn', preimage })
    second.feed('accepter', { type: 'propose', changes: [{ type: 'fulfil', id, preimage }] })
    second.feed('opener', { type: 'ask' })
    hear(second, to, 'opener')
    first.feed('accepter', { type: 'ask' })
    pass(first, from, 'accepter')
    first.feed('opener', { type: 'ask' })
    id += 1
    for (const notes of [first.notes.opener, second.notes.accepter]) notes.length = 0
    if (hub.forwards.length > 0) throw new Error('The payment hangs.')
  }
}

function numberOf(channel: Channel): number {
  return isLive(channel) ? channel.base.number : -1
}

function msOf(run: () => void): number {
  const start = performance.now()
  run()
  return performance.now() - start
}
