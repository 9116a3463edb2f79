import { secp256k1 } from '@noble/curves/secp256k1.js'

/**
 * A number modulo p = 2^256 - 2^32 - 977, the prime of secp256k1's coordinates, as eleven limbs with signs: limb k counts 2^(24 * k)
 * times. They are whole numbers below 2^53, both ways, where doubles are exact. ARCHITECTURE.md, "The curve", tells why not big integers.
 *
 * An element is *settled* when its limbs are at most 2^23 + 2^6 and its last one at most 2^15 + 2^6, both ways. What functions in here
 * give is settled, but for `combine`: a - 3 * b, of settled elements, has the *weight* 4, whichever the signs; settled ones have 1. Whoever
 * multiplies watches weights alone: those of both factors and the product's scale, multiplied, are at most 12.
 *
 * Funds at risk: for what is public alone. Who works with elements looks at what they are.
 */
export type Element = Float64Array

/** Limbs of an element. */
export const limbCount = 11

export function emptyElement(): Element {
  return new Float64Array(limbCount)
}

/** Nothing writes to these. */
export const zero: Element = /* @__PURE__ */ emptyElement()
export const one: Element = /* @__PURE__ */ elementOf(1n)

/** The element of a number from 0 to p - 1: of it, or of the negative that is as good, whichever is nearer to zero. */
export function elementOf(number: bigint): Element {
  const { ORDER } = secp256k1.Point.Fp
  const element = emptyElement()
  element.set(signedDigits(2n * number > ORDER ? number - ORDER : number, 24))
  return element
}

/** What a number is made of, the lowest first: digits of so many bits, each as near to zero as can be. */
export function signedDigits(number: bigint, bits: number): number[] {
  const digits: number[] = []
  for (let rest = number; rest !== 0n; ) {
    const digit = BigInt.asIntN(bits, rest)
    digits.push(Number(digit))
    rest = (rest - digit) >> BigInt(bits)
  }
  return digits
}

/** From 0 to p - 1. */
export function numberOf(element: Element): bigint {
  return secp256k1.Point.Fp.create(element.reduceRight((sum, limb) => (sum << 24n) + BigInt(limb), 0n))
}

/**
 * Whether a settled element is a multiple of p. It is nearer to zero than p, so zero is the only one; and as each limb is below 2^24,
 * none makes up for another.
 */
export function isZero(element: Element): boolean {
  for (let at = 0; at < limbCount; at++) if (element[at] !== 0) return false
  return true
}

/** out = a + times * b, limb by limb. */
export function combine(out: Element, a: Element, b: Element, times: number): void {
  for (let at = 0; at < limbCount; at++) out[at] = (a[at] as number) + times * (b[at] as number)
}

/**
 * out = scale * a * b + times * addend.
 *
 * @param times - By the addend's weight it is at most 12, too.
 */
export function multiply(out: Element, a: Element, b: Element, addend = zero, times = 0, scale = 1): void {
  const a0 = a[0] as number
  const a1 = a[1] as number
  const a2 = a[2] as number
  const a3 = a[3] as number
  const a4 = a[4] as number
  const a5 = a[5] as number
  const a6 = a[6] as number
  const a7 = a[7] as number
  const a8 = a[8] as number
  const a9 = a[9] as number
  const a10 = a[10] as number
  const b0 = b[0] as number
  const b1 = b[1] as number
  const b2 = b[2] as number
  const b3 = b[3] as number
  const b4 = b[4] as number
  const b5 = b[5] as number
  const b6 = b[6] as number
  const b7 = b[7] as number
  const b8 = b[8] as number
  const b9 = b[9] as number
  const b10 = b[10] as number
  columns[0] = a0 * b0
  columns[1] = a0 * b1 + a1 * b0
  columns[2] = a0 * b2 + a1 * b1 + a2 * b0
  columns[3] = a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0
  columns[4] = a0 * b4 + a1 * b3 + a2 * b2 + a3 * b1 + a4 * b0
  columns[5] = a0 * b5 + a1 * b4 + a2 * b3 + a3 * b2 + a4 * b1 + a5 * b0
  columns[6] = a0 * b6 + a1 * b5 + a2 * b4 + a3 * b3 + a4 * b2 + a5 * b1 + a6 * b0
  columns[7] = a0 * b7 + a1 * b6 + a2 * b5 + a3 * b4 + a4 * b3 + a5 * b2 + a6 * b1 + a7 * b0
  columns[8] = a0 * b8 + a1 * b7 + a2 * b6 + a3 * b5 + a4 * b4 + a5 * b3 + a6 * b2 + a7 * b1 + a8 * b0
  columns[9] = a0 * b9 + a1 * b8 + a2 * b7 + a3 * b6 + a4 * b5 + a5 * b4 + a6 * b3 + a7 * b2 + a8 * b1 + a9 * b0
  columns[10] =
    a0 * b10 + a1 * b9 + a2 * b8 + a3 * b7 + a4 * b6 + a5 * b5 + a6 * b4 + a7 * b3 + a8 * b2 + a9 * b1 + a10 * b0
  columns[11] = a1 * b10 + a2 * b9 + a3 * b8 + a4 * b7 + a5 * b6 + a6 * b5 + a7 * b4 + a8 * b3 + a9 * b2 + a10 * b1
  columns[12] = a2 * b10 + a3 * b9 + a4 * b8 + a5 * b7 + a6 * b6 + a7 * b5 + a8 * b4 + a9 * b3 + a10 * b2
  columns[13] = a3 * b10 + a4 * b9 + a5 * b8 + a6 * b7 + a7 * b6 + a8 * b5 + a9 * b4 + a10 * b3
  columns[14] = a4 * b10 + a5 * b9 + a6 * b8 + a7 * b7 + a8 * b6 + a9 * b5 + a10 * b4
  columns[15] = a5 * b10 + a6 * b9 + a7 * b8 + a8 * b7 + a9 * b6 + a10 * b5
  columns[16] = a6 * b10 + a7 * b9 + a8 * b8 + a9 * b7 + a10 * b6
  columns[17] = a7 * b10 + a8 * b9 + a9 * b8 + a10 * b7
  columns[18] = a8 * b10 + a9 * b9 + a10 * b8
  columns[19] = a9 * b10 + a10 * b9
  columns[20] = a10 * b10
  settle(out, addend, times, scale)
}

