import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodePayee, decodePayer, encodePayee, encodePayer } from '../../../sdk/channel/index.ts'
import { fromHex, sats } from '../../../sdk/units.ts'
import { update, withByte } from './fixtures.ts'
import { payeeRecords, payerRecords } from './recordsOfVersion1.ts'
import { payees, payers } from './states.ts'

const payeeBytes = payeeRecords.map((record) => fromHex(`0x${record}`))
const payerBytes = payerRecords.map((record) => fromHex(`0x${record}`))

describe('the record of a channel', () => {
  it('of version 1 still reads as what was stored, and is written as it was', () => {
    expect(payeeBytes.map(decodePayee)).toEqual(payees.map((value) => ({ ok: true, value })))
    expect(payees.map(encodePayee)).toEqual(payeeBytes)
    expect(payerBytes.map(decodePayer)).toEqual(payers.map((value) => ({ ok: true, value })))
    expect(payers.map(encodePayer)).toEqual(payerBytes)
  })

  it('is not read by the other side', () => {
    expect(payeeBytes.filter((bytes) => decodePayer(bytes).ok)).toEqual([])
    expect(payerBytes.filter((bytes) => decodePayee(bytes).ok)).toEqual([])
  })

  it.each([
    ['[OW11] more spent than paid', { ...(payees[1] as (typeof payees)[0]), spent: sats(401n) }],
    ['[OW10] more paid than there is', { ...(payees[1] as (typeof payees)[0]), best: update(1, 19_701n) }],
  ])('of a payee is refused with %s', (_, wrong) => {
    expect(decodePayee(encodePayee(wrong))).toEqual({ ok: false, reason: contradicting })
  })

  const open = payers[3] as (typeof payers)[0]
  it.each([
    ['[OW17] a better update than was signed', { ...open, best: { number: 2, paid: sats(400n) } }],
    ['[OW11] more spent than paid', { ...open, spent: sats(401n) }],
    ['[OW16] another one pending than the last', { ...open, pending: update(2, 500n) }],
    ['[OW10] more signed than there is', { ...open, signed: { number: 1, paid: sats(19_701n) } }],
  ])('of a payer is refused with %s', (_, wrong) => {
    expect(decodePayer(encodePayer(wrong))).toEqual({ ok: false, reason: contradicting })
  })

  it('has one encoding: with a byte changed it is refused, or another one', () => {
    fc.assert(
      fc.property(fc.constantFrom(...payeeBytes), fc.nat(), fc.nat(255), (bytes, at, byte) => {
        const changed = withByte(bytes, at % bytes.length, byte)
        const read = decodePayee(changed)
        if (read.ok) expect(encodePayee(read.value)).toEqual(changed)
      }),
    )
    fc.assert(
      fc.property(fc.constantFrom(...payerBytes), fc.nat(), fc.nat(255), (bytes, at, byte) => {
        const changed = withByte(bytes, at % bytes.length, byte)
        const read = decodePayer(changed)
        if (read.ok) expect(encodePayer(read.value)).toEqual(changed)
      }),
    )
  })

  it('is refused when it is cut off or goes on', () => {
    for (const bytes of [...payeeBytes, ...payerBytes])
      for (const wrong of [bytes.slice(0, -1), Uint8Array.of(...bytes, 0)])
        expect([decodePayee(wrong).ok, decodePayer(wrong).ok]).toEqual([false, false])
  })

  it('is never read from garbage, which never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect([decodePayee(bytes).ok, decodePayer(bytes).ok]).toEqual([false, false])
      }),
    )
  })
})

const contradicting = 'the amounts of the record contradict each other'
