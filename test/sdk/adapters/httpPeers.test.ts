import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { httpPeers } from '../../../sdk/adapters/httpPeers.ts'
import { encodeTerms } from '../../../sdk/channel/index.ts'
import { SdkError } from '../../../sdk/errors.ts'
import { tillRoutes } from '../../../sdk/till/index.ts'
import { type ChannelId, channelId, toHex } from '../../../sdk/units.ts'
import { peersContract } from '../../contracts/peers.ts'
import { runContract } from '../../contracts/run.ts'
import { shopTerms } from '../till/shop.ts'

const address = 'https://shop.example/secret-path'
const id = channelId(`0x${'ab'.repeat(32)}`)
const terms = toHex(encodeTerms(shopTerms))
const box = 'https://box.example/secret-path'
const good = { format: 'oneway-cltv/1', terms, box }

runContract(
  peersContract('httpPeers on tillRoutes', async () => {
    const announced: ChannelId[] = []
    const posts: string[] = []
    let requests = 0
    let isCut = false
    const shop = tillRoutes({ till: { terms: shopTerms }, program: { announce: (one) => announced.push(one) }, box })
    const fetch = async (url: string, init: RequestInit): Promise<Response> => {
      requests += 1
      if (isCut) throw new TypeError(`fetch failed for ${url}`)
      if (url.startsWith(address)) return shop.request(url.slice(address.length), init)
      const [, channel, side] = /\/v1\/channels\/(0x[0-9a-f]{64})\/(payer|payee)\/outbox\/1\?epoch=1$/.exec(url) ?? []
      expect(url.startsWith(`${box}/v1/`)).toBe(true)
      posts.push(`${side} ${channel} ${new Headers(init.headers).get('authorization')?.replace('Bearer ', '')}`)
      return Response.json({ sequence: 1 }, { status: 202 })
    }
    return {
      peers: httpPeers({ fetch }),
      address,
      terms: encodeTerms(shopTerms),
      announced,
      posts,
      asked: () => requests,
      cut: (cut) => {
        isCut = cut
      },
    }
  }),
)

function peerAnswering(respond: () => Response | Promise<Response>, at = address) {
  return httpPeers({ fetch: async () => respond(), timeoutMs: 50 })(at)
}

async function failure(call: Promise<unknown>): Promise<SdkError> {
  const error = await call.then(
    (value) => new Error(`it resolved: ${JSON.stringify(value)}`),
    (thrown) => thrown,
  )
  if (!(error instanceof SdkError)) throw error
  expect(error.message).not.toMatch(/secret-path|\.example/)
  return error
}

describe('httpPeers', () => {
  it.each([
    ['no JSON', '<html>'],
    ['another format', JSON.stringify({ ...good, format: 'penalty-p2wsh/1' })],
    ['no terms', JSON.stringify({ ...good, terms: '0x' })],
    ['half a byte of terms', JSON.stringify({ ...good, terms: '0x1' })],
    ['endless terms', JSON.stringify({ ...good, terms: `0x${'00'.repeat(2_049)}` })],
    ['no box', JSON.stringify({ ...good, box: null })],
    ['a box that is no URL', JSON.stringify({ ...good, box: 'box' })],
    ['a box of another kind', JSON.stringify({ ...good, box: 'javascript:alert(1)' })],
    ['a box with a password', JSON.stringify({ ...good, box: 'https://a:b@box.example' })],
    ['a box without encryption', JSON.stringify({ ...good, box: 'http://box.example' })],
    ['a long answer', JSON.stringify({ ...good, more: 'x'.repeat(16_384) })],
  ])('throws relay/nonsense for %s', async (_, body) => {
    expect((await failure(peerAnswering(() => new Response(body)).terms())).code).toBe('relay/nonsense')
  })

  it('never throws anything but relay/nonsense for garbage', async () => {
    const shapes = fc.oneof(
      fc.json(),
      fc.string(),
      fc.record({
        format: fc.constant(good.format),
        terms: fc.oneof(fc.string(), fc.constant(terms)),
        box: fc.webUrl(),
      }),
    )
    await fc.assert(
      fc.asyncProperty(shapes, async (shape) => {
        const body = typeof shape === 'string' ? shape : JSON.stringify(shape)
        const told = await peerAnswering(() => new Response(body))
          .terms()
          .catch((error) => error)
        expect(told instanceof Uint8Array || told.code === 'relay/nonsense').toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  it('tells a payee that fails from one that refuses, and from one that answers with something else', async () => {
    const failing = await failure(peerAnswering(() => new Response('<html>', { status: 502 })).announce(id))
    expect([failing.code, failing.retryable]).toEqual(['relay/unreachable', true])
    const problem = { code: 'busy', detail: 'Too many.', retryable: true }
    const busy = await failure(peerAnswering(() => Response.json(problem, { status: 503 })).announce(id))
    expect([busy.code, busy.notes, busy.retryable]).toEqual(['relay/refused', ['busy'], true])
    const odd = await failure(peerAnswering(() => new Response('ok', { status: 200 })).announce(id))
    expect(odd.code).toBe('relay/nonsense')
  })

  it('takes a box without encryption from a payee that has none itself', async () => {
    const peer = peerAnswering(() => Response.json({ ...good, box: 'http://127.0.0.1:8787/' }), 'http://127.0.0.1:3000')
    expect(toHex(await peer.terms())).toBe(terms)
  })

  it.each(['', 'shop', 'ftp://shop.example', 'https://a@shop.example', 'https://shop.example/?a=1'])(
    'refuses %j as an address',
    (text) => {
      expect(() => httpPeers()(text)).toThrow(expect.objectContaining({ code: 'units/malformed' }))
    },
  )

  it('refuses a token that is not 32 bytes at once', () => {
    expect(() => httpPeers()(address).link(id, new Uint8Array(31))).toThrow(/32 bytes/)
  })
})
