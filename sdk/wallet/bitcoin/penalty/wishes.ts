import {
  type Change,
  contentAfter,
  type Fault,
  isLive,
  type LiveChannel,
  limitsOf,
  proposerOf,
} from '../../../channel/penalty/index.ts'
import { SdkError } from '../../../errors.ts'
import type { Height, Msats } from '../../../units.ts'
import { inTurn, load, type PenaltyDesk, stepNow } from './desk.ts'
import { hurry } from './greeting.ts'

/** Most payments that wait for their turn in one channel, and most that go in one update. */
export const wishesMax = 256
const batchMax = 8
/** Pause before the turn is asked for again. */
const askMs = 2_000

/** What became of a payment over a two-way channel. */
export type TwoWayOutcome =
  /** Both hold a state with it; the one before is revoked. */
  | { readonly state: 'paid'; readonly kind: 'two-way'; readonly paymentId: Uint8Array; readonly number: number }
  | { readonly state: 'refused'; readonly fault: Fault }
  /** Waits for the turn or for the other side. It is given up when the wallet closes before it was proposed. */
  | { readonly state: 'pending'; readonly paymentId: Uint8Array }

/** Why a payment was not proposed. `expired`: its invoice has, before its turn came. */
export type WishFault = Fault | 'expired'

/** A payment by hash that waits to be offered. */
export interface Offer {
  readonly amount: Msats
  readonly paymentHash: Uint8Array
  /** By the height at which it is offered. */
  readonly expiry: (tip: Height) => Height
  /** Seconds since 1970: from then on it is not offered any more. `null` for no end. */
  readonly endsAtSeconds: number | null
  /** What is proposed for it, before it is stored. */
  readonly proposing: (change: Change) => void
  /** It is out, and stored as such. */
  readonly offered: () => void
  /** It was not offered, and never will be. */
  readonly refused: (fault: WishFault) => void
  readonly failed: (error: SdkError) => void
}

/** A payment by its name. */
export type PayChange = Extract<Change, { type: 'pay' }>

type Wish =
  | {
      readonly type: 'pay'
      readonly change: PayChange
      /** Of the update that has it; `null` while it waits. */
      number: number | null
      readonly settle: (outcome: TwoWayOutcome) => void
      readonly fail: (error: SdkError) => void
    }
  | { readonly type: 'add'; readonly offer: Offer }

/** Payments of one channel that are not finished. They are in memory: what was proposed is in the record. */
export interface Wishes {
  readonly list: Wish[]
  /** Turn that was asked for last, and when. */
  asked: { readonly turn: number; readonly at: number } | null
}

/**
 * What became of a payment, which goes out as soon as its turn comes. Throws `wallet/busy` (retryable) where {@link wishesMax} wait.
 *
 * @param number - Of the update in the record that has it; `null` for a payment that is not proposed yet.
 */
export async function wishFor(
  wishes: Wishes,
  desk: PenaltyDesk,
  { change, number }: { readonly change: PayChange; readonly number: number | null },
): Promise<TwoWayOutcome> {
  let settle: (outcome: TwoWayOutcome) => void = () => undefined
  let fail: (error: unknown) => void = () => undefined
  const outcome = new Promise<TwoWayOutcome>((resolve, reject) => {
    settle = resolve
    fail = reject
  })
  outcome.catch(() => undefined) // Nobody may be waiting any more.
  await begin(wishes, desk, { type: 'pay', change, number, settle, fail })
  return outcome
}

/** As {@link wishFor}, for a payment by hash. */
export function wishToOffer(wishes: Wishes, desk: PenaltyDesk, offer: Offer): Promise<void> {
  return begin(wishes, desk, { type: 'add', offer })
}

async function begin(wishes: Wishes, desk: PenaltyDesk, wish: Wish): Promise<void> {
  const { list } = wishes
  if (list.length >= wishesMax)
    throw new SdkError('wallet/busy', `${wishesMax} payments of this channel wait already.`, { retryable: true })
  list.push(wish)
  try {
    await inTurn(desk, async () => hurry(desk)) // What follows from the wish is done after the turn.
  } catch (error) {
    // Whoever asked is told that it failed, and may ask again: only what was stored by then goes on.
    remove(wishes, wish)
    throw error
  }
}

/** Proposes what waits, when it is this side's turn; asks for the turn, when it is not. */
export async function pursueWishes(wishes: Wishes, desk: PenaltyDesk): Promise<void> {
  for (let tries = 0; tries <= wishesMax; tries++) {
    settle(wishes, desk)
    const before = paying(await load(desk))
    if (!before) return
    const due = await desk.payments.changes(desk, before)
    const channel = paying(await load(desk)) // It may have learned a preimage.
    if (!channel) return
    const { changes, batch, first } = batchOf(wishes, desk, channel, due)
    if (changes.length === 0) {
      if (!first) return
      drop(wishes, first.wish, first.fault)
      continue
    }
    if (proposerOf(channel) !== channel.own) return ask(wishes, desk, channel)
    for (const { wish, change } of batch) if (wish.type === 'add') wish.offer.proposing(change)
    const fault = await stepNow(desk, { type: 'propose', changes })
    if (!fault) {
      for (const { wish } of batch) {
        if (wish.type === 'pay') wish.number = channel.base.number + 1
        else {
          remove(wishes, wish)
          wish.offer.offered()
        }
      }
      return
    }
    const [one] = batch
    if (!one) return
    drop(wishes, one.wish, fault)
  }
}

