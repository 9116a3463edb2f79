import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { type BitcoindOptions, bitcoind } from '../../../sdk/adapters/bitcoind.ts'
import { hash256, writeHash, writeRaw } from '../../../sdk/adapters/bitcoinShapes.ts'
import { broadcastRefusal } from '../../../sdk/adapters/broadcastRefusal.ts'
import { SdkError } from '../../../sdk/errors.ts'
import type { BitcoinNode } from '../../../sdk/ports.ts'
import { height, type Txid } from '../../../sdk/units.ts'

const url = 'http://secret-host.example:8332/'
const txid = 'ab'.repeat(32) as Txid
const other = 'cd'.repeat(32) as Txid
const script = Uint8Array.of(0x51)
const unknown = 'No such mempool or blockchain transaction. Use gettransaction for wallet transactions.'

interface Request {
  readonly id: number
  readonly method: string
  readonly params: readonly unknown[]
}

/** What a call brings: a result, or an error of bitcoind. */
class Refusal {
  readonly error: { readonly code: number; readonly message: string }
  constructor(code: number, message: string) {
    this.error = { code, message }
  }
}
type Answer = (method: string, params: readonly unknown[]) => unknown

/** A node whose bitcoind answers as it is told; batches come back in reverse. */
function served(answer: Answer, options: Partial<BitcoindOptions> = {}) {
  const asked: string[] = []
  const reply = ({ id, method, params }: Request) => {
    asked.push(method)
    const told = answer(method, params)
    return told instanceof Refusal ? { id, error: told.error } : { id, result: told, error: null }
  }
  const fetch = vi.fn(async (_: string, init: RequestInit) => {
    const body: Request | Request[] = JSON.parse(String(init.body))
    return Response.json(Array.isArray(body) ? body.map(reply).reverse() : reply(body))
  })
  return { node: bitcoind({ url, fetch, ...options }), fetch, asked }
}

async function thrown(run: Promise<unknown>): Promise<SdkError> {
  const error = await run.then(
    (value) => new Error(`It answered ${JSON.stringify(value)}.`),
    (error: unknown) => error,
  )
  if (!(error instanceof SdkError)) throw error
  return error
}

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
  ['minFeerate', (node) => node.minFeerate()],
  ['broadcast', (node) => node.broadcast(script)],
]

describe('credentials', () => {
  const password = 'correct horse ä'
  const expected = `Basic ${Buffer.from(`me:${password}`).toString('base64')}`
  const authorizationOf = (init: RequestInit | undefined) => new Headers(init?.headers).get('authorization')

  it('go into the header and nowhere else', async () => {
    const { node, fetch } = served(() => 'x', { credentials: { user: 'me', password } })
    const error = await thrown(node.tip())
    const [to, init] = fetch.mock.calls[0] ?? []
    expect([to, authorizationOf(init)]).toEqual([url, expected])
    expect(String(init?.body)).not.toContain('horse')
    expect(`${error.message}${error.notes}${error.stack}`).not.toMatch(/horse|secret-host/)
  })

  it('in the URL are refused before anything is sent, and not repeated', () => {
    const make = () => bitcoind({ url: `http://me:${password}@127.0.0.1:8332` })
    expect(make).toThrow(SdkError)
    expect(make).not.toThrow(/horse/)
  })

  it('of a cookie are read anew when they no longer hold, once', async () => {
    const cookies = ['__cookie__:old\n', '__cookie__:new\n']
    const cookie = vi.fn(() => cookies.shift() ?? '__cookie__:newer')
    const valid = `Basic ${btoa('__cookie__:new')}`
    const fetch = vi.fn(async (_: string, init: RequestInit) =>
      authorizationOf(init) === valid
        ? Response.json({ id: JSON.parse(String(init.body)).id, result: null })
        : new Response('', { status: 401 }),
    )
    const node = bitcoind({ url, fetch, credentials: { cookie } })
    expect((await thrown(node.tip())).code).toBe('node/nonsense')
    expect((await thrown(node.tip())).code).toBe('node/nonsense')
    expect([cookie.mock.calls.length, fetch.mock.calls.length]).toEqual([2, 3])
  })

  it('that are wrong are refused with a note; a cookie that is not there yet is unreachable', async () => {
    const closed = async () => new Response('', { status: 401 })
    const wrong = await thrown(bitcoind({ url, fetch: closed, credentials: { user: 'me', password } }).tip())
    expect(wrong).toMatchObject({
      code: 'node/refused',
      retryable: false,
      notes: [expect.stringContaining('credentials')],
    })
    const cookie = () => Promise.reject(new Error('ENOENT /home/me/.cookie'))
    const absent = await thrown(bitcoind({ url, fetch: closed, credentials: { cookie } }).tip())
    expect(absent).toMatchObject({ code: 'node/unreachable', retryable: true })
    expect(`${absent.message}${absent.cause ?? ''}`).not.toContain('/home')
  })
})

