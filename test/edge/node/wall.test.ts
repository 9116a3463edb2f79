import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { callsMax } from '../../../edge/executor/parallel/node/limits.ts'
import { toHex } from '../../../sdk/units.ts'
import { account, transfer } from '../transfers.ts'
import { ask, post, type ServedNode, serveNode } from './open.ts'

/** What strangers send: every outside byte is judged, and every refusal has its code. */
let served: ServedNode
beforeAll(async () => {
  served = await serveNode({ blockMs: 60_000 })
})
afterAll(() => served.stop())

describe('the JSON-RPC wall', () => {
  it.each([
    ['{', -32700],
    ['[]', -32600],
    ['7', -32600],
    ['{"id":{},"method":"eth_chainId"}', -32600],
    ['{"id":1,"method":7}', -32600],
    ['{"id":1,"method":"eth_noSuch"}', -32601],
    ['{"id":1,"method":"__proto__"}', -32601],
    ['{"id":1,"method":"eth_getBalance","params":{}}', -32602],
  ])('answers %s with %d', async (body, code) => {
    expect(await post(served.url, body)).toMatchObject({ error: { code } })
  })

  it('answers arrays in their order, a fault in its place, and notifications not at all', async () => {
    const calls = [{ id: 'a', method: 'eth_chainId' }, { method: 'eth_chainId' }, { id: 2, method: 'no' }]
    expect(await post(served.url, JSON.stringify(calls))).toMatchObject([
      { id: 'a', result: '0x7a69' },
      { id: 2, error: { code: -32601 } },
    ])
    expect(await post(served.url, JSON.stringify({ method: 'eth_chainId' }))).toBeNull()
    const many = Array.from({ length: callsMax + 1 }, (_, id) => ({ id, method: 'eth_chainId' }))
    expect(await post(served.url, JSON.stringify(many))).toMatchObject({ error: { code: -32600 } })
  })

  const malformed: readonly (readonly [method: string, params: readonly unknown[]])[] = [
    ['eth_getBalance', ['0x12', 'latest']],
    ['eth_getBalance', [`0x${'11'.repeat(20)}`, 'yesterday']],
    ['eth_getBlockByNumber', [`0x${'f'.repeat(40)}`, false]],
    ['eth_getBlockByNumber', ['latest', 'yes']],
    ['eth_getTransactionReceipt', ['0x12']],
    ['eth_call', ['0x']],
    ['eth_call', [{ to: '0x12' }]],
    ['eth_call', [{ to: `0x${'11'.repeat(20)}` }, 'latest', { [`0x${'11'.repeat(20)}`]: { balance: '0x1' } }]],
    ['eth_getStorageAt', [`0x${'11'.repeat(20)}`, 'first', 'latest']],
    ['eth_getProof', [`0x${'11'.repeat(20)}`, Array(2_000).fill('0x0'), 'latest']],
    ['eth_feeHistory', ['0x0', 'latest', []]],
    ['eth_feeHistory', ['0x1', 'latest', [90, 10]]],
    ['eth_getLogs', [{ fromBlock: '0x2', toBlock: '0x1' }]],
    ['eth_getLogs', [{ topics: ['0x12'] }]],
    ['eth_sendRawTransaction', ['hello']],
    ['debug_traceCall', [{}, 'latest', { tracer: 'function () {}' }]],
  ]
  it.each(malformed)('refuses %s with %j as malformed', async (method, params) => {
    expect((await ask(served.url, method, params)).error?.code).toBe(-32602)
  })

  it('bounds what logs are told of', async () => {
    const wide = { fromBlock: '0x0', toBlock: '0xffffff' }
    expect((await ask(served.url, 'eth_getLogs', [wide])).error?.code).toBe(-32005)
  })

  it('serves no page of elsewhere, and no other name than this machine', async () => {
    const call = JSON.stringify({ id: 1, method: 'eth_chainId' })
    const from = (origin: string) => fetch(served.url, { method: 'POST', headers: { origin }, body: call })
    expect((await from('https://evil.example')).status).toBe(403)
    const local = await from('http://localhost:3000')
    expect([local.status, local.headers.get('access-control-allow-origin')]).toEqual([200, 'http://localhost:3000'])
    expect((await fetch(served.url)).status).toBe(405)
  })
})

describe('what the pool refuses, in words that wallets know', () => {
  const send = async (wish: Parameters<typeof transfer>[0]) =>
    (await ask(served.url, 'eth_sendRawTransaction', [toHex((await transfer(wish)).raw)])).error

  it('names what is wrong', async () => {
    expect(await send({ from: 0, nonce: 0, value: 10n ** 30n })).toMatchObject({
      code: -32000,
      message: expect.stringMatching(/^insufficient funds for gas \* price \+ value/),
    })
    expect((await send({ from: 0, nonce: 0, gas: 20_000n }))?.message).toMatch(/^intrinsic gas too low/)
    expect((await send({ from: 0, nonce: 0, gas: 16_777_217n }))?.message).toMatch(/^transaction gas limit too high/)
    expect((await send({ from: 0, nonce: 0, chain: 5 }))?.message).toMatch(/^invalid chain id/)
    expect((await send({ from: 0, nonce: 5_000 }))?.message).toMatch(/^nonce too high/)
    const low = { from: 0, nonce: 0, maxFeePerGas: 1n, maxPriorityFeePerGas: 1n }
    expect((await send(low))?.message).toMatch(/^max fee per gas less than block base fee/)
  })

  it('knows what waits, and what it would take to replace it', async () => {
    expect(await send({ from: 1, nonce: 0 })).toBeUndefined()
    expect((await send({ from: 1, nonce: 0 }))?.message).toBe('already known')
    expect((await send({ from: 1, nonce: 0, value: 2n }))?.message).toBe('replacement transaction underpriced')
    const better = { from: 1, nonce: 0, value: 2n, maxFeePerGas: 11_000_000_000n, maxPriorityFeePerGas: 1_100_000_000n }
    expect(await send(better)).toBeUndefined()
    const pending = await ask(served.url, 'eth_getTransactionCount', [account(1).address, 'pending'])
    expect(pending.result).toBe('0x1')
  })

  it('answers a synchronous sending by its codes (EIP-7966)', async () => {
    const raw = async (wish: Parameters<typeof transfer>[0]) => toHex((await transfer(wish)).raw)
    const gapped = await transfer({ from: 2, nonce: 3 })
    const gap = await ask(served.url, 'eth_sendRawTransactionSync', [toHex(gapped.raw)])
    expect(gap.error).toMatchObject({ code: 6, data: '0x0' })
    const ready = await transfer({ from: 2, nonce: 0 })
    const late = await ask(served.url, 'eth_sendRawTransactionSync', [toHex(ready.raw), 1])
    expect(late.error).toMatchObject({ code: 4, data: ready.hash })
    const poor = await ask(served.url, 'eth_sendRawTransactionSync', [
      await raw({ from: 2, nonce: 1, value: 10n ** 30n }),
    ])
    expect(poor.error?.code).toBe(-32000)
  })
})
