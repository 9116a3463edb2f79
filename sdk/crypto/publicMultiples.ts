import { _splitEndoScalar } from '@noble/curves/abstract/weierstrass.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'

/** A point of secp256k1. */
export type Point = typeof secp256k1.Point.BASE

/** A point whose Z is 1. */
export type Affine = Pick<Point, 'X' | 'Y'>

/**
 * A sum of points under way, in Jacobian coordinates: x = X / Z², y = Y / Z³, and infinity where Z is 0.
 *
 * Funds at risk: for what is public alone. The library's points take formulas that have no exceptions and cost twice as much
 * for it; in here exceptions are looked for and zeros left out, so the time that it takes tells the factors.
 */
export interface Sum {
  readonly X: bigint
  readonly Y: bigint
  readonly Z: bigint
}

/** Infinity. */
export const nothing: Sum = { X: 1n, Y: 1n, Z: 0n }

/** Twice a point ("dbl-2009-l" of the Explicit-Formulas Database). No point of this curve has y = 0. */
function doubled({ X, Y, Z }: Sum): Sum {
  const { Fp } = secp256k1.Point
  const YY = Fp.sqr(Y)
  const S = 4n * Fp.mul(X, YY)
  const M = 3n * Fp.sqr(X)
  const nextX = Fp.create(M * M - 2n * S)
  return { X: nextX, Y: Fp.create(M * (S - nextX) - 8n * YY * YY), Z: Fp.mul(2n * Y, Z) }
}

/** A sum and one more point ("madd"); equal ones are doubled, opposite ones come to infinity. */
export function plus(sum: Sum, point: Affine): Sum {
  const { X, Y, Z } = sum
  if (Z === 0n) return { X: point.X, Y: point.Y, Z: 1n }
  const { Fp } = secp256k1.Point
  const ZZ = Fp.sqr(Z)
  const H = Fp.create(point.X * ZZ - X)
  const R = Fp.create(point.Y * Fp.mul(ZZ, Z) - Y)
  if (H === 0n) return R === 0n ? doubled(sum) : nothing
  const HH = Fp.sqr(H)
  const HHH = Fp.mul(HH, H)
  const V = Fp.mul(X, HH)
  const nextX = Fp.create(R * R - HHH - 2n * V)
  return { X: nextX, Y: Fp.create(R * (V - nextX) - Y * HHH), Z: Fp.mul(Z, H) }
}

function minus(sum: Sum, { X, Y }: Affine): Sum {
  return plus(sum, { X, Y: secp256k1.Point.Fp.neg(Y) })
}

/** The point that a sum comes to; nothing for infinity. */
export function pointOfSum(sum: Sum): Point | undefined {
  const { Point } = secp256k1
  if (sum.Z === 0n) return undefined
  const { X, Y } = scaled(sum, Point.Fp.inv(sum.Z))
  return Point.fromAffine({ x: X, y: Y })
}

/** x * by² and y * by³. By the inverse of Z, that is the point with Z = 1. */
function scaled({ X, Y }: Affine, by: bigint): Affine {
  const { Fp } = secp256k1.Point
  const square = Fp.sqr(by)
  return { X: Fp.mul(X, square), Y: Fp.mul(Y, Fp.mul(square, by)) }
}

// The curve's endomorphism: (beta * x, y) is lambda * (x, y), and each factor is k1 + k2 * lambda with halves of 128 bits
// (Gallant, Lambert, Vanstone). The numbers are those of SEC 2's curve as the library has them, but does not tell.
const beta = 0x7ae96a2b657c07106e64479eac3434e99cf0497512f58995c1396c28719501een
const basis: Parameters<typeof _splitEndoScalar>[1] = [
  [0x3086d221a7d46bcde86c90e49284eb15n, -0xe4437ed6010e88286f547fa90abfe4c3n],
  [0x114ca50f7a8e2f3f657c1108d9d44cfd8n, 0x3086d221a7d46bcde86c90e49284eb15n],
]
const halfBits = 128

/** Half of a factor, as binary digits. */
interface Half {
  readonly bits: string
  readonly sign: 1 | -1
  /** Whether it counts lambda times. */
  readonly isTurned: boolean
}

function halvesOf(factor: bigint): readonly Half[] {
  const { k1, k1neg, k2, k2neg } = _splitEndoScalar(factor, basis, secp256k1.Point.Fn.ORDER)
  return [
    { bits: k1.toString(2), sign: k1neg ? -1 : 1, isTurned: false },
    { bits: k2.toString(2), sign: k2neg ? -1 : 1, isTurned: true },
  ]
}

function turned({ X, Y }: Affine): Affine {
  return { X: secp256k1.Point.Fp.mul(X, beta), Y }
}

