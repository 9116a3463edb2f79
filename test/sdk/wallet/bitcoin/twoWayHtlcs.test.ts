import { afterEach, describe, expect, it } from 'vitest'
import { decodeInvoice } from '../../../../sdk/bitcoin/bolt11/index.ts'
import { sha256 } from '../../../../sdk/crypto/index.ts'
import { type Msats, msats } from '../../../../sdk/units.ts'
import { invoicesMax, receiptIdOf } from '../../../../sdk/wallet/bitcoin/index.ts'
import { must } from '../../bitcoin/must.ts'
import { until } from './channelWorld.ts'
import { balanceOf, createHtlcWorld, endsAfter, type HtlcWorld, hubTerms, waitMs } from './htlcWorld.ts'

const amount = msats(20_000_000n)
const description = 'two teas'
const feeMax = hubTerms.fee

let world: HtlcWorld
afterEach(() => world.stop())

describe('an invoice over one channel', { timeout: 60_000 }, () => {
  it('[HB7] [HB10] is paid once, with a proof and a receipt', async () => {
    world = createHtlcWorld()
    const [anna, ben] = [await world.person(), await world.person()]
    const channel = await world.open(anna, ben)
    const { text, paymentHash, isThroughHub } = await ben.twoWay.invoice({ channel, amount, description })
    expect(isThroughHub).toBe(false)
    const invoice = must(decodeInvoice(text))
    expect(invoice).toMatchObject({ network: 'regtest', amount, paymentHash, routes: [], expirySeconds: 3_600 })
    expect(invoice.payee).toEqual(ben.twoWay.nodeKey(channel))
    const paid = await anna.twoWay.payInvoice(text, { channel, feeMax: msats(0n), waitMs })
    if (paid.state !== 'paid') throw new Error(JSON.stringify(paid))
    expect(sha256(paid.preimage)).toEqual(paymentHash)
    expect(paid).toMatchObject({ amount, fee: 0n })
    await until(async () => (await ben.twoWay.received(channel, receiptIdOf(paymentHash))) !== null)
    expect(await ben.twoWay.received(channel, receiptIdOf(paymentHash))).toMatchObject({ amount })
    await until(() => balanceOf(ben.twoWay, channel) === amount)
    expect(await anna.twoWay.payInvoice(text, { channel, feeMax })).toEqual(paid)
    expect(await anna.twoWay.payment(paymentHash)).toEqual(paid)
    expect(balanceOf(ben.twoWay, channel)).toBe(amount)
  })

  it('gives back what was not asked for, asked for otherwise, or has ended', async () => {
    world = createHtlcWorld()
    const [anna, ben] = [await world.person(), await world.person()]
    const channel = await world.open(anna, ben)
    const asked = await ben.twoWay.invoice({ channel, amount: null, description, expirySeconds: 60 })
    const pay = (wish: { amount?: Msats }) => anna.twoWay.payInvoice(asked.text, { channel, feeMax, waitMs, ...wish })
    expect(await pay({})).toEqual({ state: 'refused', reason: 'wrong-amount' })
    expect(await pay({ amount: msats(90_000_000n) })).toEqual({ state: 'refused', reason: 'too-much-in-flight' })
    expect(await anna.twoWay.payInvoice('lnbcrt1', { channel, feeMax })).toEqual({
      state: 'refused',
      reason: 'malformed-invoice',
    })
    world.aheadMs += 61_000
    expect(await pay({ amount })).toEqual({ state: 'refused', reason: 'expired' })
    // Anna's clock is wrong, Ben's is not: what he gives back may be tried again.
    const late = await ben.twoWay.invoice({ channel, amount, description, expirySeconds: 60 })
    world.aheadMs += 61_000
    world.aheadOf.set(anna.number, -61_000)
    const failed = { state: 'failed', paymentHash: late.paymentHash, reason: 'unknown-payment' }
    for (let at = 0; at < 2; at++)
      expect(await anna.twoWay.payInvoice(late.text, { channel, feeMax, waitMs })).toEqual(failed)
    expect(await anna.twoWay.payment(late.paymentHash)).toEqual(failed)
    await until(() => balanceOf(anna.twoWay, channel) === 100_000_000n)
  })

  it('[HB10] [TW20] comes to its end after a crash of either side, whatever was stored last', async () => {
    world = createHtlcWorld()
    const [anna, ben] = [await world.person(), await world.person()]
    const channel = await world.open(anna, ben)
    let total = 0n
    for (const [crashed, prefix, number] of [
      [anna, 'bitcoin/two-way-payments/', 1],
      [ben, 'bitcoin/two-way-invoices/', 1],
      [ben, 'bitcoin/two-way-notes/', 2],
    ] as const) {
      const { text, paymentHash } = await ben.twoWay.invoice({ channel, amount, description })
      const crash = endsAfter(crashed, prefix, number)
      const first = anna.twoWay.payInvoice(text, { channel, feeMax, waitMs: crashed === anna ? 1_000 : 100 })
      await crash
      expect((await first).state).toBe('pending')
      await crashed.begin()
      const paid = await anna.twoWay.payInvoice(text, { channel, feeMax, waitMs })
      expect(paid).toMatchObject({ state: 'paid', paymentHash, amount })
      total += amount
      await until(() => balanceOf(ben.twoWay, channel) === total)
      await until(async () => (await ben.twoWay.received(channel, receiptIdOf(paymentHash))) !== null)
    }
  })
})

