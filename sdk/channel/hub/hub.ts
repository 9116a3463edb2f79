import { invariant, unreachable } from '../../errors.ts'
import { type ChannelId, type Height, height, type Msats, msats, sameBytes } from '../../units.ts'
import type { Resolution } from '../penalty/claims.ts'
import { type Change, changesMax, contentAfter, type FailReason, type Htlc } from '../penalty/content.ts'
import type { Note } from '../penalty/effects.ts'
import { type LiveChannel, proposerOf } from '../penalty/state.ts'
import { limitsOf, type Side } from '../penalty/terms.ts'

/** What a hub asks for passing a payment on. */
export interface HubTerms {
  /** Least that it keeps of each. */
  readonly fee: Msats
  /**
   * Blocks between the expiries of the HTLC that it pays and of the one that pays it.
   *
   * Funds at risk: time for everything that may go wrong with the first: to close its channel alone, to see there who took what, and
   * to claim the other one, deep enough and at any feerate. Below 72 a hub can be left paying by itself.
   */
  readonly deltaBlocks: number
  /** Least blocks that the HTLC it pays has left when it is offered. */
  readonly leftBlocksMin: number
  /** Most payments on their way. */
  readonly forwardsMax: number
}

/** A hash that a payee has told, and its channel: where payments of it are passed on. */
export interface Order {
  readonly paymentHash: Uint8Array
  readonly to: ChannelId
}

/**
 * A payment on its way. [HB1]
 *
 * - `waiting`: nothing of it is paid. `out`: the HTLC of this number is offered on, or may be: it is paid or not paid there.
 * - `paid`: who knows the preimage has it, and the hub takes the other HTLC by it. `back`: finally not paid; it is given back.
 * - `unsure`: read from a copy, and it may have been offered on since: nothing is done before that is known. [HB11]
 */
export interface Forward {
  readonly from: ChannelId
  /** That pays the hub. With `from` it is the payment's identity. */
  readonly htlc: Htlc
  readonly to: ChannelId
  readonly amount: Msats
  readonly expiry: Height
  readonly state:
    | { readonly kind: 'waiting' | 'unsure' }
    | { readonly kind: 'out'; readonly id: number }
    | { readonly kind: 'paid'; readonly preimage: Uint8Array }
    | { readonly kind: 'back'; readonly reason: FailReason }
}

/** Everything that a hub stores of what it passes on. */
export interface Hub {
  readonly orders: readonly Order[]
  readonly forwards: readonly Forward[]
}

/** Everything that happens to a hub. `notes` and `proposed` are stored in one commit with the channel's step that they come of. [HB2] */
export type HubInput =
  | { readonly type: 'order'; readonly order: Order }
  | { readonly type: 'withdraw'; readonly paymentHash: Uint8Array }
  | {
      readonly type: 'noted'
      readonly channel: ChannelId
      readonly own: Side
      readonly notes: readonly Note[]
      readonly tip: Height
    }
  /** What {@link hubChanges} said was proposed, and stored. */
  | { readonly type: 'proposed'; readonly channel: ChannelId; readonly changes: readonly Change[] }
  /** What the chain says of a channel that ended there. */
  | {
      readonly type: 'resolved'
      readonly channel: ChannelId
      readonly own: Side
      readonly resolution: Pick<Resolution, 'kind' | 'learned' | 'isResolved'>
    }
  /** A channel that came from a copy is known to have offered nothing but what the copy has. [HB11] */
  | { readonly type: 'resumed'; readonly channel: ChannelId }
  /** The channel has changed: what is over in it is forgotten, and what came too late to be passed on is given back. */
  | { readonly type: 'swept'; readonly channel: ChannelId; readonly live: LiveChannel; readonly tip: Height }

/** A hub that has passed nothing on. */
export const emptyHub: Hub = { orders: [], forwards: [] }

/** Most hashes that payees have told. */
export const ordersMax = 10_000

