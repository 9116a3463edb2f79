import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  channelIdOf,
  decodeOpening,
  decodeTerms,
  encodeOpening,
  encodeTerms,
  fundingOutput,
  type Opening,
  openingFault,
  payableMax,
  payableMin,
  type Terms,
} from '../../../sdk/channel/index.ts'
import { height, sats, toHex, txid } from '../../../sdk/units.ts'
import { channelId, dataScript, opening, terms, withByte } from './fixtures.ts'

const now = height(106)

describe('an opening', () => {
  it('[OW5] reads back as what it was', () => {
    expect(decodeOpening(encodeOpening(opening))).toEqual({ ok: true, value: opening })
    expect(decodeTerms(encodeTerms(terms))).toEqual({ ok: true, value: terms })
  })

  it('[OW6] has an identity that every release has to give it', () => {
    expect(channelId).toMatchInlineSnapshot(`"0xf612c13d2f0236a9ddd03513ef45bda71b9102949e04b552cf30816f218b7b7d"`)
  })

  it.each<[string, Opening]>([
    ['capacity', { ...opening, capacity: sats(20_001n) }],
    ['expiry', { ...opening, expiry: height(701) }],
    ['outpoint', { ...opening, funding: { ...opening.funding, index: 1 } }],
    ['transaction', { ...opening, funding: { txid: txid('ac'.repeat(32)), index: 0 } }],
    ["payer's script", { ...opening, payerScript: withByte(opening.payerScript, 5, 1) }],
    ["payee's script", { ...opening, terms: { ...terms, payeeScript: withByte(terms.payeeScript, 5, 1) } }],
    ['fee', { ...opening, terms: { ...terms, closeFee: sats(301n) } }],
    ['margin', { ...opening, terms: { ...terms, marginBlocks: 143 } }],
    ['network', { ...opening, terms: { ...terms, network: 'signet' } }],
  ])('[OW6] has another identity with another %s', (_, other) => {
    expect(channelIdOf(other)).not.toBe(channelId)
  })

  it('[OW1] funds a script of both keys and the expiry', () => {
    const { script, value } = fundingOutput(opening)
    expect(value).toBe(20_000n)
    expect(toHex(script)).toMatchInlineSnapshot(
      `"0x00202ecfeb5b6788bb8928fc0b40d8f1c540e66680dd791d0aaecc2fe12cba89b90a"`,
    )
    expect(fundingOutput({ ...opening, expiry: height(701) }).script).not.toEqual(script)
  })

  it('[OW10] pays from the dust limit of its script up to the capacity less the fee', () => {
    expect([payableMin(opening), payableMax(opening)]).toEqual([294n, 19_700n])
  })

  it('[OW7] is taken at both ends of its ranges', () => {
    const at = (capacity: bigint, expiry: number) => ({ ...opening, capacity: sats(capacity), expiry: height(expiry) })
    for (const right of [opening, at(1_000n, 256), at(100_000n, 1_106)])
      expect(openingFault(right, terms, now)).toBeNull()
  })

  it.each<[string, Opening, string]>([
    ['terms the payee never gave', { ...opening, terms: { ...terms, closeFee: sats(1n) } }, 'other-terms'],
    ['too little capacity', { ...opening, capacity: sats(999n) }, 'capacity-out-of-range'],
    ['too much capacity', { ...opening, capacity: sats(100_001n) }, 'capacity-out-of-range'],
    ['an expiry too near', { ...opening, expiry: height(255) }, 'expiry-out-of-range'],
    ['an expiry too far', { ...opening, expiry: height(1_107) }, 'expiry-out-of-range'],
    ["the payee's key", { ...opening, payerKey: terms.payeeKey }, 'malformed-opening'],
    ["the payee's script", { ...opening, payerScript: terms.payeeScript }, 'malformed-opening'],
    ['a script that nobody spends', { ...opening, payerScript: dataScript }, 'malformed-opening'],
    ['a key that is no point', { ...opening, payerKey: new Uint8Array(33) }, 'malformed-opening'],
  ])('[OW7] is declined with %s', (_, wrong, fault) => {
    expect(openingFault(wrong, terms, now)).toBe(fault)
  })

  it.each<[string, Opening]>([
    ['nothing to pay with', { ...opening, capacity: sats(593n) }],
    ['one key for both sides', { ...opening, payerKey: terms.payeeKey }],
    ['no margin', { ...opening, terms: { ...terms, marginBlocks: 0 } }],
    ['no time to pay', { ...opening, terms: { ...terms, expiryBlocksMin: 144 } }],
    ['a funding believed without a block', { ...opening, terms: { ...terms, confirmationsMin: 0 } }],
    ['an empty range', { ...opening, terms: { ...terms, capacityMin: sats(100_001n) } }],
    ['an expiry at the beginning', { ...opening, expiry: height(0) }],
  ])('[OW7] is not even read with %s', (_, wrong) => {
    expect(decodeOpening(encodeOpening(wrong)).ok).toBe(false)
  })

  it('is never read from garbage, which never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect([decodeOpening(bytes).ok, decodeTerms(bytes).ok]).toEqual([false, false])
      }),
    )
  })

  it('has one encoding: with a byte changed it is refused, or another one', () => {
    const bytes = encodeOpening(opening)
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
        const changed = withByte(bytes, at, byte)
        const read = decodeOpening(changed)
        if (read.ok) expect(encodeOpening(read.value)).toEqual(changed)
      }),
    )
  })

  it('is wrong for terms that contradict themselves, whoever gives them', () => {
    const wrong: Terms = { ...terms, expiryBlocksMax: 149 }
    expect(decodeTerms(encodeTerms(wrong))).toEqual({ ok: false, reason: 'a range of the terms is empty' })
  })
})
