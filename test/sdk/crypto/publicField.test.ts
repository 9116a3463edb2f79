import { secp256k1 } from '@noble/curves/secp256k1.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  combine,
  type Element,
  elementOf,
  emptyElement,
  inverseOf,
  isZero,
  limbCount,
  multiply,
  numberOf,
  one,
  rootOf,
  zero,
} from '../../../sdk/crypto/publicField.ts'

const { Fp } = secp256k1.Point
const p = Fp.ORDER
const numRuns = 300

const number = fc.oneof(
  fc.bigInt({ min: 0n, max: p - 1n }),
  fc.constantFrom(0n, 1n, 2n, p - 1n, p - 2n, p >> 1n, (p >> 1n) + 1n, 2n ** 255n, secp256k1.Point.Fn.ORDER),
  fc
    .tuple(fc.nat({ max: 256 }), fc.integer({ min: -2, max: 2 }))
    .map(([at, by]) => Fp.create(2n ** BigInt(at) + BigInt(by))),
  // 2^24 - 1, 2^23 and the like in every place.
  fc
    .array(fc.constantFrom(0n, 1n, 0x7fffffn, 0x800000n, 0xffffffn), { minLength: 11, maxLength: 11 })
    .map((limbs) => Fp.create(limbs.reduce<bigint>((sum, limb) => (sum << 24n) + limb, 0n))),
)

/** The most that a limb of a settled element is. */
const most = (at: number) => (at === limbCount - 1 ? 2 ** 15 : 2 ** 23) + 2 ** 6
const limbs = (limb: (at: number) => fc.Arbitrary<number>) =>
  fc.tuple(...Array.from({ length: limbCount }, (_, at) => limb(at))).map((all) => Float64Array.from(all))
/** Whatever is settled: as products leave it, and as far from zero as limbs may be. */
const element = fc.oneof(
  number.map(elementOf),
  limbs((at) => fc.integer({ min: -most(at), max: most(at) })),
  limbs((at) => fc.constantFrom(most(at), -most(at))),
  fc.constantFrom(1, -1).map((sign) => Float64Array.from({ length: limbCount }, (_, at) => sign * most(at))),
)
/** How many times two factors are taken, and their product: as much as is allowed, or less. */
const weights = fc.constantFrom(
  [1, 1, 1],
  [3, 4, 1],
  [-4, 3, 1],
  [-12, 1, 1],
  [2, -3, 2],
  [1, 1, 12],
  [1, -1, -12],
  [6, 2, -1],
)

function settled(found: Element): Element {
  const isSettled = (limb: number, at: number) => Number.isInteger(limb) && Math.abs(limb) <= most(at)
  expect([...found].filter((limb, at) => !isSettled(limb, at))).toEqual([])
  return found
}

function times(one: Element, by: number): Element {
  const out = emptyElement()
  combine(out, zero, one, by)
  return out
}

describe('the field of public numbers', () => {
  it('keeps every number, settled', () => {
    fc.assert(
      fc.property(number, (one) => {
        expect(numberOf(settled(elementOf(one)))).toBe(one)
      }),
      { numRuns },
    )
  })

  it('multiplies as the library does, whatever limbs and weights are allowed', () => {
    fc.assert(
      fc.property(
        element,
        element,
        element,
        weights,
        fc.constantFrom(0, 1, -1, 12, -12),
        (a, b, addend, [timesA = 1, timesB = 1, scale = 1], by) => {
          const [x, y, plus] = [a, b, addend].map((one) => numberOf(one)) as [bigint, bigint, bigint]
          const wanted = (product: bigint) => Fp.create(BigInt(timesA * timesB * scale) * product + BigInt(by) * plus)
          const out = emptyElement()
          multiply(out, times(a, timesA), times(b, timesB), addend, by, scale)
          expect(numberOf(settled(out))).toBe(wanted(x * y))
          multiply(out, a, b, addend, by, timesA * timesB * scale)
          expect(numberOf(settled(out))).toBe(wanted(x * y))
          multiply(out, a, a, addend, by, timesA * timesB * scale)
          expect(numberOf(settled(out))).toBe(wanted(x * x))
          multiply(out, times(a, 3), times(a, -4))
          expect(numberOf(settled(out))).toBe(Fp.create(-12n * x * x))
        },
      ),
      { numRuns },
    )
  })

  it('writes a product over any of what it is made of', () => {
    fc.assert(
      fc.property(element, element, (a, b) => {
        const wanted = emptyElement()
        multiply(wanted, a, b, b, -2)
        const [overA, overB] = [a.slice(), b.slice()]
        multiply(overA, overA, b, b, -2)
        multiply(overB, a, overB, overB, -2)
        expect(overA).toEqual(wanted)
        expect(overB).toEqual(wanted)
      }),
      { numRuns: 50 },
    )
  })

  it('knows every multiple of p for zero, and nothing else', () => {
    fc.assert(
      fc.property(element, element, (a, b) => {
        const product = emptyElement()
        multiply(product, a, b)
        const difference = emptyElement()
        multiply(difference, b, a, product, -1)
        expect(isZero(difference)).toBe(true)
        multiply(difference, b, a, one, 1)
        combine(difference, difference, product, -1)
        multiply(difference, difference, one)
        expect(isZero(difference)).toBe(false)
        expect(isZero(product)).toBe(numberOf(product) === 0n)
      }),
      { numRuns },
    )
    expect(isZero(zero)).toBe(true)
    expect(isZero(elementOf(0n))).toBe(true)
  })

  it('finds the roots that the library finds', () => {
    fc.assert(
      fc.property(number, (square) => {
        const isSquare = square === 0n || Fp.pow(square, (p - 1n) / 2n) === 1n
        const find = () => numberOf(settled(rootOf(elementOf(square))))
        if (isSquare) expect([find(), Fp.neg(find())]).toContain(Fp.sqrt(square))
        else expect(find).toThrow(RangeError)
      }),
      { numRuns: 50 },
    )
  })

  it('inverts all but zero', () => {
    fc.assert(
      fc.property(
        number.filter((one) => one !== 0n),
        (one) => {
          expect(numberOf(settled(inverseOf(elementOf(one))))).toBe(Fp.inv(one))
        },
      ),
      { numRuns: 50 },
    )
    expect(() => inverseOf(zero)).toThrow()
  })
})