describe('an invoice through a hub', { timeout: 60_000 }, () => {
  it('[HB2] [HB9] is paid by both channels or by none, and the hub keeps its fee', async () => {
    world = createHtlcWorld()
    const [anna, hugo, ben] = [await world.person(), await world.person(hubTerms), await world.person()]
    const from = await world.open(anna, hugo)
    const to = await world.open(hugo, ben)
    const { text, paymentHash, isThroughHub } = await ben.twoWay.invoice({ channel: to, amount, description })
    expect(isThroughHub).toBe(true)
    expect(must(decodeInvoice(text)).routes).toMatchObject([
      [{ node: hugo.twoWay.nodeKey(to), feeBaseMsats: 2_000, feeMillionths: 0, expiryDeltaBlocks: 12 }],
    ])
    expect(await anna.twoWay.payInvoice(text, { channel: from, feeMax: msats(1_999n) })).toEqual({
      state: 'refused',
      reason: 'fee-too-high',
    })
    const paid = await anna.twoWay.payInvoice(text, { channel: from, feeMax, waitMs })
    expect(paid).toMatchObject({ state: 'paid', paymentHash, amount: amount + 2_000n, fee: 2_000n })
    await until(() => balanceOf(hugo.twoWay, from) === amount + 2_000n && balanceOf(ben.twoWay, to) === amount)
    await until(() => balanceOf(hugo.twoWay, to) === 80_000_000n)
    await until(async () => (await ben.twoWay.received(to, receiptIdOf(paymentHash))) !== null)
  })

  it('[HB1] [HB2] [HB4] [HB10] [TW20] comes to its end when any of the three crashes at any of its commits', async () => {
    world = createHtlcWorld()
    const [anna, hugo, ben] = [await world.person(), await world.person(hubTerms), await world.person()]
    const from = await world.open(anna, hugo)
    const to = await world.open(hugo, ben)
    const small = msats(2_000_000n)
    const isThorough = process.env.LANEKIT_CHAIN_STORIES === 'all'
    let count = 0n
    for (const [crashed, commits, some] of [
      [anna, 6, [3]],
      [hugo, 9, [2, 4, 5, 7]],
      [ben, 7, [4]],
    ] as const)
      for (const number of isThorough ? Array.from({ length: commits }, (_, at) => at + 1) : some) {
        const { text } = await ben.twoWay.invoice({ channel: to, amount: small, description, waitMs })
        const crash = endsAfter(crashed, 'bitcoin/two-way', number)
        const first = anna.twoWay.payInvoice(text, { channel: from, feeMax, waitMs: 1_000 })
        await crash
        await crashed.begin()
        await first
        expect(await anna.twoWay.payInvoice(text, { channel: from, feeMax, waitMs })).toMatchObject({ state: 'paid' })
        count += 1n
        await until(() => balanceOf(ben.twoWay, to) === count * small)
        await until(() => balanceOf(hugo.twoWay, from) === count * (small + hubTerms.fee))
      }
  })

  it('[HB8] [HB9] pushes to a node that did not ask, and to nobody who is not there', async () => {
    world = createHtlcWorld()
    const [anna, hugo, ben] = [await world.person(), await world.person(hubTerms), await world.person()]
    const from = await world.open(anna, hugo)
    const to = await world.open(hugo, ben)
    const payee = ben.twoWay.nodeKey(to)
    const paid = await anna.twoWay.push({ channel: from, payee, amount, feeMax, waitMs })
    if (paid.state !== 'paid') throw new Error(JSON.stringify(paid))
    expect(paid.fee).toBe(2_000n)
    await until(async () => (await ben.twoWay.pushes()).length > 0)
    expect(await ben.twoWay.pushes()).toEqual([{ paymentHash: paid.paymentHash, channel: to, amount }])
    const nobody = anna.twoWay.nodeKey(from)
    expect(await anna.twoWay.push({ channel: from, payee: nobody, amount, feeMax, waitMs })).toEqual({
      state: 'refused',
      reason: 'no-way',
    })
    expect(await anna.twoWay.push({ channel: from, payee, amount, feeMax: msats(1n), waitMs })).toEqual({
      state: 'refused',
      reason: 'fee-too-high',
    })
  })

  it('[HB5] [HB10] is taken once when two pay it at once, and the other has it back', async () => {
    world = createHtlcWorld()
    const [anna, carl] = [await world.person(), await world.person()]
    const [hugo, ben] = [await world.person(hubTerms), await world.person()]
    const [from, other, to] = [await world.open(anna, hugo), await world.open(carl, hugo), await world.open(hugo, ben)]
    const { text, paymentHash } = await ben.twoWay.invoice({ channel: to, amount, description })
    const outcomes = await Promise.all([
      anna.twoWay.payInvoice(text, { channel: from, feeMax, waitMs }),
      carl.twoWay.payInvoice(text, { channel: other, feeMax, waitMs }),
    ])
    expect(outcomes.map(({ state }) => state).sort()).toEqual(['failed', 'paid'])
    const [annaHas, carlHas] = outcomes.map(({ state }) => 100_000_000n - (state === 'paid' ? amount + 2_000n : 0n))
    await until(() => balanceOf(anna.twoWay, from) === annaHas && balanceOf(carl.twoWay, other) === carlHas)
    await until(() => balanceOf(ben.twoWay, to) === amount)
    expect(await ben.twoWay.received(to, receiptIdOf(paymentHash))).toMatchObject({ amount })
  })

  it('[HB9] is made where the hub answers, and for no more than may wait', async () => {
    world = createHtlcWorld()
    const [hugo, ben] = [await world.person(hubTerms), await world.person()]
    const channel = await world.open(hugo, ben)
    hugo.isMute = true
    const silent = ben.twoWay.invoice({ channel, amount, description, waitMs: 100 })
    await expect(silent).rejects.toMatchObject({ code: 'wallet/no-answer', retryable: true })
    hugo.isMute = false
    const made = []
    for (let at = 0; at < invoicesMax; at++) made.push(await ben.twoWay.invoice({ channel, amount, description }))
    expect(new Set(made.map(({ text }) => text)).size).toBe(invoicesMax)
    await expect(ben.twoWay.invoice({ channel, amount, description })).rejects.toMatchObject({ code: 'wallet/busy' })
    world.aheadMs += 3_700_000
    expect((await ben.twoWay.invoice({ channel, amount, description })).isThroughHub).toBe(true)
  })

  it('[HB2] is passed on by the wallet that opened the store last, and by no other', async () => {
    world = createHtlcWorld()
    const [anna, hugo, ben] = [await world.person(), await world.person(hubTerms), await world.person()]
    const from = await world.open(anna, hugo)
    const to = await world.open(hugo, ben)
    const before = hugo.twoWay
    await hugo.begin()
    const { text } = await ben.twoWay.invoice({ channel: to, amount, description, waitMs })
    expect(await anna.twoWay.payInvoice(text, { channel: from, feeMax, waitMs })).toMatchObject({ state: 'paid' })
    for (const channel of [from, to])
      await expect(before.pay(channel, msats(1_000n), { waitMs })).rejects.toMatchObject({
        code: 'wallet/channel-elsewhere',
      })
    await until(() => balanceOf(hugo.twoWay, from) === amount + 2_000n)
  })
})