/** Most payments that a hub makes over one channel and that are not over yet, so that one copy of it holds them all. [HB3] [TW53] */
export const forwardsPerChannelMax = 12

/** Pure step of a hub. What changes is stored before anything follows from it. Rules [HB...] are those of SPEC.md. */
export function hubStep(hub: Hub, input: HubInput, terms: HubTerms): Hub {
  const next = decide(hub, input, terms)
  checkStep(hub, next, { input, terms })
  return next
}

function decide(hub: Hub, input: HubInput, terms: HubTerms): Hub {
  switch (input.type) {
    case 'order': {
      const rest = hub.orders.filter((one) => !sameBytes(one.paymentHash, input.order.paymentHash))
      return rest.length >= ordersMax ? hub : { ...hub, orders: [...rest, input.order] }
    }
    case 'withdraw':
      return { ...hub, orders: hub.orders.filter((one) => !sameBytes(one.paymentHash, input.paymentHash)) }
    case 'noted':
      return input.notes.reduce((before, note) => noted(before, input, note, terms), hub)
    case 'proposed':
      return proposed(hub, input.channel, input.changes)
    case 'resolved':
      return resolved(hub, input)
    case 'resumed':
      return changed(hub, (one) =>
        one.to === input.channel && one.state.kind === 'unsure' ? { ...one, state: { kind: 'waiting' } } : one,
      )
    case 'swept':
      return swept(hub, input, terms)
    default:
      return unreachable(input)
  }
}

function noted(hub: Hub, input: Extract<HubInput, { type: 'noted' }>, note: Note, terms: HubTerms): Hub {
  const { channel, own, tip } = input
  switch (note.type) {
    case 'offered':
      return withForward(hub, taken(hub, channel, note.htlc, tip, terms))
    case 'fulfilled':
      // HB5: by channel and number, never by hash or amount.
      return settled(hub, { channel, own, htlc: note.htlc }, { kind: 'paid', preimage: note.preimage })
    case 'failed':
      return settled(hub, { channel, own, htlc: note.htlc }, { kind: 'back', reason: 'no-way-on' })
    default:
      return hub
  }
}

/** HB11: a channel that came from a copy may say again what another channel's copy has gone on from. */
function withForward(hub: Hub, forward: Forward): Hub {
  const isKnown = hub.forwards.some((one) => isSameForward(one, forward))
  return isKnown ? hub : { ...hub, forwards: [...hub.forwards, forward] }
}

/** HB3: one that is final, pays the hub, and leaves it time. Any other is given back. */
function taken({ orders, forwards }: Hub, from: ChannelId, htlc: Htlc, tip: Height, terms: HubTerms): Forward {
  const order = orders.find(({ paymentHash }) => sameBytes(paymentHash, htlc.paymentHash))
  const amount = htlc.amount - terms.fee
  const expiry = htlc.expiry - terms.deltaBlocks
  const back = (reason: FailReason): Forward => {
    return { from, htlc, to: from, amount: htlc.amount, expiry: htlc.expiry, state: { kind: 'back', reason } }
  }
  if (!order || order.to === from || forwards.length >= terms.forwardsMax) return back('no-way-on')
  if (forwards.filter((one) => one.to === order.to).length >= forwardsPerChannelMax) return back('no-way-on')
  if (amount < 1n) return back('wrong-amount')
  if (expiry < tip + terms.leftBlocksMin) return back('expires-too-soon')
  return { from, htlc, to: order.to, amount: msats(amount), expiry: height(expiry), state: { kind: 'waiting' } }
}

interface Outgoing {
  readonly channel: ChannelId
  readonly own: Side
  readonly htlc: Htlc
}

/** What became of an HTLC that the hub offered. */
function settled(hub: Hub, { channel, own, htlc }: Outgoing, state: Forward['state']): Hub {
  if (htlc.by !== own) return hub
  return changed(hub, (one) => (isOut(one, channel, htlc.id) ? { ...one, state } : one))
}

