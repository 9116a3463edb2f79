import { createHash } from 'node:crypto'
import { Block, type Transaction } from 'bitcoinjs-lib'
import { beforeAll, describe, expect, it } from 'vitest'
import { hash256 } from '../../../edge/local/ledger/block.ts'
import { esploraServer } from '../../../edge/local/ledger/esploraServer.ts'
import { createLedger } from '../../../edge/local/ledger/ledger.ts'
import { sats, type Txid } from '../../../sdk/units.ts'
import { payer } from '../../contracts/bitcoinCases.ts'
import { addressOf, p2tr, p2wpkh, signedSpend } from '../../contracts/bitcoinScripts.ts'

const purse = p2wpkh(payer.public)
const ledger = createLedger({ nowSeconds: () => 1_700_000_000 })
const app = esploraServer(ledger)

async function text(path: string): Promise<string> {
  const response = await app.request(path)
  expect([path, response.status]).toEqual([path, 200])
  return response.text()
}

async function json(path: string) {
  return JSON.parse(await text(path))
}

function scriptHash(script: Uint8Array): string {
  return createHash('sha256').update(script).digest('hex')
}

describe('esplora server', () => {
  let funding: Txid
  let transaction: Transaction
  let txid: string

  beforeAll(() => {
    ledger.mine(105)
    const outpoint = ledger.fund(addressOf(purse), sats(100_000n))
    funding = outpoint.txid
    ledger.mine(1)
    transaction = signedSpend({ outpoint, value: 100_000n, lock: purse }, payer, { fee: 700n })
    txid = transaction.getId()
    ledger.broadcast(transaction.toBuffer())
  })

  it('tells a transaction with what it spends, its fee and its size', async () => {
    const told = await json(`/tx/${txid}`)
    expect(told).toMatchObject({
      txid,
      version: 2,
      locktime: 0,
      fee: 700,
      size: transaction.byteLength(),
      weight: transaction.weight(),
      status: { confirmed: false },
      vin: [
        {
          txid: funding,
          vout: 0,
          is_coinbase: false,
          sequence: 0xfffffffd,
          scriptsig: '',
          witness: transaction.ins[0]?.witness.map((item) => Buffer.from(item).toString('hex')),
          prevout: { value: 100_000, scriptpubkey_address: addressOf(purse) },
        },
      ],
      vout: [{ value: 99_300 }],
    })
    expect(await text(`/tx/${txid}/hex`)).toBe(transaction.toHex())
  })

  it('tells a reward as one', async () => {
    const [reward] = await json(`/block/${await text('/blocks/tip/hash')}/txids`)
    expect(await json(`/tx/${reward}`)).toMatchObject({ fee: 0, vin: [{ is_coinbase: true, prevout: null }] })
  })

  it('tells where a transaction stands, and who spends its outputs', async () => {
    const hash = await text('/blocks/tip/hash')
    const status = {
      confirmed: true,
      block_height: 106,
      block_hash: hash,
      block_time: (await json(`/block/${hash}`)).timestamp,
    }
    expect(await json(`/tx/${funding}/status`)).toEqual(status)
    expect(await json(`/tx/${'00'.repeat(32)}/status`)).toEqual({ confirmed: false })
    const spent = { spent: true, txid, vin: 0, status: { confirmed: false } }
    expect(await json(`/tx/${funding}/outspends`)).toEqual([spent, { spent: false }])
    expect(await json(`/tx/${funding}/outspend/0`)).toEqual(spent)
  })

  it("proves a mined transaction in Electrum's form", async () => {
    const { block_height, merkle, pos } = await json(`/tx/${funding}/merkle-proof`)
    let node = Buffer.from(funding, 'hex').reverse()
    for (const [level, sibling] of (merkle as string[]).entries()) {
      const beside = Buffer.from(sibling, 'hex').reverse()
      node = Buffer.from(hash256(Buffer.concat((pos >> level) % 2 === 1 ? [beside, node] : [node, beside])))
    }
    const { merkle_root } = await json(`/block/${await text(`/block-height/${block_height}`)}`)
    expect(node.reverse().toString('hex')).toBe(merkle_root)
    for (const path of [`/tx/${txid}/merkle-proof`, `/tx/${txid}/merkleblock-proof`])
      expect((await app.request(path)).status).toBe(404)
  })

  it('serves blocks whole and in parts', async () => {
    const hash = await text('/blocks/tip/hash')
    const raw = Buffer.from(await (await app.request(`/block/${hash}/raw`)).arrayBuffer())
    const block = Block.fromBuffer(raw)
    expect(block.getId()).toBe(hash)
    expect(await text(`/block/${hash}/header`)).toBe(raw.subarray(0, 80).toString('hex'))
    expect(await json(`/block/${hash}`)).toMatchObject({
      height: 106,
      size: raw.length,
      weight: block.weight(),
      tx_count: 2,
      previousblockhash: await text('/block-height/105'),
    })
    expect(await text(`/block/${hash}/txid/1`)).toBe(funding)
    expect((await json(`/block/${hash}/txs`)).map((told: { txid: string }) => told.txid)).toEqual(
      await json(`/block/${hash}/txids`),
    )
    expect(await json(`/block/${hash}/txs/25`)).toEqual([])
    expect(await json(`/block/${hash}/status`)).toEqual({ in_best_chain: true, height: 106, next_best: null })
  })

  it('serves the first block of regtest', async () => {
    const hash = await text('/block-height/0')
    expect(hash).toBe('0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206')
    expect(await json(`/block/${hash}`)).toMatchObject({ previousblockhash: null, timestamp: 1_296_688_602 })
  })

  it('pages blocks by ten from a height down', async () => {
    const heights = async (path: string) => (await json(path)).map((block: { height: number }) => block.height)
    expect(await heights('/blocks')).toEqual([106, 105, 104, 103, 102, 101, 100, 99, 98, 97])
    expect(await heights('/blocks/3')).toEqual([3, 2, 1, 0])
    expect((await app.request('/blocks/107')).status).toBe(404)
  })

  it.each([
    ['address', addressOf(purse)],
    ['scripthash', scriptHash(purse.script)],
  ])('tells the life of a script by its %s', async (kind, name) => {
    expect(await json(`/${kind}/${name}`)).toEqual({
      [kind]: name,
      chain_stats: { tx_count: 1, funded_txo_count: 1, funded_txo_sum: 100_000, spent_txo_count: 0, spent_txo_sum: 0 },
      mempool_stats: {
        tx_count: 1,
        funded_txo_count: 0,
        funded_txo_sum: 0,
        spent_txo_count: 1,
        spent_txo_sum: 100_000,
      },
    })
    const txids = async (path: string) =>
      (await json(`/${kind}/${name}${path}`)).map((told: { txid: string }) => told.txid)
    expect(await txids('/txs')).toEqual([txid, funding])
    expect(await txids('/txs/mempool')).toEqual([txid])
    expect(await txids('/txs/chain')).toEqual([funding])
    expect(await txids(`/txs/chain/${funding}`)).toEqual([])
    expect(await txids(`/txs/chain/${'00'.repeat(32)}`)).toEqual([])
    expect(await json(`/${kind}/${name}/utxo`)).toEqual([])
  })

  it('knows the coins of a taproot address', async () => {
    const outpoint = ledger.fund(addressOf(p2tr(payer)), sats(5_000n))
    expect(await json(`/address/${addressOf(p2tr(payer))}/utxo`)).toEqual([
      { txid: outpoint.txid, vout: 0, value: 5_000, status: { confirmed: false } },
    ])
  })

  it('refuses names that are none', async () => {
    const mainnet = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'
    for (const path of [
      `/address/${mainnet}`,
      '/address/nothing/utxo',
      '/scripthash/ab/txs',
      `/scripthash/${'g'.repeat(64)}`,
    ])
      expect([path, (await app.request(path)).status]).toEqual([path, 400])
  })

  it('adds up the mempool', async () => {
    const { count, vsize, total_fee } = await json('/mempool')
    expect([count, await json('/mempool/txids')]).toEqual([2, expect.arrayContaining([txid])])
    expect(vsize).toBeGreaterThan(transaction.virtualSize())
    expect(total_fee).toBe(1_700)
    expect((await json('/mempool/recent'))[1]).toEqual({
      txid,
      fee: 700,
      vsize: transaction.virtualSize(),
      value: 99_300,
    })
    expect((await json('/fee-estimates'))[144]).toBe(0.1)
  })

  it('refuses what it does not take, in the words of bitcoind', async () => {
    const post = (body: string) => app.request('/tx', { method: 'POST', body })
    expect(await (await post(`${transaction.toHex()}\n`)).text()).toBe(txid)
    for (const body of ['', 'zz', '00']) {
      const response = await post(body)
      expect(response.status).toBe(400)
      expect(await response.text()).toBe('sendrawtransaction RPC error: {"code":-22,"message":"TX decode failed"}')
    }
    expect((await post('0'.repeat(8_000_001))).status).toBe(413)
    expect((await app.request('/tx', { method: 'DELETE' })).status).toBe(404)
  })

  it('still knows a block that was undone, and that it is not in the chain', async () => {
    const lost = await text('/blocks/tip/hash')
    expect(ledger.reorg(1).ok).toBe(true)
    expect(await json(`/block/${lost}/status`)).toEqual({ in_best_chain: false })
    expect(await json(`/block/${lost}`)).toMatchObject({ id: lost, height: 106 })
    expect(await text('/blocks/tip/height')).toBe('107')
  })
})

