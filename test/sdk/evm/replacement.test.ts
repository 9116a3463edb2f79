import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkUnderFork } from '../../../sdk/evm/fork.ts'
import { bump, bumpPercentMin, cancellation } from '../../../sdk/evm/replacement.ts'
import type { Prepared, Pricing } from '../../../sdk/evm/transaction.ts'
import { malformation } from '../../../sdk/evm/validity.ts'
import { wei } from '../../../sdk/units.ts'
import { alice, authorize, bob, preparedOf, preparedWith } from './samples.ts'

const types: readonly Pricing['type'][] = ['legacy', 'eip2930', 'eip1559', 'eip7702']
const market = (maxFeePerGas: bigint, maxPriorityFeePerGas: bigint): Pricing => ({
  ...{
    type: 'eip1559',
    maxFeePerGas: wei(maxFeePerGas),
    maxPriorityFeePerGas: wei(maxPriorityFeePerGas),
    accessList: [],
  },
})
const feesOf = ({ pricing }: Prepared): readonly bigint[] =>
  'gasPrice' in pricing ? [pricing.gasPrice] : [pricing.maxFeePerGas, pricing.maxPriorityFeePerGas]

/** The rule by which a node's pool lets the new one take the old one's place: higher, and by ten percent (rounded down). */
function replaces(next: Prepared, old: Prepared): boolean {
  const before = feesOf(old)
  return feesOf(next).every((fee, at) => fee > (before[at] as bigint) && fee >= ((before[at] as bigint) * 110n) / 100n)
}

describe('bump', () => {
  it.each(types)('raises every fee so far that nodes replace, and changes nothing else, %s', (type) => {
    fc.assert(
      fc.property(preparedOf(type), fc.integer({ min: bumpPercentMin, max: 500 }), (prepared, percent) => {
        const bumped = bump(prepared, { percent })
        expect(replaces(bumped, prepared)).toBe(true)
        const [cap = 0n, tip = 0n] = feesOf(bumped)
        expect(tip <= cap).toBe(true)
        const { pricing: _, ...rest } = bumped
        const { pricing: __, ...before } = prepared
        expect(rest).toEqual(before)
        expect(bumped.pricing.type).toBe(type)
      }),
    )
  })

  it('rounds up, and by one wei at the least', () => {
    expect(bump(preparedWith({ pricing: market(101n, 0n) }), { percent: 10 }).pricing).toEqual(market(112n, 1n))
  })

  it('covers the base fee of now, and the tip on top', () => {
    const bumped = bump(preparedWith({ pricing: market(100n, 10n) }), { percent: 10, baseFeePerGas: 500n })
    expect(bumped.pricing).toEqual(market(511n, 11n))
    const legacy = preparedWith({ pricing: { type: 'legacy', gasPrice: wei(100n) } })
    expect(bump(legacy, { percent: 10, baseFeePerGas: 500n }).pricing).toEqual({ type: 'legacy', gasPrice: 500n })
    expect(bump(legacy, { percent: 10, baseFeePerGas: 50n }).pricing).toEqual({ type: 'legacy', gasPrice: 110n })
  })

  it('refuses less than nodes want, and fees that leave 256 bits', () => {
    for (const percent of [9, 0, -10, 10.5, Number.NaN])
      expect(() => bump(preparedWith(), { percent })).toThrow(expect.objectContaining({ code: 'units/out-of-range' }))
    const huge = preparedWith({ pricing: { type: 'legacy', gasPrice: wei(2n ** 256n - 1n) } })
    expect(() => bump(huge, { percent: 10 })).toThrow(expect.objectContaining({ code: 'units/out-of-range' }))
  })
})

describe('cancellation', () => {
  it.each(types)('sends nothing to oneself under the same nonce and chain, at fees that replace, %s', (type) => {
    fc.assert(
      fc.property(preparedOf(type), (prepared) => {
        const cancel = cancellation(prepared, { percent: 10 })
        expect(cancel).toMatchObject({ chainId: prepared.chainId, from: alice.account, nonce: prepared.nonce })
        expect(cancel).toMatchObject({ to: alice.account, value: 0n, data: new Uint8Array(0) })
        expect(replaces(cancel, prepared)).toBe(true)
        expect(malformation(cancel)).toBeUndefined()
        for (const fork of ['cancun', 'prague', 'osaka', 'amsterdam'] as const)
          expect(checkUnderFork(cancel, fork).ok).toBe(true)
      }),
    )
  })

  it('carries no list and no authorizations', () => {
    const authorizations = [authorize(bob, { chainId: 1, delegate: alice.account, nonce: 0n })]
    const accessList = [{ address: bob.account, slots: [] }]
    const fees = { maxFeePerGas: wei(100n), maxPriorityFeePerGas: wei(10n) }
    const prepared = preparedWith({ pricing: { type: 'eip7702', ...fees, accessList, authorizations } })
    expect(cancellation(prepared, { percent: 10 }).pricing).toEqual(market(110n, 11n))
  })
})
