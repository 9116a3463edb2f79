import { afterAll, describe, expect, it } from 'vitest'
import { httpRelay, relayAnswerBytesMax } from '../../../sdk/adapters/httpRelay.ts'
import { SdkError } from '../../../sdk/errors.ts'
import type { Relay, RelayEvent } from '../../../sdk/ports.ts'
import { address, batchId, chainId, txHash } from '../../../sdk/units.ts'
import { relayContract } from '../../contracts/relay.ts'
import { runContract } from '../../contracts/run.ts'
import { alice } from '../evm/samples.ts'
import { modelChain } from '../wallet/model/chain.ts'
import { serveRelay } from '../wallet/model/http.ts'
import { modelRelay } from '../wallet/model/relay.ts'

const chain = chainId(1337)
const account = address(`0x${'11'.repeat(20)}`)
const hash = txHash(`0x${'ab'.repeat(32)}`)
const batch = batchId(`0x${'cd'.repeat(32)}`)
const envelope = Uint8Array.of(1)
const never = new AbortController().signal

const stops: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const stop of stops) await stop()
})

runContract(
  relayContract('httpRelay', async () => {
    const ledger = modelChain(chain)
    ledger.fund(alice.account, 10n ** 18n)
    const behind = modelRelay(ledger)
    const { url, stop } = await serveRelay(behind.port)
    stops.push(stop)
    return {
      relay: httpRelay(`${url}/`),
      chain,
      payer: alice,
      included: async () => {
        behind.step()
        ledger.mine()
        behind.step()
      },
    }
  }),
)

function relayAnswering(respond: (url: string, init: RequestInit) => Response | Promise<Response>): Relay {
  return httpRelay('http://relay.example/secret-key', {
    fetch: async (url, init) => respond(url, init),
    timeoutMs: 50,
    silenceMs: 50,
  })
}

async function failure(call: Promise<unknown>): Promise<SdkError> {
  const error = await call.then(
    (value) => new Error(`it resolved: ${JSON.stringify(value)}`),
    (thrown) => thrown,
  )
  if (!(error instanceof SdkError)) throw error
  expect(error.message).not.toMatch(/secret-key|relay\.example/)
  return error
}

function problem(fields: object, init: ResponseInit = { status: 422 }): Response {
  return Response.json({ code: 'wrong-chain', detail: 'It is for another chain.', retryable: false, ...fields }, init)
}

