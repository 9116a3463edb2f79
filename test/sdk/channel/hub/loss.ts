import {
  type CopiedForwards,
  decodeHub,
  emptyHub,
  encodeHub,
  forwardsFrom,
  forwardsItem,
  forwardsOver,
  type Hub,
  hubChanges,
  hubPreimages,
  hubStep,
  hubWantsTurn,
  withCopies,
} from '../../../../sdk/channel/hub/index.ts'
import {
  type Change,
  type ChannelSecrets,
  decodeChannel,
  encodeChannel,
  type Htlc,
  type Input,
  isLive,
  type LiveChannel,
  type Message,
  type Note,
  ownContent,
  penaltyStep,
  proposerOf,
  type Resolution,
  type Side,
} from '../../../../sdk/channel/penalty/index.ts'
import { sha256 } from '../../../../sdk/crypto/engine.ts'
import { height, msats, sameBytes } from '../../../../sdk/units.ts'
import { must } from '../../bitcoin/must.ts'
import { bytesOf, live, opened, proven } from '../penalty/pair.ts'
import { channelIds, hubTerms, tip } from './world.ts'

/**
 * A hub that keeps a copy of each channel and loses everything else, between any two steps of payments that go over it. Copies come before
 * messages [TW42], but each of its own time: one may be newer than the other.
 */
type EndName = 'payer' | 'in' | 'out' | 'payee'

export const ends: Readonly<
  Record<EndName, { readonly channel: 0 | 1; readonly side: Side; readonly other: EndName }>
> = {
  payer: { channel: 0, side: 'opener', other: 'in' },
  in: { channel: 0, side: 'accepter', other: 'payer' },
  out: { channel: 1, side: 'opener', other: 'payee' },
  payee: { channel: 1, side: 'accepter', other: 'out' },
}
export const names = Object.keys(ends) as EndName[]
const isHub = (end: EndName): end is 'in' | 'out' => end === 'in' || end === 'out'

export interface Payment {
  readonly preimage: Uint8Array
  readonly amount: bigint
  /** A payee takes every HTLC of what it wants, however often it comes. */
  readonly isWanted: boolean
  /** Sent when everything before has come to its end. */
  readonly isLate: boolean
}

interface Copy {
  readonly number: number
  readonly channel: Uint8Array
  readonly forwards: ReturnType<typeof forwardsItem>
}

/** States are values, so that a world is gone on from as often as one likes. */
export interface LossWorld {
  channels: Readonly<Record<EndName, LiveChannel>>
  hub: Hub
  toward: Readonly<Record<EndName, readonly Message[]>>
  /** What waits for a copy of its number. */
  held: readonly { readonly end: 'in' | 'out'; readonly number: number; readonly message: Message }[]
  versions: readonly [number, number]
  greetings: number
  copies: readonly [Copy, Copy]
  sent: number
  /** By the payment's place: how often its payer has a proof, and its payee has taken it. */
  proofs: readonly number[]
  taken: readonly number[]
  /** The payee went to the chain, and this is what the hub sees there. */
  chain: Pick<Resolution, 'kind' | 'learned'> | null
  /** The copy of the channel with the payee was an old one: it is never gone on from. [TW44] */
  isOld: boolean
}

export interface LossSetting {
  readonly payments: readonly Payment[]
  readonly secrets: Readonly<Record<EndName, ChannelSecrets>>
  readonly merge: typeof withCopies
  /** The first copy of the channel with the payee. */
  oldest: Copy
}

/** What the hub comes back to. */
export interface Loss {
  readonly areBoxesEmpty: boolean
  /** `chain`: the payee closes alone. `old`: so it does, and of its channel there is nothing but the first copy. */
  readonly payee: 'there' | 'chain' | 'old'
}

/** Channels whose copies are kept as soon as a state is stored; others when nothing else is left to be done. */
export type Eager = readonly [boolean, boolean]

const movesMax = 400

export function firstWorld(payments: readonly Payment[], merge: typeof withCopies = withCopies) {
  const pairs = [opened({ name: 'one', pushed: 300_000n }), opened({ name: 'two', pushed: 100_000n })] as const
  const each = <value>(of: (end: EndName) => value) =>
    Object.fromEntries(names.map((end) => [end, of(end)])) as Record<EndName, value>
  const nothing: Copy = { number: 0, channel: new Uint8Array(0), forwards: [] }
  const setting: LossSetting = {
    payments,
    oldest: nothing,
    secrets: each((end) => pairs[ends[end].channel].secrets[ends[end].side]),
    merge,
  }
  const world: LossWorld = {
    channels: each((end) => live(pairs[ends[end].channel], ends[end].side)),
    hub: payments.reduce(ordered, emptyHub),
    toward: each(() => []),
    held: [],
    versions: [1, 1],
    greetings: 0,
    copies: [nothing, nothing],
    sent: 0,
    proofs: payments.map(() => 0),
    taken: payments.map(() => 0),
    chain: null,
    isOld: false,
  }
  keep(world, 0)
  keep(world, 1)
  setting.oldest = world.copies[1]
  return { world, setting }
}

