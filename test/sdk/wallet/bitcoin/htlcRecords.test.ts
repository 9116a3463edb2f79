import { describe, expect, it } from 'vitest'
import { memory } from '../../../../sdk/adapters/memory.ts'
import { type Forward, forwardsPerChannelMax, type HubTerms } from '../../../../sdk/channel/hub/index.ts'
import { htlcsMaxMax, peerCopyBytesMax, recordBytesMax } from '../../../../sdk/channel/penalty/index.ts'
import { sha256 } from '../../../../sdk/crypto/index.ts'
import { decodeRlp, encodeRlp, quantity } from '../../../../sdk/rlp.ts'
import { channelId, height, msats } from '../../../../sdk/units.ts'
import { copyFrom, encodeCopy } from '../../../../sdk/wallet/bitcoin/penalty/copy.ts'
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
import {
  encodePenaltyRecord,
  type PenaltyRecord,
  penaltyRecordFrom,
} from '../../../../sdk/wallet/bitcoin/penalty/record.ts'
import { must } from '../../bitcoin/must.ts'
import { bytesOf, firstTerms } from '../../channel/penalty/pair.ts'

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

describe('a copy of a channel', () => {
  const record: PenaltyRecord = {
    ...{ epoch: 2 ** 21, index: 1_000, own: 'accepter', box: `https://edge.example/${'a'.repeat(40)}` },
    ...{ terms: firstTerms(), channel: null, funding: null, isAlone: false, isFromPeer: false, copied: 2 ** 53 - 1 },
  }
  const forward = (from: typeof one, to: typeof one, id: number): Forward => {
    const [amount, expiry] = [msats(2n ** 50n), height(900_000)]
    const htlc = { by: 'accepter', id: 2 ** 24 + id, amount, paymentHash, expiry } as const
    return { from, htlc, to, amount, expiry, state: { kind: 'paid', preimage } }
  }
  const many = (count: number, from: typeof one, to: typeof one) =>
    Array.from({ length: count }, (_, at) => forward(from, to, at))

  it('[TW53] holds all that a hub has on its way over a full channel, and is kept by the other side still', () => {
    const forwards = [...many(htlcsMaxMax, one, other), ...many(forwardsPerChannelMax, other, one)]
    const bytes = encodeCopy(one, { record, forwards })
    expect(copyFrom(one, bytes)).toEqual({ record, forwards })
    const sealing = 28 // A nonce and a tag.
    expect(bytes.length + recordBytesMax + sealing).toBeLessThan(peerCopyBytesMax)
  })

  it('is nothing where it is cut, or of another version', () => {
    const bytes = encodeCopy(one, { record, forwards: many(1, one, other) })
    for (let at = 0; at < bytes.length; at += 7)
      expect(() => copyFrom(one, bytes.slice(0, at))).toThrow(expect.objectContaining({ code: 'store/corrupt' }))
    const parts = must(decodeRlp(encodePenaltyRecord(record)))
    if (parts instanceof Uint8Array) throw new Error('It is a list.')
    expect(penaltyRecordFrom(encodeRlp(parts))).toEqual(record)
    for (const older of [[quantity(2), ...parts.slice(1)], [quantity(2), ...parts.slice(1, -1)], parts.slice(0, -1)])
      expect(() => penaltyRecordFrom(encodeRlp(older))).toThrow(expect.objectContaining({ code: 'store/corrupt' }))
  })
})
