import { Hono } from 'hono'
import { fromHex, isHex, sats, toHex } from 'lanekit'
import type { Invited } from '../api.ts'
import { articles } from './goods.ts'
import type { HandOver } from './handOver.ts'
import type { Orders } from './orders.ts'
import { refuse } from './shop.ts'
import type { TwoWayCounter } from './twoWay.ts'

/** What the shop does over lanes that pay both ways, beside selling: it invites, tells what is whose, and pays deposits back. */
export function twoWayRoutes({
  orders,
  twoWay,
  told,
}: {
  readonly orders: Orders
  readonly twoWay: TwoWayCounter
  readonly told: HandOver
}): Hono {
  const app = new Hono()
  app.post('/shop/orders/:paymentId/return', async (context) => {
    const paymentId = context.req.param('paymentId')
    const order = isHex(paymentId, 16) ? await orders.order(paymentId) : null
    const article = articles.find(({ id }) => id === order?.article)
    const payment = article && (await twoWay.payment(fromHex(paymentId as `0x${string}`)))
    if (!order || !payment || !article.deposit) return refuse(context, 404, 'not-lent')
    // Stored before it is paid back: what dies in between is not paid back twice.
    if (!(await orders.takeBack(paymentId))) return refuse(context, 409, 'returned-already')
    const fault = await twoWay.payBack(payment.channel, sats(BigInt(article.deposit)))
    if (fault) {
      await orders.lendAgain(paymentId)
      return refuse(context, 409, fault)
    }
    return context.json(await told(paymentId, order, article.price))
  })
  app.post('/shop/two-way', async (context) => {
    const invitation = await twoWay.invite()
    if (!invitation) return refuse(context, 429, 'too-many-invitations')
    return context.json({ invitation: toHex(invitation) } satisfies Invited)
  })
  app.get('/shop/two-way/:channel', async (context) => {
    const account = (await twoWay.accounts()).find(({ channel }) => channel === context.req.param('channel'))
    return account ? context.json(account) : refuse(context, 404, 'unknown-channel')
  })
  return app
}
