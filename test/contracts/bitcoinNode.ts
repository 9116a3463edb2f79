import { Block, type Transaction } from 'bitcoinjs-lib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BitcoinBackend } from '../../edge/local/bitcoinBackend.ts'
import { merkleBlock } from '../../edge/local/ledger/block.ts'
import { esplora } from '../../sdk/adapters/esplora.ts'
import type { BitcoinNode, Broadcast, NodeOutpoint } from '../../sdk/ports.ts'
import { height, sats, type Txid } from '../../sdk/units.ts'
import { payee, payer, spendCases } from './bitcoinCases.ts'
import {
  addressOf,
  coinOf,
  delayed,
  ecdsa,
  type Lock,
  type LockedCoin,
  oneway,
  openLock,
  p2wpkh,
  type Shape,
  signedSpend,
  spend,
} from './bitcoinScripts.ts'

const coinValue = 100_000n
const unknownTxid = 'ab'.repeat(32) as Txid
const purse = p2wpkh(payer.public)

/**
 * What every Bitcoin node holds to, whatever it is made of: the questions of the port, and Bitcoin Core's judgement of
 * every transaction that the project makes. One list for all: a case is accepted or refused alike, for the same reason.
 */
export function bitcoinNodeContract(name: string, start: () => Promise<BitcoinBackend>): void {
  describe(`bitcoin node: ${name}`, () => {
    let backend: BitcoinBackend
    beforeAll(async () => {
      backend = await start()
    })
    afterAll(() => backend?.stop())
    const running = () => backend

    describe('spends', () => spendTests(running))
    describe('locks in time', () => lockTests(running))
    describe('fees', () => feeTests(running))
    describe('conflicts', () => conflictTests(running))
    describe('blocks and transactions', () => chainTests(running))
    describe('scripts', () => scriptTests(running))
    describe('server', () => serverTests(running))
    describe('reorganisations', () => reorgTests(running))
  })
}

type Running = () => BitcoinBackend

/** A coin of a lock, in a block. */
async function mint({ fund, mine }: BitcoinBackend, lock: Lock, value = coinValue): Promise<LockedCoin> {
  const outpoint = await fund(addressOf(lock), sats(value))
  await mine(1)
  return { outpoint, value, lock }
}

function send({ node }: BitcoinBackend, transaction: Transaction): Promise<Broadcast> {
  return node.broadcast(transaction.toBuffer())
}

/** The answer in one word. */
function wordOf(answer: Broadcast): string {
  return answer.ok ? 'accepted' : answer.code
}

async function sendAll(backend: BitcoinBackend, ...transactions: readonly Transaction[]): Promise<string[]> {
  const words: string[] = []
  for (const transaction of transactions) words.push(wordOf(await send(backend, transaction)))
  return words
}

async function tipHeight({ node }: BitcoinBackend): Promise<number> {
  return (await node.tip()).height
}

function spendTests(running: Running) {
  it.each(spendCases)('$name: $relay, and a block: $block', async ({ lock, build, relay, block }) => {
    const backend = running()
    const transaction = build(await mint(backend, lock))
    const answer = await send(backend, transaction)
    const told = answer.ok ? answer.txid : `${answer.code}: ${answer.detail}`
    expect(told).toContain(relay === 'accepted' ? transaction.getId() : `${relay}: `)
    const mined = relay === 'accepted' ? await backend.mine(1) : await backend.mineOnly([transaction.toBuffer()])
    if (mined) expect(mined.ok ? 'held' : `refused: ${mined.reason}`).toMatch(block)
    const inclusion = await backend.node.inclusion(transaction.getId() as Txid)
    expect(inclusion !== undefined).toBe(block === 'held')
  })

  it('bytes that are no transaction are invalid', async () => {
    const { node } = running()
    const whole = signedSpend(await mint(running(), purse), payer).toBuffer()
    for (const raw of [Uint8Array.of(1, 2, 3), whole.slice(0, -1), Uint8Array.of(...whole, 0)])
      expect(wordOf(await node.broadcast(raw))).toBe('invalid')
  })

  it('an input that stands twice is invalid', async () => {
    const coin = await mint(running(), purse)
    expect(await sendAll(running(), spend([coin, coin]))).toEqual(['invalid'])
  })
}

