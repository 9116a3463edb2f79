import { afterEach, describe, expect, it } from 'vitest'
import { decodeInvoice, signInvoice } from '../../../../sdk/bitcoin/bolt11/index.ts'
import { sha256 } from '../../../../sdk/crypto/index.ts'
import { type ChannelId, msats, type Sats, sats } from '../../../../sdk/units.ts'
import { type InvoiceRequest, invoicesMax } from '../../../../sdk/wallet/bitcoin/index.ts'
import { must } from '../../bitcoin/must.ts'
import { until } from './channelWorld.ts'
import {
  balanceOf,
  channelOf,
  createHtlcWorld,
  endsAfter,
  type HtlcWorld,
  hubTerms,
  type Person,
  waitMs,
} from './htlcWorld.ts'

const amount = sats(20_000n)
const inChannel = msats(20_000_000n)
const description = 'two teas'
const feeMax = sats(2n)

let world: HtlcWorld
afterEach(() => world.stop())

const ask = ({ wallet }: Person, channel: ChannelId, wish: { amount?: Sats; expirySeconds?: number } = { amount }) =>
  wallet.request({ kind: 'invoice', channel, description, ...wish })
const isReceived = async ({ wallet }: Person, request: InvoiceRequest) => (await wallet.received(request)) !== null

