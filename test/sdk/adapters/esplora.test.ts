import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { hash256, writeHash, writeRaw } from '../../../sdk/adapters/bitcoinShapes.ts'
import { esplora } from '../../../sdk/adapters/esplora.ts'
import { SdkError } from '../../../sdk/errors.ts'
import type { BitcoinNode } from '../../../sdk/ports.ts'
import { feerate, fromHex, height, type Txid } from '../../../sdk/units.ts'

const url = 'https://secret-host.example/api'
const txid = 'ab'.repeat(32) as Txid
const other = 'cd'.repeat(32) as Txid
const script = Uint8Array.of(0x51)
const regtestGenesis = '0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206'

type Reply = Response | object | string | Uint8Array | undefined

/** A node whose server answers each path as `answer` says; nothing said is 404. */
function served(answer: (path: string, body: string | undefined) => Reply, options: object = {}) {
  const fetch = vi.fn(async (to: string, init: RequestInit) => {
    const reply = answer(to.slice(url.length), init.body as string | undefined)
    if (reply === undefined) return new Response('not found', { status: 404 })
    if (reply instanceof Response) return reply
    if (typeof reply === 'string') return new Response(reply)
    return reply instanceof Uint8Array ? new Response(Uint8Array.from(reply)) : new Response(JSON.stringify(reply))
  })
  return { node: esplora({ url: `${url}/`, fetch, ...options }), fetch }
}

async function thrown(run: Promise<unknown>): Promise<SdkError> {
  const error = await run.then(
    (value) => new Error(`It answered ${JSON.stringify(value)}.`),
    (error: unknown) => error,
  )
  if (!(error instanceof SdkError)) throw error
  return error
}

/** Blocks as Esplora tells them, each on the one before. */
function chainOf(count: number) {
  const blocks: Record<string, unknown>[] = []
  let previous = new Uint8Array(32)
  for (let at = 0; at < count; at++) {
    const root = new Uint8Array(32).fill(at)
    const header = new Uint8Array(80)
    const view = new DataView(header.buffer)
    view.setInt32(0, 0x20000000, true)
    header.set(previous, 4)
    header.set(root, 36)
    view.setUint32(68, 1_700_000_000 + at, true)
    view.setUint32(72, 0x207fffff, true)
    view.setUint32(76, at, true)
    blocks.push({
      id: writeHash(hash256(header)),
      height: at,
      version: 0x20000000,
      timestamp: 1_700_000_000 + at,
      bits: 0x207fffff,
      nonce: at,
      merkle_root: writeHash(root),
      previousblockhash: at === 0 ? null : writeHash(previous),
      header: writeRaw(header),
    })
    previous = Uint8Array.from(hash256(header))
  }
  const page = (top: number) => blocks.slice(Math.max(0, top - 9), top + 1).reverse()
  const answer = (path: string): Reply => {
    const top = /^\/blocks(?:\/(\d+))?$/.exec(path)
    return top ? page(Number(top[1] ?? count - 1)) : undefined
  }
  const bytes = (first: number, many: number) =>
    fromHex(
      `0x${blocks
        .slice(first, first + many)
        .map((of) => of.header)
        .join('')}`,
    )
  return { answer, bytes, blocks }
}

