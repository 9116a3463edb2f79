import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  anchorValue,
  type CommitmentHtlc,
  commitmentNumberMax,
  commitmentNumberOf,
  commitmentOf,
  funderCost,
  isTrimmed,
  obscured,
} from '../../../../sdk/bitcoin/bolt3/index.ts'
import { compareOutputs } from '../../../../sdk/bitcoin/index.ts'
import { msats, sats } from '../../../../sdk/units.ts'
import { htlcOf, keysOf, terms } from './channel.ts'

const { keys } = keysOf(0)

const htlcs = fc
  .array(fc.tuple(fc.boolean(), fc.bigInt({ min: 1n, max: 3_000_000n }), fc.integer({ min: 1, max: 600 })), {
    maxLength: 4,
  })
  .map((list) => list.map(([isOffered, amount, expiry]) => htlcOf(isOffered ? 'offered' : 'received', amount, expiry)))

function contentOf(htlcs: readonly CommitmentHtlc[], share: bigint) {
  const rest = 1_000n * terms.capacity - htlcs.reduce((sum, { amount }) => sum + amount, 0n)
  const toHolder = (rest * share) / 1_000n
  return { number: 0, toHolder: msats(toHolder), toOther: msats(rest - toHolder), htlcs }
}

describe('a commitment', () => {
  it('gives out no more than the capacity, in order, and nothing below the dust limit but anchors', () => {
    fc.assert(
      fc.property(htlcs, fc.bigInt({ min: 10n, max: 1_000n }), (htlcs, share) => {
        const { outputs, unsigned } = commitmentOf(terms, contentOf(htlcs, share), keys)
        const sum = outputs.reduce((sum, { value }) => sum + value, 0n)
        expect(sum).toBeLessThanOrEqual(terms.capacity)
        expect([...outputs].sort(compareOutputs).map(({ value }) => value)).toEqual(outputs.map(({ value }) => value))
        for (const { kind, value } of outputs)
          expect(value >= terms.dustLimit || (kind.endsWith('anchor') && value === anchorValue)).toBe(true)
        const kept = htlcs.filter((htlc) => !isTrimmed(terms, htlc))
        expect(outputs.filter(({ kind }) => kind === 'htlc')).toHaveLength(kept.length)
        expect(unsigned.outputs).toEqual(outputs)
      }),
      { numRuns: 25 },
    )
  })

  it('costs the funder the base fee and both anchors, whoever of them is left', () => {
    const content = contentOf([], 500n)
    const { outputs } = commitmentOf(terms, content, keys)
    expect(funderCost(terms, 0)).toBe(1_124n + 660n)
    expect(outputs.find(({ kind }) => kind === 'to-holder')?.value).toBe(500_000n - 1_784n)
    const paidByOther = commitmentOf({ ...terms, funder: 'other' }, content, keys)
    expect(paidByOther.outputs.find(({ kind }) => kind === 'to-other')?.value).toBe(500_000n - 1_784n)
  })

  it('has an anchor for those alone who have something in it', () => {
    const kinds = (share: bigint, htlcs: readonly CommitmentHtlc[] = []) =>
      commitmentOf(terms, contentOf(htlcs, share), keys)
        .outputs.map(({ kind }) => kind)
        .sort()
    expect(kinds(1_000n)).toEqual(['holder-anchor', 'to-holder'])
    expect(kinds(0n)).toEqual(['other-anchor', 'to-other'])
    expect(kinds(0n, [htlcOf('offered', 400_000n)])).toEqual(['holder-anchor', 'htlc', 'other-anchor', 'to-other'])
    expect(kinds(0n, [htlcOf('offered', 353_999n)])).toEqual(['other-anchor', 'to-other'])
  })

  it('orders equal HTLCs by their expiry, since their transactions differ', () => {
    const twins = [htlcOf('offered', 5_000_001n, 507), htlcOf('offered', 5_000_000n, 506)]
    const { outputs } = commitmentOf(terms, contentOf(twins, 500n), keys)
    const expiries = outputs.flatMap((output) => (output.kind === 'htlc' ? [output.htlc.expiry] : []))
    expect(expiries).toEqual([506, 507])
  })

  it('hides its number, and tells it to those who know the factor', () => {
    const numbers = fc.oneof(
      fc.nat({ max: 2_000 }),
      fc.maxSafeNat().map((value) => value % 2 ** 48),
    )
    fc.assert(
      fc.property(numbers, numbers, (number, factor) => {
        expect(obscured(obscured(number, factor), factor)).toBe(number)
        const { unsigned } = commitmentOf({ ...terms, factor }, { ...contentOf([], 500n), number }, keys)
        expect(commitmentNumberOf(unsigned, factor)).toBe(number)
      }),
      { numRuns: 20 },
    )
    expect(obscured(commitmentNumberMax, 0)).toBe(commitmentNumberMax)
  })

  it('is told from other spends by its locktime and sequence', () => {
    const { unsigned } = commitmentOf(terms, contentOf([], 500n), keys)
    const [input] = unsigned.inputs
    if (!input) throw new Error('A commitment has an input.')
    expect(commitmentNumberOf({ ...unsigned, locktime: 0 }, terms.factor)).toBeUndefined()
    expect(commitmentNumberOf({ ...unsigned, inputs: [] }, terms.factor)).toBeUndefined()
    expect(commitmentNumberOf({ ...unsigned, inputs: [input, input] }, terms.factor)).toBeUndefined()
    expect(
      commitmentNumberOf({ ...unsigned, inputs: [{ ...input, sequence: 0xfffffffd }] }, terms.factor),
    ).toBeUndefined()
  })

  it('takes all of a funder that cannot pay the fee', () => {
    const poor = { number: 0, toHolder: msats(1_000_000n), toOther: msats(999_000_000n), htlcs: [] }
    const { outputs } = commitmentOf(terms, poor, keys)
    expect(outputs.map(({ kind, value }) => [kind, value])).toEqual([
      ['other-anchor', sats(330n)],
      ['to-other', sats(999_000n)],
    ])
  })
})
