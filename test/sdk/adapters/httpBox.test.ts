import { describe, expect, it } from 'vitest'
import { httpBox } from '../../../sdk/adapters/httpBox.ts'
import { SdkError } from '../../../sdk/errors.ts'
import type { ChannelLink } from '../../../sdk/ports.ts'
import { type Hex, height } from '../../../sdk/units.ts'

const channel: Hex = `0x${'cd'.repeat(32)}`
const token = new Uint8Array(32).fill(0xee)
const message = { sequence: 1, epoch: 1, bytes: Uint8Array.of(1) }

interface Request {
  readonly url: string
  readonly init: RequestInit
}

function linkAnswering(respond: (request: Request) => Response | Promise<Response>): ChannelLink {
  return httpBox({
    url: 'http://box.example/secret-path/',
    channel,
    side: 'payee',
    token,
    timeoutMs: 50,
    fetch: async (url, init) => respond({ url, init }),
  })
}

function saying(json: unknown, status = 200): ChannelLink {
  return linkAnswering(() => Response.json(json, { status }))
}

async function failure(call: Promise<unknown>): Promise<SdkError> {
  const error = await call.then(
    (value) => new Error(`it resolved: ${JSON.stringify(value)}`),
    (thrown) => thrown,
  )
  if (!(error instanceof SdkError)) throw error
  expect(error.message).not.toMatch(/secret-path|box\.example|eeee/)
  return error
}

function read(link: ChannelLink, after = 0): Promise<unknown> {
  return link.receive(after, new AbortController().signal)[Symbol.asyncIterator]().next()
}

describe('httpBox', () => {
  it('asks as docs/http.md says, with its token', async () => {
    const asked: string[] = []
    const answers: readonly unknown[] = [
      { sequence: 1 },
      { acknowledged: 4 },
      { number: 7 },
      { epoch: 1, sent: 2, acknowledged: 1, read: 4 },
      { messages: [{ sequence: 6, bytes: '0xab' }] },
    ]
    const link = linkAnswering(({ url, init }) => {
      expect(new Headers(init.headers).get('authorization')).toBe(`Bearer ${'ee'.repeat(32)}`)
      const status = init.method === 'PUT' ? 202 : 200
      asked.push(`${init.method} ${url.slice(url.indexOf('/payee'))}`)
      return Response.json(answers[asked.length - 1], { status })
    })
    await link.send(message)
    await link.acknowledge({ through: 4, epoch: 3 })
    await link.deposit({ number: 7, closeAtHeight: height(900), transaction: Uint8Array.of(2) })
    expect(await link.standing()).toEqual({ epoch: 1, sent: 2, acknowledged: 1, read: 4 })
    expect(await read(link, 5)).toEqual({ done: false, value: { sequence: 6, bytes: Uint8Array.of(0xab) } })
    expect(asked).toEqual([
      'PUT /payee/outbox/1?epoch=1',
      'DELETE /payee/inbox?through=4&epoch=3',
      'PUT /payee/deposit',
      'GET /payee/outbox',
      'GET /payee/inbox?after=5',
    ])
  })

  it('throws relay/unreachable when nothing is known: a cut line, silence, a failing server', async () => {
    const cut = linkAnswering(() => Promise.reject(new TypeError('fetch failed for http://box.example')))
    const silent = linkAnswering(
      ({ init }) => new Promise((_, reject) => init.signal?.addEventListener('abort', () => reject(new Error('late')))),
    )
    const failing = linkAnswering(() => new Response('<html>', { status: 502 }))
    for (const link of [cut, silent, failing]) {
      for (const call of [link.send(message), read(link), link.standing()]) {
        const { code, retryable } = await failure(call)
        expect([code, retryable]).toEqual(['relay/unreachable', true])
      }
    }
  })

  it('throws relay/refused with the code of the edge, and whether to come again', async () => {
    const problem = { code: 'stale-epoch', detail: 'Epoch 5 has taken over.', retryable: false }
    const { code, notes, retryable } = await failure(saying(problem, 409).send(message))
    expect([code, notes, retryable]).toEqual(['relay/refused', ['stale-epoch'], false])
    const full = saying({ ...problem, code: 'backpressure', retryable: true }, 503)
    expect((await failure(full.send(message))).retryable).toBe(true)
  })

  it.each([
    ['no messages', {}],
    ['a hole', { messages: [{ sequence: 3, bytes: '0x01' }] }],
    ['a step back', { messages: [{ sequence: 1, bytes: '0x01' }] }],
    ['disorder', { messages: [2, 4, 3].map((sequence) => ({ sequence, bytes: '0x01' })) }],
    ['a doubled message', { messages: [2, 2].map((sequence) => ({ sequence, bytes: '0x01' })) }],
    ['half a byte', { messages: [{ sequence: 2, bytes: '0x1' }] }],
    ['no bytes', { messages: [{ sequence: 2, bytes: '0x' }] }],
    ['too many bytes', { messages: [{ sequence: 2, bytes: `0x${'00'.repeat(2_049)}` }] }],
    ['too many messages', { messages: Array.from({ length: 257 }, (_, at) => ({ sequence: 2 + at, bytes: '0x01' })) }],
  ])('throws relay/nonsense for an inbox with %s', async (_, json) => {
    expect((await failure(read(saying(json), 1))).code).toBe('relay/nonsense')
  })

  it('throws relay/nonsense when another thing was stored than what was sent', async () => {
    const calls = [
      saying({ sequence: 2 }, 202).send(message),
      saying({ sequence: 1 }, 200).send(message),
      saying({ acknowledged: 3 }).acknowledge({ through: 2, epoch: 1 }),
      saying({ number: 2 }, 202).deposit({ number: 1, closeAtHeight: height(9), transaction: Uint8Array.of(1) }),
      saying({ epoch: 1, sent: 1, acknowledged: 2, read: 0 }).standing(),
      saying({ epoch: 1, sent: -1, acknowledged: 0, read: 0 }).standing(),
      saying({ epoch: 1, sent: 1, acknowledged: 0 }).standing(),
    ]
    for (const call of calls) expect((await failure(call)).code).toBe('relay/nonsense')
  })

  it('asks again from where it stands while the box has nothing new, and ends quietly when aborted', async () => {
    const stop = new AbortController()
    const cursors: string[] = []
    const link = linkAnswering(({ url }) => {
      cursors.push(url.slice(url.indexOf('?')))
      if (cursors.length === 4) stop.abort()
      const messages = cursors.length === 2 ? [{ sequence: 1, bytes: '0x01' }] : []
      return Response.json({ messages })
    })
    const received: number[] = []
    for await (const { sequence } of link.receive(0, stop.signal)) received.push(sequence)
    expect(received).toEqual([1])
    expect(cursors).toEqual(['?after=0', '?after=0', '?after=1', '?after=1'])
  })

  it('refuses a channel or a token that is not 32 bytes', () => {
    const options = { url: 'http://box.example', channel, side: 'payer', token } as const
    expect(() => httpBox({ ...options, channel: '0x12' })).toThrow(/32 bytes/)
    expect(() => httpBox({ ...options, token: new Uint8Array(31) })).toThrow(/32 bytes/)
  })
})