function lockTests(running: Running) {
  it('a refund is final in the block after its expiry, and not in the one of its expiry', async () => {
    const backend = running()
    const expiry = (await tipHeight(backend)) + 4
    const coin = await mint(backend, oneway(payer, payee, expiry))
    const refund = spend([coin], { locktime: expiry })
    refund.setWitness(0, [ecdsa(refund, { coin, key: payer }), new Uint8Array(0), coin.lock.code])
    while ((await tipHeight(backend)) < expiry - 1) await backend.mine(1)
    expect(await sendAll(backend, refund)).toEqual(['non-final'])
    expect(await backend.mineOnly([refund.toBuffer()])).toMatchObject({ ok: false })
    await backend.mine(1)
    expect(await sendAll(backend, refund)).toEqual(['accepted'])
    await backend.mine(1)
    expect((await backend.node.inclusion(refund.getId() as Txid))?.height).toBe(expiry + 1)
  })

  it.each([
    ['by the sequence alone (BIP-68)', purse],
    ['by a script (BIP-112)', delayed(payer, 3)],
  ])('a coin locked for three blocks %s moves when it is so deep', async (_, lock) => {
    const backend = running()
    const coin = await mint(backend, lock)
    const transaction = spend([coin], { sequence: 3 })
    const last = lock === purse ? payer.public : coin.lock.code
    transaction.setWitness(0, [ecdsa(transaction, { coin, key: payer }), last])
    expect(await sendAll(backend, transaction)).toEqual(['non-bip68-final'])
    await backend.mine(1)
    expect(await sendAll(backend, transaction)).toEqual(['non-bip68-final'])
    expect(await backend.mineOnly([transaction.toBuffer()])).toMatchObject({ ok: false })
    await backend.mine(1)
    expect(await sendAll(backend, transaction)).toEqual(['accepted'])
  })

  it('a relative lock in seconds waits for the median time', async () => {
    const coin = await mint(running(), purse)
    const seconds = (units: number) => signedSpend(coin, payer, { sequence: 0x400000 | units })
    expect(await sendAll(running(), seconds(0xffff), seconds(0))).toEqual(['non-bip68-final', 'accepted'])
  })

  it('a relative lock counts from the block that will hold a parent that waits', async () => {
    const parent = signedSpend(await mint(running(), purse), payer, { outputs: [{ ...purse, value: 90_000n }] })
    const child = (sequence: number) => signedSpend(coinOf(parent, 0, purse), payer, { sequence })
    expect(await sendAll(running(), parent, child(1), child(0))).toEqual(['accepted', 'non-bip68-final', 'accepted'])
  })

  it('version 1 has no relative locks', async () => {
    const coin = await mint(running(), purse)
    expect(await sendAll(running(), signedSpend(coin, payer, { version: 1, sequence: 100 }))).toEqual(['accepted'])
  })

  it('a reward matures after 100 blocks', async () => {
    const backend = running()
    await backend.mine(1)
    const { node } = backend
    const reward = await rewardOf(node, await tipHeight(backend))
    const transaction = spend([reward], { outputs: [{ ...purse, value: 1_000_000n }], fee: 0n })
    // The rest goes to the fee, which is more than `sendrawtransaction` would let pass.
    transaction.addOutput(openLock.script, reward.value - 1_010_000n)
    transaction.setWitness(0, [reward.lock.code])
    expect(await sendAll(backend, transaction)).toEqual(['coinbase-immature'])
    await backend.mine(98)
    expect(await sendAll(backend, transaction)).toEqual(['coinbase-immature'])
    expect(await backend.mineOnly([transaction.toBuffer()])).toMatchObject({ ok: false })
    await backend.mine(1)
    expect(await sendAll(backend, transaction)).toEqual(['accepted'])
  })
}

/** The miner's output of a block. */
async function rewardOf(node: BitcoinNode, at: number): Promise<LockedCoin> {
  const raw = await node.block(blockName(await node.headers(height(at), 1)))
  const [coinbase] = Block.fromBuffer(raw ?? new Uint8Array(0)).transactions ?? []
  if (!coinbase) throw new Error('The block has no coinbase.')
  return coinOf(coinbase, 0, openLock)
}