function ordered(hub: Hub, { preimage }: Payment): Hub {
  const order = { paymentHash: sha256(preimage), to: channelIds[1] }
  return hubStep(hub, { type: 'order', order }, hubTerms)
}

/** Goes on to the end, and calls before each move. */
export function runToEnd(
  world: LossWorld,
  setting: LossSetting,
  eager: Eager,
  before: (move: string) => void = () => undefined,
): void {
  for (let count = 0; count < movesMax; count++) {
    const move = nextMove(world, setting, eager)
    if (!move) return
    before(move.name)
    move.run()
  }
  throw new Error('It does not come to an end.')
}

interface Move {
  readonly name: string
  readonly run: () => void
}

function nextMove(world: LossWorld, setting: LossSetting, eager: Eager): Move | null {
  const behind = ([0, 1] as const).filter((at) => isBehind(world, at))
  const keeping = (at: 0 | 1): Move => ({ name: `keep ${at}`, run: () => keep(world, at) })
  const now = behind.find((at) => eager[at])
  if (now !== undefined) return keeping(now)
  for (const end of ['out', 'in', 'payee', 'payer'] as const)
    if (world.toward[end].length > 0) return { name: `tell ${end}`, run: () => deliver(world, setting, end) }
  for (const end of ['in', 'out', 'payee', 'payer'] as const) {
    // Tried on a fork: what it does there is what the move will do.
    const tried = { ...world }
    if (act(tried, setting, end)) return { name: `act ${end}`, run: () => void Object.assign(world, tried) }
  }
  const [first] = behind
  if (first !== undefined) return keeping(first)
  const waiting = names.find((end) => {
    return world.channels[end].exchange.state !== 'idle' && !(world.chain && ends[end].channel === 1)
  })
  if (waiting) return { name: `greet for ${waiting}`, run: () => greet(world, setting, waiting) }
  const tried = { ...world }
  return send(tried, setting, true) ? { name: 'send late', run: () => void Object.assign(world, tried) } : null
}

/** The disk is gone: what is left is what places keep, and what is in the boxes. */
export function lose(world: LossWorld, setting: LossSetting, { areBoxesEmpty, payee }: Loss): LossWorld {
  const lost = { ...world, held: [], isOld: payee === 'old' }
  const copies: CopiedForwards[] = []
  for (const end of ['in', 'out'] as const) {
    const { channel } = ends[end]
    const copy = lost.isOld && end === 'out' ? setting.oldest : world.copies[channel]
    const read = must(decodeChannel(copy.channel, 'backup'))
    if (!isLive(read)) throw new Error('It was open.')
    lost.channels = { ...lost.channels, [end]: read }
    const forwards = forwardsFrom(channelIds[channel], copy.forwards)
    if (!forwards) throw new Error('What a copy says is read.')
    copies.push({ channel: channelIds[channel], forwards })
    lost.versions = withAt(lost.versions, channel, copy.number + 1_000)
    if (areBoxesEmpty) lost.toward = { ...lost.toward, [end]: [] }
  }
  // The orders of what is on its way are lost; what is asked for later is ordered anew.
  const orders = setting.payments.filter(({ isLate }) => isLate).reduce(ordered, emptyHub)
  lost.hub = must(decodeHub(encodeHub(setting.merge(orders, copies))))
  if (payee !== 'there') closeByPayee(lost, setting)
  for (const end of ['in', 'out'] as const) {
    feedEnd(lost, setting, end, { type: 'chain', view: proven })
    greet(lost, setting, end)
  }
  return lost
}

/** Whoever waits in vain greets, and so does who begins. [TW26] */
function greet(world: LossWorld, setting: LossSetting, end: EndName): void {
  world.greetings += 1
  feedEnd(world, setting, end, { type: 'reconnected', random: bytesOf(`greeting ${world.greetings}`, 16) })
}