/** `count` bits, the lowest of them at place `at`. */
function bitsAt(bits: string, at: number, count: number): number {
  const end = bits.length - at
  return end <= 0 ? 0 : Number.parseInt(bits.slice(Math.max(0, end - count), end), 2)
}

/** Multiples of one point: in row r, the 1, 2, 3 ... fold of 2^(r * width) times it. */
export interface Table {
  readonly width: number
  readonly rows: readonly (readonly Affine[])[]
}

/** A table by which a point is multiplied without doubling. It doubles in size with each bit of `width`. */
export function tableOf(point: Affine, width: number): Table {
  const rows: (readonly Affine[])[] = []
  let base = point
  while (rows.length * width <= halfBits) {
    const sums: Sum[] = [{ ...base, Z: 1n }]
    while (sums.length < 2 ** (width - 1)) sums.push(plus(sums.at(-1) as Sum, base))
    // One division for all of a row; none of it is infinity.
    sums.push(doubled(sums.at(-1) as Sum))
    const inverses = secp256k1.Point.Fp.invertBatch(sums.map(({ Z }) => Z))
    const row = sums.map((sum, at) => scaled(sum, inverses[at] as bigint))
    base = row.pop() as Affine
    rows.push(row)
  }
  return { width, rows }
}

/** A sum and so many times the point of a table. */
export function plusMultiple(sum: Sum, { width, rows }: Table, factor: bigint): Sum {
  let next = sum
  for (const { bits, sign, isTurned } of halvesOf(factor)) {
    let carry = 0
    for (const [at, row] of rows.entries()) {
      const window = bitsAt(bits, at * width, width) + carry
      carry = window > row.length ? 1 : 0
      const digit = window - carry * 2 ** width
      const found = row[Math.abs(digit) - 1]
      if (!found) continue // Zero.
      const point = isTurned ? turned(found) : found
      next = digit * sign > 0 ? plus(next, point) : minus(next, point)
    }
  }
  return next
}

/** Bits of a window where a point has no table: its odd multiples are made for one multiplication. */
const oddWidth = 5

/** So many times a point, whose table would not pay. */
export function multipleOf(point: Affine, factor: bigint): Sum {
  const { multiples, scale } = oddMultiples(point)
  const halves = halvesOf(factor).map(({ bits, sign, isTurned }) => ({
    digits: oddDigits(bits),
    sign,
    multiples: isTurned ? multiples.map(turned) : multiples,
  }))
  let sum = nothing
  for (let place = halfBits; place >= 0; place--) {
    sum = doubled(sum)
    for (const { digits, sign, multiples } of halves) {
      const digit = digits[place]
      if (!digit) continue
      const found = multiples[Math.abs(digit) >> 1] as Affine
      sum = digit * sign > 0 ? plus(sum, found) : minus(sum, found)
    }
  }
  return { ...sum, Z: secp256k1.Point.Fp.mul(sum.Z, scale) }
}

/** Signed digits at their places, odd or zero: of any five that follow each other, at most one is not zero. */
function oddDigits(bits: string): Int8Array {
  const digits = new Int8Array(halfBits + 1)
  let carry = 0
  for (let at = 0; at <= halfBits; ) {
    if (bitsAt(bits, at, 1) === carry) {
      at += 1
      continue
    }
    const window = bitsAt(bits, at, oddWidth) + carry
    carry = window >> (oddWidth - 1)
    digits[at] = window - carry * 2 ** oddWidth
    at += oddWidth
  }
  return digits
}

/**
 * A point's 1, 3, 5 ... fold, all with Z = 1 and none of it by division: not on this curve but on one that differs from it in
 * `b` alone, where x is x * scale² and y is y * scale³. No formula asks for `b`.
 */
function oddMultiples({ X, Y }: Affine): { readonly multiples: readonly Affine[]; readonly scale: bigint } {
  const { Fp } = secp256k1.Point
  const twice = doubled({ X, Y, Z: 1n })
  // Here the double has Z = 1.
  const sums: Sum[] = [{ ...scaled({ X, Y }, twice.Z), Z: 1n }]
  while (sums.length < 2 ** (oddWidth - 2)) sums.push(plus(sums.at(-1) as Sum, twice))
  // And here the last one: each step on the way there has multiplied Z by its own H.
  let ratio = 1n
  const multiples = sums.map((sum) => ({ X: sum.X, Y: sum.Y }))
  for (let at = sums.length - 2; at >= 0; at--) {
    const sum = sums[at] as Sum
    ratio = Fp.mul(ratio, twice.X * Fp.sqr(sum.Z) - sum.X)
    multiples[at] = scaled(sum, ratio)
  }
  return { multiples, scale: Fp.mul(twice.Z, (sums.at(-1) as Sum).Z) }
}
