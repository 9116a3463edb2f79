import {
  answerHtlc,
  decodeHub,
  emptyHub,
  encodeHub,
  type Hub,
  type HubTerms,
  hubChanges,
  hubPreimages,
  hubStep,
  hubWantsTurn,
  openPush,
  type Push,
  sealPush,
} from '../../../../sdk/channel/hub/index.ts'
import {
  type Change,
  type Channel,
  type ChannelSecrets,
  decodeChannel,
  encodeChannel,
  type Htlc,
  type Input,
  type LiveChannel,
  type Message,
  type Note,
  otherSide,
  ownContent,
  penaltyStep,
  proposerOf,
  type Side,
} from '../../../../sdk/channel/penalty/index.ts'
import { currentEngine, sha256 } from '../../../../sdk/crypto/engine.ts'
import { channelId, type Height, height, msats, sameBytes } from '../../../../sdk/units.ts'
import { must } from '../../bitcoin/must.ts'
import { bytesOf, live, opened, type Pair } from '../penalty/pair.ts'

/** Payer and hub share the first channel, hub and payee the second one. */
export const channelIds = [channelId(`0x${'0a'.repeat(32)}`), channelId(`0x${'0b'.repeat(32)}`)] as const
export const hubTerms: HubTerms = { fee: msats(1_000n), deltaBlocks: 72, leftBlocksMin: 40, forwardsMax: 16 }
export const tip: Height = height(110)
const payeeKey = bytesOf('payee node')

type Party = 'payer' | 'hub' | 'payee'

/** One end of one channel. */
interface End {
  readonly party: Party
  readonly channel: 0 | 1
  readonly side: Side
}

const ends: readonly End[] = [
  { party: 'payer', channel: 0, side: 'opener' },
  { party: 'hub', channel: 0, side: 'accepter' },
  { party: 'hub', channel: 1, side: 'opener' },
  { party: 'payee', channel: 1, side: 'accepter' },
]

/** What a payment should come to, and what it came to. */
interface Payment {
  readonly preimage: Uint8Array
  readonly amount: bigint
  readonly isWanted: boolean
  readonly push: Push | null
  isSent: boolean
  /** The payer has the preimage. */
  isProven: boolean
  /** The payee took it. */
  isTaken: boolean
}

export interface World {
  readonly pairs: readonly [Pair, Pair]
  hub: Hub
  readonly payments: Payment[]
  /** Messages on their way, by the end they go to. */
  readonly queues: Map<End, Message[]>
  readonly random: () => number
  readonly step: typeof hubStep
  faults: number
  seen: number
}

/** Chance that is the same for the same seed (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let word = Math.imul(state ^ (state >>> 15), state | 1)
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61)
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32
  }
}

const first = /* @__PURE__ */ new Map<string, Pair>()

/** A pair that was opened once: states are values, so each world begins with its own copy. */
function openedOnce(name: string, pushed: bigint): Pair {
  const known = first.get(name) ?? opened({ name, pushed })
  first.set(name, known)
  const both = <value>(list: Record<Side, value[]>) => ({ opener: [...list.opener], accepter: [...list.accepter] })
  return {
    ...known,
    channels: { ...known.channels },
    notes: both(known.notes),
    sent: both(known.sent),
    broadcast: both(known.broadcast),
  }
}

/** @param step - The hub's own, or a wrong one that the world has to find out. */
export function createWorld(seed: number, step: typeof hubStep = hubStep): World {
  const random = chance(seed)
  const payments: Payment[] = []
  for (let at = 0; at < 3; at++) {
    // The last two may have one hash and one amount: two HTLCs that nothing but their numbers tells apart.
    const twin = at === 2 && random() < 0.5 ? payments[1] : undefined
    const preimage = bytesOf(`payment ${at}`)
    const isPush = random() < 0.3
    const push = isPush ? sealPush(currentEngine().publicKey(payeeKey), preimage, bytesOf(`once ${at}`)) : null
    const flags = { isSent: false, isProven: false, isTaken: false }
    const wish = twin ?? { preimage, amount: 40_000_000n, isWanted: random() < 0.75, push }
    payments.push({ ...wish, ...flags })
  }
  const world: World = {
    pairs: [openedOnce('hub one', 300_000n), openedOnce('hub two', 100_000n)],
    hub: emptyHub,
    payments,
    queues: new Map(ends.map((end) => [end, []])),
    random,
    step,
    faults: 6,
    seen: 0,
  }
  for (const { preimage } of payments)
    world.hub = hubStep(
      world.hub,
      { type: 'order', order: { paymentHash: sha256(preimage), to: channelIds[1] } },
      hubTerms,
    )
  return world
}