describe('ledger', () => {
  it('stamps blocks after the median of eleven, however slow its clock', () => {
    const still = createLedger({ nowSeconds: () => 5 })
    still.mine(30)
    const times = Array.from({ length: 31 }, (_, at) => still.chain.at(at)?.time ?? 0)
    for (let at = 12; at <= 30; at++)
      expect(times[at]).toBeGreaterThan([...times.slice(at - 11, at)].sort((a, b) => a - b)[5] as number)
  })

  it('pays no more than its mature rewards hold, and to regtest alone', () => {
    const poor = createLedger()
    poor.mine(99)
    expect(() => poor.fund(addressOf(purse), sats(1n))).toThrow(/mature/)
    poor.mine(1)
    expect(() => poor.fund(addressOf(purse), sats(5_000_000_000n))).toThrow(/mature/)
    expect(() => poor.fund(addressOf(purse), sats(1n))).toThrow(/dust/)
    expect(() => poor.fund('bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', sats(1_000n))).toThrow(/regtest/)
    expect(poor.fund(addressOf(purse), sats(1_000n)).index).toBe(0)
  })

  it('pays fees and a reward that halves every 150 blocks to the miner', () => {
    const rich = createLedger()
    rich.mine(150)
    rich.fund(addressOf(purse), sats(1_000n))
    rich.mine(1)
    const rewardAt = (height: number) => rich.chain.at(height)?.transactions[0]?.outputs[0]?.value
    expect([149, 150, 151].map(rewardAt)).toEqual([5_000_000_000n, 2_500_000_000n, 2_500_001_000n])
  })

  it('refuses a reorganisation below its first block', () => {
    const short = createLedger()
    short.mine(2)
    for (const depth of [0, 3, 1.5, -1]) expect(short.reorg(depth)).toMatchObject({ ok: false })
    expect(short.chain.tip().height).toBe(2)
  })
})
