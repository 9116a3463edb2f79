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
  /** Stores that what was lent is back. False when it was already. */
  readonly takeBack: (paymentId: string) => Promise<boolean>
  /** Stores that it is with the shopper after all. */
  readonly lendAgain: (paymentId: string) => Promise<void>
  readonly isTakenBack: (paymentId: string) => Promise<boolean>
  /** Stores the invoice of an order, under the name that its receipt will have. The first one stands, and is returned. */
  readonly bill: (paymentId: string, bill: Bill) => Promise<Bill>
  readonly billOf: (paymentId: string) => Promise<Bill | null>
  /** The order that is paid under that name. */
  readonly billed: (receiptId: string) => Promise<string | null>
}

/** An invoice that pays for an order. */
export interface Bill {
  readonly invoice: string
  readonly channel: string
  /** Of what is received for it: the first 16 bytes of its hash. */
  readonly receiptId: string
  readonly expiresAt: number
}

/** Most orders that are kept in memory beside the store. */
const rememberedMax = 20_000
const keyOf = (paymentId: string) => `shop/orders/${paymentId.slice(2)}`
const backKeyOf = (paymentId: string) => `shop/returns/${paymentId.slice(2)}`
const billKeyOf = (paymentId: string) => `shop/bills/${paymentId.slice(2)}`
const billedKeyOf = (receiptId: string) => `shop/billed/${receiptId.slice(2)}`
const [lent, back] = [Uint8Array.of(0), Uint8Array.of(1)]

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
  /** Of two that come at once, one writes. */
  const mark = async (paymentId: string, state: Uint8Array) => {
    const key = backKeyOf(paymentId)
    const before = await store.get(key)
    if ((before?.bytes[0] ?? 0) === state[0]) return false
    try {
      await store.commit([{ key, expected: before?.version ?? 0, bytes: state }])
      return true
    } catch (error) {
      if ((error as { readonly code?: unknown }).code === 'store/conflict') return false
      throw error
    }
  }
  const read = async (key: string) => {
    const record = await store.get(key)
    return record ? new TextDecoder().decode(record.bytes) : null
  }
  const billOf = async (paymentId: string) => {
    const text = await read(billKeyOf(paymentId))
    return text === null ? null : (JSON.parse(text) as Bill)
  }
  return {
    order,
    billOf,
    billed: (receiptId) => read(billedKeyOf(receiptId)),
    bill: async (paymentId, bill) => {
      const written = (text: string) => new TextEncoder().encode(text)
      try {
        await store.commit([
          { key: billKeyOf(paymentId), expected: 0, bytes: written(JSON.stringify(bill)) },
          { key: billedKeyOf(bill.receiptId), expected: 0, bytes: written(paymentId) },
        ])
        return bill
      } catch (error) {
        const before = await billOf(paymentId)
        if ((error as { readonly code?: unknown }).code === 'store/conflict' && before) return before
        throw error
      }
    },
    takeBack: (paymentId) => mark(paymentId, back),
    lendAgain: async (paymentId) => {
      await mark(paymentId, lent)
    },
    isTakenBack: async (paymentId) => (await store.get(backKeyOf(paymentId)))?.bytes[0] === 1,
    place: async (paymentId, wanted) => {
      const before = await order(paymentId)
      if (before) return before
      const bytes = new TextEncoder().encode(JSON.stringify(wanted))
      await store.commit([{ key: keyOf(paymentId), expected: 0, bytes }])
      return remember(paymentId, wanted)
    },
  }
}