function blockName(header: Uint8Array): Uint8Array {
  return Block.fromBuffer(header).getHash()
}

/** What a transaction has to pay at a feerate in sat per 1,000 vbytes. */
function feeOf(transaction: Transaction, satsPerKvbyte: number): bigint {
  return BigInt(Math.ceil((transaction.virtualSize() * satsPerKvbyte) / 1_000))
}

function feeTests(running: Running) {
  it('the least fee is enough, and one satoshi less is not', async () => {
    const backend = running()
    const coin = await mint(backend, purse)
    const least = feeOf(signedSpend(coin, payer), await backend.node.minFeerate())
    expect(await sendAll(backend, signedSpend(coin, payer, { fee: least - 1n }))).toEqual(['fee-too-low'])
    const cheap = signedSpend(coin, payer, { fee: least })
    expect(await sendAll(backend, cheap)).toEqual(['accepted'])
    await backend.mine(1)
    expect(await backend.node.inclusion(cheap.getId() as Txid)).toBeDefined()
  })

  it('no fee at all is too low, and a block may hold it', async () => {
    const backend = running()
    const free = signedSpend(await mint(backend, purse), payer, { fee: 0n })
    expect(await sendAll(backend, free)).toEqual(['fee-too-low'])
    expect(await backend.mineOnly([free.toBuffer()])).toMatchObject({ ok: true })
  })

  it('a fee of more than 0.1 bitcoin a kilobyte is taken for a mistake', async () => {
    const coin = await mint(running(), purse, 10_000_000n)
    const vsize = BigInt(signedSpend(coin, payer).virtualSize())
    const [much, more] = [10_000n, 10_001n].map((rate) => signedSpend(coin, payer, { fee: rate * vsize }))
    expect(await sendAll(running(), more as Transaction, much as Transaction)).toEqual(['fee-too-high', 'accepted'])
  })

  it('feerates are told by target, and there is a least one', async () => {
    const { node } = running()
    expect(await node.minFeerate()).toBeGreaterThan(0)
    for (const [target, rate] of await node.feeEstimates()) {
      expect(Number.isInteger(target) && target > 0).toBe(true)
      expect(rate).toBeGreaterThan(0)
    }
  })
}