describe('headers', () => {
  it('are put together from pages, whichever part is asked for', async () => {
    const { answer, bytes } = chainOf(37)
    const { node } = served(answer)
    expect(await node.headers(height(0), 2_016)).toEqual(bytes(0, 37))
    expect(await node.headers(height(13), 11)).toEqual(bytes(13, 11))
    expect(await node.headers(height(36), 1)).toEqual(bytes(36, 1))
    expect(await node.headers(height(37), 1)).toHaveLength(0)
    expect(await node.headers(height(5), 0)).toHaveLength(0)
    expect((await node.tip()).height).toBe(36)
  })

  it('take one request where the newest page holds all that is asked for', async () => {
    const { answer, bytes } = chainOf(37)
    const { node, fetch } = served(answer)
    expect(await node.headers(height(30), 2_016)).toEqual(bytes(30, 7))
    expect(fetch).toHaveBeenCalledTimes(1)
  })

  it('are the same for a version told with a sign', async () => {
    const { answer, bytes, blocks } = chainOf(2)
    for (const block of blocks) Object.assign(block, { version: Number(block.version) | 0 })
    expect(await served(answer).node.headers(height(0), 2)).toEqual(bytes(0, 2))
  })

  it.each([
    ['a time', { timestamp: 1 }],
    ['a root', { merkle_root: txid }],
    ['a name', { id: txid }],
    ['a height that is none', { height: -1 }],
    ['a nonce that is none', { nonce: '7' }],
  ])('with %s that is not theirs are nonsense', async (_, change) => {
    const { answer, blocks } = chainOf(12)
    Object.assign(blocks[11] as object, change)
    const { node } = served(answer)
    expect((await thrown(node.tip())).code).toBe('node/nonsense')
    expect((await thrown(node.headers(height(0), 12))).code).toBe('node/nonsense')
  })

  it('of a page with a hole are nonsense', async () => {
    const { answer, blocks } = chainOf(30)
    const { node } = served((path) => {
      const page = answer(path)
      return Array.isArray(page) ? page.filter((block) => block !== blocks[13]) : page
    })
    expect((await thrown(node.headers(height(0), 30))).code).toBe('node/nonsense')
  })
})

describe('the network', () => {
  it('is asked for once, and another is refused', async () => {
    const right = served((path) => (path === '/block-height/0' ? regtestGenesis : {}), { network: 'regtest' })
    await right.node.feeEstimates()
    await right.node.feeEstimates()
    expect(right.fetch).toHaveBeenCalledTimes(3)
    const wrong = served((path) => (path === '/block-height/0' ? regtestGenesis : {}), { network: 'mainnet' })
    expect((await thrown(wrong.node.feeEstimates())).code).toBe('node/nonsense')
    expect((await thrown(wrong.node.broadcast(script))).code).toBe('node/nonsense')
    expect(wrong.fetch.mock.calls.every(([to]) => to.endsWith('/block-height/0'))).toBe(true)
  })

  it('is asked for again after the server could not be reached', async () => {
    let up = false
    const { node } = served(
      (path) => (up ? (path === '/block-height/0' ? regtestGenesis : {}) : new Response('', { status: 502 })),
      { network: 'regtest' },
    )
    expect((await thrown(node.feeEstimates())).code).toBe('node/unreachable')
    up = true
    expect(await node.feeEstimates()).toEqual(new Map())
  })
})

const calls: readonly (readonly [string, (node: BitcoinNode) => Promise<unknown>])[] = [
  ['tip', (node) => node.tip()],
  ['headers', (node) => node.headers(height(0), 5)],
  ['block', (node) => node.block(new Uint8Array(32))],
  ['transaction', (node) => node.transaction(txid)],
  ['inclusion', (node) => node.inclusion(txid)],
  ['coinbase', (node) => node.coinbase(new Uint8Array(32))],
  ['coins', (node) => node.coins(script)],
  ['history', (node) => node.history(script)],
  ['spend', (node) => node.spend({ txid, index: 0 }, script)],
  ['feeEstimates', (node) => node.feeEstimates()],
  ['broadcast', (node) => node.broadcast(script)],
]

