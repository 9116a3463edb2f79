import { type Context, Hono } from 'hono'
import { channelId, fromHex, isHex, sats, toHex } from 'lanekit'
import { type PaidEnv, paid, type Till, type TillProgram } from 'lanekit/till'
import type { Account, Article, Shop } from '../api.ts'
import { articles, tideAt } from './goods.ts'
import type { HandOver } from './handOver.ts'
import type { Orders } from './orders.ts'

export interface ShopOptions {
  readonly till: Till
  readonly program: TillProgram
  readonly orders: Orders
  readonly told: HandOver
  readonly facts: Omit<Shop, 'now' | 'articles'>
}

/** Longest body of an order. */
const orderCharsMax = 256

/** The shop's routes: prices, orders that become goods once the till says so, and one answer sold by 402. */
export function shopRoutes({ till, program, orders, told, facts }: ShopOptions): Hono<PaidEnv> {
  const app = new Hono<PaidEnv>()
  app.get('/shop', (context) => context.json({ ...facts, now: Date.now(), articles } satisfies Shop))
  app.put('/shop/orders/:paymentId', async (context) => {
    const paymentId = context.req.param('paymentId')
    const wanted = wantedOf(await context.req.text())
    if (!isHex(paymentId, 16) || !wanted) return refuse(context, 400, 'malformed-order')
    const order = await orders.place(paymentId, { article: wanted.article.id, part: wanted.part, at: Date.now() })
    // One id, one thing: whoever orders another one under it is told what it stands for.
    if (order.article !== wanted.article.id || order.part !== wanted.part) return refuse(context, 409, 'other-order')
    const { price } = await till.quote(fromHex(paymentId), sats(BigInt(wanted.article.price)))
    return context.json(await told(paymentId, order, Number(price)))
  })
  app.get('/shop/orders/:paymentId', async (context) => {
    const paymentId = context.req.param('paymentId')
    const order = isHex(paymentId, 16) ? await orders.order(paymentId) : null
    if (!order) return refuse(context, 404, 'unknown-order')
    const { price } = articles.find(({ id }) => id === order.article) ?? { price: 0 }
    return context.json(await told(paymentId, order, price))
  })
  app.get('/shop/lanes/:channel', async (context) => {
    const id = context.req.param('channel')
    const channel = isHex(id, 32) ? await till.channel(channelId(id)) : null
    if (!channel) return refuse(context, 404, 'unknown-channel')
    const ending = channel.phase === 'closed' ? channel.ending : null
    return context.json({
      channel: id,
      phase: channel.phase,
      received: Number(channel.best?.paid ?? 0n),
      spent: Number(channel.spent),
      payments: channel.best?.number ?? 0,
      settled: ending ? Number(ending.toPayee) : null,
      closingTxid: ending?.txid ?? null,
    } satisfies Account)
  })
  const { price: tidePrice } = articles.find(({ id }) => id === 'tide') ?? { price: 0 }
  const gate = paid({ till, program, price: sats(BigInt(tidePrice)), description: 'The tide, now' })
  app.get('/shop/tide', gate, async (context) => {
    await orders.place(toHex(context.get('payment').paymentId), { article: 'tide', part: 0, at: Date.now() })
    return context.json(tideAt(Date.now()))
  })
  return app
}

function wantedOf(text: string): { readonly article: Article; readonly part: number } | null {
  if (text.length > orderCharsMax) return null
  try {
    const { article: id, part } = JSON.parse(text) as { readonly article?: unknown; readonly part?: unknown }
    const article = articles.find((one) => one.id === id)
    const isPart =
      article && article.id !== 'tide' && Number.isInteger(part) && Number(part) >= 0 && Number(part) < article.parts
    return isPart ? { article, part: Number(part) } : null
  } catch {
    return null
  }
}

/** Says no with a code that the pages know. */
export function refuse(context: Context, status: 400 | 403 | 404 | 409 | 429 | 503, code: string): Response {
  return context.json({ code }, status)
}
