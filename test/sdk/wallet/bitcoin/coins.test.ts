import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type BitcoinBackend, startBitcoin } from '../../../../edge/local/bitcoinBackend.ts'
import { memory } from '../../../../sdk/adapters/memory.ts'
import { decodeTransaction, gapLimitDefault } from '../../../../sdk/bitcoin/index.ts'
import { platformClock } from '../../../../sdk/client/platform.ts'
import type { BitcoinNode } from '../../../../sdk/ports.ts'
import { sats, txid } from '../../../../sdk/units.ts'
import { findBitcoind } from '../../../bitcoind.ts'
import { refusalOf } from '../../../contracts/contract.ts'
import { must } from '../../bitcoin/must.ts'
import {
  done,
  freshSigner,
  fundedCoins,
  gapLimitSmall,
  heldBy,
  minedAt,
  openCoins,
  paying,
  rate,
  receiveAddress,
  strangers,
} from './coinsWorld.ts'

vi.setConfig({ testTimeout: 120_000 })

const found = findBitcoind()
if (found.binary !== null) coinsSuite('bitcoind', () => startBitcoin({ bitcoind: found.binary, lifetimeMs: 600_000 }))
else {
  // It holds to one suite with bitcoind (test/edge/ledger), so one of the two is enough.
  coinsSuite('ledger', () => startBitcoin({ bitcoind: null }))
  describe('coins on bitcoind', () => {
    it.skip(`needs a bitcoind (${found.reason})`, () => undefined)
  })
}

/** All that a wallet does with coins, the same on whatever judges it. */
function coinsSuite(name: string, start: () => Promise<BitcoinBackend>): void {
  describe(`coins on ${name}`, () => {
    let backend: BitcoinBackend
    beforeAll(async () => {
      backend = await start()
    })
    afterAll(() => backend?.stop())
    const running = () => backend

    describe('receiving', () => receiving(running))
    describe('paying', () => paymentTests(running))
    describe('refusing', () => refusing(running))
    describe('lifting', () => lifting(running))
    describe('reserving', () => reserving(running))
  })
}

type Running = () => BitcoinBackend

