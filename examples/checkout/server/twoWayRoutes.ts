import { Hono } from 'hono'
import { type ChannelId, channelId, fromHex, isHex, sats, toHex } from 'lanekit'
import type { Invited, Invoiced } from '../api.ts'
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
  app.post('/shop/orders/:paymentId/invoice', async (context) => {
    const paymentId = context.req.param('paymentId')
    const order = isHex(paymentId, 16) ? await orders.order(paymentId) : null
    const article = articles.find(({ id, over }) => id === order?.article && over === 'any')
    const channel = channelOf(await context.req.text())
    if (!order || !article || !channel) return refuse(context, 404, 'unknown-order')
    const description = `${article.id}, part ${order.part + 1}`
    const before = await orders.billOf(paymentId)
    const bill = before ?? (await twoWay.bill(channel, { amount: sats(BigInt(article.price)), description }))
    if (typeof bill === 'string') return refuse(context, 409, bill)
    const { invoice, expiresAt } = await orders.bill(paymentId, bill)
    return context.json({ invoice, expiresAt } satisfies Invoiced)
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

/** Longest body that names a lane. */
const bodyCharsMax = 128

function channelOf(text: string): ChannelId | null {
  const [, channel] = (text.length <= bodyCharsMax && /^\{"channel":"(0x[0-9a-f]{64})"\}$/.exec(text)) || []
  return channel === undefined ? null : channelId(channel)
}