/** Lets chance happen, then heals, and lets everything come to its end. */
export function runWorld(world: World, events: number): void {
  for (let at = 0; at < events; at++) {
    happen(world)
    check(world)
  }
  world.faults = 0
  for (const end of ends) restart(world, end)
  for (let round = 0; round < 400; round++) {
    const isBusy = ends.map((end) => deliver(world, end)).some(Boolean)
    const isActive = ends.map((end) => act(world, end)).some(Boolean)
    check(world)
    if (isBusy || isActive || send(world)) continue
    checkEnd(world)
    return
  }
  throw new Error('After healing it does not come to an end.')
}

/** The payer sends all that it has to, and the hub takes it, before anything is passed on. */
export function sendAll(world: World): void {
  const [payer, hub] = [ends[0] as End, ends[1] as End]
  for (let round = 0; round < 40; round++) {
    send(world)
    while (deliver(world, hub) || deliver(world, payer));
  }
}

function happen(world: World): void {
  const end = ends[Math.floor(world.random() * ends.length)] as End
  const draw = world.random()
  if (draw < 0.15) send(world)
  else if (draw < 0.5) act(world, end)
  else if (draw < 0.93 || world.faults === 0) deliver(world, end)
  else {
    world.faults -= 1
    if (draw < 0.96) queueOf(world, end).shift()
    restart(world, end)
  }
}

function send(world: World): boolean {
  const payment = world.payments.find(({ isSent }) => !isSent)
  const end = ends[0] as End
  const channel = channelOf(world, end)
  if (!payment || channel.phase !== 'open' || channel.exchange.state !== 'idle') return false
  if (proposerOf(channel) !== end.side) return feedEnd(world, end, { type: 'ask' })
  const expiry = height(tip + hubTerms.deltaBlocks + 60)
  const id = channel.base.added[end.side]
  const amount = msats(payment.amount + hubTerms.fee)
  const change: Change = { type: 'add', id, amount, paymentHash: sha256(payment.preimage), expiry }
  payment.isSent = feedEnd(world, end, { type: 'propose', changes: [change] })
  return payment.isSent
}

/** What an end does of itself. True when it did something that it can do no more. */
function act(world: World, end: End): boolean {
  const channel = channelOf(world, end)
  if (end.party === 'hub') return actHub(world, end, channel)
  if (end.party === 'payer' || channel.exchange.state !== 'idle') return false
  // What a payee asked for once it takes once: another payment of the same hash is given back.
  const open = world.payments.filter(({ isTaken }) => !isTaken)
  const changes = channel.base.htlcs.flatMap((htlc) => {
    if (htlc.by === end.side) return []
    const at = open.findIndex((one) => one.isWanted && sameBytes(sha256(one.preimage), htlc.paymentHash))
    const isAsked = !world.payments.some((one) => one.isTaken && sameBytes(sha256(one.preimage), htlc.paymentHash))
    const payment = isAsked ? open[at] : undefined
    for (const one of [...open]) if (payment && one.preimage === payment.preimage) open.splice(open.indexOf(one), 1)
    return [answerOf(payment, htlc)]
  })
  if (changes.length === 0) return false
  if (proposerOf(channel) !== end.side) return feedEnd(world, end, { type: 'ask' }) && false
  for (const change of changes)
    if (change.type === 'fulfil') feedEnd(world, end, { type: 'learn', preimage: change.preimage })
  if (!feedEnd(world, end, { type: 'propose', changes })) return false
  for (const change of changes)
    if (change.type === 'fulfil') {
      const taken = world.payments.find((one) => !one.isTaken && sameBytes(one.preimage, change.preimage))
      if (taken) taken.isTaken = true
    }
  return true
}

function answerOf(payment: Payment | undefined, htlc: Htlc) {
  const pushed = payment?.push && openPush(payment.push, payeeKey)
  const preimage = pushed ? must(pushed) : payment?.preimage
  const expected = payment && preimage ? { preimage, amount: msats(payment.amount) } : null
  return answerHtlc(htlc, expected, { tip, leftBlocksMin: 40 })
}

function actHub(world: World, end: End, channel: LiveChannel): boolean {
  const id = channelIds[end.channel]
  const before = world.hub
  world.hub = world.step(world.hub, { type: 'swept', channel: id, live: channel, tip }, hubTerms)
  for (const preimage of hubPreimages(world.hub, id, channel)) feedEnd(world, end, { type: 'learn', preimage })
  const changes = hubChanges(world.hub, id, channelOf(world, end))
  if (hubWantsTurn(world.hub, id, channel)) feedEnd(world, end, { type: 'ask' })
  if (changes.length === 0 || proposerOf(channel) !== end.side)
    return world.hub.forwards.length !== before.forwards.length
  const hub = world.step(world.hub, { type: 'proposed', channel: id, changes }, hubTerms)
  // One commit: the channel's step and the hub's.
  const isProposed = feedEnd(world, end, { type: 'propose', changes })
  if (isProposed) world.hub = hub
  return isProposed
}

function deliver(world: World, end: End): boolean {
  const message = queueOf(world, end).shift()
  if (!message) return false
  if (world.random() < 0.05 && world.faults > 0) queueOf(world, end).push(message)
  feedEnd(world, end, { type: 'message', message })
  return true
}

