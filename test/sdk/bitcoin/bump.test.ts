import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Candidate,
  childFee,
  feeOf,
  type Output,
  replacedMax,
  selectChild,
  selectCoins,
  selectReplacement,
  vsizeOf,
} from '../../../sdk/bitcoin/index.ts'
import { witnessScriptPubKey } from '../../../sdk/bitcoin/script.ts'
import { feerate, height, sats, txid } from '../../../sdk/units.ts'

const changeScript = witnessScriptPubKey(0, new Uint8Array(20).fill(9))
const outputs: Output[] = [{ script: witnessScriptPubKey(0, new Uint8Array(32)), value: sats(40_000n) }]
const incremental = feerate(1_000)

function candidate(value: bigint, at: number, confirmed = true): Candidate {
  const coin = {
    outpoint: { txid: txid(at.toString(16).padStart(64, '0')), index: 0 },
    value: sats(value),
    script: changeScript,
    height: confirmed ? height(1) : null,
    coinbase: false,
    keyPath: { chain: 'receive', index: 0 } as const,
  }
  return { coin, inputWeight: 272 }
}

function original(values: readonly bigint[], rate: number) {
  const candidates = values.map((value, at) => candidate(value, at + 1))
  const selection = selectCoins({ candidates: [], required: candidates, outputs, changeScript, feerate: feerate(rate) })
  if (!selection.ok) throw new Error(selection.reason)
  return { candidates: selection.candidates, fee: selection.fee, weight: selection.weight }
}

describe('a replacement (BIP-125)', () => {
  it('spends the same coins, keeps the payments, and pays for what it throws out and for itself', () => {
    const first = original([100_000n], 1_000)
    const made = selectReplacement({
      original: first,
      descendants: [],
      outputs,
      changeScript,
      candidates: [candidate(500_000n, 77)],
      feerate: feerate(5_000),
      incremental,
    })
    expect(made).toMatchObject({ ok: true, candidates: first.candidates })
    if (!made.ok) return
    expect(made.fee).toBe(feeOf(made.weight, feerate(5_000)))
    expect(made.change?.value).toBe(100_000n - 40_000n - made.fee)
  })

  it('holds to every rule, at any wish', () => {
    const rate = fc.integer({ min: 100, max: 200_000 })
    const descendant = fc.record({
      fee: fc.bigInt({ min: 0n, max: 20_000n }).map(sats),
      weight: fc.integer({ min: 400, max: 4_000 }),
    })
    fc.assert(
      fc.property(rate, rate, fc.array(descendant, { maxLength: 4 }), (firstRate, wished, descendants) => {
        const first = original([100_000n, 60_000n], Math.min(firstRate, 100_000))
        const made = selectReplacement({
          original: first,
          descendants,
          outputs,
          changeScript,
          candidates: [candidate(900_000n, 77), candidate(900_000n, 78, false)],
          feerate: feerate(wished),
          incremental,
        })
        if (!made.ok) throw new Error(made.reason)
        const replaced = [first, ...descendants].reduce((sum, { fee }) => sum + fee, 0n)
        // Rules 2 to 4, and Core's rule on the feerate.
        expect(made.candidates.every(({ coin }) => coin.height !== null)).toBe(true)
        expect(made.fee).toBeGreaterThanOrEqual(replaced + feeOf(made.weight, incremental))
        expect(made.fee * BigInt(vsizeOf(first.weight))).toBeGreaterThan(first.fee * BigInt(vsizeOf(made.weight)))
        expect(made.fee).toBeGreaterThanOrEqual(feeOf(made.weight, feerate(wished)))
        for (const { coin } of first.candidates) expect(made.candidates.map(({ coin }) => coin)).toContain(coin)
      }),
    )
  })

  it('that has to grow still beats the feerate of the original', () => {
    // 5,000 sat for one input and one output; as much and a little more would be a lower rate for two of each.
    const first = original([45_000n], 38_000)
    expect(first.fee).toBe(5_000n)
    const made = selectReplacement({
      original: first,
      descendants: [],
      outputs,
      changeScript,
      candidates: [candidate(500_000n, 77)],
      feerate: feerate(1_000),
      incremental,
    })
    if (!made.ok) throw new Error(made.reason)
    expect(made.candidates).toHaveLength(2)
    expect(made.fee * BigInt(vsizeOf(first.weight))).toBeGreaterThan(first.fee * BigInt(vsizeOf(made.weight)))
  })

  it('without the coins for it is insufficient', () => {
    const wish = { original: original([42_000n], 1_000), descendants: [], outputs, changeScript, incremental }
    const made = selectReplacement({ ...wish, candidates: [candidate(900_000n, 78, false)], feerate: feerate(50_000) })
    expect(made).toMatchObject({ ok: false, reason: 'insufficient' })
  })

  it('of too many descendants is refused', () => {
    const descendants = Array.from({ length: replacedMax }, () => ({ fee: sats(1n), weight: 400 }))
    const made = selectReplacement({
      original: original([100_000n], 1_000),
      descendants,
      outputs,
      changeScript,
      candidates: [],
      feerate: feerate(5_000),
      incremental,
    })
    expect(made).toEqual({ ok: false, reason: 'too-many-descendants' })
  })
})

describe('a child', () => {
  const parent = { fee: sats(200n), weight: 720 }

  it('lifts its parents to the feerate, together with itself', () => {
    const made = selectChild({
      parents: [parent],
      coin: candidate(50_000n, 5, false),
      script: changeScript,
      feerate: feerate(10_000),
    })
    if (!made.ok) throw new Error(made.reason)
    const vsize = vsizeOf(made.weight) + vsizeOf(parent.weight)
    expect(made.fee + parent.fee).toBe(feeOf(4 * vsize, feerate(10_000)))
    expect(made.change).toEqual({ script: changeScript, value: 50_000n - made.fee })
  })

  it('pays the feerate for itself, where its parents pay more already', () => {
    expect(childFee({ parents: [{ fee: sats(50_000n), weight: 720 }], weight: 440, feerate: feerate(10_000) })).toBe(
      feeOf(440, feerate(10_000)),
    )
  })

  it('whose coin does not pay for it is insufficient', () => {
    const coin = candidate(2_500n, 5, false)
    expect(selectChild({ parents: [parent], coin, script: changeScript, feerate: feerate(10_000) })).toMatchObject({
      ok: false,
      reason: 'insufficient',
    })
  })
})