function receiving(running: Running) {
  it('shows what was paid, first pending, then confirmed, and gives out another address', async () => {
    const backend = running()
    const coins = await openCoins(backend)
    const first = await coins.address()
    expect(first).toMatch(/^bcrt1q/)
    expect(await coins.address()).toBe(first)
    await backend.fund(first, sats(50_000n))
    expect(await coins.balance()).toEqual({ confirmed: 0n, pending: 50_000n, immature: 0n, reserved: 0n })
    const second = await coins.address()
    expect(second).not.toBe(first)
    await backend.mine(1)
    expect(await coins.balance()).toMatchObject({ confirmed: 50_000n, pending: 0n })
    expect(await coins.address()).toBe(second)
  })

  it('gives out an address without a look where an earlier wallet on the store has looked', async () => {
    const backend = running()
    const [keys, store] = [freshSigner(), memory()]
    const earlier = await openCoins(backend, { keys, store })
    await backend.fund(await earlier.address(), sats(50_000n))
    await backend.mine(1)
    await earlier.refresh()
    const address = await earlier.address()
    let asked = 0
    const history: BitcoinNode['history'] = (script) => {
      asked += 1
      return backend.node.history(script)
    }
    const nodes = [{ ...backend.node, history }]
    const reopened = await openCoins(backend, { keys, store, nodes, gapLimit: gapLimitDefault })
    expect(await reopened.address()).toBe(address)
    expect(asked).toBe(1)
    await Promise.all([reopened.refresh(), reopened.balance(), reopened.balance()])
    const whole = asked
    expect(whole).toBeGreaterThan(4 * 20 - 2)
    asked = 0
    await reopened.refresh()
    expect(asked).toBeLessThan(4 * 4)
  })

  it('looks through the whole gap once a minute, and sees there what another device was paid', async () => {
    const backend = running()
    const keys = freshSigner()
    let now = 1_000_000
    const coins = await openCoins(backend, { keys, clock: { ...platformClock, now: () => now } })
    await coins.refresh()
    await backend.fund(await receiveAddress(keys, gapLimitSmall - 1), sats(9_000n))
    await backend.mine(1)
    await coins.refresh()
    expect(await coins.balance()).toMatchObject({ confirmed: 0n })
    now += 60_000
    await coins.refresh()
    expect(await coins.balance()).toMatchObject({ confirmed: 9_000n })
  })

  it('[CO9] finds everything from the seed alone, behind gaps and in both accounts', async () => {
    const backend = running()
    const keys = freshSigner()
    const coins = await openCoins(backend, { keys })
    const addresses: string[] = []
    for (let at = 0; at < 3; at++) {
      addresses.push(await coins.address())
      await backend.fund(addresses[at] as string, sats(10_000n))
    }
    const taproot = await coins.address('tr')
    expect(taproot).toMatch(/^bcrt1p/)
    await backend.fund(taproot, sats(7_000n))
    await backend.mine(1)
    expect(new Set(addresses).size).toBe(3)
    const sent = done(await coins.send([paying(strangers(9).p2wpkh, 12_000n)], rate(2)))
    await backend.mine(1)
    const restored = await openCoins(backend, { keys })
    const expected = 37_000n - 12_000n - sent.fee
    expect(await restored.balance()).toMatchObject({ confirmed: expected, pending: 0n })
    expect(addresses).not.toContain(await restored.address())
    expect(await restored.address('tr')).not.toBe(taproot)
  })

  it('looks behind the gaps that it is told to, and no others', async () => {
    const backend = running()
    const keys = freshSigner()
    await backend.fund(await receiveAddress(keys, 6), sats(9_000n))
    await backend.mine(1)
    const balanceWith = async (gapLimit: number) =>
      (await (await openCoins(backend, { keys, gapLimit })).balance()).confirmed
    expect(await balanceWith(6)).toBe(0n)
    expect(await balanceWith(7)).toBe(9_000n)
    for (const gapLimit of [0, 1.5, 1_001])
      await expect(openCoins(backend, { keys, gapLimit })).rejects.toMatchObject({ code: 'units/out-of-range' })
  })

  it('spends from both accounts in one transaction', async () => {
    const backend = running()
    const coins = await openCoins(backend)
    await backend.fund(await coins.address(), sats(30_000n))
    await backend.fund(await coins.address('tr'), sats(30_000n))
    await backend.mine(1)
    const sent = done(await coins.send([paying(strangers(8).p2tr, 55_000n)], rate(1)))
    await backend.mine(1)
    expect(await minedAt(backend, sent.txid)).not.toBeNull()
  })
}