describe('httpRelay, submitting', () => {
  it('sends the envelope as it is, as bytes', async () => {
    const asked: unknown[] = []
    const relay = relayAnswering((url, init) => {
      asked.push(url, init.method, new Headers(init.headers).get('content-type'), init.body)
      return Response.json({ batch, items: [] }, { status: 202 })
    })
    await relay.submit(chain, envelope)
    const path = 'http://relay.example/secret-key/v1/chains/1337/batches'
    expect(asked).toEqual([path, 'POST', 'application/octet-stream', envelope])
  })

  it('shows a key or a token with every request, the stream too', async () => {
    const shown: (string | null)[] = []
    const fetch = async (_: string, init: RequestInit): Promise<Response> => {
      shown.push(new Headers(init.headers).get('authorization'))
      throw new TypeError('no network')
    }
    let count = 0
    const relay = httpRelay('http://edge.invalid', { fetch, bearer: () => `token-${++count}` })
    await relay.submit(chain, envelope).catch(() => undefined)
    await relay.status(chain, account, hash).catch(() => undefined)
    const stream = relay.events(chain, batch, 0, new AbortController().signal)
    await stream[Symbol.asyncIterator]()
      .next()
      .catch(() => undefined)
    expect(shown).toEqual(['Bearer token-1', 'Bearer token-2', 'Bearer token-3'])
  })

  it('hands on a problem of the whole, with how long to wait', async () => {
    const headers = { 'retry-after': '7' }
    const relay = relayAnswering(() => problem({ code: 'backpressure', retryable: true }, { status: 503, headers }))
    expect(await relay.submit(chain, envelope)).toEqual({
      ok: false,
      problem: { code: 'backpressure', detail: 'It is for another chain.', retryable: true, retryAfterSeconds: 7 },
    })
  })

  it('reads no other form of Retry-After', async () => {
    const headers = { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' }
    const ack = await relayAnswering(() => problem({}, { status: 503, headers })).submit(chain, envelope)
    expect(ack).toMatchObject({ problem: { retryAfterSeconds: null } })
  })

  const queued = { ok: true, hash, status: { state: 'queued' } }
  const included = { state: 'included', window: 1, lane: 0, blockNumber: 5, blockHash: hash, index: 0, succeeded: true }
  const answers: readonly [
    name: string,
    respond: () => Response | Promise<Response>,
    code: string,
    retryable: boolean,
  ][] = [
    ['no connection', () => Promise.reject(new TypeError('secret-key')), 'relay/unreachable', true],
    ['a failing gateway', () => new Response('<html>', { status: 502 }), 'relay/unreachable', true],
    ['too many requests, without a word', () => new Response('', { status: 429 }), 'relay/unreachable', true],
    ['a page that forbids', () => new Response('<html>', { status: 403 }), 'relay/nonsense', false],
    ['a success of another kind', () => Response.json({ batch, items: [queued] }), 'relay/nonsense', false],
    ['an answer that is no JSON', () => new Response('{', { status: 202 }), 'relay/nonsense', false],
    ['an answer without a batch', () => ack({ items: [] }), 'relay/nonsense', false],
    ['an answer without items', () => ack({ batch }), 'relay/nonsense', false],
    ['more items than a batch has', () => ack({ batch, items: Array(257).fill(queued) }), 'relay/nonsense', false],
    ['an item that is neither', () => ack({ batch, items: [{ hash }] }), 'relay/nonsense', false],
    ['an item without a status', () => ack({ batch, items: [{ ok: true, hash }] }), 'relay/nonsense', false],
    [
      'an unknown state',
      () => ack({ batch, items: [{ ...queued, status: { state: 'lost' } }] }),
      'relay/nonsense',
      false,
    ],
    [
      'an inclusion without a block',
      () => ack({ batch, items: [{ ...queued, status: { ...included, blockHash: '0x' } }] }),
      'relay/nonsense',
      false,
    ],
    [
      'a negative block number',
      () => ack({ batch, items: [{ ...queued, status: { ...included, blockNumber: -1 } }] }),
      'relay/nonsense',
      false,
    ],
    [
      'a refusal without an index',
      () => ack({ batch, items: [{ ok: false, problem: { code: 'x', detail: '', retryable: false } }] }),
      'relay/nonsense',
      false,
    ],
    ['a code that is a sentence', () => problem({ code: 'It went wrong.' }), 'relay/nonsense', false],
    [
      'an endless answer',
      () => new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1 << 20)) })),
      'relay/nonsense',
      false,
    ],
  ]
  for (const [name, respond, code, retryable] of answers)
    it(`takes ${name} for ${code}`, async () => {
      const error = await failure(relayAnswering(respond).submit(chain, envelope))
      expect({ code: error.code, retryable: error.retryable }).toEqual({ code, retryable })
    })

  it('says how much of an answer it reads', async () => {
    const [, endless] = answers.at(-1) as (typeof answers)[number]
    expect((await failure(relayAnswering(endless).submit(chain, envelope))).message).toContain(`${relayAnswerBytesMax}`)
  })

  it('bounds what the relay says, and takes addresses of servers out of it', async () => {
    const detail = `ask https://relay.example/secret-key ${'x'.repeat(9_999)}`
    const ack = await relayAnswering(() => problem({ detail })).submit(chain, envelope)
    expect(JSON.stringify(ack)).not.toContain('secret-key')
    expect(JSON.stringify(ack).length).toBeLessThan(400)
  })
})

function ack(body: object): Response {
  return Response.json(body, { status: 202 })
}

describe('httpRelay, asking for a status', () => {
  it('believes only the status of the hash it asked for', async () => {
    const relay = relayAnswering(() =>
      Response.json({ hash: txHash(`0x${'00'.repeat(32)}`), status: { state: 'queued' } }),
    )
    expect((await failure(relay.status(chain, account, hash))).code).toBe('relay/nonsense')
  })

  it('takes only unknown-transaction for nothing', async () => {
    const unknown = relayAnswering(() => problem({ code: 'unknown-transaction' }, { status: 404 }))
    expect(await unknown.status(chain, account, hash)).toBeUndefined()
    const elsewhere = relayAnswering(() => problem({ code: 'unknown-chain' }, { status: 404 }))
    expect(await failure(elsewhere.status(chain, account, hash))).toMatchObject({
      code: 'relay/refused',
      notes: ['unknown-chain'],
    })
  })
})

function streaming(...chunks: readonly (string | Uint8Array)[]): Relay {
  return relayAnswering(() => {
    const encoded = chunks.map((chunk) => (typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk))
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (const chunk of encoded) controller.enqueue(chunk)
        controller.close()
      },
    })
    return new Response(body)
  })
}

function eventOf(sequence: number, line = '\n'): string {
  const data = JSON.stringify({ sequence, hash, status: { state: 'queued' } })
  return [`id: ${sequence}`, 'event: status', `data: ${data}`, '', ''].join(line)
}

