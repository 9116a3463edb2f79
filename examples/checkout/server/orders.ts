import type { Store } from 'lanekit'
import type { ArticleId } from '../api.ts'

/** What somebody ordered under a payment id. Kept, so that what is paid later can be handed over, whatever dies. */
export interface StoredOrder {
  readonly article: ArticleId
  readonly part: number
  readonly at: number
}

export interface Orders {
  /** Stores an order; the first one under an id stands, and is returned. */
  readonly place: (paymentId: string, order: StoredOrder) => Promise<StoredOrder>
  readonly order: (paymentId: string) => Promise<StoredOrder | null>
}

/** Most orders that are kept in memory beside the store. */
const rememberedMax = 20_000
const keyOf = (paymentId: string) => `shop/orders/${paymentId.slice(2)}`

/** The shop's orders in the till's store. */
export function openOrders(store: Store): Orders {
  const known = new Map<string, StoredOrder>()
  const remember = (paymentId: string, order: StoredOrder) => {
    if (known.size >= rememberedMax) known.clear()
    known.set(paymentId, order)
    return order
  }
  const order = async (paymentId: string) => {
    const remembered = known.get(paymentId)
    if (remembered) return remembered
    const record = await store.get(keyOf(paymentId))
    return record ? remember(paymentId, JSON.parse(new TextDecoder().decode(record.bytes)) as StoredOrder) : null
  }
  return {
    order,
    place: async (paymentId, wanted) => {
      const before = await order(paymentId)
      if (before) return before
      const bytes = new TextEncoder().encode(JSON.stringify(wanted))
      await store.commit([{ key: keyOf(paymentId), expected: 0, bytes }])
      return remember(paymentId, wanted)
    },
  }
}
