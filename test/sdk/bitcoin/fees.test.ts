import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inputBaseWeight } from '../../../sdk/bitcoin/fees.ts'
import {
  chooseFeerate,
  decodeTransaction,
  dustLimit,
  encodeTransaction,
  feeOf,
  satsPerVbyte,
  transactionWeight,
} from '../../../sdk/bitcoin/index.ts'
import { p2pkh, p2sh, witnessScriptPubKey } from '../../../sdk/bitcoin/script.ts'
import { feerate, sats, txid } from '../../../sdk/units.ts'
import { must } from './must.ts'

describe('dust', () => {
  // Bitcoin Core's GetDustThreshold at the default -dustrelayfee of 3000 sat per 1,000 bytes.
  it.each([
    ['P2PKH', p2pkh(new Uint8Array(20)), 546n],
    ['P2SH', p2sh(new Uint8Array(20)), 540n],
    ['P2WPKH', witnessScriptPubKey(0, new Uint8Array(20)), 294n],
    ['P2WSH', witnessScriptPubKey(0, new Uint8Array(32)), 330n],
    ['P2TR', witnessScriptPubKey(1, new Uint8Array(32)), 330n],
    ['P2A', witnessScriptPubKey(1, Uint8Array.of(0x4e, 0x73)), 240n],
    ['OP_RETURN', Uint8Array.of(0x6a, 1, 0), 0n],
    ['a bare key', Uint8Array.of(33, ...new Uint8Array(33).fill(2), 0xac), 576n],
  ])('of %s', (_, script, limit) => {
    expect(dustLimit(script)).toBe(limit)
  })
})

describe('a fee', () => {
  it('is for whole virtual bytes, and rounded up', () => {
    expect(feeOf(561, feerate(1000))).toBe(141n)
    expect(feeOf(564, feerate(1000))).toBe(141n)
    expect(feeOf(565, feerate(1000))).toBe(142n)
    expect(feeOf(564, feerate(1001))).toBe(142n)
    expect(feeOf(564, feerate(0))).toBe(0n)
  })

  it('is asked for in sat per vbyte, without the dust of floating point', () => {
    expect([1, 1.1, 0.1, 12.345, 2.00000001, 1.0001].map(satsPerVbyte)).toEqual([1000, 1100, 100, 12345, 2000, 1001])
    for (const bad of [-1, Number.NaN, Number.POSITIVE_INFINITY, 10_001]) expect(() => satsPerVbyte(bad)).toThrow()
  })

  it('is reckoned from the weight that the transaction has', () => {
    const script = fc.uint8Array({ minLength: 1, maxLength: 300 })
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 300 }),
        fc.array(script, { minLength: 1, maxLength: 300 }),
        (stacks, scripts) => {
          const inputs = stacks.map((_, index) => ({ outpoint: { txid: txid('22'.repeat(32)), index }, sequence: 0 }))
          const outputs = scripts.map((script) => ({ script, value: sats(1n) }))
          const bytes = encodeTransaction(
            { version: 2, inputs, outputs, locktime: 0 },
            stacks.map((item) => [item]),
          )
          const inputWeights = stacks.map((item) => inputBaseWeight + 1 + 1 + item.length)
          expect(transactionWeight(inputWeights, scripts)).toBe(must(decodeTransaction(bytes)).weight)
        },
      ),
      { numRuns: 30 },
    )
  })
})

describe('a feerate', () => {
  const wish = { targetBlocks: 6, min: feerate(1000), max: feerate(50_000), otherwise: feerate(7_000) }
  const choose = (facts: readonly (readonly [number, number])[]) => chooseFeerate(new Map(facts), wish)

  it('is the one of the slowest target that is soon enough', () => {
    const facts = [
      [1, 30],
      [3, 20.5],
      [144, 2],
      [6, 10],
    ] as const
    expect(choose(facts)).toBe(10_000)
    expect(choose(facts.filter(([blocks]) => blocks !== 6))).toBe(20_500)
    expect(choose([[144, 2]])).toBe(2_000)
  })

  it('stays within the bounds, whatever a node claims', () => {
    expect(choose([[1, 900]])).toBe(50_000)
    expect(choose([[1, 0.0001]])).toBe(1_000)
    expect(choose([[1, Number.MAX_VALUE]])).toBe(50_000)
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.double(), fc.double())), (facts) => {
        const rate = choose(facts)
        return rate >= wish.min && rate <= wish.max
      }),
    )
  })

  it('is the fallback where the facts are nonsense or absent', () => {
    expect(choose([])).toBe(7_000)
    expect(
      choose([
        [1, Number.NaN],
        [2, -5],
        [0, 9],
        [3, Number.POSITIVE_INFINITY],
      ]),
    ).toBe(7_000)
  })
})