/** The channel, where this side may propose in it as soon as it has the turn. */
function paying({ channel }: { readonly channel: PenaltyDesk['known']['channel'] }) {
  if (channel?.phase !== 'open' || channel.origin !== 'own') return null
  const { exchange, session } = channel
  return exchange.state === 'idle' && session.isMet && session.isFunded ? channel : null
}

interface Batch {
  readonly changes: readonly Change[]
  readonly batch: readonly { readonly wish: Wish; readonly change: Change }[]
  /** The first wish that cannot be done, where nothing else is. */
  readonly first: { readonly wish: Wish; readonly fault: Fault } | null
}

/** As much of what is due and wished for as the channel takes in one update. */
function batchOf(
  wishes: Wishes,
  desk: PenaltyDesk,
  channel: NonNullable<ReturnType<typeof paying>>,
  due: readonly Change[],
): Batch {
  const { base, own, opening, shutdown } = channel
  const limits = limitsOf(opening.draft)
  const changes: Change[] = []
  const take = (change: Change): Fault | null => {
    const after = contentAfter(limits, base, own, [...changes, change])
    if (!after.ok) return after.fault
    changes.push(change)
    return null
  }
  for (const change of due) if (take(change)) break // Numbers of what is offered on are without a hole.
  const batch: { wish: Wish; change: Change }[] = []
  let first: Batch['first'] = null
  const waiting = shutdown.own || shutdown.isByPeer ? [] : wishes.list.filter((wish) => !isProposed(wish))
  for (const wish of waiting) {
    if (batch.length >= batchMax) break
    const change = changeOf(wish, desk, base.added[own] + changes.filter(({ type }) => type === 'add').length)
    if (!change) continue
    const fault = take(change)
    if (!fault) batch.push({ wish, change })
    else first ??= { wish, fault }
  }
  return { changes, batch, first }
}

function changeOf(wish: Wish, { sighting }: PenaltyDesk, id: number): Change | null {
  if (wish.type === 'pay') return wish.change
  if (!sighting) return null // The expiry follows from the height.
  const { amount, paymentHash, expiry } = wish.offer
  return { type: 'add', id, amount, paymentHash, expiry: expiry(sighting.view.height) }
}

async function ask(wishes: Wishes, desk: PenaltyDesk, { turn }: LiveChannel): Promise<void> {
  const now = desk.world.clock.now()
  if (wishes.asked?.turn === turn && now < wishes.asked.at + askMs) return
  wishes.asked = { turn, at: now }
  await stepNow(desk, { type: 'ask' })
}

/** Tells those who wait for payments that are finished, or never will be. */
function settle(wishes: Wishes, desk: PenaltyDesk): void {
  const { channel } = desk.known
  const isPaying = !channel || !isLive(channel) || channel.phase === 'funding' || isOpen(channel)
  for (const wish of [...wishes.list]) {
    if (wish.type === 'pay' && wish.number !== null) {
      const { change, number } = wish
      const fate = fateOf(desk, number)
      if (fate === 'lost') drop(wishes, wish, 'not-open')
      if (fate !== 'paid') continue
      remove(wishes, wish)
      wish.settle({ state: 'paid', kind: 'two-way', paymentId: change.paymentId, number })
    } else if (!isPaying) drop(wishes, wish, 'not-open')
    else if (wish.type === 'add' && hasEnded(wish.offer, desk.world.clock.now())) {
      remove(wishes, wish)
      wish.offer.refused('expired')
    }
  }
}

function isOpen(channel: LiveChannel): boolean {
  return channel.phase === 'open' && !channel.shutdown.own
}

/**
 * What becomes of an update that this side has proposed. A channel that ends meanwhile leaves it to the chain: the other side may broadcast
 * its commitment of it, or the one before. [TW54]
 */
export function fateOf({ known: { channel }, resolution }: PenaltyDesk, number: number): 'paid' | 'pending' | 'lost' {
  if (channel && isLive(channel) && channel.base.number >= number) return 'paid'
  if (!resolution?.isResolved) return 'pending'
  return resolution.kind === 'peer' && resolution.number === number ? 'paid' : 'lost'
}

function hasEnded({ endsAtSeconds }: Offer, nowMs: number): boolean {
  return endsAtSeconds !== null && nowMs >= 1_000 * endsAtSeconds
}

function isProposed(wish: Wish): boolean {
  return wish.type === 'pay' && wish.number !== null
}

function drop(wishes: Wishes, wish: Wish, fault: Fault): void {
  remove(wishes, wish)
  if (wish.type === 'pay') wish.settle({ state: 'refused', fault })
  else wish.offer.refused(fault)
}

/** Another wallet has the channel: what this one has not proposed it never will. */
export function giveUpWishes(wishes: Wishes, error: SdkError): void {
  for (const wish of wishes.list.filter((one) => !isProposed(one))) {
    remove(wishes, wish)
    if (wish.type === 'pay') wish.fail(error)
    else wish.offer.failed(error)
  }
}

function remove({ list }: Wishes, wish: Wish): void {
  const at = list.indexOf(wish)
  if (at >= 0) list.splice(at, 1)
}
