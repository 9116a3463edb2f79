import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Candidate,
  dustLimit,
  feeOf,
  type NoSelection,
  type Output,
  outputsMax,
  outputWeight,
  type Selection,
  selectAll,
  selectCoins,
  selectedCoinsMax,
  transactionWeight,
} from '../../../sdk/bitcoin/index.ts'
import { p2pkh, witnessScriptPubKey } from '../../../sdk/bitcoin/script.ts'
import { type Feerate, feerate, height, sats, txid } from '../../../sdk/units.ts'

const changeScript = witnessScriptPubKey(0, new Uint8Array(20).fill(9))
const inputWeights = [272, 230, 418]

function candidate(value: bigint, at = Number(value % 100_000n), inputWeight = 272): Candidate {
  const coin = {
    outpoint: { txid: txid(at.toString(16).padStart(64, '0')), index: at % 7 },
    value: sats(value),
    script: new Uint8Array(22),
    height: height(1),
    coinbase: false,
    keyPath: { chain: 'receive', index: 0 } as const,
  }
  return { coin, inputWeight }
}

function pay(...values: readonly bigint[]): Output[] {
  return values.map((value) => ({ script: p2pkh(new Uint8Array(20)), value: sats(value) }))
}

const values = fc.bigInt({ min: 1n, max: 10n ** 9n })
const candidates = fc
  .array(fc.tuple(values, fc.constantFrom(...inputWeights)), { maxLength: 40 })
  .map((parts) => parts.map(([value, inputWeight], at) => candidate(value, at, inputWeight)))
const payments = fc.array(fc.bigInt({ min: 546n, max: 10n ** 9n }), { minLength: 1, maxLength: 5 })
const rates = fc.integer({ min: 0, max: 500_000 }).map(feerate)
const scripts = fc.constantFrom(changeScript, witnessScriptPubKey(1, new Uint8Array(32)), p2pkh(new Uint8Array(20)))

function sum(parts: readonly { readonly value: bigint }[]): bigint {
  return parts.reduce((total, { value }) => total + value, 0n)
}

/** The laws of a selection, whatever was wished for. */
function check(selection: Selection, outputs: readonly Output[], rate: Feerate, script: Uint8Array): void {
  const { candidates, change, fee, weight } = selection
  const all = [...outputs, ...(change ? [change] : [])]
  expect(sum(candidates.map(({ coin }) => coin))).toBe(sum(all) + fee)
  expect(weight).toBe(
    transactionWeight(
      candidates.map(({ inputWeight }) => inputWeight),
      all.map(({ script }) => script),
    ),
  )
  expect(fee).toBeGreaterThanOrEqual(feeOf(weight, rate))
  if (change) {
    expect(change.value).toBeGreaterThanOrEqual(dustLimit(change.script))
    expect(fee).toBe(feeOf(weight, rate))
  } else {
    expect(fee).toBeLessThan(feeOf(weight + outputWeight(script) + 8, rate) + dustLimit(script))
  }
  expect(candidates.length).toBeLessThanOrEqual(selectedCoinsMax)
}