/** A process starts again: it has what it stored, and greets. */
function restart(world: World, end: End): void {
  const pair = world.pairs[end.channel]
  pair.channels[end.side] = must(decodeChannel(encodeChannel(pair.channels[end.side])))
  if (end.party === 'hub') world.hub = must(decodeHub(encodeHub(world.hub)))
  feedEnd(world, end, { type: 'chain', view: { height: tip, fundedAt: height(101), isSpent: false } })
  world.seen += 1
  feedEnd(world, end, { type: 'reconnected', random: bytesOf(`greeting ${world.seen}`, 16) })
}

/** One step of one end, its commit, and its messages on their way. True when it was not refused. */
function feedEnd(world: World, end: End, input: Input): boolean {
  const pair = world.pairs[end.channel]
  const secrets = pair.secrets[end.side] as ChannelSecrets
  const { channel, effects } = penaltyStep(pair.channels[end.side], input, secrets)
  pair.channels[end.side] = channel as Channel
  for (const effect of effects) {
    if (effect.type === 'persist') note(world, end, effect.notes)
    if (effect.type === 'send') queueOf(world, otherEnd(end)).push(effect.message)
  }
  return !effects.some(({ type }) => type === 'refused')
}

function note(world: World, end: End, notes: readonly Note[]): void {
  if (end.party === 'hub' && notes.length > 0) {
    const input = { type: 'noted', channel: channelIds[end.channel], own: end.side, notes, tip } as const
    world.hub = world.step(world.hub, input, hubTerms)
  }
  if (end.party !== 'payer') return
  for (const one of notes)
    if (one.type === 'fulfilled') {
      const proven = world.payments.find((payment) => !payment.isProven && sameBytes(payment.preimage, one.preimage))
      if (!proven) throw new Error('The payer paid for nothing.')
      proven.isProven = true
    }
}

/** What the hub has to lose is never more than what pays it. */
function check(world: World): void {
  const [one, two] = [channelOf(world, ends[1] as End), channelOf(world, ends[2] as End)]
  // What it holds itself: an HTLC whose preimage was told stands in the other side's commitment for a while.
  for (const htlc of ownContent(two).htlcs) {
    if (htlc.by !== 'opener') continue
    const forward = world.hub.forwards.find(({ state }) => state.kind === 'out' && state.id === htlc.id)
    const paying = forward && one.base.htlcs.find((other) => other.by === 'opener' && other.id === forward.htlc.id)
    if (!paying) throw new Error(`HTLC ${htlc.id} of the hub is paid by nobody.`)
    if (paying.expiry < htlc.expiry + hubTerms.deltaBlocks) throw new Error('The hub has no time.')
  }
}

function checkEnd(world: World): void {
  const [payer, hubIn, hubOut, payee] = ends.map((end) => channelOf(world, end)) as [
    LiveChannel,
    LiveChannel,
    LiveChannel,
    LiveChannel,
  ]
  for (const channel of [payer, hubIn, hubOut, payee])
    if (channel.base.htlcs.length > 0 || channel.exchange.state !== 'idle') throw new Error('Something hangs.')
  if (world.hub.forwards.length > 0) throw new Error('The hub has something left.')
  const paid = world.payments.filter(({ isProven }) => isProven)
  if (!world.payments.every(({ isSent }) => isSent)) throw new Error('A payment was not sent.')
  for (const { preimage, isWanted } of world.payments) {
    const same = world.payments.filter((one) => one.preimage === preimage)
    const count = (is: (one: Payment) => boolean) => same.filter(is).length
    const wanted = isWanted ? 1 : 0
    if (count(({ isProven }) => isProven) !== wanted || count(({ isTaken }) => isTaken) !== wanted)
      throw new Error('A payment was made by halves.')
  }
  const sum = paid.reduce((total, { amount }) => total + amount, 0n)
  const fees = BigInt(paid.length) * hubTerms.fee
  const [start0, start1] = [700_000_000n, 900_000_000n]
  const expected = [start0 - sum - fees, 300_000_000n + sum + fees, start1 - sum, 100_000_000n + sum]
  const found = [
    payer.base.balance.opener,
    hubIn.base.balance.accepter,
    hubOut.base.balance.opener,
    payee.base.balance.accepter,
  ]
  if (expected.join() !== found.join()) throw new Error(`Amounts are ${found}, not ${expected}.`)
}

function channelOf(world: World, { channel, side }: End): LiveChannel {
  return live(world.pairs[channel], side)
}

function queueOf(world: World, end: End): Message[] {
  return world.queues.get(end) as Message[]
}

function otherEnd({ channel, side }: End): End {
  return ends.find((end) => end.channel === channel && end.side === otherSide(side)) as End
}

/** For messages of failures. */
export function told(world: World): string {
  return world.hub.forwards.map(({ from, htlc, state }) => `${from.slice(0, 4)} ${htlc.id} ${state.kind}`).join(', ')
}
