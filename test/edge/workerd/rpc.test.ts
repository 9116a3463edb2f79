import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rpcMethods } from '../../../edge/rpc.ts'
import { toHex } from '../../../sdk/units.ts'
import { call, freshChain, post, problemOf, walletOf } from './edge.ts'
import { fakeNode } from './node.ts'

type Reply = {
  readonly id?: unknown
  readonly result?: unknown
  readonly error?: { code: number; message: string; data?: unknown }
}

function open() {
  const chain = freshChain()
  const node = fakeNode(chain)
  const send = async (body: unknown): Promise<Reply | readonly Reply[]> => {
    const response = await call(`/rpc/${chain}`, post(JSON.stringify(body), 'application/json'))
    expect(response.status).toBe(200)
    return response.json()
  }
  const ask = async (method: string, ...params: readonly unknown[]) =>
    (await send({ jsonrpc: '2.0', id: 7, method, params })) as Reply
  return { chain, node, send, ask, wallet: walletOf(chain) }
}

describe('the JSON-RPC endpoint', () => {
  it('answers one call, an array in its order, and no notification', async () => {
    const { send, chain } = open()
    const id = `0x${chain.toString(16)}`
    expect(await send({ jsonrpc: '2.0', id: 'a', method: 'eth_chainId' })).toEqual({
      jsonrpc: '2.0',
      id: 'a',
      result: id,
    })
    const calls = [
      { jsonrpc: '2.0', id: 2, method: 'net_version', params: [] },
      { jsonrpc: '2.0', method: 'eth_chainId' },
      { jsonrpc: '2.0', id: null, method: 'eth_chainId' },
    ]
    expect(await send(calls)).toEqual([
      { jsonrpc: '2.0', id: 2, result: `${chain}` },
      { jsonrpc: '2.0', id: null, result: id },
    ])
    const silent = post(JSON.stringify({ jsonrpc: '2.0', method: 'eth_chainId' }), 'application/json')
    expect((await call(`/rpc/${chain}`, silent)).status).toBe(204)
  })

  it.each([
    ['an empty array', [], -32600],
    ['too many calls', Array(101).fill({ id: 1, method: 'eth_chainId' }), -32600],
    ['no object', 7, -32600],
    ['no method', { id: 1 }, -32600],
    ['parameters by name', { id: 1, method: 'eth_call', params: {} }, -32602],
    ['a method that signs', { id: 1, method: 'eth_sendTransaction', params: [] }, -32601],
    ['a method of the prototype', { id: 1, method: 'constructor', params: [] }, -32601],
    ['bytes that are none', { id: 1, method: 'eth_sendRawTransaction', params: ['0xzz'] }, -32602],
    ['bytes that are no transaction', { id: 1, method: 'eth_sendRawTransaction', params: ['0x01'] }, -32000],
    ['too many blocks', { id: 1, method: 'eth_getLogs', params: [{ fromBlock: '0x0', toBlock: '0xffffff' }] }, -32005],
  ])('refuses %s', async (_name, body, code) => {
    const { send } = open()
    expect(await send(body)).toMatchObject({ error: { code } })
  })

  it('refuses what is not JSON, or too large, before it is read', async () => {
    const { chain } = open()
    expect(await problemOf(`/rpc/${chain}`, post('{', 'application/json'))).toEqual({
      status: 400,
      code: 'malformed-call',
    })
    expect((await problemOf(`/rpc/${chain}`, post('{}', 'text/plain'))).code).toBe('unsupported-media-type')
    const large = post(`"${'0'.repeat(1024 * 1024)}"`, 'application/json')
    expect((await problemOf(`/rpc/${chain}`, large)).code).toBe('batch-too-large')
    expect((await problemOf('/rpc/7', post('{}', 'application/json'))).code).toBe('unknown-chain')
    expect((await problemOf(`/rpc/${chain}`)).code).toBe('method-not-allowed')
  })

  it('stores what it acknowledges, and takes the same bytes again', async () => {
    const { node, ask, wallet } = open()
    node.mood = 'down' // Nobody but the shard can have it.
    const one = await wallet.transfer({ from: 0, nonce: 0 })
    expect(await ask('eth_sendRawTransaction', toHex(one.raw))).toMatchObject({ result: one.hash })
    expect(await ask('eth_sendRawTransaction', toHex(one.raw))).toMatchObject({ result: one.hash })
    expect(await wallet.status(one)).toMatchObject({ state: 'queued' })
    node.mood = 'well'
    await wallet.until(one, 'accepted')
    node.mine()
    await wallet.until(one, 'included')
    expect(await ask('eth_sendRawTransaction', toHex(one.raw))).toMatchObject({ result: one.hash })
    expect(node.includes(one.hash)).toBe(1)
  })

  it('counts what is queued, and tells of gaps', async () => {
    const { ask, wallet } = open()
    const [first, third] = [await wallet.transfer({ from: 0, nonce: 0 }), await wallet.transfer({ from: 0, nonce: 2 })]
    await ask('eth_sendRawTransaction', toHex(first.raw))
    expect(await ask('eth_getTransactionCount', first.sender, 'pending')).toMatchObject({ result: '0x1' })
    expect(await ask('eth_getTransactionCount', first.sender, 'latest')).toMatchObject({ result: '0x0' })
    expect(await ask('eth_sendRawTransaction', toHex(third.raw))).toMatchObject({ result: third.hash })
    const response = await call(`${wallet.base}/senders/${first.sender}/nonce`)
    expect(await response.json()).toEqual({ latest: 0, nextFree: 1, gaps: [1], underWay: 2 })
  })

  it('tells of a transaction before its executor can', async () => {
    const { node, ask, wallet } = open()
    await ask('eth_sendRawTransaction', toHex((await wallet.transfer({ from: 0, nonce: 0 })).raw))
    const one = await wallet.transfer({ from: 0, nonce: 1, value: 77n })
    node.mood = 'down'
    await ask('eth_sendRawTransaction', toHex(one.raw))
    await wallet.until(one, 'planned')
    node.mood = 'well'
    expect(await ask('eth_getTransactionByHash', one.hash)).toMatchObject({
      result: { hash: one.hash, from: one.sender, nonce: '0x1', value: '0x4d', type: '0x2', blockNumber: null },
    })
  })

  it('tells the executor’s definite no at once', async () => {
    const { node, ask, wallet } = open()
    const one = await wallet.transfer({ from: 0, nonce: 0 })
    node.broke.add(one.sender)
    expect(await ask('eth_sendRawTransaction', toHex(one.raw))).toMatchObject({
      error: {
        code: -32000,
        message: expect.stringContaining('insufficient funds'),
        data: { code: 'insufficient-funds' },
      },
    })
  })

  it('waits for the receipt, for a while (EIP-7966)', async () => {
    const { node, ask, wallet } = open()
    const [first, third] = [await wallet.transfer({ from: 0, nonce: 0 }), await wallet.transfer({ from: 0, nonce: 2 })]
    const late = await ask('eth_sendRawTransactionSync', toHex(first.raw), 400)
    expect(late).toMatchObject({ error: { code: 4, data: first.hash } })
    const gap = await ask('eth_sendRawTransactionSync', toHex(third.raw), '0x190')
    expect(gap).toMatchObject({ error: { code: 6, data: '0x1' } })
    const waiting = ask('eth_sendRawTransactionSync', toHex(first.raw), 10_000)
    node.mine()
    expect(await waiting).toMatchObject({ result: { transactionHash: first.hash, status: '0x1' } })
    const stale = await wallet.transfer({ from: 0, nonce: 0, value: 2n })
    const no = await ask('eth_sendRawTransactionSync', toHex(stale.raw))
    expect(no).toMatchObject({ error: { code: -32000, message: expect.stringMatching(/^nonce too low/) } })
  })

  it('passes on the blocks that a sequencer signed, and no other method of the executor', async () => {
    const { ask } = open()
    const signature = `0x${'07'.repeat(65)}`
    expect(await ask('lanekit_sequencedBlock', '0x5')).toMatchObject({ result: { signature, asked: ['0x5'] } })
    expect(await ask('lanekit_executeBatch', '0x')).toMatchObject({ error: { code: -32601 } })
  })

  it('keeps a sending apart from reads that fail beside it', async () => {
    const { node, send, wallet } = open()
    node.mood = 'nonsense'
    const one = await wallet.transfer({ from: 0, nonce: 0 })
    const answers = await send([
      { jsonrpc: '2.0', id: 1, method: 'eth_blockNumber', params: [] },
      { jsonrpc: '2.0', id: 2, method: 'eth_sendRawTransaction', params: [toHex(one.raw)] },
    ])
    expect(answers).toMatchObject([
      { id: 1, error: { code: -32603 } },
      { id: 2, result: one.hash },
    ])
  })

  it('answers whatever comes, in order', async () => {
    const { chain } = open()
    const method = fc.oneof(fc.constantFrom(...rpcMethods), fc.string({ maxLength: 12 }))
    const entry = fc.oneof(
      fc.jsonValue(),
      fc.record({
        id: fc.jsonValue(),
        method,
        params: fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue(), { maxLength: 3 })),
      }),
    )
    await fc.assert(
      fc.asyncProperty(fc.oneof(entry, fc.array(entry, { maxLength: 3 })), async (body) => {
        const response = await call(`/rpc/${chain}`, post(JSON.stringify(body), 'application/json'))
        expect([200, 204]).toContain(response.status)
        const text = await response.text()
        for (const one of text === '' ? [] : [JSON.parse(text)].flat())
          expect('result' in one || typeof one.error.code === 'number').toBe(true)
      }),
      { numRuns: 30 },
    )
  })
})
