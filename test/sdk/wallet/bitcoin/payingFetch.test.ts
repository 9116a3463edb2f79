import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { caip2Of, encodePaymentRequired, type PaymentOffer } from '../../../../sdk/channel/index.ts'
import { sha256 } from '../../../../sdk/crypto/index.ts'
import { SdkError } from '../../../../sdk/errors.ts'
import { paid, tillRoutes } from '../../../../sdk/till/index.ts'
import { sats } from '../../../../sdk/units.ts'
import { genesisCheckpoint } from '../../../../sdk/verify/index.ts'
import { type PayingFetchOptions, type PayingWallet, payingFetch } from '../../../../sdk/wallet/bitcoin/index.ts'
import {
  createShopper,
  createTown,
  fastClock,
  keyOf,
  openShop,
  paymentOf,
  type Shop,
  type Shopper,
  shopTerms,
} from '../../till/shop.ts'

const origin = 'https://shop.example'
const url = `${origin}/calls/one`
const town = createTown()
let shop: Shop
let shopper: Shopper
let price = sats(12n)
let served: string[] = []

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

/** An API that sells by the call, and what came to it. */
function server(address?: string) {
  served = []
  price = sats(12n)
  const requests: string[] = []
  const { till, program } = shop
  const app = new Hono()
    .route('/', tillRoutes({ till, program, box: 'https://edge.example' }))
    .use(
      '/calls/*',
      paid({ till, program, clock: fastClock, waitMs: 1_000, price: () => price, ...(address ? { address } : {}) }),
    )
    .all('/calls/:name', async (context) => {
      served.push(context.req.param('name'))
      if (context.req.param('name') === 'broken') return context.text('broken', 500)
      return context.text(`${context.req.param('name')} ${await context.req.text()}`)
    })
    .get('/free', (context) => context.text('free'))
  const fetch = async (request: Request) => {
    requests.push(`${request.method} ${request.headers.has('payment-signature') ? 'paid' : 'unpaid'}`)
    return app.fetch(request)
  }
  return { fetch, requests }
}

/** A wallet of one channel, on the pure core; `paid` counts what it paid. */
function walletOf(changes: Partial<PayingWallet> = {}): PayingWallet & { readonly paid: string[] } {
  const paid: string[] = []
  return {
    paid,
    network: 'regtest',
    channels: () => [{ id: shopper.id, peer: `${origin}/`, phase: 'open', remaining: sats(50_000n) }],
    pay: async (_, amount, { paymentId }) => {
      paid.push(String(amount))
      const message = await shopper.pay(amount, paymentId)
      if (typeof message === 'string') return { state: 'refused', fault: message }
      const answer = await shopper.answer()
      return answer === 'paid' ? { state: 'paid', message } : { state: 'refused', fault: answer }
    },
    ...changes,
  }
}

async function failure(call: Promise<unknown>): Promise<SdkError> {
  const error = await call.then(
    (value) => new Error(`it resolved: ${value}`),
    (thrown) => thrown,
  )
  if (!(error instanceof SdkError)) throw error
  expect(error.message).not.toMatch(/\.example/)
  return error
}

function paying(fetch: PayingFetchOptions['fetch'], wallet: PayingWallet, options: Partial<PayingFetchOptions> = {}) {
  return payingFetch(wallet, { priceMax: sats(20n), clock: fastClock, ...(fetch ? { fetch } : {}), ...options })
}

