import fc from 'fast-check'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  decodePaymentRequired,
  decodePaymentResponse,
  encodePaymentSignature,
  type PaymentOffer,
} from '../../../sdk/channel/index.ts'
import { SdkError } from '../../../sdk/errors.ts'
import { type PaidEnv, type PaidOptions, paid } from '../../../sdk/till/index.ts'
import { channelId, sats, toHex } from '../../../sdk/units.ts'
import { createShopper, createTown, fastClock, keyOf, openShop, type Shop, type Shopper } from './shop.ts'

const town = createTown()
let shop: Shop
let shopper: Shopper

beforeAll(async () => {
  shop = await openShop(town)
  shopper = createShopper(town, 'ann')
  shop.program.announce(shopper.id)
  await shopper.open()
})

afterAll(async () => {
  shopper.stop()
  await shop.program.stop()
})

/** Articles at 12 sat, and an echo at a sat a byte; what ran is told. */
function appOf(options: Partial<PaidOptions> = {}) {
  const ran: string[] = []
  const common = { till: shop.till, program: shop.program, clock: fastClock, waitMs: 5_000, ...options }
  const app = new Hono<PaidEnv>()
    .use('/articles/*', paid({ price: sats(12n), description: 'An article', ...common }))
    .get('/articles/:name', (context) => {
      const { paymentId, price } = context.get('payment')
      ran.push(`${context.req.param('name')} ${toHex(paymentId)} ${price}`)
      return context.text(`Article ${context.req.param('name')}`)
    })
    .use('/echo', paid({ price: async (context) => sats(BigInt((await context.req.text()).length)), ...common }))
    .post('/echo', async (context) => context.text(await context.req.text()))
  return { app, ran }
}

type App = ReturnType<typeof appOf>['app']

/** The offer in a `402`. */
function offerOf(response: Response): PaymentOffer {
  expect(response.status).toBe(402)
  const read = decodePaymentRequired(response.headers.get('payment-required') ?? '')
  if (!read.ok || !read.value) throw new Error(`No offer: ${JSON.stringify(read)}`)
  return read.value
}

function reasonOf(response: Response): string | null {
  const read = decodePaymentResponse(response.headers.get('payment-response') ?? '')
  return read.ok ? read.value.reason : 'unreadable'
}

function show(app: App, path: string, offer: PaymentOffer, message: Uint8Array | null, init: RequestInit = {}) {
  const header = encodePaymentSignature({ offer, channel: shopper.id, message })
  return app.request(path, { ...init, headers: { 'payment-signature': header } })
}

async function payFor(offer: PaymentOffer, amount = offer.price): Promise<Uint8Array> {
  const message = await shopper.pay(amount, offer.paymentId)
  if (typeof message === 'string') throw new Error(message)
  return message
}