function conflictTests(running: Running) {
  const paying = (coin: LockedCoin, fee: bigint, shape: Shape = {}) => signedSpend(coin, payer, { fee, ...shape })

  it('a replacement pays for itself, to the satoshi', async () => {
    const backend = running()
    const coin = await mint(backend, purse)
    const original = paying(coin, 1_000n)
    // Bitcoin Core's default for -incrementalrelayfee since version 30; Knots has it too.
    const more = feeOf(original, 100)
    expect(
      await sendAll(
        backend,
        original,
        paying(coin, 999n),
        paying(coin, 1_000n, { locktime: 1 }),
        paying(coin, 1_000n + more - 1n),
      ),
    ).toEqual(['accepted', 'replacement-too-cheap', 'replacement-too-cheap', 'replacement-too-cheap'])
    const replacement = paying(coin, 1_000n + more)
    expect(await sendAll(backend, replacement)).toEqual(['accepted'])
    expect(await backend.node.transaction(original.getId() as Txid)).toBeUndefined()
    expect(await backend.node.spend(coin.outpoint, purse.script)).toEqual({ txid: replacement.getId(), height: null })
  })

  it('a replacement needs no leave of what it replaces', async () => {
    const coin = await mint(running(), purse)
    const original = paying(coin, 1_000n, { sequence: 0xffffffff })
    expect(await sendAll(running(), original, paying(coin, 5_000n))).toEqual(['accepted', 'accepted'])
  })

  it('a replacement pays for the children that it evicts', async () => {
    const backend = running()
    const coin = await mint(backend, purse)
    const parent = paying(coin, 1_000n)
    const mine = paying(coin, 1_000n, { outputs: [{ ...purse, value: coinValue - 1_000n }] })
    const child = signedSpend(coinOf(mine, 0, purse), payer, { fee: 5_000n })
    expect(await sendAll(backend, mine, child, paying(coin, 5_900n), paying(coin, 6_500n))).toEqual([
      'accepted',
      'accepted',
      'replacement-too-cheap',
      'accepted',
    ])
    expect(await backend.node.transaction(child.getId() as Txid)).toBeUndefined()
    expect(await sendAll(backend, child, parent)).toEqual(['missing-inputs', 'replacement-too-cheap'])
  })

  it('a replacement may spend nothing new that waits', async () => {
    const backend = running()
    const [coin, other] = [await mint(backend, purse), await mint(backend, purse)]
    const waiting = signedSpend(other, payer, { outputs: [{ ...purse, value: 90_000n }] })
    const coins = [coin, coinOf(waiting, 0, purse)]
    const replacement = spend(coins, { fee: 20_000n })
    coins.forEach((coin, at) => {
      replacement.setWitness(at, [ecdsa(replacement, { coin, key: payer, at }), payer.public])
    })
    expect(await sendAll(backend, paying(coin, 1_000n), waiting, replacement)).toEqual([
      'accepted',
      'accepted',
      'conflict',
    ])
  })

  it('equal bytes are one transaction, waiting or mined', async () => {
    const backend = running()
    const transaction = paying(await mint(backend, purse), 1_000n)
    expect(await sendAll(backend, transaction, transaction)).toEqual(['accepted', 'accepted'])
    await backend.mine(1)
    expect(await sendAll(backend, transaction)).toEqual(['already-known'])
  })

  it('what spends a spent output, or one of nobody, misses its input', async () => {
    const backend = running()
    const coin = await mint(backend, purse)
    const nobody = { ...coin, outpoint: { txid: unknownTxid, index: 0 } }
    const noOutput = { ...coin, outpoint: { ...coin.outpoint, index: 9 } }
    expect(await sendAll(backend, paying(nobody, 1_000n), paying(noOutput, 1_000n))).toEqual([
      'missing-inputs',
      'missing-inputs',
    ])
    expect(await sendAll(backend, paying(coin, 1_000n))).toEqual(['accepted'])
    await backend.mine(1)
    const again = paying(coin, 50_000n)
    expect(await sendAll(backend, again)).toEqual(['missing-inputs'])
    expect(await backend.mineOnly([again.toBuffer()])).toMatchObject({ ok: false })
  })

  it('twenty-five may hang together, and no more', async () => {
    const backend = running()
    let coin = await mint(backend, purse)
    const row: Transaction[] = []
    for (let made = 0; made < 26; made++) {
      const next = paying(coin, 500n, { outputs: [{ ...purse, value: coin.value - 500n }] })
      row.push(next)
      coin = coinOf(next, 0, purse)
    }
    const words = await sendAll(backend, ...row)
    expect(words).toEqual([...Array.from({ length: 25 }, () => 'accepted'), 'too-long-chain'])
    await backend.mine(1)
    expect(await sendAll(backend, row.at(-1) as Transaction)).toEqual(['accepted'])
  })

  it('a block that holds a conflict drops what waits, and all that hangs on it', async () => {
    const backend = running()
    const coin = await mint(backend, purse)
    const parent = paying(coin, 1_000n, { outputs: [{ ...purse, value: 99_000n }] })
    const child = paying(coinOf(parent, 0, purse), 1_000n)
    const rival = paying(coin, 1n, { locktime: 1 })
    expect(await sendAll(backend, parent, child)).toEqual(['accepted', 'accepted'])
    expect(await backend.mineOnly([rival.toBuffer()])).toMatchObject({ ok: true })
    for (const { transaction, txid } of [parent, child].map((of) => ({ transaction: of, txid: of.getId() as Txid }))) {
      expect(await backend.node.transaction(txid)).toBeUndefined()
      expect(await sendAll(backend, transaction)).toEqual(['missing-inputs'])
    }
  })
}

