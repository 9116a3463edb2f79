import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as sums from '../../../sdk/vm/sums.ts'
import { bigintOf, bytesOf, isBelow, isBelowSigned, numberOf, readShort, writeBigint } from '../../../sdk/vm/word.ts'

const modulus = 1n << 256n
const wrap = (value: bigint) => BigInt.asUintN(256, value)
const signed = (value: bigint) => BigInt.asIntN(256, value)

/** Words of every length, and those near the edges of limbs and digits. */
const word = fc.oneof(
  fc.bigInt({ min: 0n, max: modulus - 1n }),
  fc
    .tuple(fc.bigInt({ min: 0n, max: modulus - 1n }), fc.integer({ min: 0, max: 255 }))
    .map(([value, by]) => value >> BigInt(by)),
  fc
    .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: -2, max: 2 }))
    .map(([bit, by]) => wrap((1n << BigInt(bit)) + BigInt(by))),
)

function run(work: (words: Int32Array, one: number, other: number) => void, one: bigint, other: bigint): bigint {
  const words = new Int32Array(16)
  writeBigint(words, 0, one)
  writeBigint(words, 8, other)
  work(words, 0, 8)
  return bigintOf(words, 8)
}

const operations: readonly (readonly [string, Parameters<typeof run>[0], (one: bigint, other: bigint) => bigint])[] = [
  ['add', sums.add, (one, other) => wrap(one + other)],
  ['subtract', sums.subtract, (one, other) => wrap(one - other)],
  ['multiply', sums.multiply, (one, other) => wrap(one * other)],
  ['divide', sums.divide, (one, other) => (other === 0n ? 0n : one / other)],
  ['remainder', sums.remainder, (one, other) => (other === 0n ? 0n : one % other)],
  ['divideSigned', sums.divideSigned, (one, other) => (other === 0n ? 0n : wrap(signed(one) / signed(other)))],
  ['remainderSigned', sums.remainderSigned, (one, other) => (other === 0n ? 0n : wrap(signed(one) % signed(other)))],
]

describe('words', () => {
  it.each(operations)('%s is that of big integers modulo 2^256', (_, work, expected) => {
    fc.assert(
      fc.property(word, word, (one, other) => run(work, one, other) === expected(one, other)),
      { numRuns: 2_000 },
    )
  })

  it('divides where a digit of the quotient is guessed too high', () => {
    // Knuth's step D6 is reached by about two in 2^16 random divisions only.
    const one = 0x8000_0000_0000_0000_0000_0003n
    const other = 0x2000_0000_0000_0000_0001n
    expect(run(sums.divide, one, other)).toBe(one / other)
    const rare = [0x0000_7fff_0000_8000_0000_0000_0000n, 0x8000_0000_0000_0001n] as const
    expect(run(sums.divide, ...rare)).toBe(rare[0] / rare[1])
    expect(run(sums.remainder, ...rare)).toBe(rare[0] % rare[1])
  })

  it('shifts, extends and measures as big integers do', () => {
    fc.assert(
      fc.property(word, fc.integer({ min: 0, max: 255 }), (value, bits) => {
        const words = new Int32Array(8)
        const worked = (work: () => void) => {
          writeBigint(words, 0, value)
          work()
          return bigintOf(words, 0)
        }
        expect(worked(() => sums.shiftLeft(words, 0, bits))).toBe(wrap(value << BigInt(bits)))
        expect(worked(() => sums.shiftRight(words, 0, bits, 0))).toBe(value >> BigInt(bits))
        const sign = value >> 255n ? -1 : 0
        expect(worked(() => sums.shiftRight(words, 0, bits, sign))).toBe(wrap(signed(value) >> BigInt(bits)))
        expect(worked(() => sums.negate(words, 0))).toBe(wrap(-value))
        const index = bits >> 3
        expect(worked(() => sums.extendSign(words, 0, index))).toBe(wrap(BigInt.asIntN(8 * (index + 1), value)))
        writeBigint(words, 0, value)
        expect(sums.bitLength(words, 0)).toBe(value === 0n ? 0 : value.toString(2).length)
        expect(sums.singleBit(words, 0)).toBe(/^10*$/.test(value.toString(2)) ? value.toString(2).length - 1 : -1)
        expect(numberOf(words, 0)).toBe(
          value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : Number.POSITIVE_INFINITY,
        )
        readShort(bytesOf(words, 0), words, 0)
        expect(bigintOf(words, 0)).toBe(value)
      }),
    )
  })

  it('compares with and without a sign, and raises to powers', () => {
    fc.assert(
      fc.property(word, word, fc.bigInt({ min: 0n, max: 300n }), (one, other, exponent) => {
        const words = new Int32Array(16)
        writeBigint(words, 0, one)
        writeBigint(words, 8, other)
        expect(isBelow(words, 0, 8)).toBe(one < other)
        expect(isBelowSigned(words, 0, 8)).toBe(signed(one) < signed(other))
        expect(sums.power(one, exponent)).toBe(wrap(one ** exponent))
      }),
    )
  })
})