describe('failures', () => {
  it.each(calls)(
    '%s: a node that is down, busy or starting is unreachable, and its address is not told',
    async (_, call) => {
      const down = async () => Promise.reject(new TypeError(`connect ECONNREFUSED ${url}`))
      const busy = async () => new Response('Work queue depth exceeded', { status: 503 })
      const starting = served(() => new Refusal(-28, 'Loading block index...')).node
      for (const node of [bitcoind({ url, fetch: down }), bitcoind({ url, fetch: busy }), starting]) {
        const error = await thrown(call(node))
        expect(error).toMatchObject({ code: 'node/unreachable', retryable: true })
        expect(`${error.message}${error.notes}${error.cause ?? ''}`).not.toContain('secret-host')
      }
    },
  )

  it.each(calls)('%s: whatever JSON comes, it ends in an answer or an SdkError', async (_, call) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue(), { minLength: 1 }), fc.boolean(), async (results, isWhole) => {
        let at = 0
        const next = () => results[at++ % results.length]
        const { node } = isWhole
          ? { node: bitcoind({ url, fetch: async () => Response.json(next()) }) }
          : served((method) => (method === 'getindexinfo' ? {} : next()))
        await call(node).catch((error: unknown) => {
          if (!(error instanceof SdkError)) throw error
        })
      }),
      { numRuns: 60 },
    )
  })

  it('an answer of another call, or none, is nonsense', async () => {
    const lost = async () => Response.json({ id: 999, result: { blocks: 1, bestblockhash: txid } })
    expect((await thrown(bitcoind({ url, fetch: lost }).tip())).code).toBe('node/nonsense')
    const html = async () => new Response('<html>')
    expect((await thrown(bitcoind({ url, fetch: html }).tip())).code).toBe('node/nonsense')
  })

  it('an error of the node is refused, with what it said as cause', async () => {
    const error = await thrown(served(() => new Refusal(-32601, 'Method not found')).node.tip())
    expect(error).toMatchObject({
      code: 'node/refused',
      retryable: false,
      cause: { code: -32601, message: 'Method not found' },
    })
  })

  it('another network is refused before anything is asked', async () => {
    const { node, asked } = served(() => txid, { network: 'regtest' })
    expect((await thrown(node.broadcast(script))).code).toBe('node/nonsense')
    expect(asked).toEqual(['getblockhash'])
  })
})

describe('headers', () => {
  const heightOf = (at: number) => at.toString(16).padStart(64, '0')
  const headerOf = (hash: unknown) => String(hash).slice(-2).repeat(80)
  const answer =
    (tip: number): Answer =>
    (method, [what]) => {
      if (method === 'getblockheader') return headerOf(what)
      return Number(what) > tip ? new Refusal(-8, 'Block height out of range') : heightOf(Number(what))
    }

  it('come in batches, in order, up to the tip', async () => {
    const { node, fetch } = served(answer(600))
    const headers = await node.headers(height(3), 2_016)
    expect(headers).toHaveLength(80 * 598)
    expect(headers.filter((_, at) => at % 80 === 0)).toEqual(Uint8Array.from({ length: 598 }, (_, at) => at + 3))
    expect(fetch).toHaveBeenCalledTimes(6)
    expect(await node.headers(height(601), 1)).toHaveLength(0)
  })

  it('are never more than 2,016', async () => {
    expect(await served(answer(1e6)).node.headers(height(0), 1e6)).toHaveLength(80 * 2_016)
  })

  it('of another size are nonsense', async () => {
    const { node } = served((method, params) =>
      method === 'getblockheader' ? '00'.repeat(79) : answer(9)(method, params),
    )
    expect((await thrown(node.headers(height(0), 1))).code).toBe('node/nonsense')
  })
})

