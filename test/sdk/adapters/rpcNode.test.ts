import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Fetch } from '../../../sdk/adapters/http.ts'
import { rpcAnswerBytesMax, rpcNode } from '../../../sdk/adapters/rpcNode.ts'
import { SdkError } from '../../../sdk/errors.ts'
import type { EvmNode, NodeRefusal } from '../../../sdk/ports.ts'
import { address, blockHash, chainId, slot, toHex } from '../../../sdk/units.ts'
import { verifyBlock } from '../../../sdk/verify/index.ts'
import { type Anvil, startAnvil } from '../../anvil.ts'
import { evmNodeContract } from '../../contracts/evmNode.ts'
import { runContract } from '../../contracts/run.ts'
import { alice } from '../evm/samples.ts'

const account = address(`0x${'11'.repeat(20)}`)
const word = `0x${'ab'.repeat(32)}`
const call = { from: account, to: account, value: 0n, data: new Uint8Array(0) }

let anvil: Anvil

beforeAll(async () => {
  anvil = await startAnvil()
  await rpcNode({ url: anvil.url }).request('anvil_setBalance', [alice.account, '0x56bc75e2d63100000'])
})
afterAll(() => anvil.stop())

runContract(
  evmNodeContract('rpcNode on anvil', async () => {
    const node = rpcNode({ url: anvil.url })
    // It mines by itself, a moment after its answer.
    const mined = () =>
      vi.waitFor(
        async () => {
          const [latest, pending] = await Promise.all([
            node.nonce(alice.account, 'latest'),
            node.nonce(alice.account, 'pending'),
          ])
          expect(latest).toBe(pending)
        },
        { timeout: 10_000, interval: 5 },
      )
    return { node, chain: chainId(31_337), payer: alice, mined, runs: 'contracts' }
  }),
)

describe('rpcNode', () => {
  it('gathers receipts one by one where the node has no eth_getBlockReceipts', async () => {
    const real = rpcNode({ url: anvil.url })
    const asked: string[] = []
    const node = rpcNode({
      url: anvil.url,
      fetch: async (url, init) => {
        const { method, id } = JSON.parse(String(init.body))
        asked.push(method)
        if (method !== 'eth_getBlockReceipts') return fetch(url, init)
        return Response.json({ jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } })
      },
    })
    const latest = await real.block('latest')
    expect(latest?.transactions.length).toBeGreaterThan(0)
    const block = await node.block('latest')
    expect(block).toEqual(latest)
    expect(asked).toContain('eth_getTransactionReceipt')
    if (!block) return
    expect(verifyBlock({ ...block, expectedHash: block.hash })).toMatchObject({ ok: true })
  })

  it('tells a slot that a run clears as written with zero', async () => {
    const cleared = { [account]: { balance: '0x1', storage: { [word]: word } } }
    const node = answering({
      debug_traceCall: (params) => {
        const { tracer, tracerConfig } = params[2] as { tracer: string; tracerConfig?: { diffMode?: boolean } }
        if (tracer === 'callTracer') return { gasUsed: '0x5208' }
        return tracerConfig?.diffMode ? { pre: cleared, post: {} } : cleared
      },
    })
    const { after } = await node.trace(call)
    expect(after.get(account)?.storage).toEqual(new Map([[word, `0x${'00'.repeat(32)}`]]))
    expect(after.get(account)?.balance).toBe(0n)
  })
})

/** A node that answers some methods as it likes. */
function answering(results: Readonly<Record<string, (params: readonly unknown[]) => unknown>>): EvmNode {
  return rpcNode({
    url: 'http://node.example/secret-key',
    fetch: async (_url, init) => {
      const { method, params, id } = JSON.parse(String(init.body))
      return Response.json({ jsonrpc: '2.0', id, result: results[method]?.(params) ?? null })
    },
  })
}

/** What a call ends in. */
async function failure(call: Promise<unknown>): Promise<SdkError> {
  const error = await call.then(
    () => new Error('it resolved'),
    (thrown) => thrown,
  )
  if (!(error instanceof SdkError)) throw error
  return error
}

function respondingWith(respond: () => Response | Promise<Response>): EvmNode {
  const fetch: Fetch = async () => respond()
  return rpcNode({ url: 'http://node.example/secret-key', fetch, timeoutMs: 50 })
}