describe('an invoice over one channel', { timeout: 60_000 }, () => {
  it('[HB7] [HB10] is shown before it is paid, paid once, with a proof and a receipt', async () => {
    world = createHtlcWorld()
    const [anna, ben] = [await world.person(), await world.person()]
    await expect(ben.wallet.request({ kind: 'invoice', description })).rejects.toMatchObject({
      code: 'wallet/no-channel',
    })
    const channel = await world.open(anna, ben)
    const request = await ben.wallet.request({ kind: 'invoice', amount, description })
    const { invoice, paymentHash, expiresAtSeconds } = request
    expect(request).toMatchObject({ channel, isThroughHub: false, amount })
    const decoded = must(decodeInvoice(invoice))
    expect(decoded).toMatchObject({ network: 'regtest', amount: inChannel, paymentHash, routes: [] })
    expect(decoded.payee).toEqual(ben.twoWay.nodeKey(channel))
    expect(await ben.wallet.received(invoice)).toBe(null)
    const about = { payee: decoded.payee, amount: inChannel, fee: 0n, description, expiresAtSeconds }
    const quoted = { ok: true, quote: { kind: 'invoice', ...about, channel, isThroughHub: false } }
    expect(await anna.wallet.quotePayment(invoice)).toEqual(quoted)

    // Asked twice at once, and again, it is paid once.
    const [paid, same] = await Promise.all([anna.wallet.pay(invoice, { waitMs }), anna.wallet.pay(invoice, { waitMs })])
    if (paid.state !== 'paid') throw new Error(JSON.stringify(paid))
    expect(same).toEqual(paid)
    expect(sha256(paid.preimage)).toEqual(paymentHash)
    expect(paid).toMatchObject({ kind: 'invoice', amount: inChannel, fee: 0n })
    await until(() => isReceived(ben, request))
    for (const asked of [request, invoice])
      expect(await ben.wallet.received(asked)).toMatchObject({ amount, isEnough: true })
    await until(() => balanceOf(ben, channel) === inChannel)
    expect(await anna.wallet.pay(`lightning:${invoice.toUpperCase()}`)).toEqual(paid)
    expect(await anna.wallet.quotePayment(invoice)).toMatchObject({ ok: false, refusal: { code: 'already-paid' } })

    // Another tab takes the channel over: it knows, and the one before pays nothing more.
    const before = anna.wallet
    await anna.begin()
    expect(await anna.wallet.pay(invoice, { waitMs })).toEqual(paid)
    const next = await ask(ben, channel)
    await expect(before.pay(next.invoice, { channel, waitMs })).rejects.toMatchObject({
      code: 'wallet/channel-elsewhere',
    })
    expect(balanceOf(ben, channel)).toBe(inChannel)
    before.close()
    await expect(before.pay(next.invoice)).rejects.toMatchObject({ code: 'wallet/closed' })
  })

  it('is refused by a code, and by words that say what can be done, before anything leaves', async () => {
    world = createHtlcWorld()
    const [anna, ben] = [await world.person(), await world.person()]
    const free = await world.open(anna, ben).then((channel) => ask(ben, channel, {}))
    const decoded = must(decodeInvoice(free.invoice))
    const key = new Uint8Array(32).fill(9)
    const stranger = signInvoice({ ...decoded, amount: msats(5_000n) }, key)
    const hashed = signInvoice({ ...decoded, description: { kind: 'hash', hash: sha256(key) } }, key)
    const fromFarAway = { ...decoded, finalExpiryBlocks: 2_014, routes: [[hop(0)]] } as const
    const own = await ask(anna, free.channel)
    const cases: readonly (readonly [string, string, Parameters<typeof anna.wallet.quotePayment>[1]?])[] = [
      ['lnbcrt1', 'malformed-invoice'],
      [signInvoice({ ...decoded, network: 'mainnet' }, key), 'other-network'],
      [signInvoice({ ...decoded, createdSeconds: 1_600_000_000 }, key), 'expired'],
      [hashed, 'other-description', { description: 'three teas' }],
      [free.invoice, 'amount-missing'],
      [stranger, 'amount-differs', { amount: sats(6n) }],
      [stranger, 'no-way'],
      [signInvoice({ ...decoded, amount: inChannel, routes: [[hop(1_000_001)]] }, key), 'fee-too-high'],
      [signInvoice({ ...fromFarAway, amount: inChannel }, key), 'expires-too-late'],
      [free.invoice, 'insufficient', { amount: sats(120_000n) }],
      [own.invoice, 'own-invoice'],
    ]
    for (const [text, code, options] of cases) {
      const quoted = await anna.wallet.quotePayment(text, options)
      const detail = expect.stringMatching(/^[A-Z].+\.$/)
      expect(quoted, code).toEqual({ ok: false, refusal: { code, detail } })
      const refused = { state: 'refused', fault: code, detail: quoted.ok || quoted.refusal.detail }
      expect(await anna.wallet.pay(text, options)).toEqual(refused)
    }
    // What only the channel can say comes with the same words.
    expect(await anna.wallet.pay(free.invoice, { amount: sats(90_000n), waitMs })).toMatchObject({
      fault: 'too-much-in-flight',
    })
    expect(await anna.wallet.pay(free.channel, sats(120_000n), { waitMs })).toMatchObject({
      fault: 'insufficient',
      detail: 'Too little is left to pay with. Pay less, or open a larger channel.',
    })
    const nobody = await world.person()
    expect(await nobody.wallet.pay(free.invoice, { amount })).toMatchObject({ fault: 'no-channel' })
  })

  it('comes back where its payee does not take it, and may be paid again', async () => {
    world = createHtlcWorld()
    const [anna, ben] = [await world.person(), await world.person()]
    const channel = await world.open(anna, ben)
    // Anna's clock is wrong, Ben's is not: what he gives back may be tried again.
    const { invoice, paymentHash } = await ask(ben, channel, { amount, expirySeconds: 60 })
    world.aheadMs += 61_000
    expect(await anna.wallet.pay(invoice, { waitMs })).toMatchObject({ state: 'refused', fault: 'expired' })
    world.aheadOf.set(anna.number, -61_000)
    for (let at = 0; at < 2; at++)
      expect(await anna.wallet.pay(invoice, { waitMs })).toMatchObject({ state: 'refused', fault: 'unknown-payment' })
    const failed = { state: 'failed', paymentHash, reason: 'unknown-payment' }
    expect(await anna.twoWay.payment(paymentHash)).toEqual(failed)
    await until(() => balanceOf(anna, channel) === 100_000_000n)
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
      const request = await ask(ben, channel)
      const { invoice, paymentHash } = request
      const crash = endsAfter(crashed, prefix, number)
      const first = anna.wallet.pay(invoice, { channel, waitMs: crashed === anna ? 1_000 : 100 })
      await crash
      expect((await first).state).toBe('pending')
      await crashed.begin()
      const paid = await anna.wallet.pay(invoice, { channel, waitMs })
      expect(paid).toMatchObject({ state: 'paid', paymentHash, amount: inChannel })
      total += inChannel
      await until(() => balanceOf(ben, channel) === total)
      await until(() => isReceived(ben, request))
    }
  })

  it('[HB10] waits while the other side is away, says so, and is paid once when it comes back, or never after its end', async () => {
    world = createHtlcWorld()
    const [anna, ben] = [await world.person(), await world.person()]
    // Whoever has opened a channel has the first turn: Anna has to ask for it.
    const channel = await world.open(ben, anna, 60_000n)
    const { invoice, paymentHash } = await ask(ben, channel)
    const given = await ask(ben, channel)
    const late = await ask(ben, channel, { amount, expirySeconds: 600 })
    ben.end()
    const pending = { state: 'pending', kind: 'invoice', paymentHash }
    for (let times = 0; times < 2; times++) expect(await anna.wallet.pay(invoice, { waitMs: 50 })).toEqual(pending)
    expect(await anna.wallet.quotePayment(invoice)).toMatchObject({ ok: false, refusal: { code: 'under-way' } })
    // Nothing has left, so that a wallet which closes before its turn came leaves nothing half.
    expect(await anna.twoWay.payment(paymentHash)).toBe(null)
    expect(await anna.wallet.pay(given.invoice, { waitMs: 50 })).toMatchObject({ state: 'pending' })
    await anna.begin()
    expect(channelOf(anna, channel)).toMatchObject({ htlcs: 0, balance: 60_000_000n, isPending: false })
    expect(await anna.wallet.pay(invoice, { waitMs: 50 })).toEqual(pending)
    // What has expired before its turn came is given up, and said to be.
    const waiting = anna.wallet.pay(late.invoice, { waitMs })
    world.aheadOf.set(anna.number, 601_000)
    expect(await waiting).toMatchObject({
      state: 'refused',
      fault: 'expired',
      detail: expect.stringMatching(/expired/),
    })
    world.aheadOf.delete(anna.number)

    await ben.begin()
    expect(await anna.wallet.pay(invoice, { waitMs })).toMatchObject({ state: 'paid', paymentHash })
    await until(() => balanceOf(ben, channel) === 40_000_000n + inChannel)
    expect(await anna.wallet.quotePayment(given.invoice)).toMatchObject({ ok: true })
    expect(balanceOf(anna, channel)).toBe(60_000_000n - inChannel)
  })

  it('[HB10] is paid once when two tabs pay it at once, whatever the first had stored when the second opened', async () => {
    world = createHtlcWorld()
    const [anna, ben] = [await world.person(), await world.person()]
    const channel = await world.open(anna, ben)
    const { number, store } = anna
    const small = { amount: sats(4_000n) }
    let first = anna
    let total = 0n
    for (const commits of [0, 1, 2, 3]) {
      const { invoice } = await ask(ben, channel, small)
      const begun = commits === 0 ? Promise.resolve() : stores(first, commits)
      const before = first.wallet.pay(invoice, { waitMs: 1_000 }).catch((error) => error.code as string)
      await begun
      const second = await world.person({ number, store })
      const paid = await second.wallet.pay(invoice, { waitMs })
      expect(paid).toMatchObject({ state: 'paid', amount: 4_000_000n })
      total += 4_000_000n
      await until(() => balanceOf(ben, channel) === total)
      // The tab before hears that it is paid, that it may be, or that another one has the channel.
      const told = await before
      expect(typeof told === 'string' ? told : told.state).toMatch(/^(paid|pending|wallet.channel-elsewhere)$/)
      // Asked again it knows, though it can pay nothing any more.
      expect(await first.wallet.pay(invoice, { waitMs: 50 })).toEqual(paid)
      const next = await ask(ben, channel, small)
      await expect(first.wallet.pay(next.invoice, { channel, waitMs })).rejects.toMatchObject({
        code: 'wallet/channel-elsewhere',
        message: expect.stringMatching(/^Another tab or device has taken the channel over/),
      })
      first.end()
      first = second
    }
    expect(balanceOf(first, channel)).toBe(100_000_000n - total)
  })
})