function isOut({ to, state }: Forward, channel: ChannelId, id: number): boolean {
  return to === channel && state.kind === 'out' && state.id === id
}

/** HB2: an HTLC that may leave is known by its number from the very commit on. */
function proposed(hub: Hub, channel: ChannelId, changes: readonly Change[]): Hub {
  return changes.reduce((before, change) => {
    if (change.type !== 'add') return before
    const first = before.forwards.find((one) => isWaitingFor(one, channel, change))
    invariant(first, 'HB1: what is offered on pays for something')
    return changed(before, (one) => (one === first ? { ...one, state: { kind: 'out', id: change.id } } : one))
  }, hub)
}

/**
 * True for a payment that waits to be passed on by this very change of a channel. Another channel may have given it up since
 * {@link hubChanges} said so: look again before {@link hubStep} is told that it was proposed.
 */
export function isWaitingFor(
  { to, amount, htlc, expiry, state }: Forward,
  channel: ChannelId,
  change: Change,
): boolean {
  if (to !== channel || state.kind !== 'waiting' || change.type !== 'add') return false
  return amount === change.amount && expiry === change.expiry && sameBytes(htlc.paymentHash, change.paymentHash)
}

/** Ends of which this side knows every HTLC. [TW35] */
const knownEnds: readonly Resolution['kind'][] = ['own', 'peer', 'revoked']

/**
 * HB6: what the chain shows of a preimage pays; and when all is over there without one, it was not paid. HB11: unless what ended it is of
 * a state that this side does not know, in which an HTLC may have been paid.
 */
function resolved(hub: Hub, { channel, own, resolution }: Extract<HubInput, { type: 'resolved' }>): Hub {
  const paid = resolution.learned.reduce(
    (before, { htlc, preimage }) => settled(before, { channel, own, htlc }, { kind: 'paid', preimage }),
    hub,
  )
  if (!resolution.isResolved) return paid
  const isKnown = knownEnds.includes(resolution.kind)
  const isLeft = ({ to, state }: Forward) =>
    to === channel && (state.kind === 'waiting' || (state.kind === 'out' && isKnown))
  return changed(paid, (one) => (isLeft(one) ? { ...one, state: { kind: 'back', reason: 'no-way-on' } } : one))
}

function swept(hub: Hub, { channel, live, tip }: Extract<HubInput, { type: 'swept' }>, terms: HubTerms): Hub {
  const { base, exchange } = live
  const contents = exchange.state === 'idle' ? [base] : [base, exchange.next]
  const isThere = ({ by, id }: Htlc) =>
    contents.some(({ htlcs }) => htlcs.some((one) => one.by === by && one.id === id))
  const isOver = (one: Forward) =>
    one.from === channel && !isThere(one.htlc) && (isSettled(one) || isLapsed(one, tip) || one.state.kind === 'unsure')
  const isLate = ({ expiry, state }: Forward) => state.kind === 'waiting' && expiry < tip + terms.leftBlocksMin
  const kept = hub.forwards.filter((one) => !isOver(one))
  const forwards = kept.map((one) =>
    isLate(one) ? { ...one, state: { kind: 'back', reason: 'expires-too-soon' } as const } : one,
  )
  return { ...hub, forwards }
}

function isSettled({ state }: Forward): boolean {
  return state.kind === 'paid' || state.kind === 'back'
}

/** True where the payer can have its HTLC back by itself: by what becomes of the other one the hub gets nothing any more. */
function isLapsed({ htlc }: Forward, tip: Height): boolean {
  return tip >= htlc.expiry
}

function changed(hub: Hub, change: (one: Forward) => Forward): Hub {
  return { ...hub, forwards: hub.forwards.map(change) }
}

/** A preimage that the channel has to be told before anything else: it is stored there with the channel. [HB4] */
export function hubPreimages(hub: Hub, channel: ChannelId, live: LiveChannel): readonly Uint8Array[] {
  return hub.forwards.flatMap(({ from, htlc, state }) => {
    if (from !== channel || state.kind !== 'paid') return []
    const isThere = live.base.htlcs.some(({ by, id }) => by === htlc.by && id === htlc.id)
    const isKnown = live.preimages.some((known) => sameBytes(known, state.preimage))
    return isThere && !isKnown ? [state.preimage] : []
  })
}

