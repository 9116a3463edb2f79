import { describe, expect, it } from 'vitest'
import { memory } from '../../../../sdk/adapters/memory.ts'
import type { HubTerms } from '../../../../sdk/channel/hub/index.ts'
import { sha256 } from '../../../../sdk/crypto/index.ts'
import { channelId, msats } from '../../../../sdk/units.ts'
import { openHub, ordersPerChannelMax, takeOrder } from '../../../../sdk/wallet/bitcoin/penalty/hub.ts'
import {
  decideHeld,
  encodeInvoiceRecord,
  type InvoiceRecord,
  invoiceFrom,
  invoiceOf,
  keepInvoice,
} from '../../../../sdk/wallet/bitcoin/penalty/invoices.ts'
import {
  encodePaymentRecord,
  type PaymentRecord,
  paymentFrom,
} from '../../../../sdk/wallet/bitcoin/penalty/payments.ts'
import { bytesOf } from '../../channel/penalty/pair.ts'

const [one, other] = [channelId(`0x${'0a'.repeat(32)}`), channelId(`0x${'0b'.repeat(32)}`)]
const terms: HubTerms = { fee: msats(1n), deltaBlocks: 72, leftBlocksMin: 40, forwardsMax: 8 }
const preimage = bytesOf('preimage')
const paymentHash = sha256(preimage)
const open: InvoiceRecord = {
  ...{ kind: 'invoice', preimage, amount: msats(5n), endsAtSeconds: 1_000 },
  state: { kind: 'open' },
}

describe('records of payments by hash', () => {
  it('are read as they were written, and nothing else is', () => {
    const invoices: readonly InvoiceRecord[] = [
      open,
      { ...open, kind: 'push', amount: null },
      { ...open, kind: 'held', preimage: null, state: { kind: 'back' } },
      { ...open, state: { kind: 'taken', channel: one, id: 3, amount: msats(7n) } },
      { ...open, state: { kind: 'received', channel: one, number: 9, amount: msats(7n) } },
    ]
    for (const record of invoices) expect(invoiceFrom(encodeInvoiceRecord(record))).toEqual(record)
    const out: PaymentRecord = { channel: one, id: 2, amount: msats(9n), fee: msats(1n), state: { kind: 'out' } }
    const payments: readonly PaymentRecord[] = [
      out,
      { ...out, state: { kind: 'paid', preimage } },
      { ...out, state: { kind: 'failed', reason: 'channel-ended' } },
      { ...out, state: { kind: 'failed', reason: 'no-way-on' } },
    ]
    for (const record of payments) expect(paymentFrom(encodePaymentRecord(record))).toEqual(record)
    for (const bytes of [new Uint8Array(0), encodePaymentRecord(out).slice(1), encodeInvoiceRecord(open).slice(0, -1)])
      for (const read of [invoiceFrom, paymentFrom])
        expect(() => read(bytes)).toThrow(expect.objectContaining({ code: 'store/corrupt' }))
  })

  it('end with their time, but not while their preimage is told', async () => {
    const store = memory()
    const keep = (text: string, nowSeconds: number, change: Partial<InvoiceRecord> = {}, isOver = false) => {
      const record = { ...open, preimage: bytesOf(text), endsAtSeconds: nowSeconds + 10, ...change }
      return keepInvoice(store, sha256(bytesOf(text)), record, { nowSeconds, isOver: () => isOver })
    }
    await keep('expires', 0)
    await keep('is taken', 0, { state: { kind: 'taken', channel: one, id: 0, amount: msats(5n) } })
    await keep('later', 1_000)
    expect(await invoiceOf(store, sha256(bytesOf('expires')))).toBe(null)
    expect(await invoiceOf(store, sha256(bytesOf('is taken')))).not.toBe(null)
    await keep('after the channel', 1_000, {}, true)
    expect(await invoiceOf(store, sha256(bytesOf('is taken')))).toBe(null)
  })

  it('[SW7] of what is held are decided once', async () => {
    const store = memory()
    const held: InvoiceRecord = { ...open, kind: 'held', preimage: null }
    await keepInvoice(store, paymentHash, held, { nowSeconds: 0, isOver: () => false })
    await decideHeld(store, paymentHash, { preimage })
    await decideHeld(store, paymentHash, 'back')
    expect((await invoiceOf(store, paymentHash))?.record).toEqual({ ...held, preimage })
  })
})

describe("a hub's record", () => {
  it('[HB9] gives a hash to the first channel that orders it, and keeps the newest orders of each', async () => {
    const store = memory()
    const hub = await openHub(store, { terms, owner: bytesOf('owner', 16) }, () => undefined)
    if (!hub) throw new Error('It has terms.')
    expect([await takeOrder(hub, one, paymentHash), await takeOrder(hub, other, paymentHash)]).toEqual([true, false])
    for (let at = 0; at < ordersPerChannelMax; at++) await takeOrder(hub, one, bytesOf(`order ${at}`))
    expect(hub.known.orders).toHaveLength(ordersPerChannelMax)
    // The oldest has ended, so that another may have it.
    expect(await takeOrder(hub, other, paymentHash)).toBe(true)
  })

  it('[HB2] is written no more by who had it before another opened the store', async () => {
    const store = memory()
    const open = (name: string, own: HubTerms | null) =>
      openHub(store, { terms: own, owner: bytesOf(name, 16) }, () => undefined)
    expect(await open('nobody', null)).toBe(null)
    const before = await open('before', terms)
    const after = await open('after', null)
    if (!before || !after) throw new Error('It was a hub.')
    for (let times = 0; times < 2; times++)
      await expect(takeOrder(before, one, paymentHash)).rejects.toMatchObject({ code: 'wallet/channel-elsewhere' })
    // A wallet that is no hub any more takes no order.
    expect(await takeOrder(after, one, paymentHash)).toBe(false)
  })
})
