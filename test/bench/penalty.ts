import { useFastEngine } from '../../edge/executor/parallel/fastEngine.ts'
import { secretAt, secretIndex, withSecret } from '../../sdk/bitcoin/bolt3/index.ts'
import { p2wpkh } from '../../sdk/bitcoin/index.ts'
import {
  acceptChannel,
  type Channel,
  channelSecrets,
  type Draft,
  encodeChannel,
  type Input,
  isLive,
  type LiveChannel,
  openChannel,
  otherSide,
  penaltyStep,
  type Side,
  sideKeysOf,
} from '../../sdk/channel/penalty/index.ts'
import { currentEngine, nobleEngine, sha256, useEngine } from '../../sdk/crypto/index.ts'
import { height, inMsats, msats, sats } from '../../sdk/units.ts'
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
  useFastEngine()
  yield { name: 'two-way updates, both sides, on WebAssembly', value: fastest(payer(openPair())), unit: '/s', ...none }
  useEngine(nobleEngine)
  if (!isLive(pair.channels.opener)) return
  const long = afterLong(pair.channels.opener)
  const name = `two-way record after ${longRounds.toLocaleString('en')} updates`
  yield { name, value: encodeChannel(long).length, unit: 'bytes', ...none }
  yield { name: `${name}, secrets kept`, value: long.secrets.filter(Boolean).length, unit: '', ...none }
}

function fastest(run: () => void): number {
  let best = Number.POSITIVE_INFINITY
  for (let at = 0; at < warmUp; at++) run()
  for (let round = 0; round < rounds; round++) best = Math.min(best, msOf(run))
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
  const feed = (side: Side, input: Input): void => {
    const step = penaltyStep(channels[side], input, secrets[side])
    channels[side] = step.channel
    for (const effect of step.effects) {
      if (effect.type === 'refused') throw new Error(`The ${side} refuses: ${effect.fault}.`)
      if (effect.type === 'send') feed(otherSide(side), { type: 'message', message: effect.message })
    }
  }
  feed('opener', { type: 'message', message: { type: 'accept', keys: accepterKeys } })
  feed('opener', { type: 'funding', transaction: fundingOfDraft(draft, accepterKeys) })
  const view = { height: height(110), fundedAt: height(100), isSpent: false }
  for (const side of ['opener', 'accepter'] as const) feed(side, { type: 'chain', view })
  for (const side of ['opener', 'accepter'] as const) feed(side, { type: 'reconnected', random: new Uint8Array(16) })
  return { channels, feed }
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

function numberOf(channel: Channel): number {
  return isLive(channel) ? channel.base.number : -1
}

function msOf(run: () => void): number {
  const start = performance.now()
  run()
  return performance.now() - start
}