function paymentTests(running: Running) {
  it.each(['p2pkh', 'p2sh', 'p2wpkh', 'p2wsh', 'p2tr'] as const)(
    'pays a %s address, and change comes back',
    async (kind) => {
      const backend = running()
      const coins = await fundedCoins(backend)
      const payment = paying(strangers(20)[kind], 40_000n)
      const before = await heldBy(backend.node, payment.address)
      const quote = done(await coins.quote([payment], rate(3)))
      expect(quote.fee).toBe((BigInt(quote.vsize) * 3_000n + 999n) / 1_000n)
      expect(quote.total).toBe(40_000n + quote.fee)
      expect(quote.change).toBe(1_000_000n - quote.total)
      const sent = done(await coins.send([payment], rate(3)))
      expect(sent).toMatchObject({ fee: quote.fee, method: 'payment' })
      expect(await coins.status(sent.txid)).toMatchObject({ state: 'waiting', confirmations: 0 })
      await backend.mine(1)
      await coins.refresh()
      expect(await coins.status(sent.txid)).toMatchObject({ state: 'confirmed', confirmations: 1 })
      expect((await heldBy(backend.node, payment.address)) - before).toBe(40_000n)
      expect(await coins.balance()).toMatchObject({ confirmed: quote.change, pending: 0n })
    },
  )

  it('pays several at once, and without change where little would be left', async () => {
    const backend = running()
    const coins = await fundedCoins(backend, [100_000n])
    const { p2wpkh, p2tr } = strangers(21)
    const exact = done(await coins.quote([paying(p2wpkh, 50_000n), paying(p2tr, 49_600n)], rate(1)))
    expect(exact).toMatchObject({ change: 0n, fee: 400n })
    const sent = done(await coins.send([paying(p2wpkh, 50_000n), paying(p2tr, 49_600n)], rate(1)))
    await backend.mine(1)
    expect(await minedAt(backend, sent.txid)).not.toBeNull()
    expect(await coins.balance()).toEqual({ confirmed: 0n, pending: 0n, immature: 0n, reserved: 0n })
  })

  it('[CO4] spends its own change before a block holds it, and nothing else that waits', async () => {
    const backend = running()
    const coins = await fundedCoins(backend, [100_000n])
    await backend.fund(await coins.address(), sats(500_000n))
    const first = done(await coins.send([paying(strangers(22).p2wpkh, 20_000n)], rate(2)))
    const second = done(await coins.send([paying(strangers(22).p2wpkh, 30_000n)], rate(2)))
    const raw = await backend.node.transaction(second.txid)
    expect(must(decodeTransaction(raw as Uint8Array)).inputs.map(({ outpoint }) => outpoint.txid)).toEqual([first.txid])
    expect(await coins.send([paying(strangers(22).p2wpkh, 400_000n)], rate(2))).toMatchObject({ code: 'insufficient' })
    await backend.mine(1)
    expect(await minedAt(backend, second.txid)).not.toBeNull()
  })

  it('[CO6] settles after six blocks, and takes a reorganisation back before', async () => {
    const backend = running()
    const coins = await fundedCoins(backend)
    const sent = done(await coins.send([paying(strangers(23).p2wpkh, 20_000n)]))
    await backend.mine(1)
    await coins.refresh()
    expect(await coins.status(sent.txid)).toMatchObject({ state: 'confirmed', confirmations: 1 })
    must(await backend.reorg(1))
    await coins.refresh()
    expect(await coins.status(sent.txid)).toMatchObject({ state: 'waiting', confirmations: 0 })
    await backend.mine(5)
    await coins.refresh()
    expect(await coins.outgoing()).toMatchObject([{ txid: sent.txid, state: 'confirmed', confirmations: 5 }])
    await backend.mine(1)
    await coins.refresh()
    expect(await coins.outgoing()).toEqual([])
    expect(await coins.status(sent.txid)).toMatchObject({ state: 'confirmed', confirmations: 6, transaction: null })
    expect(await coins.status(txid('77'.repeat(32)))).toBeUndefined()
  })

  it('uses a fresh change address each time', async () => {
    const backend = running()
    const coins = await fundedCoins(backend)
    const scripts = new Set<string>()
    for (let at = 0; at < 3; at++) {
      const sent = done(await coins.send([paying(strangers(24).p2wpkh, 20_000n)], rate(1)))
      const raw = must(decodeTransaction((await backend.node.transaction(sent.txid)) as Uint8Array))
      for (const { script, value } of raw.outputs) if (value !== 20_000n) scripts.add(script.join())
    }
    expect(scripts.size).toBe(3)
  })
}