async function heard(relay: Relay, after = 0, signal = never): Promise<{ sequences: number[]; end: string }> {
  const sequences: number[] = []
  try {
    for await (const { sequence } of relay.events(chain, batch, after, signal)) sequences.push(sequence)
    return { sequences, end: 'quiet' }
  } catch (error) {
    if (!(error instanceof SdkError)) throw error
    expect(error.message).not.toMatch(/secret-key|relay\.example/)
    return { sequences, end: error.code }
  }
}

describe('httpRelay, listening', () => {
  const end = 'event: end\ndata: {}\n\n'

  it('reads events until the relay ends them', async () => {
    expect(await heard(streaming(eventOf(1), eventOf(2), end, eventOf(3)))).toEqual({ sequences: [1, 2], end: 'quiet' })
  })

  it('throws when the stream is cut, so that the caller resumes', async () => {
    expect(await heard(streaming(eventOf(1)))).toEqual({ sequences: [1], end: 'relay/unreachable' })
  })

  it('resumes by Last-Event-ID, and asks for everything without one', async () => {
    const asked: (string | null)[] = []
    const relay = relayAnswering((_url, init) => {
      asked.push(new Headers(init.headers).get('last-event-id'))
      return new Response(end)
    })
    await heard(relay)
    await heard(relay, 41)
    expect(asked).toEqual([null, '41'])
  })

  it('skips what was told before', async () => {
    expect(await heard(streaming(eventOf(3), eventOf(4), eventOf(4), eventOf(5), end), 3)).toEqual({
      sequences: [4, 5],
      end: 'quiet',
    })
  })

  it('reads every line end, comments, other fields, and chunks cut anywhere', async () => {
    const text = `: open\r\n\r\nretry: 5\r\n\r\n${eventOf(1, '\r\n')}${eventOf(2, '\r')}${eventOf(3)}${end}`
    const bytes = new TextEncoder().encode(text)
    for (let cut = 1; cut < bytes.length; cut += 7) {
      const relay = streaming(bytes.subarray(0, cut), bytes.subarray(cut))
      expect(await heard(relay)).toEqual({ sequences: [1, 2, 3], end: 'quiet' })
    }
    expect(await heard(streaming(...[...bytes].map((byte) => Uint8Array.of(byte))))).toMatchObject({
      sequences: [1, 2, 3],
    })
  })

  it('passes over events of other types', async () => {
    expect(await heard(streaming('event: news\ndata: {}\n\n', eventOf(1), end))).toEqual({
      sequences: [1],
      end: 'quiet',
    })
  })

  const broken: readonly [name: string, chunk: string | Uint8Array][] = [
    ['an event of another shape', 'event: status\ndata: {"sequence":1}\n\n'],
    ['an event that is no JSON', 'event: status\ndata: {\n\n'],
    ['bytes that are not UTF-8', Uint8Array.of(0x64, 0xff, 0xff)],
    ['a line without an end', 'x'.repeat(1024 * 1024 + 1)],
    ['an event without an end', 'data: x\n'.repeat(200_000)],
  ]
  for (const [name, chunk] of broken)
    it(`takes ${name} for nonsense`, async () => {
      expect(await heard(streaming(eventOf(1), chunk))).toEqual({ sequences: [1], end: 'relay/nonsense' })
    })

  it('says when the log no longer reaches back', async () => {
    const relay = relayAnswering(() => problem({ code: 'cursor-expired' }, { status: 410 }))
    expect((await heard(relay, 5)).end).toBe('relay/refused')
  })

  it('counts silence as a cut', async () => {
    const relay = relayAnswering((_url, { signal }) => {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          controller.enqueue(new TextEncoder().encode(eventOf(1)))
          signal?.addEventListener('abort', () => controller.error(signal.reason))
        },
      })
      return new Response(body)
    })
    expect(await heard(relay)).toEqual({ sequences: [1], end: 'relay/unreachable' })
  })

  it('lets go of the connection when the caller stops listening', async () => {
    let signalled: AbortSignal | null | undefined
    let cancelled = false
    const relay = relayAnswering((_url, { signal }) => {
      signalled = signal
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new TextEncoder().encode(eventOf(1))),
        cancel: () => {
          cancelled = true
        },
      })
      return new Response(body)
    })
    const events: RelayEvent[] = []
    for await (const event of relay.events(chain, batch, 0, never)) {
      events.push(event)
      break
    }
    expect({ events: events.length, cancelled, signalled: signalled !== undefined }).toEqual({
      events: 1,
      cancelled: true,
      signalled: true,
    })
  })
})