describe('transactions', () => {
  it('that are not there are nothing; ones that only an index would find are refused with a note', async () => {
    const nowhere = served(() => new Refusal(-5, unknown)).node
    expect([await nowhere.transaction(txid), await nowhere.inclusion(txid)]).toEqual([undefined, undefined])
    const blind = served(
      () =>
        new Refusal(
          -5,
          'No such mempool transaction. Use -txindex or provide a block hash to enable blockchain transaction queries.',
        ),
    ).node
    expect(await thrown(blind.transaction(txid))).toMatchObject({
      code: 'node/refused',
      retryable: false,
      notes: [expect.stringContaining('-txindex')],
    })
    const behind = served(
      () =>
        new Refusal(
          -5,
          'No such mempool transaction. Blockchain transactions are still in the process of being indexed.',
        ),
    ).node
    expect(await thrown(behind.inclusion(txid))).toMatchObject({ code: 'node/refused', retryable: true })
  })

  it('are in no block while their block is outside the chain', async () => {
    const merkleBlock = new Uint8Array(120).fill(3)
    const blockhash = writeHash(hash256(merkleBlock.subarray(0, 80)))
    const node = (confirmations: number) =>
      served((method) => {
        if (method === 'getrawtransaction') return { blockhash }
        return method === 'getblockheader' ? { height: 8, confirmations } : writeRaw(merkleBlock)
      }).node
    expect(await node(-1).inclusion(txid)).toBeUndefined()
    expect(await node(1).inclusion(txid)).toMatchObject({ height: 8, merkleBlock })
  })

  it('with a proof of another block are nonsense', async () => {
    const { node } = served((method) => {
      if (method === 'getrawtransaction') return { blockhash: other }
      return method === 'getblockheader' ? { height: 8, confirmations: 1 } : '00'.repeat(120)
    })
    expect((await thrown(node.inclusion(txid))).code).toBe('node/nonsense')
  })
})