function refusing(running: Running) {
  it('answers with a value, and nothing is signed or stored', async () => {
    const backend = running()
    const store = memory()
    const coins = await fundedCoins(backend, [100_000n], { store })
    const { p2wpkh, p2pkh, p2tr } = strangers(30)
    const quoted = async (address: string, value = 20_000n, wish = {}) => coins.quote([paying(address, value)], wish)
    expect(await coins.quote([])).toMatchObject({ ok: false, code: 'no-payments' })
    expect(await quoted(`${p2wpkh.slice(0, -1)}x`)).toMatchObject({ code: 'malformed-address', index: 0 })
    expect(await quoted('bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu')).toMatchObject({
      code: 'wrong-network',
      index: 0,
    })
    expect(await quoted('bcrt1zw508d6qejxtdg4y5r3zarvaryvr8m9k0')).toMatchObject({ ok: false })
    expect(await quoted(p2pkh, 545n)).toMatchObject({ code: 'dust', min: 546n, index: 0 })
    expect(await quoted(p2tr, 329n)).toMatchObject({ code: 'dust', min: 330n })
    expect(await quoted(p2wpkh, 100_000n, rate(1))).toMatchObject({ code: 'insufficient', missing: expect.any(BigInt) })
    expect(await quoted(p2wpkh, 20_000n, rate(501))).toMatchObject({ code: 'fee-too-high', max: 500_000 })
    expect(await quoted(p2wpkh, 20_000n, rate(0))).toMatchObject({ code: 'fee-too-low' })
    expect(await coins.send([paying(p2wpkh, 1n)])).toMatchObject({ code: 'dust' })
    expect(await coins.send([paying(p2wpkh, 99_999n)])).toMatchObject({ code: 'insufficient' })
    expect(await coins.outgoing()).toEqual([])
    expect(await refusalOf(coins.address('multisig'))).toBe('keys/unknown-account')
  })

  it('pays the highest feerate it allows, dust of the change included', async () => {
    const backend = running()
    const coins = await fundedCoins(backend, [100_000n])
    const { vsize } = done(await coins.quote([paying(strangers(31).p2wpkh, 20_000n)], rate(500)))
    const value = 100_000n - BigInt(vsize - 31) * 500n - 200n
    const sent = done(await coins.send([paying(strangers(31).p2wpkh, value)], rate(500)))
    await backend.mine(1)
    expect(await minedAt(backend, sent.txid)).not.toBeNull()
  })
}

function lifting(running: Running) {
  it('[CO7] replaces a payment of its own, and the replacement keeps coins and payments', async () => {
    const backend = running()
    const coins = await fundedCoins(backend)
    const payment = paying(strangers(40).p2wpkh, 60_000n)
    const before = await heldBy(backend.node, payment.address)
    const sent = done(await coins.send([payment], rate(1)))
    const faster = done(await coins.speedUp(sent.txid, rate(10)))
    // 141 vB as signatures may come out; one that is a byte shorter pays a little more for each.
    expect(faster).toMatchObject({ method: 'replacement', fee: 1_410n })
    expect(faster.feerate).toBeGreaterThanOrEqual(10_000)
    expect(await coins.status(sent.txid)).toMatchObject({ state: 'replaced', by: faster.txid })
    expect(await coins.status(faster.txid)).toMatchObject({ state: 'waiting' })
    const third = done(await coins.speedUp(sent.txid))
    expect(third.fee).toBeGreaterThan(faster.fee)
    await backend.mine(1)
    await coins.refresh()
    expect(await coins.status(third.txid)).toMatchObject({ state: 'confirmed' })
    expect(await minedAt(backend, sent.txid)).toBeNull()
    expect((await heldBy(backend.node, payment.address)) - before).toBe(60_000n)
    expect(await coins.balance()).toMatchObject({ confirmed: 1_000_000n - 60_000n - third.fee })
    expect(await coins.speedUp(third.txid)).toMatchObject({ code: 'already-confirmed' })
  })

  it('an older attempt that a block holds after all counts', async () => {
    const backend = running()
    const coins = await fundedCoins(backend)
    const sent = done(await coins.send([paying(strangers(41).p2wpkh, 60_000n)], rate(1)))
    const raw = (await backend.node.transaction(sent.txid)) as Uint8Array
    const faster = done(await coins.speedUp(sent.txid, rate(5)))
    must(await backend.mineOnly([raw]))
    await coins.refresh()
    expect(await coins.status(sent.txid)).toMatchObject({ state: 'confirmed' })
    expect(await coins.status(faster.txid)).toMatchObject({ state: 'replaced', by: sent.txid })
  })

  it('lifts an incoming payment by a child', async () => {
    const backend = running()
    const coins = await openCoins(backend)
    const { txid } = await backend.fund(await coins.address(), sats(80_000n))
    const child = done(await coins.speedUp(txid, rate(40)))
    expect(child.method).toBe('child')
    await backend.mine(1)
    expect(await coins.balance()).toMatchObject({ confirmed: 80_000n - child.fee, pending: 0n })
  })

  it('lifts a payment by a child where another of its own hangs on it', async () => {
    const backend = running()
    const coins = await fundedCoins(backend)
    const first = done(await coins.send([paying(strangers(42).p2wpkh, 60_000n)], rate(1)))
    const second = done(await coins.send([paying(strangers(42).p2wpkh, 60_000n)], rate(1)))
    expect(await coins.speedUp(first.txid, rate(10))).toMatchObject({ code: 'nothing-to-lift' })
    expect(done(await coins.speedUp(second.txid, rate(10))).method).toBe('replacement')
    await backend.mine(1)
    await coins.refresh()
    expect((await coins.outgoing()).map(({ state }) => state)).toEqual(['confirmed', 'confirmed'])
  })

  it('knows nothing of a stranger', async () => {
    const coins = await openCoins(running())
    expect(await coins.speedUp(txid('99'.repeat(32)))).toMatchObject({ code: 'unknown-transaction' })
  })
}

