import { afterEach, expect, it, vi } from 'vitest'
import { configured, freshChain, problemOf } from './edge.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

it('light clients are served inside the worker where beacon nodes are configured, and nowhere else', async () => {
  expect(await problemOf(`/v1/chains/${freshChain()}/verified/bundle`)).toEqual({
    status: 404,
    code: 'unbundled-chain',
  })
  const chain = { fork: 'osaka', executors: ['https://node.invalid'], beacons: ['https://beacon.invalid'] }
  const call = configured({ CHAINS: JSON.stringify({ 7: chain }) })
  const execution = { block_hash: `0x${'ab'.repeat(32)}`, block_number: '9' }
  const data = { finalized_header: { execution }, attested_header: { execution } }
  vi.stubGlobal('fetch', async (_: string, { body }: RequestInit) =>
    body === undefined ? Response.json({ data }) : Response.json({ id: 0, result: { number: '0x9' } }),
  )
  const response = await call('/v1/chains/7/verified/bundle')
  expect(response.status).toBe(200)
  expect(await response.json()).toEqual({ finality: data, optimistic: data, header: { number: '0x9' }, proofs: [] })
})
