import type { Update } from '../channel/index.ts'
import type { Store, StoreWrite } from '../ports.ts'
import { type Sats, sats } from '../units.ts'
import {
  depositedFrom,
  encodePayment,
  encodeQuote,
  keys,
  type Payment,
  payeeFrom,
  paymentFrom,
  type Quote,
  quoteFrom,
} from './records.ts'

/** What the payment of an update costs, and what is stored together with the update that pays. */
export interface Offer {
  /** Zero once it was charged in this channel; `null` when nothing is for sale under the id. */
  readonly price: Sats | null
  readonly writes: readonly StoreWrite[]
}

/** The payment of this id, if it was charged. */
export async function paymentOf(store: Store, paymentId: Uint8Array): Promise<Payment | null> {
  const record = await store.get(keys.payment(paymentId))
  return record ? paymentFrom(record.bytes) : null
}

/** The quote of this id that stands at `now`, and its record. */
export async function standingQuote(
  store: Store,
  paymentId: Uint8Array,
  now: number,
): Promise<{ readonly quote: Quote | null; readonly version: number }> {
  const record = await store.get(keys.quote(paymentId))
  const quote = record ? quoteFrom(record.bytes) : null
  return { quote: quote && quote.expiresAt > now ? quote : null, version: record?.version ?? 0 }
}

/** Stores a price, in the place of a quote of this version that stands no more. */
export async function storeQuote(store: Store, paymentId: Uint8Array, quote: Quote, version: number): Promise<void> {
  await store.commit([{ key: keys.quote(paymentId), expected: version, bytes: encodeQuote(quote) }])
}

/** What an update buys. The writes make a second sale of one id a conflict, in whichever channel. [OW12] */
export async function offerFor(store: Store, update: Update, now: number): Promise<Offer> {
  const { channelId, paymentId, number, paid } = update
  const sold = await paymentOf(store, paymentId)
  if (sold) return { price: sold.channelId === channelId ? sats(0n) : null, writes: [] }
  const { quote, version } = await standingQuote(store, paymentId, now)
  if (!quote) return { price: null, writes: [] }
  const bytes = encodePayment({ channelId, number, price: quote.price, paid })
  return {
    price: quote.price,
    writes: [
      { key: keys.payment(paymentId), expected: 0, bytes },
      { key: keys.quote(paymentId), expected: version, bytes: null },
    ],
  }
}

/**
 * Whether goods may be given for a payment: it is stored, and what a deposited closing pays, or the chain has paid, reaches up
 * to `undepositedMax` below the channel's total at that payment. [OW15] [OW25]
 */
export async function isCovered(store: Store, paymentId: Uint8Array, undepositedMax: Sats): Promise<boolean> {
  const payment = await paymentOf(store, paymentId)
  if (!payment) return false
  const { channelId, paid } = payment
  const deposit = await store.get(keys.deposit(channelId))
  const deposited = deposit ? depositedFrom(deposit.bytes).paid : 0n
  if (paid - deposited <= undepositedMax) return true
  const record = (await store.get(keys.channel(channelId))) ?? (await store.get(keys.archived(channelId)))
  const channel = record && payeeFrom(record.bytes)
  return channel?.phase === 'closed' && channel.ending.toPayee >= paid
}

/** Deletes quotes that have expired, as many as fit into one commit. */
export async function forgetQuotes(store: Store, now: number): Promise<void> {
  const stale: StoreWrite[] = []
  for (const key of await store.keys(keys.quotes)) {
    const record = await store.get(key)
    if (record && quoteFrom(record.bytes).expiresAt <= now) stale.push({ key, expected: record.version, bytes: null })
    if (stale.length === forgottenMax) break
  }
  await store.commit(stale)
}

/** Fewer than any store takes in one commit. */
const forgottenMax = 500