describe('failures', () => {
  it.each(calls)('%s: a server that is down or busy is unreachable, and its address is not told', async (_, call) => {
    const down = served(() => {
      throw new TypeError(`connect ECONNREFUSED ${url}`)
    })
    const busy = [429, 500, 502, 503].map((status) => served(() => new Response(url, { status })))
    for (const { node } of [down, ...busy]) {
      const error = await thrown(call(node))
      expect(error).toMatchObject({ code: 'node/unreachable', retryable: true })
      expect(`${error.message}${error.notes}${error.cause ?? ''}`).not.toContain('secret-host')
    }
  })

  it.each(calls)('%s: whatever JSON comes, it ends in an answer or an SdkError', async (_, call) => {
    const shaped = fc.record(
      {
        confirmed: fc.oneof(fc.boolean(), fc.jsonValue()),
        block_height: fc.oneof(fc.nat(), fc.jsonValue()),
        block_hash: fc.oneof(fc.constant(txid), fc.jsonValue()),
        txid: fc.oneof(fc.constant(txid), fc.jsonValue()),
        status: fc.jsonValue(),
        spent: fc.oneof(fc.boolean(), fc.jsonValue()),
      },
      { requiredKeys: [] },
    )
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.jsonValue(), shaped, fc.array(shaped)), async (json) => {
        const { node } = served(() => new Response(JSON.stringify(json)))
        await call(node).catch((error: unknown) => {
          if (!(error instanceof SdkError)) throw error
        })
      }),
      { numRuns: 60 },
    )
  })

  it('a refusal of the server itself is no refusal of the transaction', async () => {
    for (const status of [400, 401, 403, 413])
      expect((await thrown(served(() => new Response('go away', { status })).node.broadcast(script))).code).toBe(
        'node/refused',
      )
  })

  it('an answer without end is nonsense', async () => {
    const chunk = new Uint8Array(1024 * 1024)
    const endless = () =>
      new Response(new ReadableStream({ pull: (controller) => controller.enqueue(chunk) }, { highWaterMark: 0 }))
    expect((await thrown(served(endless).node.transaction(txid))).code).toBe('node/nonsense')
  })

  it('a block or transaction that is not there is nothing, an empty one nonsense', async () => {
    const nowhere = served(() => undefined).node
    expect([await nowhere.block(new Uint8Array(32)), await nowhere.transaction(txid)]).toEqual([undefined, undefined])
    expect((await thrown(served(() => new Uint8Array(0)).node.transaction(txid))).code).toBe('node/nonsense')
  })
})

const mined = (block_hash: string, block_height = 7) => ({ confirmed: true, block_height, block_hash })

describe('inclusion', () => {
  const merkleBlocks = [1, 2].map((fill) => new Uint8Array(120).fill(fill))
  const [first, second] = merkleBlocks.map((bytes) => writeHash(hash256(bytes.subarray(0, 80)))) as [string, string]
  const proof = (at: number) => writeRaw(merkleBlocks[at] as Uint8Array)

  it('is nothing while the transaction waits', async () => {
    expect(await served(() => ({ confirmed: false })).node.inclusion(txid)).toBeUndefined()
  })

  it('is asked for again when status and proof are of two blocks', async () => {
    const statuses = [first, second]
    const { node } = served((path) => (path.endsWith('/status') ? mined(statuses.shift() ?? '') : proof(1)))
    const inclusion = await node.inclusion(txid)
    expect(inclusion).toEqual({
      height: 7,
      hash: hash256((merkleBlocks[1] as Uint8Array).subarray(0, 80)),
      merkleBlock: merkleBlocks[1],
    })
  })

  it('is nonsense when they stay so, and when the proof is hexadecimal of nothing', async () => {
    const torn = served((path) => (path.endsWith('/status') ? mined(first) : proof(1)))
    expect((await thrown(torn.node.inclusion(txid))).code).toBe('node/nonsense')
    const empty = served((path) => (path.endsWith('/status') ? mined(first) : 'zz'))
    expect((await thrown(empty.node.inclusion(txid))).code).toBe('node/nonsense')
  })
})

