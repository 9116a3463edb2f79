import { type Books, ledgerShownMax, type TwoWaySale } from '../api.ts'
import { articles } from './goods.ts'
import type { Orders } from './orders.ts'
import type { TwoWayCounter } from './twoWay.ts'

export interface TwoWaySales {
  readonly books: () => Promise<Pick<Books, 'twoWaySales' | 'twoWaySold'>>
  /** Every sale, the newest first. */
  readonly all: () => Promise<readonly TwoWaySale[]>
}

/** What was sold over lanes that pay both ways, one by one: from what the merchant's wallet has received, and the shop's orders. */
export function openTwoWaySales({
  orders,
  twoWay,
}: {
  readonly orders: Orders
  readonly twoWay: TwoWayCounter
}): TwoWaySales {
  /** A payment never changes, so its order is looked for once. */
  const known = new Map<string, Omit<TwoWaySale, 'back'>>()

  async function saleOf({ paymentId: name, channel, amount, number }: Received): Promise<TwoWaySale> {
    const before = known.get(`${channel} ${name}`)
    const billed = before ? null : await orders.billed(name)
    const paymentId = before?.paymentId ?? billed ?? name
    const order = before ? null : await orders.order(paymentId)
    const { article = null, part = 0, at = Date.now() } = order ?? {}
    const about = { article, part, at, isByInvoice: billed !== null }
    const sale = before ?? { paymentId, channel, number, paid: Number(amount), ...about }
    known.set(`${channel} ${name}`, sale)
    const { deposit = 0 } = articles.find(({ id }) => id === sale.article) ?? {}
    return { ...sale, back: deposit > 0 && (await orders.isTakenBack(sale.paymentId)) ? deposit : 0 }
  }

  async function all(): Promise<readonly TwoWaySale[]> {
    const sales = await Promise.all((await twoWay.received()).map(saleOf))
    return sales.sort((one, other) => other.at - one.at || other.number - one.number)
  }

  return {
    all,
    books: async () => {
      const sales = await all()
      const sum = (of: (sale: TwoWaySale) => number) => sales.reduce((total, sale) => total + of(sale), 0)
      return {
        twoWaySales: sales.slice(0, ledgerShownMax),
        twoWaySold: { sales: sales.length, paid: sum(({ paid }) => paid), back: sum(({ back }) => back) },
      }
    },
  }
}

type Received = Awaited<ReturnType<TwoWayCounter['received']>>[number]
