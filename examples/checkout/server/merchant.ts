import { Hono } from 'hono'
import { channelId, isHex } from 'lanekit'
import type { Books } from '../api.ts'
import { csvOf, openLedger } from './books.ts'
import { refuse } from './shop.ts'
import type { Counter } from './till.ts'
import type { TwoWayCounter } from './twoWay.ts'
import { openTwoWaySales } from './twoWaySales.ts'

/** The merchant's side: books, the ledger as a file, and settling now. To be put behind the merchant's own login. */
export function merchantRoutes({ till, orders, height, neglected }: Counter, twoWay: TwoWayCounter): Hono {
  const ledger = openLedger({ till, orders, height })
  const sales = openTwoWaySales({ orders, twoWay })
  const app = new Hono()
  app.get('/merchant/books', async (context) => {
    const [counted, accounts, sold] = await Promise.all([ledger.books(), twoWay.accounts(), sales.books()])
    const books: Books = {
      ...counted,
      ...sold,
      twoWay: [...accounts].reverse(),
      invitations: twoWay.invited().length,
      now: Date.now(),
      neglected: neglected(),
    }
    return context.json(books)
  })
  app.get('/merchant/ledger.csv', async (context) =>
    context.body(csvOf(await ledger.entries(), await sales.all()), 200, {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="ledger.csv"',
    }),
  )
  app.post('/merchant/channels/:channel/settle', async (context) => {
    const id = context.req.param('channel')
    if (!isHex(id, 32)) return refuse(context, 404, 'unknown-channel')
    await till.close(channelId(id))
    return context.json({ ok: true })
  })
  app.post('/merchant/invitations/withdraw', async (context) => context.json({ withdrawn: await twoWay.withdraw() }))
  return app
}