describe('scripts', () => {
  const index = (height: number, synced = true) => ({
    'basic block filter index': { synced, best_block_height: height },
  })
  const spk = (of = script) => ({ hex: writeRaw(of) })
  /** A chain of that height in which `activity` is all there is of any script. */
  const chainOf =
    (
      state: { tip: number; activity: unknown; inChain?: boolean },
      scan: (from: number, to: number, scripts: readonly string[]) => unknown,
    ): Answer =>
    (method, params) => {
      if (method === 'getblockchaininfo')
        return { blocks: state.tip, bestblockhash: state.inChain === false ? other : txid }
      if (method === 'getindexinfo') return index(state.tip)
      if (method === 'getblockheader') return { confirmations: state.inChain === false ? -1 : 1 }
      if (method === 'scanblocks') return scan(Number(params[2]), Number(params[3]), params[1] as string[])
      return method === 'getdescriptoractivity' ? state.activity : null
    }
  const found = (...blocks: string[]) => ({ relevant_blocks: blocks, completed: true })
  const none = { activity: [] }

  it('are scanned in steps, and each block once', async () => {
    const scans: string[] = []
    const state = { tip: 45_000, activity: none }
    const { node } = served(
      chainOf(state, (from, to) => {
        scans.push(`${from}-${to}`)
        return found()
      }),
      { sinceHeight: height(1_000) },
    )
    await node.coins(script)
    state.tip = 45_003
    await node.history(script)
    await node.history(script)
    expect(scans).toEqual(['1000-20999', '21000-40999', '41000-45000', '45001-45003'])
  })

  it('are scanned anew when what was scanned is outside the chain', async () => {
    const scans: number[] = []
    const state = { tip: 10, activity: none, inChain: true }
    const { node } = served(chainOf(state, (from) => found(`${scans.push(from)}`.padStart(64, '0'))))
    await node.coins(script)
    state.inChain = false
    await node.coins(script)
    expect(scans).toEqual([0, 0])
  })

  it('are asked for one after the other, and together what comes in meanwhile', async () => {
    let running = 0
    const scans: string[] = []
    const answer = chainOf({ tip: 3, activity: none }, (from, _, scripts) => {
      scans.push(`${scripts.length} from ${from}`)
      return found()
    })
    const fetch = vi.fn(async (_: string, init: RequestInit) => {
      expect(++running).toBe(1)
      await new Promise((resolve) => setTimeout(resolve, 1))
      running -= 1
      const body: Request | Request[] = JSON.parse(String(init.body))
      const reply = ({ id, method, params }: Request) => ({
        id,
        result: answer(method, params),
      })
      return Response.json(Array.isArray(body) ? body.map(reply) : reply(body))
    })
    const node = bitcoind({ url, fetch })
    const coins = (bytes: readonly number[]) => bytes.map((byte) => node.coins(Uint8Array.of(byte)))
    const first = coins([1, 2, 3])
    await new Promise((resolve) => setTimeout(resolve, 1))
    await Promise.all([...first, ...coins([4, 5, 5]), ...coins(Array.from({ length: 70 }, (_, at) => 10 + at))])
    // Sixty-four go together at the most.
    expect(scans).toEqual(['3 from 0', '64 from 0', '8 from 0'])
  })

  it('are told apart in one answer, and each goes on from where it was scanned to', async () => {
    const [one, two] = [Uint8Array.of(1), Uint8Array.of(2)]
    const paid = (of: typeof script, index: number, block: string | null) => ({
      ...{ type: 'receive', amount: 0.00000007, txid, vout: index, output_spk: spk(of) },
      ...(block === null ? {} : { height: 2, blockhash: block }),
    })
    const state = { tip: 3, activity: { activity: [paid(one, 0, other)] } }
    const scans: string[] = []
    const looked: (readonly unknown[])[] = []
    const answer = chainOf(state, (from, _, scripts) => {
      scans.push(`${scripts.join()} from ${from}`)
      return found(other)
    })
    const { node } = served((method, params) => {
      if (method === 'getdescriptoractivity') looked.push(params)
      return answer(method, params)
    })
    expect(await node.coins(one)).toMatchObject([{ outpoint: { index: 0 } }])
    state.tip = 5
    state.activity = { activity: [paid(two, 1, txid), paid(one, 0, other), paid(two, 2, null)] }
    const [ofOne, ofTwo] = await Promise.all([node.coins(one), node.coins(two)])
    expect(ofOne).toMatchObject([{ outpoint: { index: 0 }, height: 2 }])
    expect(ofTwo).toMatchObject([
      { outpoint: { index: 1 }, height: 2 },
      { outpoint: { index: 2 }, height: null },
    ])
    expect(scans).toEqual(['raw(01) from 0', 'raw(01) from 4', 'raw(02) from 0'])
    // A block that only seemed to touch a script is not looked into again.
    state.activity = { activity: [paid(two, 1, txid)] }
    await node.coins(two)
    expect(looked.at(-1)).toEqual([[txid], ['raw(02)'], true])
  })

  it('are asked apart where the node would have too many blocks to read for them', async () => {
    const blocksOf = (script: string) =>
      Array.from({ length: 300 }, (_, at) => `${script.slice(4, 6)}${at.toString(16)}`.padStart(64, '0'))
    const looked: number[] = []
    const answer = chainOf({ tip: 3, activity: none }, (_from, _to, scripts) => found(...scripts.flatMap(blocksOf)))
    const { node } = served((method, params) => {
      if (method === 'getdescriptoractivity') looked.push((params[0] as unknown[]).length)
      return answer(method, params)
    })
    await Promise.all([1, 2, 3].map((byte) => node.coins(Uint8Array.of(byte))))
    expect(looked).toEqual([300, 300, 300])
  })

  it('one with too much to look through is refused, and does not take the others along', async () => {
    const many = Array.from({ length: 10_001 }, (_, at) => at.toString(16).padStart(64, '0'))
    const crowded = Uint8Array.of(9)
    const { node } = served(
      chainOf({ tip: 3, activity: none }, (_from, _to, scripts) =>
        scripts.includes('raw(09)') ? found(...many) : found(),
      ),
    )
    const all = [1, 2, 9, 4, 5].map((byte) => node.coins(Uint8Array.of(byte)))
    const settled = await Promise.allSettled(all)
    expect(settled.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ])
    expect(await thrown(node.coins(crowded))).toMatchObject({ code: 'node/refused', retryable: false })
  })

  it('are asked for again when a block leaves the chain meanwhile, but not for ever', async () => {
    let misses = 2
    const gone = new Refusal(-8, 'Block is not in main chain')
    const state = {
      tip: 3,
      get activity() {
        return misses-- > 0 ? gone : none
      },
    }
    expect(await served(chainOf(state, () => found(txid))).node.coins(script)).toEqual([])
    const always = served(chainOf({ tip: 3, activity: gone }, () => found(txid)))
    expect((await thrown(always.node.coins(script))).code).toBe('node/refused')
    expect(always.asked.filter((method) => method === 'getdescriptoractivity')).toHaveLength(3)
  })

  it('wait until the filters reach the tip, which a scan would not', async () => {
    let polls = 0
    const answer = chainOf({ tip: 3, activity: none }, () => found())
    const { node } = served((method, params) =>
      method === 'getindexinfo' ? index(++polls < 3 ? 2 : 3, true) : answer(method, params),
    )
    await node.coins(script)
    expect(polls).toBe(3)
  })

  it('of a node without filters, or too old, are refused with a note', async () => {
    const without = served((method) => (method === 'getindexinfo' ? {} : { blocks: 1, bestblockhash: txid })).node
    expect(await thrown(without.coins(script))).toMatchObject({
      code: 'node/refused',
      notes: [expect.stringContaining('-blockfilterindex')],
    })
    const old = served(chainOf({ tip: 3, activity: new Refusal(-32601, 'Method not found') }, () => found())).node
    expect(await thrown(old.coins(script))).toMatchObject({
      code: 'node/refused',
      notes: [expect.stringContaining('29')],
    })
  })

  it('are refused for now while another program scans, and nonsense when a scan is cut short', async () => {
    const busy = new Refusal(-8, 'Scan already in progress, use action "abort" or "status"')
    expect(await thrown(served(chainOf({ tip: 3, activity: none }, () => busy)).node.coins(script))).toMatchObject({
      code: 'node/refused',
      retryable: true,
    })
    const cut = { ...found(), completed: false }
    expect((await thrown(served(chainOf({ tip: 3, activity: none }, () => cut)).node.coins(script))).code).toBe(
      'node/nonsense',
    )
  })

  it('have the coins that were received and not spent, whatever the order', async () => {
    const receive = (id: string, vout: number, height?: number) => ({
      type: 'receive',
      amount: 0.00000007,
      txid: id,
      vout,
      output_spk: spk(),
      ...(height === undefined ? {} : { height, blockhash: txid }),
    })
    const spend = {
      ...{ type: 'spend', spend_txid: other, spend_vin: 0, amount: 1 },
      ...{ prevout_txid: txid, prevout_vout: 1, prevout_spk: spk() },
    }
    const activity = { activity: [spend, receive(txid, 0, 2), receive(txid, 1, 2), receive(other, 5)] }
    const { node } = served(chainOf({ tip: 3, activity }, () => found(txid)))
    expect(await node.coins(script)).toEqual([
      { outpoint: { txid, index: 0 }, value: 7n, height: 2 },
      { outpoint: { txid: other, index: 5 }, value: 7n, height: null },
    ])
    expect(await node.history(script)).toEqual([
      { txid: other, height: null },
      { txid, height: 2 },
    ])
    expect(await node.spend({ txid, index: 1 }, script)).toEqual({ txid: other, height: null })
    expect(await node.spend({ txid, index: 0 }, script)).toBeUndefined()
  })

  it.each([
    ['an amount below zero', { amount: -1 }],
    ['an amount beyond all bitcoin', { amount: 21_000_001 }],
    ['a type of its own', { type: 'borrow' }],
    ['no name', { txid: undefined }],
    ['no block', { blockhash: undefined }],
    ['another script', { output_spk: { hex: '52' } }],
    ['no script', { output_spk: undefined }],
  ])('with an event of %s are nonsense', async (_, change) => {
    const event = { type: 'receive', amount: 1, txid, vout: 0, height: 1, blockhash: other, output_spk: spk() }
    const activity = { activity: [{ ...event, ...change }] }
    const { node } = served(chainOf({ tip: 3, activity }, () => found(txid)))
    expect((await thrown(node.coins(script))).code).toBe('node/nonsense')
  })
})

