import type { Till } from 'lanekit/till'
import { type Balance, type Books, type Entry, ledgerShownMax, type TillChannel, type TwoWaySale } from '../api.ts'
import type { Orders } from './orders.ts'

/** The merchant's books, read anew from the till's records each time; payments never change, so they are read once. */
export interface Ledger {
  readonly books: () => Promise<
    Omit<Books, 'neglected' | 'now' | 'twoWay' | 'invitations' | 'twoWaySales' | 'twoWaySold'>
  >
  /** Every payment, the newest first. */
  readonly entries: () => Promise<readonly Entry[]>
}

/** How often both sides are read again because a payment came between. */
const looksMax = 5

export function openLedger({
  till,
  orders,
  height,
}: {
  readonly till: Till
  readonly orders: Orders
  readonly height: () => number
}): Ledger {
  const known = new Map<string, Entry>()
  let sorted: readonly Entry[] = []

  async function entries(): Promise<readonly Entry[]> {
    const ids = await till.payments()
    const news = ids.map((id) => [id, hexOf(id)] as const).filter(([, paymentId]) => !known.has(paymentId))
    for (const [id, paymentId] of news) {
      const payment = await till.payment(id)
      if (!payment) continue
      // What was sold by 402 and never fetched has no order: the till's record is all there is.
      const { article, part, at } = (await orders.order(paymentId)) ?? { article: 'tide', part: 0, at: Date.now() }
      const { channelId: channel, number, price } = payment
      known.set(paymentId, { at, paymentId, article, part, channel, number, price: Number(price) })
    }
    if (news.length > 0)
      sorted = [...known.values()].sort((one, other) => other.at - one.at || other.number - one.number)
    return sorted
  }

  async function channels(): Promise<readonly TillChannel[]> {
    const told = await Promise.all(till.channels().map(async (id) => ({ id, channel: await till.channel(id) })))
    return told.flatMap(({ id, channel }) => {
      if (!channel) return []
      const { opening, phase, best, spent } = channel
      return {
        id,
        phase,
        capacity: Number(opening.capacity),
        received: Number(best?.paid ?? 0n),
        spent: Number(spent),
        number: best?.number ?? 0,
        expiry: opening.expiry,
        closesAt: opening.expiry - opening.terms.marginBlocks,
        settled: channel.phase === 'closed' ? Number(channel.ending.toPayee) : null,
      }
    })
  }

  /** Both sides at one moment: while payments come in between, they are read once more. */
  async function look() {
    for (let looks = 1; ; looks++) {
      const before = await entries()
      const [open, income] = [await channels(), await till.income()]
      const after = await entries()
      const balance = balanceOf(open, income, after)
      if (balance.isBalanced || (before.length === after.length && looks > 1) || looks === looksMax)
        return { open, income, entries: after, balance }
    }
  }

  return {
    entries,
    books: async () => {
      const { open, income, entries, balance } = await look()
      return {
        height: height(),
        income: {
          channels: income.channels,
          paid: Number(income.paid),
          spent: Number(income.spent),
          credit: Number(income.credit),
          settled: Number(income.settled),
        },
        channels: [...open].reverse(),
        balance,
        ledger: entries.slice(0, ledgerShownMax),
        entries: entries.length,
      }
    },
  }
}

/** The left side from channels and the chain, the right side from every payment: two records of one thing. */
function balanceOf(
  channels: readonly TillChannel[],
  income: { readonly paid: bigint; readonly credit: bigint; readonly settled: bigint },
  entries: readonly Entry[],
): Balance {
  const claims = channels.filter(({ phase }) => phase !== 'closed').reduce((sum, { received }) => sum + received, 0)
  const settled = Number(income.settled)
  const lost = Number(income.paid) - claims - settled
  const sold = entries.reduce((sum, { price }) => sum + price, 0)
  const credit = Number(income.credit)
  return { claims, settled, lost, sold, credit, isBalanced: lost >= 0 && claims + settled + lost === sold + credit }
}

/** Every payment as a table for other programs (RFC 4180), one row each, the newest first. What is not known is left empty. */
export function csvOf(entries: readonly Entry[], sales: readonly TwoWaySale[]): string {
  const head = 'time,payment,article,part,channel,update,price_sat,kind,back_sat'
  const rows = [
    ...entries.map((entry) => ({ ...entry, kind: 'one-way', back: 0 })),
    ...sales.map((sale) => ({ ...sale, price: sale.paid, kind: sale.isByInvoice ? 'invoice' : 'two-way' })),
  ].sort((one, other) => other.at - one.at || other.number - one.number)
  const lines = rows.map(({ at, paymentId, article, part, channel, number, price, kind, back }) => {
    const what = article === null ? ['', ''] : [article, part + 1]
    return [new Date(at).toISOString(), paymentId, ...what, channel, number, price, kind, back].join(',')
  })
  return [head, ...lines, ''].join('\r\n')
}

function hexOf(bytes: Uint8Array): string {
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
