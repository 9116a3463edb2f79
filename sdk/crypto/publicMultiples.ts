import { _splitEndoScalar } from '@noble/curves/abstract/weierstrass.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
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
  signedDigits,
  zero,
} from './publicField.ts'

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
  readonly X: Element
  readonly Y: Element
  readonly Z: Element
}

/** Infinity. */
export const nothing: Sum = { X: one, Y: one, Z: zero }

function copyOf({ X, Y, Z }: Sum): Sum {
  return { X: X.slice(), Y: Y.slice(), Z: Z.slice() }
}

// Where steps work: one is done before the next begins, and nothing is left here for it but H.
const a = /* @__PURE__ */ emptyElement()
const R = /* @__PURE__ */ emptyElement()
const HHH = /* @__PURE__ */ emptyElement()
const V = /* @__PURE__ */ emptyElement()
/** What the last addition has multiplied Z by. */
const H = /* @__PURE__ */ emptyElement()

/** Doubles a sum where it is ("dbl-2009-l" of the Explicit-Formulas Database). No point of this curve has y = 0. */
function double({ X, Y, Z }: Sum): void {
  const YY = a
  const S = V
  const M = R
  multiply(YY, Y, Y)
  multiply(S, X, YY, zero, 0, 4)
  multiply(M, X, X, zero, 0, 3)
  multiply(Z, Y, Z, zero, 0, 2)
  multiply(X, M, M, S, -2)
  combine(S, S, X, -1)
  multiply(YY, YY, YY)
  multiply(Y, M, S, YY, -8)
}

/** Adds a point where the sum is ("madd"); equal ones are doubled, opposite ones come to infinity. */
function add(sum: Sum, x: Element, y: Element): void {
  const { X, Y, Z } = sum
  if (isZero(Z)) {
    X.set(x)
    Y.set(y)
    Z.set(one)
    return
  }
  multiply(a, Z, Z)
  multiply(H, x, a, X, -1)
  multiply(a, a, Z)
  multiply(R, y, a, Y, -1)
  if (isZero(H)) {
    if (isZero(R)) double(sum)
    else Z.fill(0)
    return
  }
  const HH = a
  multiply(HH, H, H)
  multiply(HHH, H, HH)
  multiply(V, X, HH)
  multiply(Z, Z, H)
  combine(HH, HHH, V, 2)
  multiply(X, R, R, HH, -1)
  combine(V, V, X, -1)
  multiply(HHH, Y, HHH)
  multiply(Y, R, V, HHH, -1)
}

function elementsOf({ X, Y }: Affine): Pick<Sum, 'X' | 'Y'> {
  return { X: elementOf(X), Y: elementOf(Y) }
}

/** A sum and one more point. */
export function plus(sum: Sum, point: Affine): Sum {
  const next = copyOf(sum)
  const { X, Y } = elementsOf(point)
  add(next, X, Y)
  return next
}

/** The point that a sum comes to; nothing for infinity. */
export function pointOfSum({ X, Y, Z }: Sum): Point | undefined {
  if (isZero(Z)) return undefined
  x.set(X)
  y.set(Y)
  scale(x, y, inverseOf(Z))
  return secp256k1.Point.fromAffine({ x: numberOf(x), y: numberOf(y) })
}

/** Whether a sum has this x, which is less than p: to multiply is cheaper than to divide. */
export function hasX({ X, Z }: Sum, x: bigint): boolean {
  if (isZero(Z)) return false
  multiply(a, Z, Z)
  multiply(a, a, elementOf(x), X, -1)
  return isZero(a)
}

/** The point with this x, which is less than p, and an even or odd y (parity 0 or 1). Throws where there is none. */
export function pointOfX(x: bigint, parity: number): Point {
  const right = elementOf(x)
  multiply(a, right, right)
  multiply(right, right, a, one, 7)
  const y = numberOf(rootOf(right))
  const point = secp256k1.Point.fromAffine({ x, y: Number(y & 1n) === parity ? y : secp256k1.Point.Fp.neg(y) })
  point.assertValidity()
  return point
}

/** x * by² and y * by³, where they are. By the inverse of Z, that is the point with Z = 1. */
function scale(x: Element, y: Element, by: Element): void {
  multiply(a, by, by)
  multiply(x, x, a)
  multiply(a, a, by)
  multiply(y, y, a)
}

// The curve's endomorphism: (beta * x, y) is lambda * (x, y), and each factor is k1 + k2 * lambda with halves of 128 bits
// (Gallant, Lambert, Vanstone). The numbers are those of SEC 2's curve as the library has them, but does not tell.
const beta = /* @__PURE__ */ elementOf(0x7ae96a2b657c07106e64479eac3434e99cf0497512f58995c1396c28719501een)
const halfBits = 128

/** The digits of a factor's halves, the lowest first; those of the second one count lambda times. */
type Halves = readonly (readonly number[])[]