describe('payingFetch', () => {
  it('pays for what costs something and passes the rest through', async () => {
    const { fetch, requests } = server()
    const wallet = walletOf()
    const call = paying(fetch, wallet)
    expect(await (await call(`${origin}/free`)).text()).toBe('free')
    expect((await call(`${origin}/nothing`)).status).toBe(404)
    expect(await (await call(url)).text()).toBe('one ')
    expect(await (await call(url)).text()).toBe('one ')
    expect(wallet.paid).toEqual(['12', '12'])
    expect(requests.slice(2)).toEqual(['GET unpaid', 'GET paid', 'GET unpaid', 'GET paid'])
  })

  it('sends a body with both requests', async () => {
    const { fetch } = server()
    const call = paying(fetch, walletOf())
    expect(await (await call(url, { method: 'POST', body: 'hello' })).text()).toBe('one hello')
  })

  it('is served though no acknowledgement came, when it shows its message', async () => {
    const { fetch } = server()
    const wallet = walletOf({
      pay: async (_, amount, { paymentId }) => {
        shopper.hold(true)
        const message = await shopper.pay(amount, paymentId)
        shopper.hold(false)
        return typeof message === 'string' ? { state: 'refused', fault: message } : { state: 'pending', message }
      },
    })
    expect((await paying(fetch, wallet)(url)).status).toBe(200)
    expect(await shopper.answer()).toBe('paid')
  })

  it('finds the payment that was made when the answer to it was lost', async () => {
    const { fetch, requests } = server()
    const wallet = walletOf()
    let isCut = true
    const call = paying(async (request) => {
      const answer = await fetch(request)
      if (isCut && request.headers.has('payment-signature')) throw new TypeError(`fetch failed for ${request.url}`)
      return answer
    }, wallet)
    const error = await failure(call(url, { method: 'POST', body: 'a' }))
    expect([error.code, error.retryable]).toEqual(['wallet/unserved', true])
    isCut = false
    expect(await (await call(url, { method: 'POST', body: 'b' })).text()).toBe('one b')
    expect(wallet.paid).toHaveLength(2)
    expect(await (await call(url, { method: 'POST', body: 'a' })).text()).toBe('one a')
    expect(wallet.paid).toHaveLength(2)
    expect(requests.at(-1)).toBe('POST paid')
    expect(await (await call(url, { method: 'POST', body: 'a' })).text()).toBe('one a')
    expect(wallet.paid).toHaveLength(3)
  })

  it('shows the same payment again after a failure of the server, and after the payee had not seen it', async () => {
    const { fetch } = server()
    const wallet = walletOf()
    const call = paying(fetch, wallet)
    expect((await call(`${origin}/calls/broken`)).status).toBe(500)
    expect((await call(`${origin}/calls/broken`)).status).toBe(500)
    expect(wallet.paid).toHaveLength(1)
    expect(served).toEqual(['broken', 'broken'])
    let paymentId = paymentOf('')
    const slow = walletOf({
      pay: async (_, amount, options) => {
        paymentId = options.paymentId
        slow.paid.push(String(amount))
        return { state: 'pending' }
      },
    })
    const callSlow = paying(fetch, slow)
    expect((await failure(callSlow(url))).code).toBe('wallet/unserved')
    await shopper.pay(sats(12n), paymentId)
    expect(await shopper.answer()).toBe('paid')
    expect((await callSlow(url)).status).toBe(200)
    expect(slow.paid).toHaveLength(1)
  })

  it('pays nothing that is too dear, for another network, or without a channel that suffices', async () => {
    const { fetch } = server()
    const wallet = walletOf()
    price = sats(21n)
    expect(await failure(paying(fetch, wallet)(url))).toMatchObject({
      code: 'wallet/too-dear',
      notes: ['price 21', 'priceMax 20'],
    })
    price = sats(12n)
    const channel = { id: shopper.id, peer: origin, phase: 'open', remaining: sats(50_000n) }
    const without: [Partial<PayingWallet>, Partial<PayingFetchOptions>, string, boolean][] = [
      [{ channels: () => [] }, {}, 'wallet/no-channel', false],
      [{ channels: () => [{ ...channel, peer: 'https://other.example' }] }, {}, 'wallet/no-channel', false],
      [{ channels: () => [{ ...channel, phase: 'funding' }] }, {}, 'wallet/no-channel', true],
      [{ channels: () => [{ ...channel, remaining: sats(11n) }] }, {}, 'wallet/no-channel', false],
      [{}, { channels: [] }, 'wallet/no-channel', false],
      [{ network: 'mainnet' }, {}, 'wallet/unknown-scheme', false],
    ]
    for (const [changes, options, code, retryable] of without) {
      const poor = walletOf(changes)
      const error = await failure(paying(fetch, poor, options)(url))
      expect([error.code, error.retryable]).toEqual([code, retryable])
      expect(poor.paid).toEqual([])
    }
  })

  it('pays no server that sells through the till of somebody else, unless told that they belong together', async () => {
    const { fetch } = server(origin)
    const wallet = walletOf()
    const relayed = async (request: Request) =>
      fetch(new Request(request.url.replace('evil.example', 'shop.example'), request))
    const evil = 'https://evil.example/calls/one'
    expect((await failure(paying(relayed, wallet)(evil))).code).toBe('wallet/foreign-till')
    expect(wallet.paid).toEqual([])
    expect((await paying(relayed, wallet, { origins: ['https://evil.example'] })(evil)).status).toBe(200)
  })

  it.each([
    ['nothing', null],
    ['garbage', 'garbage'],
    ['another version', btoa(JSON.stringify({ x402Version: 1, accepts: [] }))],
    ['another scheme', btoa(JSON.stringify({ x402Version: 2, accepts: [{ scheme: 'exact' }] }))],
    ['a malformed offer', btoa(JSON.stringify({ x402Version: 2, accepts: [{ scheme: 'oneway-cltv/1' }] }))],
  ])('refuses a 402 that asks in %s', async (_, header) => {
    const wallet = walletOf()
    const fetch = async () => new Response('', { status: 402, headers: header ? { 'payment-required': header } : {} })
    expect((await failure(paying(fetch, wallet)(url))).code).toBe('wallet/unknown-scheme')
    expect(wallet.paid).toEqual([])
  })

  it('does not pay twice for a server that asks for more after it was paid', async () => {
    const wallet = walletOf({
      pay: async (_, amount) => {
        wallet.paid.push(String(amount))
        return { state: 'paid' }
      },
    })
    let asked = 0
    const fetch = async () => {
      asked += 1
      const offer: PaymentOffer = {
        network: 'regtest',
        price: sats(10n + BigInt(asked)),
        payeeKey: shopTerms.payeeKey,
        till: origin,
        paymentId: paymentOf(`${asked}`),
        nonce: paymentOf('nonce'),
        until: fastClock.now() + 1e9,
      }
      const header = encodePaymentRequired({ offer, url, description: null, error: 'Pay.', payableSeconds: 60 })
      return new Response('', { status: 402, headers: { 'payment-required': header } })
    }
    const call = paying(fetch, wallet)
    expect((await failure(call(url))).code).toBe('wallet/changed-price')
    expect(asked).toBe(2)
    expect((await failure(call(url))).code).toBe('wallet/changed-price')
    expect([asked, wallet.paid.length]).toEqual([3, 1])
  })

  it('says why a payment was refused', async () => {
    const { fetch } = server()
    const wallet = walletOf({ pay: async () => ({ state: 'refused', fault: 'insufficient' }) })
    const error = await failure(paying(fetch, wallet)(url))
    expect([error.code, error.notes[0], error.retryable]).toEqual(['wallet/payment-refused', 'insufficient', false])
    const forged = walletOf({ pay: async () => ({ state: 'pending', message: keyOf('no message') }) })
    expect((await paying(fetch, forged)(url)).status).toBe(400)
  })
})

describe('caip2Of', () => {
  it.each(['mainnet', 'testnet4', 'signet', 'regtest'] as const)('names %s by its first block', (network) => {
    const hash = [...sha256(sha256(genesisCheckpoint(network).header))]
      .reverse()
      .map((byte) => byte.toString(16).padStart(2, '0'))
    expect(caip2Of(network)).toBe(`bip122:${hash.join('').slice(0, 32)}`)
  })
})
