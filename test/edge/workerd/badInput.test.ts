import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { operations } from '../../../edge/openapi.ts'
import { problemCodes, problemKind } from '../../../edge/problems.ts'
import { declare, encodeBatch, encodeBatchJson } from '../../../sdk/batch/index.ts'
import { chainId } from '../../../sdk/units.ts'
import { transfer } from '../transfers.ts'
import { call, freshChain, post } from './edge.ts'
import { fakeNode } from './node.ts'

/** Whatever comes is answered by a 2xx or by a problem from the one list. */
async function expectOrder(path: string, init?: RequestInit): Promise<void> {
  const response = await call(path, init)
  const text = await response.text()
  if (response.status < 300) return
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  const { code, status } = JSON.parse(text)
  expect(problemCodes).toContain(code)
  expect(status).toBe(response.status)
  expect(problemKind(code).status).toBe(response.status)
  expect(response.status, code).not.toBe(500)
}

describe('whatever bytes come, the answer is never a 500', () => {
  const chain = freshChain()
  const path = `/v1/chains/${chain}/batches`
  let envelope: Uint8Array
  let json: string
  beforeAll(async () => {
    fakeNode(chain)
    const transfers = await Promise.all([0, 1, 2].map((from) => transfer({ from, nonce: 0, chain })))
    const place = { kind: 'slot', address: transfers[0]?.sender ?? '0x', slot: `0x${'01'.repeat(32)}` } as never
    const declaration = declare({ reads: [place], writes: [], credits: [] }, 21_000)
    const batch = {
      chainId: chainId(chain),
      fork: 'osaka',
      transactions: transfers.map(({ raw }) => ({ raw, declaration })),
    }
    envelope = encodeBatch(batch)
    json = encodeBatchJson(batch)
  })

  it('as a body', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.boolean(), async (bytes, isJson) => {
        await expectOrder(path, post(bytes as BodyInit, isJson ? 'application/json' : 'application/octet-stream'))
      }),
      { numRuns: 40 },
    )
  })

  it('as JSON of any shape', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), async (text) => expectOrder(path, post(text, 'application/json'))),
      { numRuns: 40 },
    )
  })

  it('as an envelope with bytes changed, cut or added', async () => {
    const change = fc.record({ at: fc.nat(), byte: fc.nat(255), kind: fc.constantFrom('set', 'cut', 'add') })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const bytes = [...envelope]
        for (const { at, byte, kind } of changes)
          bytes.splice(at % bytes.length, kind === 'add' ? 0 : 1, ...(kind === 'cut' ? [] : [byte]))
        await expectOrder(path, post(new Uint8Array(bytes)))
      }),
      { numRuns: 40 },
    )
  })

  it('as a JSON envelope with characters changed', async () => {
    const change = fc.record({ at: fc.nat(), text: fc.string({ maxLength: 3 }) })
    await fc.assert(
      fc.asyncProperty(change, async ({ at, text }) => {
        const place = at % json.length
        await expectOrder(path, post(`${json.slice(0, place)}${text}${json.slice(place + 1)}`, 'application/json'))
      }),
      { numRuns: 40 },
    )
  })

  it('at every path there is, with every method', async () => {
    const id = fc.oneof(
      fc.string({ maxLength: 12 }).map(encodeURIComponent),
      fc.constantFrom(String(chain), `0x${'ab'.repeat(32)}`, `0x${'ab'.repeat(20)}`, 'payer', '1'),
    )
    const header = fc.constantFrom(
      'authorization',
      'idempotency-key',
      'upgrade',
      'origin',
      'traceparent',
      'last-event-id',
      'content-length',
    )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...operations),
        fc.array(id, { minLength: 4, maxLength: 4 }),
        fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'),
        fc.record({ name: header, value: fc.stringMatching(/^[!-~]{0,20}$/), query: fc.string({ maxLength: 8 }) }),
        fc.uint8Array({ maxLength: 64 }),
        async ({ path }, ids, method, { name, value, query }, bytes) => {
          let at = 0
          const place = path.replace(/\{\w+\}/g, () => ids[at++ % ids.length] || 'x')
          const type = bytes.length % 2 === 0 ? 'application/json' : 'application/octet-stream'
          const body = method === 'GET' ? {} : { body: bytes as BodyInit }
          const init = { method, headers: { 'content-type': type, [name]: value }, ...body }
          await expectOrder(
            `${place}?after=${encodeURIComponent(query)}&epoch=1&wait=${encodeURIComponent(query)}`,
            init,
          )
        },
      ),
      { numRuns: 60 },
    )
  })

  it('as a path, a query or a header', async () => {
    const segment = fc.oneof(
      fc.string({ maxLength: 20 }).map(encodeURIComponent),
      fc.constantFrom(
        'v1',
        'chains',
        String(chain),
        'batches',
        'events',
        'senders',
        'txs',
        'windows',
        `0x${'00'.repeat(32)}`,
      ),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(segment, { maxLength: 7 }),
        fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'),
        fc.stringMatching(/^[ -~]{0,12}$/),
        async (segments, method, cursor) => {
          const query = `?after=${encodeURIComponent(cursor)}`
          await expectOrder(`/${segments.join('/')}${query}`, { method, headers: { 'last-event-id': cursor } })
        },
      ),
      { numRuns: 80 },
    )
  })
})