describe('scripts', () => {
  const entry = (number: number, status: object = mined(txid, 1_000_000 - number)) => ({
    txid: number.toString(16).padStart(64, '0'),
    status,
  })

  it('a history is read page by page, from the last one seen', async () => {
    const all = Array.from({ length: 60 }, (_, at) => entry(at))
    const waiting = entry(99, { confirmed: false })
    const { node, fetch } = served((path) => {
      const last = path.split('/chain/')[1]
      if (last === undefined) return [waiting, ...all.slice(0, 25)]
      const from = all.findIndex((of) => of.txid === last) + 1
      return all.slice(from, from + 25)
    })
    const history = await node.history(script)
    expect(history.map((of) => of.txid)).toEqual([waiting, ...all].map((of) => of.txid))
    expect(history[0]?.height).toBeNull()
    expect(fetch).toHaveBeenCalledTimes(3)
  })

  it('a server that repeats a page for ever is left', async () => {
    const page = Array.from({ length: 25 }, (_, at) => entry(at))
    const { node, fetch } = served(() => page)
    expect(await node.history(script)).toHaveLength(25)
    expect(fetch).toHaveBeenCalledTimes(2)
  })

  it('a history or a set of coins without end is refused', async () => {
    let at = 0
    const endless = served(() => Array.from({ length: 25 }, () => entry(at++)))
    expect((await thrown(endless.node.history(script))).code).toBe('node/refused')
    const coins = Array.from({ length: 10_001 }, (_, at) => ({ ...entry(at), vout: 0, value: 1 }))
    expect((await thrown(served(() => coins).node.coins(script))).code).toBe('node/refused')
  })

  it.each([
    ['an amount beyond all bitcoin', { value: 2_100_000_000_000_001 }],
    ['an amount with a fraction', { value: 0.5 }],
    ['a negative index', { vout: -1 }],
    ['a height that counts seconds', { status: mined(txid, 500_000_000) }],
    ['a name that is too short', { txid: 'ab' }],
  ])('a coin with %s is nonsense', async (_, change) => {
    const coin = { ...entry(1), vout: 0, value: 5, ...change }
    expect((await thrown(served(() => [coin]).node.coins(script))).code).toBe('node/nonsense')
  })

  it('are named by their SHA-256, not reversed', async () => {
    const { node, fetch } = served(() => [])
    await node.coins(script)
    expect(fetch.mock.calls[0]?.[0]).toBe(
      `${url}/scripthash/4ae81572f06e1b88fd5ced7a1a000945432e83e1551e6f721ee9c00b8cc33260/utxo`,
    )
  })
})

describe('broadcast', () => {
  it('sends hexadecimal and reads the name that comes back', async () => {
    const { node, fetch } = served((_, body) => (body === '51' ? `${txid}\n` : undefined))
    expect(await node.broadcast(script)).toEqual({ ok: true, txid })
    expect(fetch.mock.calls[0]?.[1]).toMatchObject({ method: 'POST' })
  })

  it('reads what bitcoind said behind the name of the call', async () => {
    const text = 'sendrawtransaction RPC error: {"code":-26,"message":"min relay fee not met, 14 < 141"}'
    const { node } = served(() => new Response(text, { status: 400 }))
    expect(await node.broadcast(script)).toEqual({
      ok: false,
      code: 'fee-too-low',
      detail: 'min relay fee not met, 14 < 141',
    })
  })

  it.each([
    'sendrawtransaction RPC error: {"code":-28,"message":"Loading block index..."}',
    'sendrawtransaction RPC error: {"code":-32601,"message":"Method not found"}',
    '{"code":"-26","message":12}',
    'upstream failed',
    '{{{',
  ])('takes no other error for a refusal: %s', async (text) => {
    const { node } = served(() => new Response(text, { status: 400 }))
    expect((await thrown(node.broadcast(script))).code).toBe('node/refused')
  })

  it('takes no other text for a name', async () => {
    expect((await thrown(served(() => '<html>').node.broadcast(script))).code).toBe('node/nonsense')
  })
})

describe('fees', () => {
  it('are sat per vbyte by target; anything else is nonsense', async () => {
    const { node } = served(() => ({ 2: 87.882, 144: 1 }))
    expect(await node.feeEstimates()).toEqual(
      new Map([
        [2, 87.882],
        [144, 1],
      ]),
    )
    for (const told of [{ 0: 1 }, { 2: '1' }, { x: 1 }, { 2: -1 }, { 2: 1e9 }])
      expect((await thrown(served(() => told).node.feeEstimates())).code).toBe('node/nonsense')
  })

  it('the least is what the caller knows, or 1 sat per vbyte', async () => {
    expect(await served(() => ({})).node.minFeerate()).toBe(1_000)
    expect(await served(() => ({}), { minFeerate: feerate(100) }).node.minFeerate()).toBe(100)
  })
})

it('the spend of an output names who and where', async () => {
  const { node } = served((path) =>
    path === `/tx/${txid}/outspend/3` ? { spent: true, txid: other, vin: 0, status: mined(txid, 9) } : { spent: false },
  )
  expect(await node.spend({ txid, index: 3 }, script)).toEqual({ txid: other, height: 9 })
  expect(await node.spend({ txid, index: 4 }, script)).toBeUndefined()
})