function halvesOf(factor: bigint, width: number): Halves {
  const a = 0x3086d221a7d46bcde86c90e49284eb15n
  const b = 0xe4437ed6010e88286f547fa90abfe4c3n
  const { k1, k1neg, k2, k2neg } = _splitEndoScalar(
    factor,
    [
      [a, -b],
      [a + b, a],
    ],
    secp256k1.Point.Fn.ORDER,
  )
  return [signedDigits(k1neg ? -k1 : k1, width), signedDigits(k2neg ? -k2 : k2, width)]
}

/**
 * Points with Z = 1 one after the other, three elements each: x, y, and the x of its image by the endomorphism, whose y is the same.
 * Settled limbs fit 32 bits.
 */
type Points = Int32Array

/** The point that was taken out last. */
const x = /* @__PURE__ */ emptyElement()
const y = /* @__PURE__ */ emptyElement()

function read(points: Points, place: number, element: Element, sign = 1): void {
  const start = place * limbCount
  for (let at = 0; at < limbCount; at++) element[at] = sign * (points[start + at] as number)
}

function write(points: Points, place: number, element: Element): void {
  const start = place * limbCount
  for (let at = 0; at < limbCount; at++) points[start + at] = element[at] as number
}

/** Adds a point, and its image, as often as the halves' digits at this place say. */
function addDigits(sum: Sum, points: Points, place: number, halves: Halves): void {
  for (const [turned, digits] of halves.entries()) {
    const digit = digits[place]
    if (!digit) continue
    const at = 3 * (Math.abs(digit) - 1)
    read(points, at + 2 * turned, x)
    read(points, at + 1, y, Math.sign(digit))
    add(sum, x, y)
  }
}

/**
 * A point's 1, 2, 3 ... fold up to half of 2^width, and 2^width times the point. None takes a division of its own: each step tells what it
 * multiplies Z by.
 *
 * @param scaleOf - Of the last one's Z, what its coordinates are scaled by. The others are scaled to the same Z.
 * @returns Z, as it was before scaling.
 */
function multiplesOf(
  { X, Y }: Pick<Sum, 'X' | 'Y'>,
  width: number,
  scaleOf: (Z: Element) => Element,
): { readonly points: Points; readonly Z: Element } {
  const half = 2 ** (width - 1)
  const points = new Int32Array(3 * limbCount * (half + 1))
  const sum = copyOf({ X, Y, Z: one })
  for (let at = 0; at <= half; at++) {
    if (at === 1 || at === half) {
      combine(H, sum.Y, sum.Y, 1)
      double(sum)
    } else if (at > 0) add(sum, X, Y)
    write(points, 3 * at, sum.X)
    write(points, 3 * at + 1, sum.Y)
    // Where the image is to be.
    write(points, 3 * at + 2, H)
  }
  const by = scaleOf(sum.Z)
  for (let at = half; at >= 0; at--) {
    read(points, 3 * at, x)
    read(points, 3 * at + 1, y)
    read(points, 3 * at + 2, H)
    scale(x, y, by)
    multiply(by, by, H)
    write(points, 3 * at, x)
    write(points, 3 * at + 1, y)
    multiply(x, x, beta)
    write(points, 3 * at + 2, x)
  }
  return { points, Z: sum.Z }
}

/** Multiples of one point: in row r, the 1, 2, 3 ... fold of 2^(r * width) times it. */
export interface Table {
  readonly width: number
  readonly rows: readonly Points[]
}

/** A table by which a point is multiplied without doubling. It doubles in size with each bit of `width`. */
export function tableOf(point: Affine, width: number): Table {
  const rows: Points[] = []
  const base = elementsOf(point)
  const last = 3 * 2 ** (width - 1)
  while (rows.length * width <= halfBits) {
    const { points } = multiplesOf(base, width, inverseOf)
    // Where the next row begins.
    read(points, last, base.X)
    read(points, last + 1, base.Y)
    rows.push(points)
  }
  return { width, rows }
}

/** A sum and so many times the point of a table. */
export function plusMultiple(sum: Sum, { width, rows }: Table, factor: bigint): Sum {
  const next = copyOf(sum)
  const halves = halvesOf(factor, width)
  for (const [place, row] of rows.entries()) addDigits(next, row, place, halves)
  return next
}

/** Bits of a digit where a point has no table: its multiples are made for one multiplication. */
const shortWidth = 4

/** So many times a point, whose table would not pay. */
export function multipleOf(point: Affine, factor: bigint): Sum {
  // All of it has Z = 1 without a division: not on this curve but on one that differs from it in `b` alone, where x is x / Z² and y is
  // y / Z³. No formula asks for `b`.
  const { points, Z } = multiplesOf(elementsOf(point), shortWidth, () => one.slice())
  const halves = halvesOf(factor, shortWidth)
  const sum = copyOf(nothing)
  for (let place = halfBits / shortWidth; place >= 0; place--) {
    for (let bit = 0; bit < shortWidth; bit++) double(sum)
    addDigits(sum, points, place, halves)
  }
  multiply(sum.Z, sum.Z, Z)
  return sum
}