/** The payee broadcasts its commitment, and takes there what it can. What is said in its channel arrives no more. */
function closeByPayee(world: LossWorld, { payments }: LossSetting): void {
  const { base, exchange } = world.channels.out
  const content = ownContent(world.channels.payee)
  const isKnown = content.number === base.number || (exchange.state !== 'idle' && content.number === base.number + 1)
  // TW42: nothing left that no copy holds.
  if (!isKnown && !world.isOld) throw new Error('The restored side does not know the commitment.')
  const learned = content.htlcs.flatMap((htlc) => {
    const at = placeOf(payments, htlc)
    const payment = payments[at]
    if (htlc.by !== 'opener' || !payment?.isWanted) return []
    if (world.taken[at] === 0) world.taken = raised(world.taken, at)
    return [{ htlc, preimage: payment.preimage }]
  })
  world.chain = isKnown ? { kind: 'peer', learned } : { kind: 'newer', learned: [] }
  world.toward = { ...world.toward, payee: [], out: [] }
}

function act(world: LossWorld, setting: LossSetting, end: EndName): boolean {
  if (end === 'payer') return send(world, setting, false)
  if (world.chain && ends[end].channel === 1) return end === 'out' && settle(world, end)
  return isHub(end) ? actHub(world, setting, end) : answer(world, setting)
}

function send(world: LossWorld, setting: LossSetting, isLate: boolean): boolean {
  const payment = setting.payments[world.sent]
  const { payer } = world.channels
  if (!payment || payment.isLate !== isLate || payer.exchange.state !== 'idle' || (isLate && world.chain)) return false
  if (proposerOf(payer) !== 'opener') return asked(world, setting, 'payer')
  const change: Change = {
    ...{ type: 'add', id: payer.base.added.opener, amount: msats(payment.amount + hubTerms.fee) },
    ...{ paymentHash: sha256(payment.preimage), expiry: height(tip + hubTerms.deltaBlocks + 60) },
  }
  if (!feedEnd(world, setting, 'payer', { type: 'propose', changes: [change] })) return false
  world.sent += 1
  return true
}

function answer(world: LossWorld, setting: LossSetting): boolean {
  const { base, exchange } = world.channels.payee
  const htlcs = base.htlcs.filter(({ by }) => by === 'opener')
  if (exchange.state !== 'idle' || htlcs.length === 0) return false
  if (proposerOf(world.channels.payee) !== 'accepter') return asked(world, setting, 'payee')
  const changes = htlcs.map((htlc): Change => {
    const payment = setting.payments[placeOf(setting.payments, htlc)]
    return payment?.isWanted
      ? { type: 'fulfil', id: htlc.id, preimage: payment.preimage }
      : { type: 'fail', id: htlc.id, reason: 'unknown-payment' }
  })
  for (const change of changes)
    if (change.type === 'fulfil') feedEnd(world, setting, 'payee', { type: 'learn', preimage: change.preimage })
  if (!feedEnd(world, setting, 'payee', { type: 'propose', changes })) return false
  for (const htlc of htlcs) {
    const at = placeOf(setting.payments, htlc)
    if (setting.payments[at]?.isWanted) world.taken = raised(world.taken, at)
  }
  return true
}

/** What a hub's wallet does after each turn of a channel. */
function actHub(world: LossWorld, setting: LossSetting, end: 'in' | 'out'): boolean {
  const id = channelIds[ends[end].channel]
  let isDone = settle(world, end)
  for (const preimage of hubPreimages(world.hub, id, world.channels[end]))
    isDone = feedEnd(world, setting, end, { type: 'learn', preimage }) || isDone
  const channel = world.channels[end]
  if (channel.origin !== 'own') return isDone
  if (hubWantsTurn(world.hub, id, channel)) return asked(world, setting, end) || isDone
  const changes = hubChanges(world.hub, id, channel)
  if (changes.length === 0) return isDone
  const before = world.hub
  world.hub = hubStep(world.hub, { type: 'proposed', channel: id, changes }, hubTerms)
  if (feedEnd(world, setting, end, { type: 'propose', changes })) return true
  world.hub = before
  return isDone
}

function settle(world: LossWorld, end: 'in' | 'out'): boolean {
  const { channel: at, side } = ends[end]
  const [id, before] = [channelIds[at], world.hub]
  const channel = world.channels[end]
  const isOver = at === 1 && world.chain !== null
  if (channel.origin === 'own' || (isOver && !world.isOld))
    world.hub = hubStep(world.hub, { type: 'resumed', channel: id }, hubTerms)
  if (isOver && world.chain) {
    const resolution = { ...world.chain, isResolved: true }
    world.hub = hubStep(world.hub, { type: 'resolved', channel: id, own: side, resolution }, hubTerms)
  }
  if (channel.origin !== 'backup' && !isOver)
    world.hub = hubStep(world.hub, { type: 'swept', channel: id, live: channel, tip }, hubTerms)
  const isSame =
    before.forwards.length === world.hub.forwards.length &&
    before.forwards.every((one, place) => one === world.hub.forwards[place])
  return !isSame
}

