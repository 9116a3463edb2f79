import { afterEach, describe, expect, it } from 'vitest'
import { decodeInvoice } from '../../../../sdk/bitcoin/bolt11/index.ts'
import { sha256 } from '../../../../sdk/crypto/index.ts'
import { msats } from '../../../../sdk/units.ts'
import { receiptIdOf } from '../../../../sdk/wallet/bitcoin/index.ts'
import { must } from '../../bitcoin/must.ts'
import { until } from './channelWorld.ts'
import { balanceOf, createHtlcWorld, type HtlcWorld, hubTerms, waitMs } from './htlcWorld.ts'

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
})
