import { type Change, type Fault, isLive, type LiveChannel, proposerOf } from '../../../channel/penalty/index.ts'
import { sha256 } from '../../../crypto/index.ts'
import { SdkError } from '../../../errors.ts'
import { type Msats, sameBytes } from '../../../units.ts'
import { hurry, inTurn, load, type PenaltyDesk, stepNow } from './desk.ts'

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

interface Wish {
  readonly change: Extract<Change, { type: 'pay' }>
  /** Of the update that has it; `null` while it waits. */
  number: number | null
  readonly settle: (outcome: TwoWayOutcome) => void
}

/** Payments of one channel that are not finished. They are in memory: what was proposed is in the record. */
export interface Wishes {
  readonly list: Wish[]
  /** Turn that was asked for last, and when. */
  asked: { readonly turn: number; readonly at: number } | null
}

/** A payment, as soon as its turn comes. Throws `wallet/busy` (retryable) where {@link wishesMax} wait. */
export async function wishFor(
  { list }: Wishes,
  desk: PenaltyDesk,
  { amount, paymentId }: { readonly amount: Msats; readonly paymentId: Uint8Array },
): Promise<{ readonly outcome: Promise<TwoWayOutcome> }> {
  if (list.length >= wishesMax)
    throw new SdkError('wallet/busy', `${wishesMax} payments of this channel wait already.`, { retryable: true })
  const outcome = new Promise<TwoWayOutcome>((settle) => {
    list.push({ change: { type: 'pay', amount, paymentId }, number: null, settle })
  })
  await inTurn(desk, async () => hurry(desk)) // What follows from the wish is done after the turn.
  return { outcome }
}

/** Proposes what waits, when it is this side's turn; asks for the turn, when it is not. */
export async function pursueWishes(wishes: Wishes, desk: PenaltyDesk): Promise<void> {
  for (let tries = 0; tries <= wishesMax; tries++) {
    const { channel } = await load(desk)
    settle(wishes, desk)
    if (channel?.phase !== 'open' || channel.origin !== 'own') return
    const { exchange, session, shutdown } = channel
    if (exchange.state !== 'idle' || !session.isMet || !session.isFunded) return
    const isPaying = !shutdown.own && !shutdown.isByPeer
    const waiting = wishes.list.filter(({ number }) => number === null)
    const batch = isPaying ? waiting.slice(0, batchMax) : []
    const changes: readonly Change[] = [...removals(channel), ...batch.map(({ change }) => change)]
    if (changes.length === 0) return
    if (proposerOf(channel) !== channel.own) return ask(wishes, desk, channel)
    const fault = await stepNow(desk, { type: 'propose', changes })
    if (!fault) {
      for (const wish of batch) wish.number = channel.base.number + 1
      return
    }
    const [first] = batch
    if (!first) return
    drop(wishes, first, { state: 'refused', fault })
  }
}

async function ask(wishes: Wishes, desk: PenaltyDesk, { turn }: LiveChannel): Promise<void> {
  const now = desk.world.clock.now()
  if (wishes.asked?.turn === turn && now < wishes.asked.at + askMs) return
  wishes.asked = { turn, at: now }
  await stepNow(desk, { type: 'ask' })
}

/** HTLCs of the other side: taken by a preimage that is known, and given back without one. [TW19] */
function removals({ base, own, preimages }: LiveChannel): readonly Change[] {
  return base.htlcs
    .filter(({ by }) => by !== own)
    .map(({ id, paymentHash }): Change => {
      const preimage = preimages.find((one) => sameBytes(sha256(one), paymentHash))
      return preimage ? { type: 'fulfil', id, preimage } : { type: 'fail', id, reason: 'unknown-payment' }
    })
}

/** Tells those who wait for payments that are finished, or never will be. */
function settle(wishes: Wishes, { known: { channel } }: PenaltyDesk): void {
  const live = channel && isLive(channel) ? channel : null
  const isPaying = !live || live.phase === 'funding' || (live.phase === 'open' && !live.shutdown.own)
  for (const wish of [...wishes.list]) {
    const { number, change } = wish
    if (number !== null && live && live.base.number >= number)
      drop(wishes, wish, { state: 'paid', kind: 'two-way', paymentId: change.paymentId, number })
    else if (!isPaying && number === null) drop(wishes, wish, { state: 'refused', fault: 'not-open' })
  }
}

function drop({ list }: Wishes, wish: Wish, outcome: TwoWayOutcome): void {
  const at = list.indexOf(wish)
  if (at >= 0) list.splice(at, 1)
  wish.settle(outcome)
}
