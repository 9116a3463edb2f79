import { secp256k1 } from '@noble/curves/secp256k1.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  hasX,
  multipleOf,
  nothing,
  plus,
  plusMultiple,
  pointOfSum,
  pointOfX,
  type Sum,
  tableOf,
} from '../../../sdk/crypto/publicMultiples.ts'

const { Point } = secp256k1
const { Fn } = Point
const n = Fn.ORDER
/** The endomorphism's factor: lambda times (x, y) is (beta * x, y). */
const lambda = 0x5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72n

const scalar = fc.bigInt({ min: 1n, max: n - 1n })
/** Factors at borders: of windows, of halves, and of the order. */
const border = fc.oneof(
  fc.constantFrom(0n, 1n, 2n, 3n, n - 1n, n - 2n, n >> 1n, (n >> 1n) + 1n, lambda, n - lambda, lambda + 1n),
  fc
    .tuple(fc.nat({ max: 255 }), fc.integer({ min: -2, max: 2 }))
    .map(([at, by]) => Fn.create((1n << BigInt(at)) + BigInt(by))),
  fc
    .tuple(fc.nat({ max: 40 }), fc.nat({ max: 40 }))
    .map(([one, other]) => Fn.create(BigInt(one) + BigInt(other) * lambda)),
)
const factor = fc.oneof(scalar, border)
const point = scalar.map((secret) => Point.BASE.multiply(secret))

function same(sum: Sum, wanted: typeof Point.BASE): void {
  const found = pointOfSum(sum)
  if (wanted.is0()) expect(found).toBeUndefined()
  else expect(found?.toAffine()).toEqual(wanted.toAffine())
}

function start(one: typeof Point.BASE): Sum {
  return one.is0() ? nothing : plus(nothing, Point.fromAffine(one.toAffine()))
}

describe('sums of public multiples', () => {
  it('are those of the library, of a point without a table', () => {
    fc.assert(
      fc.property(point, factor, (one, by) => same(multipleOf(one, by), one.multiplyUnsafe(by))),
      { numRuns: 60 },
    )
  })

  it.each([2, 5, 8])('are those of the library, by a table of %i bits a step', (width) => {
    const base = Point.BASE.multiply(0x1234567n)
    const table = tableOf(base, width)
    fc.assert(
      fc.property(factor, point, (by, before) =>
        same(plusMultiple(start(before), table, by), before.add(base.multiplyUnsafe(by))),
      ),
      { numRuns: 60 },
    )
  })

  it('are right where a step meets its own point, the opposite one, or infinity', () => {
    const table = tableOf(Point.BASE, 5)
    // The table adds 1 and 2 and 16 times 2^(5 * row) times the point, or of its image, one after the other: where the sum so far is just that.
    const steps = [0, 1, 25].flatMap((row) => [1n, 2n, 15n, 16n].map((digit) => digit << BigInt(5 * row)))
    for (const step of steps)
      for (const by of [step, Fn.create(step * lambda)])
        for (const before of [by, Fn.neg(by), Fn.create(2n * by), 0n]) {
          const wanted = Point.BASE.multiplyUnsafe(Fn.create(before + by))
          same(plusMultiple(start(Point.BASE.multiplyUnsafe(before)), table, by), wanted)
        }
  })

  it('add a point to itself, to its opposite and to infinity', () => {
    fc.assert(
      fc.property(point, scalar, (one, by) => {
        const sum = multipleOf(one, by) // Its Z is not 1.
        const found = Point.fromAffine(one.multiplyUnsafe(by).toAffine())
        same(plus(sum, found), found.double())
        same(plus(sum, found.negate()), Point.ZERO)
        same(plus(plus(sum, found.negate()), found), found)
      }),
      { numRuns: 20 },
    )
  })

  it('tell their x without a division', () => {
    fc.assert(
      fc.property(point, scalar, (one, by) => {
        const sum = multipleOf(one, by)
        const { x } = one.multiplyUnsafe(by).toAffine()
        expect(hasX(sum, x)).toBe(true)
        expect(hasX(sum, x ^ 1n)).toBe(false)
      }),
      { numRuns: 20 },
    )
    expect(hasX(nothing, 0n)).toBe(false)
    expect(hasX(nothing, 1n)).toBe(false)
  })
})

describe('a point of its x', () => {
  it('is what the library makes of the same bytes, or is none', () => {
    const { Fp } = Point
    const border = fc.constantFrom(0n, 1n, 2n, 5n, 7n, Fp.ORDER - 1n, Fp.ORDER - 3n, Fn.ORDER, Fp.ORDER >> 1n)
    const x = fc.oneof(fc.bigInt({ min: 0n, max: Fp.ORDER - 1n }), border)
    fc.assert(
      fc.property(x, fc.constantFrom<(0 | 1)[]>(0, 1), (one, parity) => {
        const bytes = Uint8Array.of(2 + parity, ...Fp.toBytes(one))
        const right = Fp.add(Fp.mul(Fp.sqr(one), one), 7n)
        if (Fp.pow(right, (Fp.ORDER - 1n) / 2n) !== 1n) expect(() => pointOfX(one, parity)).toThrow(RangeError)
        else expect(pointOfX(one, parity).toAffine()).toEqual(Point.fromBytes(bytes).toAffine())
      }),
      { numRuns: 60 },
    )
  })
})