describe('an invoice through a hub', { timeout: 60_000 }, () => {
  it('[HB2] [HB9] finds its way, is paid by both channels or by none, and the hub keeps its fee', async () => {
    world = createHtlcWorld()
    const [anna, other] = [await world.person(), await world.person()]
    const [hugo, ben] = [await world.person({ hub: hubTerms }), await world.person()]
    // Both of Anna's channels could lead to the hub: the one that does not gives it back.
    const elsewhere = await world.open(anna, other)
    const from = await world.open(anna, hugo, 1_000n)
    const to = await world.open(hugo, ben)
    const request = await ask(ben, to)
    const { invoice, paymentHash } = request
    expect(request.isThroughHub).toBe(true)
    expect(must(decodeInvoice(invoice)).routes).toMatchObject([
      [{ node: hugo.twoWay.nodeKey(to), feeBaseMsats: 2_000, feeMillionths: 0, expiryDeltaBlocks: 12 }],
    ])
    expect(await anna.wallet.pay(invoice, { channel: from, feeMax: sats(1n) })).toMatchObject({
      state: 'refused',
      fault: 'fee-too-high',
    })
    expect(await anna.wallet.quotePayment(invoice)).toMatchObject({
      quote: { fee: 2_000n, isThroughHub: true, channel: elsewhere },
    })
    const paid = await anna.wallet.pay(invoice, { feeMax, waitMs })
    expect(paid).toMatchObject({ state: 'paid', paymentHash, amount: inChannel + 2_000n, fee: 2_000n })
    await until(() => balanceOf(hugo, from) === inChannel + 1_002_000n && balanceOf(ben, to) === inChannel)
    await until(() => balanceOf(hugo, to) === 80_000_000n)
    await until(() => isReceived(ben, request))
    expect(balanceOf(anna, elsewhere)).toBe(100_000_000n)
  })

  it('[HB1] [HB2] [HB4] [HB10] [TW20] comes to its end when any of the three crashes at any of its commits', async () => {
    world = createHtlcWorld()
    const [anna, hugo, ben] = [await world.person(), await world.person({ hub: hubTerms }), await world.person()]
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
        const wish = { channel: to, amount: sats(2_000n), description, waitMs }
        const { invoice } = await ben.wallet.request({ kind: 'invoice', ...wish })
        const crash = endsAfter(crashed, 'bitcoin/two-way', number)
        const first = anna.wallet.pay(invoice, { channel: from, waitMs: 1_000 })
        await crash
        await crashed.begin()
        await first
        expect(await anna.wallet.pay(invoice, { channel: from, waitMs })).toMatchObject({ state: 'paid' })
        count += 1n
        await until(() => balanceOf(ben, to) === count * small)
        await until(() => balanceOf(hugo, from) === count * (small + hubTerms.fee))
      }
  })

  it('[HB8] [HB9] pushes to a node that did not ask, and to nobody who is not there', async () => {
    world = createHtlcWorld()
    const [anna, hugo, ben] = [await world.person(), await world.person({ hub: hubTerms }), await world.person()]
    const from = await world.open(anna, hugo)
    const to = await world.open(hugo, ben)
    const payee = ben.twoWay.nodeKey(to)
    const wish = { channel: from, payee, amount: inChannel, feeMax: hubTerms.fee, waitMs }
    const paid = await anna.twoWay.push(wish)
    if (paid.state !== 'paid') throw new Error(JSON.stringify(paid))
    expect(paid.fee).toBe(2_000n)
    await until(async () => (await ben.twoWay.pushes()).length > 0)
    expect(await ben.twoWay.pushes()).toEqual([{ paymentHash: paid.paymentHash, channel: to, amount: inChannel }])
    const nobody = anna.twoWay.nodeKey(from)
    expect(await anna.twoWay.push({ ...wish, payee: nobody })).toEqual({ state: 'refused', reason: 'no-way' })
    expect(await anna.twoWay.push({ ...wish, feeMax: msats(1n) })).toEqual({ state: 'refused', reason: 'fee-too-high' })
  })

  it('[HB5] [HB10] is taken once when two pay it at once, and the other has it back', async () => {
    world = createHtlcWorld()
    const [anna, carl] = [await world.person(), await world.person()]
    const [hugo, ben] = [await world.person({ hub: hubTerms }), await world.person()]
    const [from, other, to] = [await world.open(anna, hugo), await world.open(carl, hugo), await world.open(hugo, ben)]
    const request = await ask(ben, to)
    const outcomes = await Promise.all([anna, carl].map(({ wallet }) => wallet.pay(request.invoice, { waitMs })))
    expect(outcomes.map(({ state }) => state).sort()).toEqual(['paid', 'refused'])
    expect(outcomes.find(({ state }) => state === 'refused')).toMatchObject({
      fault: expect.stringMatching(/^(unknown-payment|no-way)$/),
      detail: expect.stringMatching(/^[A-Z].+\.$/),
    })
    const [annaHas, carlHas] = outcomes.map(({ state }) => 100_000_000n - (state === 'paid' ? inChannel + 2_000n : 0n))
    await until(() => balanceOf(anna, from) === annaHas && balanceOf(carl, other) === carlHas)
    await until(() => balanceOf(ben, to) === inChannel)
    expect(await ben.wallet.received(request)).toMatchObject({ amount })
  })

  it('[HB9] is made where the hub answers, and for no more than may wait', async () => {
    world = createHtlcWorld()
    const [hugo, ben] = [await world.person({ hub: hubTerms }), await world.person()]
    const channel = await world.open(hugo, ben)
    hugo.isMute = true
    const silent = ben.wallet.request({ kind: 'invoice', channel, amount, description, waitMs: 100 })
    await expect(silent).rejects.toMatchObject({ code: 'wallet/no-answer', retryable: true })
    hugo.isMute = false
    const made = []
    for (let at = 0; at < invoicesMax; at++) made.push(await ask(ben, channel))
    expect(new Set(made.map(({ invoice }) => invoice)).size).toBe(invoicesMax)
    await expect(ask(ben, channel)).rejects.toMatchObject({ code: 'wallet/busy' })
    world.aheadMs += 3_700_000
    expect((await ask(ben, channel)).isThroughHub).toBe(true)
  })

  it('[HB2] is passed on by the wallet that opened the store last, and by no other', async () => {
    world = createHtlcWorld()
    const [anna, hugo, ben] = [await world.person(), await world.person({ hub: hubTerms }), await world.person()]
    const from = await world.open(anna, hugo)
    const to = await world.open(hugo, ben)
    const before = hugo.wallet
    await hugo.begin()
    const { invoice } = await ben.wallet.request({ kind: 'invoice', channel: to, amount, description, waitMs })
    expect(await anna.wallet.pay(invoice, { channel: from, waitMs })).toMatchObject({ state: 'paid' })
    for (const channel of [from, to])
      await expect(before.pay(channel, sats(1n), { waitMs })).rejects.toMatchObject({
        code: 'wallet/channel-elsewhere',
      })
    await until(() => balanceOf(hugo, from) === inChannel + 2_000n)
  })
})

/** Resolves with that commit, of those that a wallet makes of its two-way channels from now on. */
function stores(one: Person, number: number): Promise<void> {
  let seen = 0
  return new Promise((resolve) => {
    one.stored = (writes) => {
      if (writes.some(({ key }) => key.startsWith('bitcoin/two-way'))) seen += 1
      if (seen === number) resolve()
    }
  })
}

/** A hint of one hop that asks for so much. */
function hop(feeBaseMsats: number) {
  return {
    node: new Uint8Array(33).fill(2),
    shortChannelId: new Uint8Array(8),
    feeBaseMsats,
    feeMillionths: 0,
    expiryDeltaBlocks: 12,
  }
}