/** Of a product: column k counts 2^(24 * k) times. */
const columns = /* @__PURE__ */ new Float64Array(2 * limbCount - 1)

/**
 * out = scale * what the columns come to + times * addend, settled.
 *
 * No number in here reaches 2^53, which is 128 * 2^46. Of the products that a column adds up ten at most are of two limbs with 24 bits,
 * each (2^23 + 2^6)^2 at most, and with the weights that is 120.01 * 2^46.
 */
function settle(out: Element, addend: Element, times: number, scale: number): void {
  // Bundlers make variables of a module's constants. Here engines see that it stays the same.
  const limbs = columns
  // Columns from 11 on count 2^264 times as much as those from 0 on, and that is as good as 2^40 + 250,112: 2^16 a column higher, and
  // 250,112. Cut to 24 bits, a column keeps 2^23 and hands on 2^29, so this adds less than 2.6 * 2^46 to one. The addend is nothing by that.
  let carry = 0
  let before = 0
  for (let at = 0; at < 10; at++) {
    const column = scale * (limbs[at + 11] as number)
    const high = rounded(column, 1.5 * 2 ** 76)
    const folded = column - high + carry
    carry = high * 2 ** -24
    limbs[at] = scale * (limbs[at] as number) + times * (addend[at] as number) + folded * 250_112 + before * 65_536
    before = folded
  }
  // Column 20 is one product, of the last limbs: 12.05 * 2^30 at most, of which 772 are handed on. That adds 12.1 * 2^46, to a column of nine
  // products with 24 bits and two with 16: 108.2 * 2^46.
  limbs[10] =
    scale * (limbs[10] as number) + times * (addend[10] as number) + before * 65_536 + carry * (2 ** 40 + 250_112)
  // Limbs below 2^53 are below 2^29 + 2^24 after one round, and settled after another.
  carryOn(limbs, limbs)
  carryOn(out, limbs)
}

/**
 * Each limb keeps what is nearest to zero, and hands the rest to the next one, all at once. What is beyond 2^256 comes back as 2^32 + 977:
 * 256 a limb higher, and 977. Of a last limb below 2^53 that is 2^37 * 977, less than 2^47, and limbs 0 and 1 have one product and two. Of
 * one below 2^29 + 2^24 it is less than 2^24; then no limb hands on more than 34, and what it keeps is 2^23 (the last one 2^15).
 */
function carryOn(out: Element, limbs: Element): void {
  const top = limbs[10] as number
  const high = rounded(top, 1.5 * 2 ** 68)
  const beyond = high * 2 ** -16
  limbs[0] = (limbs[0] as number) + beyond * 977
  limbs[1] = (limbs[1] as number) + beyond * 256
  let carry = 0
  for (let at = 0; at < 10; at++) {
    const limb = limbs[at] as number
    const high = rounded(limb, 1.5 * 2 ** 76)
    out[at] = limb - high + carry
    carry = high * 2 ** -24
  }
  out[10] = top - high + carry
}

/**
 * The nearest multiple of 2^n, for 1.5 * 2^(52 + n), next to which doubles are multiples of that: the number is added to it and what it was
 * is taken away again.
 */
function rounded(number: number, by: number): number {
  return number + by - by
}

/** A settled element's square root, whichever of the two. Throws where it has none. */
export function rootOf(element: Element): Element {
  // To the power (p + 1) / 4: in binary digits, 223 ones, a zero, 22 ones, four zeros, two ones and two zeros.
  const upper = shifted(onesPower(element, 223), 23, onesPower(element, 22))
  const root = shifted(shifted(upper, 6, onesPower(element, 2)), 2, one)
  const difference = upper // It has done its work.
  multiply(difference, root, root, element, -1)
  if (!isZero(difference)) throw new RangeError()
  return root
}

/** An element to the power that has so many binary digits, all of them one. */
function onesPower(element: Element, count: number): Element {
  if (count === 1) return element
  const half = onesPower(element, count >> 1)
  const even = shifted(half, count >> 1, half)
  return count % 2 === 0 ? even : shifted(even, 1, element)
}

/** Of two powers of one number, the one whose exponent is the first one's, `count` binary places higher, and the other's. */
function shifted(power: Element, count: number, other: Element): Element {
  const out = power.slice()
  for (let time = 0; time < count; time++) multiply(out, out, out)
  multiply(out, out, other)
  return out
}

/** A settled element's inverse, by the library: Euclid's steps on big integers are fewer than powers take. Throws for zero. */
export function inverseOf(element: Element): Element {
  return elementOf(secp256k1.Point.Fp.inv(numberOf(element)))
}