/** Asks for the turn, unless that, or what follows from it, is on its way already. */
function asked(world: LossWorld, setting: LossSetting, end: EndName): boolean {
  const { channel, other } = ends[end]
  if (world.channels[end].exchange.state !== 'idle' || world.channels[other].session.isAsked) return false
  if (world.toward[other].length > 0 || world.held.some((one) => ends[one.end].channel === channel)) return false
  return feedEnd(world, setting, end, { type: 'ask' })
}

function deliver(world: LossWorld, setting: LossSetting, end: EndName): void {
  const [message, ...rest] = world.toward[end]
  world.toward = { ...world.toward, [end]: rest }
  if (message) feedEnd(world, setting, end, { type: 'message', message })
}

/** One step of one end, its commit, and its messages as far as they may leave. True when it was not refused. */
function feedEnd(world: LossWorld, setting: LossSetting, end: EndName, input: Input): boolean {
  const { channel: at, other } = ends[end]
  const { channel, effects } = penaltyStep(world.channels[end], input, setting.secrets[end])
  if (!isLive(channel) || channel.phase === 'behind' || channel.phase === 'ending')
    throw new Error(`The channel of ${end} is ${channel.phase}.`)
  world.channels = { ...world.channels, [end]: channel }
  for (const effect of effects) {
    if (effect.type === 'persist') stored(world, setting, end, effect.notes)
    if (effect.type !== 'send') continue
    const number = world.versions[at]
    if (isHub(end) && channel.origin === 'own' && world.copies[at].number < number)
      world.held = [...world.held, { end, number, message: effect.message }]
    else say(world, other, effect.message)
  }
  // TW43: as a wallet does, where no message left before a copy was kept.
  const mayGoOn = end === 'in' || (end === 'out' && !world.isOld)
  if (mayGoOn && channel.origin !== 'own' && channel.session.isMet) {
    world.channels = { ...world.channels, [end]: { ...channel, origin: 'own' } }
    stored(world, setting, end, [])
  }
  return !effects.some(({ type }) => type === 'refused')
}

function stored(world: LossWorld, { payments }: LossSetting, end: EndName, notes: readonly Note[]): void {
  const { channel: at, side } = ends[end]
  if (isHub(end)) {
    const input = { type: 'noted', channel: channelIds[at], own: side, notes, tip } as const
    if (notes.length > 0) world.hub = hubStep(world.hub, input, hubTerms)
    world.versions = withAt(world.versions, at, world.versions[at] + 1)
  }
  if (end !== 'payer') return
  for (const note of notes)
    if (note.type === 'fulfilled') world.proofs = raised(world.proofs, placeOf(payments, note.htlc))
}

function say(world: LossWorld, to: EndName, message: Message): void {
  if (world.chain && ends[to].channel === 1) return
  world.toward = { ...world.toward, [to]: [...world.toward[to], message] }
}

function isBehind({ copies, versions, channels, chain }: LossWorld, at: 0 | 1): boolean {
  const end = at === 0 ? 'in' : 'out'
  return copies[at].number < versions[at] && channels[end].origin === 'own' && !(at === 1 && chain)
}

function keep(world: LossWorld, at: 0 | 1): void {
  const [number, id] = [world.versions[at], channelIds[at]]
  const channel = encodeChannel(world.channels[at === 0 ? 'in' : 'out'])
  world.copies = withAt(world.copies, at, { number, channel, forwards: forwardsItem(id, forwardsOver(world.hub, id)) })
  const leaving = world.held.filter((one) => ends[one.end].channel === at && one.number <= number)
  world.held = world.held.filter((one) => !leaving.includes(one))
  for (const { end, message } of leaving) say(world, ends[end].other, message)
}

export function placeOf(payments: readonly Payment[], { paymentHash }: Pick<Htlc, 'paymentHash'>): number {
  return payments.findIndex(({ preimage }) => sameBytes(sha256(preimage), paymentHash))
}

function raised(counts: readonly number[], place: number): readonly number[] {
  return counts.map((count, at) => (at === place ? count + 1 : count))
}

function withAt<value>([first, second]: readonly [value, value], at: 0 | 1, next: value): readonly [value, value] {
  return at === 0 ? [next, second] : [first, next]
}