describe('rpcNode and a node that fails', () => {
  const rpc = (body: object) => Response.json({ jsonrpc: '2.0', id: 1, ...body })
  const faults: readonly [
    name: string,
    respond: () => Response | Promise<Response>,
    code: string,
    retryable: boolean,
  ][] = [
    ['no connection', () => Promise.reject(new TypeError('fetch failed: secret-key')), 'node/unreachable', true],
    ['a gateway that fails', () => new Response('<html>', { status: 502 }), 'node/unreachable', true],
    ['too many requests', () => new Response('slow down', { status: 429 }), 'node/unreachable', true],
    ['a gateway that forbids', () => new Response('no', { status: 403 }), 'node/refused', false],
    ['a page instead of JSON', () => new Response('<html>'), 'node/nonsense', false],
    ['bytes that are not UTF-8', () => new Response(Uint8Array.of(0x22, 0xff, 0x22)), 'node/nonsense', false],
    ['a list', () => Response.json([]), 'node/nonsense', false],
    ['no result', () => rpc({}), 'node/nonsense', false],
    [
      'an answer to another question',
      () => Response.json({ jsonrpc: '2.0', id: 7, result: '0x1' }),
      'node/nonsense',
      false,
    ],
    ['a result of another shape', () => rpc({ result: { chain: 1 } }), 'node/nonsense', false],
    ['a number that is none', () => rpc({ result: '0xzz' }), 'node/nonsense', false],
    ['a number beyond 2^53', () => rpc({ result: '0xffffffffffffffff' }), 'node/nonsense', false],
    [
      'an error with an HTTP status',
      () => Response.json({ id: 1, error: { code: -32000, message: 'no' } }, { status: 400 }),
      'node/refused',
      false,
    ],
    ['an error without a code', () => rpc({ error: 'broken' }), 'node/nonsense', false],
  ]

  for (const [name, respond, code, retryable] of faults)
    it(`takes ${name} for ${code}`, async () => {
      const error = await failure(respondingWith(respond).chainId())
      expect({ code: error.code, retryable: error.retryable }).toEqual({ code, retryable })
      expect(`${error.message} ${JSON.stringify(error.cause ?? '')}`).not.toMatch(/secret-key|node\.example/)
    })

  it('stops reading an answer that is too large', async () => {
    let cancelled = false
    const chunk = new Uint8Array(1024 * 1024).fill(0x20)
    const endless = () =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(chunk),
          cancel: () => {
            cancelled = true
          },
        }),
      )
    const error = await failure(respondingWith(endless).chainId())
    expect(error.code).toBe('node/nonsense')
    expect(error.message).toContain(String(rpcAnswerBytesMax))
    expect(cancelled).toBe(true)
  })

  it('reads an answer that comes as a whole, as in React Native, and bounds it too', async () => {
    const whole = (bytes: number) => {
      const text = JSON.stringify({ jsonrpc: '2.0', id: 1, result: '0x7a69' }).padEnd(bytes)
      return { status: 200, headers: new Headers(), arrayBuffer: async () => new TextEncoder().encode(text).buffer }
    }
    expect(await respondingWith(() => whole(0) as Response).chainId()).toBe(31_337)
    const error = await failure(respondingWith(() => whole(rpcAnswerBytesMax + 1) as Response).chainId())
    expect(error.code).toBe('node/nonsense')
  })

  it('gives up on a node that does not answer in time', async () => {
    const node = rpcNode({
      url: 'http://node.example',
      timeoutMs: 20,
      fetch: (_url, { signal }) =>
        new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
    })
    expect(await failure(node.chainId())).toMatchObject({ code: 'node/unreachable', retryable: true })
  })

  it('bounds what a node says of a refusal, and takes addresses of servers out of it', async () => {
    const message = `see https://node.example/secret-key\n${'x'.repeat(10_000)}`
    const node = respondingWith(() => rpc({ error: { code: -32000, message, data: '0x1234' } }))
    const error = await failure(node.chainId())
    expect(error.message.length).toBeLessThan(400)
    expect(error.message).not.toContain('secret-key')
    expect(error.cause as NodeRefusal).toMatchObject({ code: -32000, data: '0x1234' })
  })
})

describe('rpcNode and a node that lies about shapes', () => {
  const lies: readonly [name: string, method: string, result: unknown, ask: (node: EvmNode) => Promise<unknown>][] = [
    ['a block that is text', 'eth_getBlockByNumber', '0x1', (node) => node.block(1)],
    ['a block without transactions', 'eth_getBlockByNumber', { hash: word, number: '0x1' }, (node) => node.block(1)],
    [
      'a block of hashes',
      'eth_getBlockByNumber',
      { hash: word, number: '0x1', transactions: [word] },
      (node) => node.block(1),
    ],
    [
      'a block without a header',
      'eth_getBlockByNumber',
      { hash: word, number: '0x1', transactions: [] },
      (node) => node.block(1),
    ],
    [
      'an access list with an error',
      'eth_createAccessList',
      { accessList: [], gasUsed: '0x1', error: 'reverted' },
      (node) => node.createAccessList(call),
    ],
    [
      'an access list of odd slots',
      'eth_createAccessList',
      { accessList: [{ address: account, storageKeys: ['0x1'] }], gasUsed: '0x1' },
      (node) => node.createAccessList(call),
    ],
    ['a trace of nothing', 'debug_traceCall', [], (node) => node.trace(call)],
    ['fees without a base fee', 'eth_feeHistory', { baseFeePerGas: [] }, (node) => node.fees()],
    ['code that is odd', 'eth_getCode', '0x123', (node) => node.code(account)],
    ['a slot that is short', 'eth_getStorageAt', '0x12', (node) => node.slot(account, slot(word), 1)],
    ['an account that is none', 'eth_getTransactionCount', null, (node) => node.account(account, 1)],
    ['a hash that is short', 'eth_sendRawTransaction', '0x12', (node) => node.send(new Uint8Array(1))],
  ]
  for (const [name, method, result, ask] of lies)
    it(`takes ${name} for nonsense`, async () => {
      expect((await failure(ask(answering({ [method]: () => result })))).code).toBe('node/nonsense')
    })

  it('asks for receipts by the hash of the block, so that another block does not lend its own', async () => {
    const latest = await rpcNode({ url: anvil.url }).block('latest')
    const asked: unknown[][] = []
    const node = rpcNode({
      url: anvil.url,
      fetch: (url, init) => {
        const { method, params } = JSON.parse(String(init.body))
        asked.push([method, ...params])
        return fetch(url, init)
      },
    })
    await node.block('latest')
    expect(asked).toContainEqual(['eth_getBlockReceipts', latest?.hash])
  })

  it('asks by hash for a hash', async () => {
    const node = answering({ eth_getBlockByHash: () => null, eth_getBlockByNumber: () => 'wrong' })
    expect(await node.block(blockHash(toHex(new Uint8Array(32))))).toBeUndefined()
  })
})
