import { asList, asMsats, asNumber } from '../../../channel/fields.ts'
import { isLive } from '../../../channel/penalty/index.ts'
import { invariant, SdkError } from '../../../errors.ts'
import type { Store, StoreWrite } from '../../../ports.ts'
import { decodeRlp, encodeRlp, quantity } from '../../../rlp.ts'
import { type ChannelId, type Msats, sameBytes, toHex } from '../../../units.ts'
import type { Saved } from './beside.ts'
import type { PenaltyDesk } from './desk.ts'
import { finishedBy } from './payments.ts'
import { penaltyKeys } from './record.ts'
import { fateOf, type PayChange, type TwoWayOutcome, type Wishes, wishFor } from './wishes.ts'

/** Payments by name over all two-way channels of a wallet. */
export interface NamedPayments {
  readonly desks: ReadonlyMap<ChannelId, PenaltyDesk>
  readonly wishes: ReadonlyMap<ChannelId, Wishes>
  readonly store: Store
  /** Those without an end yet, by their names. */
  readonly asked: Map<string, { readonly amount: Msats; readonly end: Promise<TwoWayOutcome> }>
}

/**
 * Pays over a channel, once for a name, however often, when and over whichever channel it is asked for: what was paid is told again, what is
 * on its way is waited for. [TW54] Throws `wallet/payment-id-used` for a name that another amount has, and as {@link wishFor} does.
 */
export function payOnce(payments: NamedPayments, desk: PenaltyDesk, payment: PayChange): Promise<TwoWayOutcome> {
  const { asked } = payments
  const name = toHex(payment.paymentId)
  const before = asked.get(name)
  if (before) return before.amount === payment.amount ? before.end : Promise.reject(usedName())
  const end = begin(payments, desk, payment)
  asked.set(name, { amount: payment.amount, end })
  const forget = () => asked.delete(name)
  end.then(forget, forget)
  return end
}

async function begin(payments: NamedPayments, desk: PenaltyDesk, payment: PayChange): Promise<TwoWayOutcome> {
  const { amount, paymentId } = payment
  const proposed = proposedIn(payments, paymentId)
  const before = proposed?.change ?? (await sentOf(payments.store, paymentId))
  if (before && before.amount !== amount) throw usedName()
  if (before && 'number' in before) return { state: 'paid', kind: 'two-way', paymentId, number: before.number }
  const { desk: over, ...wish } = proposed ?? { desk, change: payment, number: null }
  const wishes = payments.wishes.get(over.id)
  invariant(wishes, 'every channel has a list of wishes')
  return wishFor(wishes, over, wish)
}

/** What was proposed before this wallet was opened, unless the chain has decided against it. */
function proposedIn({ desks }: NamedPayments, paymentId: Uint8Array) {
  for (const desk of desks.values()) {
    const { channel } = desk.known
    if (!channel || !isLive(channel) || channel.exchange.state !== 'proposed') continue
    const { changes, next } = channel.exchange
    for (const change of changes)
      if (change.type === 'pay' && sameBytes(change.paymentId, paymentId) && fateOf(desk, next.number) !== 'lost')
        return { desk, change, number: next.number }
  }
  return null
}

/** What a finished update has paid, to be stored with it. */
export async function sentWrites(
  store: Store,
  saved: Pick<Saved, 'before' | 'channel'>,
): Promise<readonly StoreWrite[]> {
  const finished = finishedBy(saved)
  if (!finished) return []
  const { number } = finished.channel.base
  const writes: StoreWrite[] = []
  for (const change of finished.changes) {
    if (change.type !== 'pay') continue
    const key = penaltyKeys.sent(change.paymentId)
    // A conflict would keep the update from ever being finished: whatever stands there gives way.
    const stored = await store.get(key)
    writes.push({ key, expected: stored?.version ?? 0, bytes: encodeSent(change.amount, number) })
  }
  return writes
}

const version = 1

function encodeSent(amount: Msats, number: number): Uint8Array {
  return encodeRlp([quantity(version), quantity(amount), quantity(number)])
}

async function sentOf(store: Store, paymentId: Uint8Array) {
  const stored = await store.get(penaltyKeys.sent(paymentId))
  if (!stored) return null
  const item = decodeRlp(stored.bytes)
  const parts = item.ok ? asList(item.value, 3) : undefined
  const [amount, number] = [asMsats(parts?.[1]), asNumber(parts?.[2], Number.MAX_SAFE_INTEGER)]
  if (asNumber(parts?.[0], version) !== version || amount === undefined || number === undefined)
    throw new SdkError('store/corrupt', "A payment in the wallet's store is damaged.")
  return { amount, number }
}

function usedName(): SdkError {
  return new SdkError('wallet/payment-id-used', 'A payment of another amount has this id.', {
    notes: ['Nothing was paid now. Give each payment an id of its own.'],
  })
}