/**
 * What a hub has to propose in a channel when it can: HTLCs that are passed on, taken, or given back. What the channel would not
 * take is left for later. Nothing where it is the other side's turn: ask for it where anything is here.
 */
export function hubChanges(hub: Hub, channel: ChannelId, live: LiveChannel): readonly Change[] {
  if (live.phase !== 'open' || live.exchange.state !== 'idle') return []
  const { own, base, opening } = live
  const limits = limitsOf(opening.draft)
  const ends = hub.forwards.flatMap(({ from, htlc, state }): Change[] => {
    const isThere = from === channel && base.htlcs.some(({ by, id }) => by === htlc.by && id === htlc.id)
    if (!isThere) return []
    if (state.kind === 'paid') return [{ type: 'fulfil', id: htlc.id, preimage: state.preimage }]
    return state.kind === 'back' ? [{ type: 'fail', id: htlc.id, reason: state.reason }] : []
  })
  const changes = ends.slice(0, changesMax)
  for (const { to, state, htlc, amount, expiry } of hub.forwards) {
    if (to !== channel || state.kind !== 'waiting') continue
    const id = base.added[own] + changes.filter(({ type }) => type === 'add').length
    const add: Change = { type: 'add', id, amount, paymentHash: htlc.paymentHash, expiry }
    if (contentAfter(limits, base, own, [...changes, add]).ok) changes.push(add)
  }
  return changes
}

/** True where a hub waits for its turn in a channel. */
export function hubWantsTurn(hub: Hub, channel: ChannelId, live: LiveChannel): boolean {
  return proposerOf(live) !== live.own && hubChanges(hub, channel, live).length > 0
}

function checkStep(
  before: Hub,
  after: Hub,
  { input, terms }: { readonly input: HubInput; readonly terms: HubTerms },
): void {
  for (const one of after.forwards) {
    const { htlc, amount, expiry, state } = one
    const isThis = (other: Forward) => isSameForward(one, other)
    invariant(after.forwards.filter(isThis).length === 1, 'HB5: one payment for an HTLC')
    const known = before.forwards.find(isThis)
    const kind = known?.state.kind
    if (!known && state.kind === 'waiting') {
      invariant(amount + terms.fee <= htlc.amount, 'HB3: a hub pays no more than it is paid')
      invariant(expiry + terms.deltaBlocks <= htlc.expiry, 'HB3: a hub has time')
    }
    // Terms may have changed since: what is on its way goes on under those that it was taken by.
    if (known)
      invariant(amount === known.amount && expiry === known.expiry, 'HB3: what a hub pays stays as it was taken')
    invariant(state.kind !== 'out' || kind === 'out' || kind === 'waiting', 'HB1: what was settled is not paid again')
    const mayWait = !known || kind === 'waiting' || (kind === 'unsure' && input.type === 'resumed')
    invariant(state.kind !== 'waiting' || mayWait, 'HB11: what may have been offered is not offered again')
    invariant(kind !== 'paid' || state.kind === 'paid', 'HB4: what was paid stays paid')
    invariant(kind !== 'back' || state.kind === 'back', 'HB1: what was given back stays so')
  }
  for (const one of before.forwards) {
    if (one.state.kind !== 'out' || (input.type === 'swept' && isLapsed(one, input.tip))) continue
    const isKept = after.forwards.some((other) => isSameForward(one, other))
    invariant(isKept, 'HB1: what may be paid is not forgotten')
  }
}

/** HB1: a payment is known by the HTLC that pays the hub. */
export function isSameForward(one: Forward, other: Forward): boolean {
  return one.from === other.from && one.htlc.id === other.htlc.id && one.htlc.by === other.htlc.by
}