function chainTests(running: Running) {
  it('headers link, have work, and end at the tip', async () => {
    const { node } = running()
    const tip = await node.tip()
    const all = await node.headers(height(0), 2_016)
    expect(all.length).toBe(80 * (tip.height + 1))
    expect(blockName(all.subarray(-80))).toEqual(tip.hash)
    for (let at = 1; at <= tip.height; at++) {
      const [before, header] = [at - 1, at].map((of) => all.slice(80 * of, 80 * of + 80)) as [Uint8Array, Uint8Array]
      expect(header.slice(4, 36)).toEqual(blockName(before))
      expect((blockName(header)[31] as number) < 0x80).toBe(true)
    }
    const some = await node.headers(height(7), 5)
    expect(some).toEqual(all.slice(80 * 7, 80 * 12))
    expect(await node.headers(height(tip.height), 9)).toEqual(all.slice(-80))
    expect(await node.headers(height(tip.height + 1), 1)).toHaveLength(0)
  })

  it('blocks are whole: their transactions make the root, witnesses included', async () => {
    const backend = running()
    const transaction = signedSpend(await mint(backend, purse), payer)
    expect(await sendAll(backend, transaction)).toEqual(['accepted'])
    await backend.mine(1)
    const { hash } = await backend.node.tip()
    const block = Block.fromBuffer((await backend.node.block(hash)) ?? new Uint8Array(0))
    expect(block.getHash()).toEqual(hash)
    expect([block.checkTxRoots(), block.hasWitnessCommit()]).toEqual([true, true])
    expect(block.transactions?.map((of) => of.getId())).toContain(transaction.getId())
    expect(await backend.node.block(new Uint8Array(32).fill(7))).toBeUndefined()
  })

  it('a transaction is given as it was sent, waiting and mined, and shown to be in its block', async () => {
    const backend = running()
    const { node } = backend
    const transaction = signedSpend(await mint(backend, purse), payer)
    const [raw, txid] = [Uint8Array.from(transaction.toBuffer()), transaction.getId() as Txid]
    expect([await node.transaction(txid), await node.inclusion(txid)]).toEqual([undefined, undefined])
    expect(await sendAll(backend, transaction)).toEqual(['accepted'])
    expect([await node.transaction(txid), await node.inclusion(txid)]).toEqual([raw, undefined])
    await backend.mine(1)
    const tip = await node.tip()
    expect(await node.transaction(txid)).toEqual(raw)
    const inclusion = await node.inclusion(txid)
    expect(inclusion).toMatchObject({ height: tip.height, hash: tip.hash })
    const header = await node.headers(tip.height, 1)
    expect(inclusion?.merkleBlock.slice(0, 80)).toEqual(header)
    const bytes = Buffer.from(inclusion?.merkleBlock ?? [])
    expect(bytes.includes(Buffer.from(transaction.getHash()))).toBe(true)
  })

  // The proofs of the ledger are its own work, so bitcoind's have to be the same to the byte.
  it.each([2, 3, 5, 8, 13])('the proofs of a block of %i transactions are those that bitcoind makes', async (count) => {
    const backend = running()
    const { node } = backend
    for (let made = 1; made < count; made++) await backend.fund(addressOf(purse), sats(coinValue))
    await backend.mine(1)
    const { hash } = await node.tip()
    const { transactions = [] } = Block.fromBuffer((await node.block(hash)) ?? new Uint8Array(0))
    expect(transactions).toHaveLength(count)
    const header = await node.headers((await node.tip()).height, 1)
    const leaves = transactions.map((transaction) => transaction.getHash())
    for (const [at, transaction] of transactions.entries()) {
      const inclusion = await node.inclusion(transaction.getId() as Txid)
      expect(inclusion?.merkleBlock).toEqual(merkleBlock(header, leaves, at))
    }
    const coinbase = await node.coinbase(hash)
    expect(coinbase?.transaction).toEqual(Uint8Array.from((transactions[0] as Transaction).toBuffer()))
    expect(coinbase?.merkleBlock).toEqual(merkleBlock(header, leaves, 0))
    expect(await node.coinbase(new Uint8Array(32).fill(7))).toBeUndefined()
  })
}