describe('fees', () => {
  it('are sat per vbyte by target, where there is an estimate', async () => {
    const { node } = served((_, [target]) =>
      target === 2
        ? { feerate: 0.00012345, blocks: 2 }
        : { errors: ['Insufficient data or no feerate found'], blocks: 2 },
    )
    expect(await node.feeEstimates()).toEqual(new Map([[2, 12.345]]))
  })

  it('the least is that of relaying, or of staying in a full pool', async () => {
    const node = (minrelaytxfee: number, mempoolminfee: number) => served(() => ({ minrelaytxfee, mempoolminfee })).node
    expect(await node(0.000001, 0.000001).minFeerate()).toBe(100)
    expect(await node(0.00001, 0.00002).minFeerate()).toBe(2_000)
  })
})

describe('broadcast', () => {
  it('answers with the name, or with the reason', async () => {
    const { node } = served((_, [raw]) => (raw === '51' ? txid : new Refusal(-26, 'dust')))
    expect(await node.broadcast(script)).toEqual({ ok: true, txid })
    expect(await node.broadcast(Uint8Array.of(1))).toEqual({ ok: false, code: 'dust', detail: 'dust' })
  })

  it('takes an error of the call for no refusal of the transaction', async () => {
    for (const code of [-1, -3, -8, -32600, -32601])
      expect((await thrown(served(() => new Refusal(code, 'dust')).node.broadcast(script))).code).toBe('node/refused')
  })

  // As versions 0.21 to 30 of Bitcoin Core, and Knots, say it.
  it.each([
    ['Transaction already in block chain', 'already-known'],
    ['Transaction outputs already in utxo set', 'already-known'],
    ['txn-already-in-mempool', 'already-known'],
    ['bad-txns-inputs-missingorspent', 'missing-inputs'],
    ['Missing inputs', 'missing-inputs'],
    ['bad-txns-premature-spend-of-coinbase, tried to spend coinbase at depth 1', 'coinbase-immature'],
    ['non-final', 'non-final'],
    ['bad-txns-nonfinal, non-final transaction', 'non-final'],
    ['non-BIP68-final', 'non-bip68-final'],
    ['txn-mempool-conflict', 'conflict'],
    ['replacement-adds-unconfirmed, replacement abc adds unconfirmed input', 'conflict'],
    ['bad-txns-spends-conflicting-tx', 'conflict'],
    ['insufficient fee, rejecting replacement abc, less fees than conflicting txs; 0.1 < 0.2', 'replacement-too-cheap'],
    ['replacement-failed, insufficient feerate: does not improve feerate diagram', 'replacement-too-cheap'],
    ['min relay fee not met, 14 < 141', 'fee-too-low'],
    ['mempool min fee not met, 14 < 141', 'fee-too-low'],
    ['Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)', 'fee-too-high'],
    ['absurdly-high-fee', 'fee-too-high'],
    ['too-long-mempool-chain, too many unconfirmed ancestors [limit: 25]', 'too-long-chain'],
    ['mandatory-script-verify-flag-failed (Signature must be zero for failed CHECK(MULTI)SIG operation)', 'script'],
    ['non-mandatory-script-verify-flag (Locktime requirement not satisfied)', 'script'],
    ['mempool-script-verify-flag-failed (Operation not valid with the current stack size)', 'script'],
    ['dust', 'dust'],
    ['dust, tx with dust output must be 0-fee', 'dust'],
    ['TX decode failed. Make sure the tx has at least one input.', 'invalid'],
    ['bad-txns-in-belowout, value in (0.001) < value out (0.002)', 'invalid'],
    ['bad-txns-inputs-duplicate', 'invalid'],
    ['coinbase', 'invalid'],
    ['bad-txns-nonstandard-inputs', 'nonstandard'],
    ['bad-witness-nonstandard', 'nonstandard'],
    ['bad-witness-taproot-annex', 'nonstandard'],
    ['txn-datacarrier-nonstandard', 'nonstandard'],
    ['scriptpubkey', 'nonstandard'],
    ['version', 'nonstandard'],
    ['tx-size-small', 'nonstandard'],
    ['Unspendable output exceeds maximum configured by user (maxburnamount)', 'nonstandard'],
    ['something new', 'other'],
  ])('%s is %s', (message, code) => {
    expect(broadcastRefusal(-26, message)).toEqual({ ok: false, code, detail: message })
  })

  it('keeps what a node says short and on one line', () => {
    const { detail = '' } = broadcastRefusal(-26, `dust\n${'x'.repeat(9_999)}`) ?? {}
    expect(detail.length).toBeLessThan(300)
    expect(detail).not.toContain('\n')
  })
})
