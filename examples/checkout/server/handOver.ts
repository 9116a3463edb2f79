import { fromHex } from 'lanekit'
import type { Till } from 'lanekit/till'
import type { Order, Receipt } from '../api.ts'
import { goodsOf } from './goods.ts'
import type { Orders, StoredOrder } from './orders.ts'
import type { TwoWayCounter } from './twoWay.ts'

/** What is told of an order: with goods and receipt once it is paid, over a lane of either kind. */
export type HandOver = (paymentId: string, order: StoredOrder, price: number) => Promise<Order>

/** Goods come from what till and wallet have stored, never from what somebody says. */
export function handingOver({
  till,
  orders,
  twoWay,
}: {
  readonly till: Till
  readonly orders: Orders
  readonly twoWay: TwoWayCounter
}): HandOver {
  /** A lane that pays both ways knows no price, so a payment of less buys nothing. */
  async function paymentOf(
    paymentId: `0x${string}`,
    price: number,
  ): Promise<Pick<Receipt, 'channel' | 'number' | 'price' | 'paid'> | null> {
    const id = fromHex(paymentId)
    const payment = (await till.isPaid(id)) ? await till.payment(id) : null
    if (payment) {
      const { channelId: channel, number, paid } = payment
      return { channel, number, price: Number(payment.price), paid: Number(paid) }
    }
    const bill = await orders.billOf(paymentId)
    const both =
      (await twoWay.payment(id)) ?? (bill && (await twoWay.payment(fromHex(bill.receiptId as `0x${string}`))))
    if (!both || both.amount < price) return null
    return { channel: both.channel, number: both.number, price, paid: Number(both.amount) }
  }

  return async (paymentId, { article, part, at }, price) => {
    const isReturned = await orders.isTakenBack(paymentId)
    const payment = await paymentOf(paymentId as `0x${string}`, price)
    if (!payment) return { paymentId, article, part, price, goods: null, receipt: null, isReturned }
    const receipt: Receipt = { paymentId, article, part, at, ...payment }
    const goods = isReturned ? null : goodsOf(article, part)
    return { paymentId, article, part, price, goods, receipt, isReturned }
  }
}