function serverTests(running: Running) {
  it('its URL serves what a channel box and a payment ask of Esplora', async () => {
    const backend = running()
    const node = esplora({ url: backend.url, network: 'regtest' })
    const ask = async (path: string) => (await fetch(`${backend.url}${path}`)).text()
    const coin = await mint(backend, purse)
    const transaction = signedSpend(coin, payer)
    const txid = transaction.getId() as Txid
    expect(await node.spend(coin.outpoint, purse.script)).toBeUndefined()
    expect(await node.broadcast(Uint8Array.of(1))).toMatchObject({ ok: false, code: 'invalid' })
    expect(await node.broadcast(transaction.toBuffer())).toEqual({ ok: true, txid })
    expect(await node.spend(coin.outpoint, purse.script)).toEqual({ txid, height: null })
    await backend.mine(1)
    const tip = await backend.node.tip()
    expect(Number(await ask('/blocks/tip/height'))).toBe(tip.height)
    expect(await ask(`/block-height/${tip.height}`)).toBe(await ask('/blocks/tip/hash'))
    expect(await node.spend(coin.outpoint, purse.script)).toEqual({ txid, height: tip.height })
    expect(await node.transaction(txid)).toEqual(Uint8Array.from(transaction.toBuffer()))
    expect(await ask(`/tx/${txid}/hex`)).toBe(transaction.toHex())
    expect(await node.block(tip.hash)).toEqual(await backend.node.block(tip.hash))
    expect(await node.inclusion(txid)).toEqual(await backend.node.inclusion(txid))
    expect([...(await node.feeEstimates()).values()].every((rate) => rate > 0)).toBe(true)
    for (const path of [
      '/tx/ab',
      `/tx/${unknownTxid}/raw`,
      `/tx/${unknownTxid}/merkleblock-proof`,
      '/block-height/9999',
      '/nowhere',
    ])
      expect((await fetch(`${backend.url}${path}`)).status).toBe(404)
    expect(await node.spend({ txid: unknownTxid, index: 0 }, purse.script)).toBeUndefined()
  })
}

function scriptTests(running: Running) {
  it('a script that nobody used has no coins and no history', async () => {
    const { node } = running()
    const { script } = oneway(payer, payee, 77_777)
    expect([await node.coins(script), await node.history(script)]).toEqual([[], []])
  })

  it('coins, history and spend follow an output from the pool to its end', async () => {
    const backend = running()
    const { node } = backend
    const lock = oneway(payer, payee, 1_000 + (await tipHeight(backend)))
    const outpoint = await backend.fund(addressOf(lock), sats(coinValue))
    const funding = { txid: outpoint.txid, height: null as number | null }
    const coin = { outpoint, value: coinValue }
    expect(await seen(node, lock, outpoint)).toEqual([[{ ...coin, height: null }], [funding], undefined])

    await backend.mine(1)
    funding.height = await tipHeight(backend)
    expect(await seen(node, lock, outpoint)).toEqual([[{ ...coin, height: funding.height }], [funding], undefined])

    const close = spend([{ outpoint, value: coinValue, lock }])
    const signatures = [payer, payee].map((key) => ecdsa(close, { coin: { outpoint, value: coinValue, lock }, key }))
    close.setWitness(0, [new Uint8Array(0), ...signatures, Uint8Array.of(1), lock.code])
    expect(await sendAll(backend, close)).toEqual(['accepted'])
    const closing = { txid: close.getId(), height: null as number | null }
    expect(await seen(node, lock, outpoint)).toEqual([[], [closing, funding], closing])

    await backend.mine(1)
    closing.height = await tipHeight(backend)
    expect(await seen(node, lock, outpoint)).toEqual([[], [closing, funding], closing])
  })

  it('a history of many transactions is whole, newest first', async () => {
    const backend = running()
    const { node } = backend
    const lock = oneway(payer, payee, 88_888)
    const paid: Txid[] = []
    for (let made = 0; made < 60; made++) {
      paid.unshift((await backend.fund(addressOf(lock), sats(10_000n))).txid)
      if (made % 4 === 3) await backend.mine(1)
    }
    const history = await node.history(lock.script)
    expect(new Set(history.map(({ txid }) => txid))).toEqual(new Set(paid))
    const heights = history.map((of) => of.height ?? Number.POSITIVE_INFINITY)
    expect(heights).toEqual([...heights].sort((a, b) => b - a))
    expect((await node.coins(lock.script)).map(({ outpoint }) => outpoint.txid).sort()).toEqual([...paid].sort())
  })
}