describe('paid', () => {
  it('[PY1] answers an unpaid request with an offer in the headers of x402 version 2', async () => {
    const { app, ran } = appOf()
    const response = await app.request('http://shop.example/articles/one?page=2')
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await response.clone().json()).toMatchObject({ code: 'payment-required', status: 402 })
    const { paymentId, nonce, until, ...offer } = offerOf(response)
    expect(JSON.parse(atob(response.headers.get('payment-required') ?? ''))).toEqual({
      x402Version: 2,
      error: 'A payment is required.',
      resource: { url: 'http://shop.example/articles/one?page=2', description: 'An article' },
      accepts: [
        {
          scheme: 'oneway-cltv/1',
          network: 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328',
          amount: '12',
          asset: 'BTC',
          payTo: toHex(offer.payeeKey),
          maxTimeoutSeconds: 120,
          extra: { paymentId: toHex(paymentId), nonce: toHex(nonce), until },
        },
      ],
    })
    expect(ran).toEqual([])
    const next = offerOf(await app.request('http://shop.example/articles/one?page=2'))
    expect(toHex(next.paymentId)).not.toBe(toHex(paymentId))
  })

  it('[PY1] names its till where that is elsewhere', async () => {
    const { app } = appOf({ address: 'https://till.example/shop' })
    expect(offerOf(await app.request('/articles/one')).till).toBe('https://till.example/shop')
  })

  it('[PY3] takes the message in the header, before it came through the box', async () => {
    const { app, ran } = appOf()
    const offer = offerOf(await app.request('/articles/one'))
    shopper.hold(true)
    const message = await payFor(offer)
    const response = await show(app, '/articles/one', offer, message)
    shopper.hold(false)
    expect([response.status, await response.text()]).toEqual([200, 'Article one'])
    expect(decodePaymentResponse(response.headers.get('payment-response') ?? '')).toEqual({
      ok: true,
      value: { isPaid: true, reason: null },
    })
    expect(response.headers.get('cache-control')).toBe('private')
    expect(response.headers.get('vary')).toBe('payment-signature')
    expect(ran).toEqual([`one ${toHex(offer.paymentId)} 12`])
    expect(await shopper.answer()).toBe('paid')
  })

  it('[PY3] waits a little for a payment that comes through the box', async () => {
    const { app } = appOf({ waitMs: 200_000 })
    const offer = offerOf(await app.request('/articles/two'))
    const waiting = show(app, '/articles/two', offer, null)
    await payFor(offer)
    expect((await waiting).status).toBe(200)
    expect(await shopper.answer()).toBe('paid')
  })

  it('[PY4] gives the same goods again for the same payment, and charges once', async () => {
    const { app, ran } = appOf()
    const offer = offerOf(await app.request('/articles/three'))
    const before = (await shop.till.income()).spent
    const message = await payFor(offer)
    const shown = [message, message, null].map((bytes) => show(app, '/articles/three', offer, bytes))
    expect((await Promise.all(shown)).map(({ status }) => status)).toEqual([200, 200, 200])
    expect((await show(app, '/articles/three', offer, null)).status).toBe(200)
    expect(await shopper.answer()).toBe('paid')
    expect((await shop.till.income()).spent).toBe(before + 12n)
    expect(new Set(ran).size).toBe(1)
  })

  it('[PY2] gives nothing else for it: another path, query, method, body or price', async () => {
    const { app, ran } = appOf()
    const offer = offerOf(await app.request('/articles/four'))
    await payFor(offer)
    expect(await shopper.answer()).toBe('paid')
    const others = [
      show(app, '/articles/five', offer, null),
      show(app, '/articles/four?page=2', offer, null),
      show(app, '/articles/four', offer, null, { method: 'HEAD' }),
      show(app, '/articles/four', { ...offer, price: sats(11n) }, null),
      show(app, '/articles/four', { ...offer, until: offer.until + 1 }, null),
      show(app, '/articles/four', { ...offer, nonce: keyOf('nonce').slice(0, 16) }, null),
      show(app, '/articles/four', { ...offer, paymentId: keyOf('id').slice(0, 16) }, null),
    ]
    for (const other of others) {
      const response = await other
      expect([reasonOf(response), response.status]).toEqual(['other-request', 402])
      expect(toHex(offerOf(response).paymentId)).not.toBe(toHex(offer.paymentId))
    }
    expect(ran).toEqual([])
    const post = (body: string) => ({ method: 'POST', body })
    const echo = offerOf(await app.request('/echo', post('hello')))
    expect(echo.price).toBe(5n)
    await payFor(echo)
    expect(await shopper.answer()).toBe('paid')
    expect(await (await show(app, '/echo', echo, null, post('hello'))).text()).toBe('hello')
    expect(reasonOf(await show(app, '/echo', echo, null, post('jello')))).toBe('other-request')
  })

  it('[PY4] ends with the offer: then a new payment is asked for', async () => {
    let later = 0
    const clock = { ...fastClock, now: () => fastClock.now() + later }
    const { app } = appOf({ clock, validMs: 10_000, redeemMs: 50_000 })
    const offer = offerOf(await app.request('/articles/six'))
    await payFor(offer)
    expect(await shopper.answer()).toBe('paid')
    expect((await show(app, '/articles/six', offer, null)).status).toBe(200)
    later = 60_000
    const response = await show(app, '/articles/six', offer, null)
    expect(reasonOf(response)).toBe('expired')
    expect(offerOf(response).until).toBeGreaterThan(offer.until)
  })

  it('[PY5] asks for the same payment while it has not come', async () => {
    const { app, ran } = appOf({ waitMs: 100 })
    const offer = offerOf(await app.request('/articles/seven'))
    const response = await show(app, '/articles/seven', offer, null)
    expect([reasonOf(response), toHex(offerOf(response).paymentId)]).toEqual(['pending', toHex(offer.paymentId)])
    expect(ran).toEqual([])
  })

  it('[PY6] gives nothing for too little, and says so', async () => {
    const { app, ran } = appOf({ price: sats(30_000n) })
    const offer = offerOf(await app.request('/articles/eight'))
    shopper.hold(true)
    const message = await payFor(offer, sats(29_000n))
    const response = await show(app, '/articles/eight', offer, message)
    shopper.hold(false)
    expect(reasonOf(response)).toBe('underpaid')
    expect(toHex(offerOf(response).paymentId)).not.toBe(toHex(offer.paymentId))
    expect(await shopper.answer()).toBe('underpaid')
    expect(await shop.till.isPaid(offer.paymentId)).toBe(false)
    expect(ran).toEqual([])
  })

  it('[PY6] gives nothing for a message that nobody signed', async () => {
    const { app } = appOf()
    const offer = offerOf(await app.request('/articles/nine'))
    shopper.hold(true)
    const message = await payFor(offer)
    const forged = message.slice()
    forged[forged.length - 1] = (forged[forged.length - 1] ?? 0) ^ 1
    expect(reasonOf(await show(app, '/articles/nine', offer, forged))).toBe('not-authentic')
    shopper.hold(false)
    await shopper.resend()
    expect(await shopper.answer()).toBe('paid')
    expect((await show(app, '/articles/nine', offer, message)).status).toBe(200)
  })

  it('[PY7] refuses a message that pays for something else', async () => {
    const { app } = appOf()
    const [one, other] = [offerOf(await app.request('/articles/a')), offerOf(await app.request('/articles/b'))]
    const message = await payFor(one)
    const response = await show(app, '/articles/b', other, message)
    expect([response.status, (await response.json()).code]).toEqual([400, 'malformed-payment'])
    expect(await shopper.answer()).toBe('paid')
  })

  it('[PY7] no header and no body makes it fail', async () => {
    const { app, ran } = appOf({ waitMs: 0 })
    const offer = offerOf(await app.request('/articles/ten'))
    const ours = JSON.parse(atob(encodePaymentSignature({ offer, channel: shopper.id, message: null })))
    const field = fc.constantFrom('x402Version', 'accepted', 'payload')
    const changed = fc.tuple(field, fc.jsonValue()).map(([name, value]) => JSON.stringify({ ...ours, [name]: value }))
    const inner = fc
      .tuple(fc.constantFrom('amount', 'network', 'scheme', 'payTo', 'extra', 'asset'), fc.jsonValue())
      .map(([name, value]) => JSON.stringify({ ...ours, accepted: { ...ours.accepted, [name]: value } }))
    const encoded = fc.oneof(fc.json(), changed, inner).map((json) => btoa(encodeURIComponent(json)))
    const plain = fc.oneof(changed, inner).filter((json) => /^[\x20-\x7e]*$/.test(json))
    const headers = fc.oneof(encoded, fc.base64String(), plain.map(btoa), fc.stringMatching(/^[\x21-\x7e]{0,200}$/))
    await fc.assert(
      fc.asyncProperty(headers, async (header) => {
        const response = await app.request('/articles/ten', { headers: { 'payment-signature': header } })
        expect([400, 402]).toContain(response.status)
      }),
      { numRuns: 150 },
    )
    const long = await app.request('/articles/ten', { headers: { 'payment-signature': 'A'.repeat(12_289) } })
    expect(long.status).toBe(400)
    const large = await app.request('/echo', { method: 'POST', body: 'x'.repeat(65_537) })
    expect([large.status, (await large.json()).code]).toEqual([413, 'request-too-large'])
    expect(ran).toEqual([])
  })

  it('[PY7] reads no more of an endless body than it sells', async () => {
    const { app } = appOf()
    let pulled = 0
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled += 1
        controller.enqueue(new Uint8Array(1_024))
      },
    })
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit
    expect((await app.request('/echo', init)).status).toBe(413)
    expect(pulled).toBeLessThan(80)
  })

  it('[PY8] answers 503 while the world fails, and the same request is served after', async () => {
    const { app } = appOf()
    const offer = offerOf(await app.request('/articles/eleven'))
    shopper.hold(true)
    const message = await payFor(offer)
    const failing = { ...shop.till, take: () => Promise.reject(new SdkError('node/unreachable', 'Cut.')) }
    const response = await show(appOf({ till: failing }).app, '/articles/eleven', offer, message)
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2'])
    const busy = { ...shop.till, quote: () => Promise.reject(new SdkError('till/busy', 'Full.')) }
    expect((await (await appOf({ till: busy }).app.request('/articles/eleven')).json()).code).toBe('busy')
    shopper.hold(false)
    expect((await show(app, '/articles/eleven', offer, message)).status).toBe(200)
    expect(await shopper.answer()).toBe('paid')
  })

  it('asks nothing for what is free, and nothing of a browser that asks before it asks', async () => {
    const { app } = appOf({ price: sats(0n) })
    const free = new Hono()
      .use(paid({ till: shop.till, program: shop.program, price: sats(0n) }))
      .get('/', (c) => c.text('free'))
    expect(await (await free.request('/')).text()).toBe('free')
    expect((await app.request('/articles/one', { method: 'OPTIONS' })).status).toBe(404)
  })

  it('a payment of an unknown channel buys nothing', async () => {
    const { app } = appOf({ waitMs: 50 })
    const offer = offerOf(await app.request('/articles/twelve'))
    const header = encodePaymentSignature({ offer, channel: channelId(toHex(keyOf('x'))), message: null })
    const response = await app.request('/articles/twelve', { headers: { 'payment-signature': header } })
    expect(reasonOf(response)).toBe('pending')
  })
})