function reserving(running: Running) {
  const funding = { script: Uint8Array.from([0, 32, ...new Uint8Array(32).fill(5)]), value: sats(70_000n) }

  it('[CO5] signs a funding that nobody has, until it is let out', async () => {
    const backend = running()
    const store = memory()
    const coins = await fundedCoins(backend, [100_000n], { store })
    const reserved = done(await coins.reserve([funding], rate(2)))
    const made = must(decodeTransaction(reserved.transaction))
    expect(made.outputs[reserved.indexes[0] as number]).toMatchObject({ value: 70_000n, script: funding.script })
    expect(await coins.outgoing()).toEqual([])
    await store.commit([...reserved.writes, { key: 'channel', expected: 0, bytes: Uint8Array.of(1) }])
    expect(await coins.status(reserved.txid)).toMatchObject({ state: 'held', transaction: { kind: 'funding' } })
    expect(await coins.balance()).toMatchObject({ confirmed: 0n, reserved: 100_000n })
    await coins.refresh()
    expect(await backend.node.transaction(reserved.txid)).toBeUndefined()
    expect(await coins.speedUp(reserved.txid)).toMatchObject({ code: 'unknown-transaction' })
    await coins.markSent(reserved.txid)
    await coins.markSent(reserved.txid)
    expect(await backend.node.transaction(reserved.txid)).toEqual(reserved.transaction)
    expect(await refusalOf(coins.release(reserved.txid))).toBe('wallet/too-late')
    const child = done(await coins.speedUp(reserved.txid, rate(20)))
    expect(child.method).toBe('child')
    await backend.mine(1)
    await coins.refresh()
    expect(await coins.status(reserved.txid)).toMatchObject({ state: 'confirmed' })
  })

  it('[CO5] frees the coins of a funding that never left', async () => {
    const backend = running()
    const store = memory()
    const coins = await fundedCoins(backend, [100_000n], { store })
    const reserved = done(await coins.reserve([funding], rate(2)))
    await store.commit(reserved.writes)
    expect(await coins.send([paying(strangers(50).p2wpkh, 20_000n)])).toMatchObject({ code: 'insufficient' })
    await coins.release(reserved.txid)
    await coins.release(reserved.txid)
    expect(await refusalOf(coins.markSent(reserved.txid))).toBe('wallet/unknown-transaction')
    done(await coins.send([paying(strangers(50).p2wpkh, 20_000n)]))
  })

  it('[CO3] two reservations of one moment: the second commit is refused, and reserved anew', async () => {
    const backend = running()
    const store = memory()
    const coins = await fundedCoins(backend, [100_000n, 100_000n], { store })
    const [one, other] = [done(await coins.reserve([funding])), done(await coins.reserve([funding]))]
    expect(one.txid).toBe(other.txid)
    await store.commit(one.writes)
    expect(await refusalOf(store.commit(other.writes))).toBe('store/conflict')
    const anew = done(await coins.reserve([funding]))
    await store.commit(anew.writes)
    await coins.markSent(one.txid)
    await coins.markSent(anew.txid)
    await backend.mine(1)
    expect(await minedAt(backend, one.txid)).not.toBeNull()
    expect(await minedAt(backend, anew.txid)).not.toBeNull()
  })
}