function seen(node: BitcoinNode, lock: Lock, outpoint: NodeOutpoint) {
  return Promise.all([node.coins(lock.script), node.history(lock.script), node.spend(outpoint, lock.script)])
}

function reorgTests(running: Running) {
  it('what a lost block held waits again, and can be mined again', async () => {
    const backend = running()
    const { node } = backend
    const coin = await mint(backend, purse)
    const transaction = signedSpend(coin, payer)
    const txid = transaction.getId() as Txid
    expect(await sendAll(backend, transaction)).toEqual(['accepted'])
    await backend.mine(2)
    const [before, held] = [await node.tip(), await node.inclusion(txid)]
    expect(held).toMatchObject({ height: before.height - 1 })

    expect(await backend.reorg(2)).toMatchObject({ ok: true })
    const after = await node.tip()
    expect(after.height).toBe(before.height + 1)
    expect(after.hash).not.toEqual(before.hash)
    expect(await node.inclusion(txid)).toBeUndefined()
    expect(await node.transaction(txid)).toEqual(Uint8Array.from(transaction.toBuffer()))
    expect(await node.spend(coin.outpoint, purse.script)).toEqual({ txid, height: null })
    await backend.mine(1)
    const again = await node.inclusion(txid)
    expect(again).toMatchObject({ height: before.height + 2 })
    expect(again?.hash).not.toEqual(held?.hash)
  })

  it('a branch that holds a double spend makes the first one impossible', async () => {
    const backend = running()
    const { node } = backend
    const coin = await mint(backend, purse)
    const [transaction, rival] = [signedSpend(coin, payer), signedSpend(coin, payer, { fee: 2_000n })]
    expect(await sendAll(backend, transaction)).toEqual(['accepted'])
    await backend.mine(1)
    expect(await backend.reorg(1, [rival.toBuffer()])).toMatchObject({ ok: true })
    const txid = transaction.getId() as Txid
    expect(await node.inclusion(txid)).toBeUndefined()
    const spent = await node.spend(coin.outpoint, purse.script)
    expect(spent).toEqual({ txid: rival.getId(), height: (await tipHeight(backend)) - 1 })
    expect(await sendAll(backend, transaction)).toEqual(['missing-inputs'])
  })

  it('a funding that a reorganisation undoes is a coin without a height again', async () => {
    const backend = running()
    const lock = oneway(payer, payee, 66_666)
    const { outpoint } = await mint(backend, lock)
    expect(await backend.reorg(1)).toMatchObject({ ok: true })
    const coin = { outpoint, value: coinValue, height: null }
    const funding = { txid: outpoint.txid, height: null }
    expect(await seen(backend.node, lock, outpoint)).toEqual([[coin], [funding], undefined])
  })

  it('a refund that was mined is not final again on a shorter chain', async () => {
    const backend = running()
    const expiry = (await tipHeight(backend)) + 3
    const coin = await mint(backend, oneway(payer, payee, expiry))
    const refund = spend([coin], { locktime: expiry })
    refund.setWitness(0, [ecdsa(refund, { coin, key: payer }), new Uint8Array(0), coin.lock.code])
    await backend.mine(expiry - (await tipHeight(backend)))
    expect(await backend.mineOnly([refund.toBuffer()])).toMatchObject({ ok: true })
    expect(await backend.reorg(2, [refund.toBuffer()])).toMatchObject({ ok: false })
    expect((await backend.node.inclusion(refund.getId() as Txid))?.height).toBe(expiry + 1)
  })

  it('a branch that breaks consensus is refused, and the chain stays', async () => {
    const backend = running()
    const coin = await mint(backend, purse)
    const before = await backend.node.tip()
    const bad = spend([coin])
    bad.setWitness(0, [new Uint8Array(71), payer.public])
    expect(await backend.reorg(1, [bad.toBuffer()])).toMatchObject({ ok: false })
    expect(await backend.node.tip()).toEqual(before)
  })
}