describe('a selection', () => {
  it('takes one coin where one is enough, at any feerate', () => {
    for (const rate of [0, 1, 100, 999, 1_000, 1_001, 1_234, 2_500, 3_333, 17_017, 250_001]) {
      const many = Array.from({ length: 9 }, (_, at) => candidate(500_000n, at, inputWeights[at % 3]))
      const selection = selectCoins({ candidates: many, outputs: pay(30_000n), changeScript, feerate: feerate(rate) })
      expect({ rate, coins: selection.ok && selection.candidates.length }).toEqual({ rate, coins: 1 })
    }
  })

  it('adds up, reaches the feerate, makes no dust and wastes less than a change output', () => {
    fc.assert(
      fc.property(candidates, payments, rates, scripts, (candidates, amounts, feerate, changeScript) => {
        const outputs = pay(...amounts)
        const selection = selectCoins({ candidates, outputs, changeScript, feerate })
        if (selection.ok) check(selection, outputs, feerate, changeScript)
      }),
      { numRuns: 500 },
    )
  })

  it('is found whenever all useful coins together suffice', () => {
    fc.assert(
      fc.property(candidates, payments, rates, (candidates, amounts, feerate) => {
        const outputs = pay(...amounts)
        const useful = candidates.filter(({ coin, inputWeight }) => coin.value > feeOf(inputWeight, feerate))
        const weight = transactionWeight(
          useful.map(({ inputWeight }) => inputWeight),
          outputs.map(({ script }) => script),
        )
        const suffices =
          useful.length > 0 && sum(useful.map(({ coin }) => coin)) >= sum(outputs) + feeOf(weight, feerate)
        const selection = selectCoins({ candidates, outputs, changeScript, feerate })
        expect(selection.ok).toBe(suffices)
      }),
      { numRuns: 500 },
    )
  })

  it('depends on the coins, not on their order', () => {
    fc.assert(
      fc.property(candidates, payments, rates, (candidates, amounts, feerate) => {
        const wish = { outputs: pay(...amounts), changeScript, feerate }
        expect(selectCoins({ ...wish, candidates: [...candidates].reverse() })).toEqual(
          selectCoins({ ...wish, candidates }),
        )
      }),
    )
  })

  it('prefers coins that need no change', () => {
    const rate = feerate(1_000)
    const exact =
      50_000n +
      feeOf(
        transactionWeight(
          [272],
          pay(0n).map(({ script }) => script),
        ),
        rate,
      )
    const selection = selectCoins({
      candidates: [candidate(10_000_000n), candidate(exact)],
      outputs: pay(50_000n),
      changeScript,
      feerate: rate,
    })
    expect(selection).toMatchObject({ ok: true, change: null, candidates: [{ coin: { value: exact } }] })
  })

  it('spends to the last sat where that is all there is', () => {
    const rate = feerate(3_210)
    const fee = feeOf(
      transactionWeight(
        [272, 272],
        pay(0n).map(({ script }) => script),
      ),
      rate,
    )
    const wish = { candidates: [candidate(30_000n), candidate(20_000n)], changeScript, feerate: rate }
    expect(selectCoins({ ...wish, outputs: pay(50_000n - fee) })).toMatchObject({ ok: true, change: null, fee })
    expect(selectCoins({ ...wish, outputs: pay(50_000n - fee + 1n) })).toEqual({
      ok: false,
      reason: 'insufficient',
      missing: 1n,
    })
  })

  it('leaves coins alone that cost more than they are worth', () => {
    const selection = selectCoins({
      candidates: [candidate(100_000n), candidate(600n), candidate(700n)],
      outputs: pay(90_000n),
      changeScript,
      feerate: feerate(30_000),
    })
    expect(selection).toMatchObject({ ok: true, candidates: [{ coin: { value: 100_000n } }] })
  })

  it('spends required coins though they are worth nothing, and each coin once', () => {
    const dust = candidate(300n)
    const selection = selectCoins({
      candidates: [dust, candidate(90_000n), candidate(90_000n)],
      required: [dust],
      outputs: pay(20_000n),
      changeScript,
      feerate: feerate(10_000),
    })
    expect(selection.ok && selection.candidates.map(({ coin }) => coin.value)).toEqual([300n, 90_000n])
  })

  it.each<[NoSelection, Output[]]>([
    [{ ok: false, reason: 'no-outputs' }, []],
    [{ ok: false, reason: 'dust', index: 1 }, pay(546n, 545n)],
    [{ ok: false, reason: 'too-many-outputs' }, pay(...Array(outputsMax + 1).fill(1_000n))],
  ])('of impossible outputs is refused: %o', (refusal, outputs) => {
    const wish = { candidates: [candidate(10n ** 12n)], changeScript, feerate: feerate(1_000) }
    expect(selectCoins({ ...wish, outputs })).toEqual(refusal)
  })

  it('of more coins than a transaction should have is refused, and of what they bring is made', () => {
    const many = Array.from({ length: selectedCoinsMax + 50 }, (_, at) => candidate(10_000n + BigInt(at), at))
    const wish = { candidates: many, changeScript, feerate: feerate(1_000) }
    expect(selectCoins({ ...wish, outputs: pay(4_200_000n) })).toEqual({ ok: false, reason: 'too-many-coins' })
    const made = selectCoins({ ...wish, outputs: pay(3_900_000n) })
    expect(made.ok && made.candidates.length).toBeLessThanOrEqual(selectedCoinsMax)
    expect(made.ok).toBe(true)
  })

  it('of more than all coins there are is insufficient, and does not throw', () => {
    const outputs = pay(...Array(3).fill(2_100_000_000_000_000n))
    const selection = selectCoins({ candidates: [candidate(1n)], outputs, changeScript, feerate: feerate(1_000) })
    expect(selection).toMatchObject({ ok: false, reason: 'insufficient' })
  })
})

describe('a sweep', () => {
  it('adds up, and leaves only coins that are not worth it', () => {
    fc.assert(
      fc.property(candidates, rates, (candidates, feerate) => {
        const selection = selectAll({ candidates, script: changeScript, feerate })
        const useful = candidates.filter(({ coin, inputWeight }) => coin.value > feeOf(inputWeight, feerate))
        if (!selection.ok) return
        check(selection, [], feerate, changeScript)
        expect(selection.change).not.toBeNull()
        expect(selection.candidates.length).toBe(useful.length)
      }),
    )
  })

  it('of nothing, or of less than dust, is insufficient', () => {
    const wish = { script: changeScript, feerate: feerate(1_000) }
    expect(selectAll({ ...wish, candidates: [] })).toMatchObject({ ok: false, reason: 'insufficient' })
    expect(selectAll({ ...wish, candidates: [candidate(400n)] })).toMatchObject({ ok: false, reason: 'insufficient' })
  })
})
