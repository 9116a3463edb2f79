import {
  add,
  conjugate,
  inverse,
  invert,
  isZero,
  least,
  mul,
  type Pair,
  parameter,
  powerOf,
  prime,
  rootOf,
  rootOfPair,
  sqr,
  sub,
  times,
  twice,
} from './field.ts'

/** A point of G1's curve, y² = x³ + 4, as x / z² and y / z³; z is 0 at infinity. */
export interface Key {
  readonly x: bigint
  readonly y: bigint
  readonly z: bigint
}

/** A point of G2's curve, y² = x³ + 4 (1 + u), in the same way. */
export interface Mark {
  readonly x: Pair
  readonly y: Pair
  readonly z: Pair
}

export const noKey: Key = { x: 1n, y: 1n, z: 0n }
export const noMark: Mark = { x: { re: 1n, im: 0n }, y: { re: 1n, im: 0n }, z: { re: 0n, im: 0n } }

/** The point that all of G1 are multiples of, with its y turned round. */
export const negativeBase: Key = {
  x: 0x17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bbn,
  y: -0x08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1n,
  z: 1n,
}

const parameterBits = /* @__PURE__ */ parameter.toString(2).slice(1)

export function isNoKey({ z }: Key): boolean {
  return z % prime === 0n
}

export function isNoMark({ z }: Mark): boolean {
  return isZero(z)
}

export function negatedKey({ x, y, z }: Key): Key {
  return { x, y: -y, z }
}

export function negatedMark({ x, y, z }: Mark): Mark {
  return { x, y: { re: -y.re, im: -y.im }, z }
}

/** Jacobian sums and doubles (Bernstein and Lange's formulas database, `add-2007-bl` and `dbl-2009-l`). */
export function addKeys(one: Key, other: Key): Key {
  if (isNoKey(one)) return other
  if (isNoKey(other)) return one
  const zz = (one.z * one.z) % prime
  const otherZz = (other.z * other.z) % prime
  const x = (one.x * otherZz) % prime
  const y = (((one.y * other.z) % prime) * otherZz) % prime
  const h = (other.x * zz - x) % prime
  const r = (((((other.y * one.z) % prime) * zz) % prime) - y) % prime
  if (h === 0n) return r === 0n ? doubledKey(one) : noKey
  const hh = (h * h) % prime
  const hhh = (h * hh) % prime
  const v = (x * hh) % prime
  const sum = (r * r - hhh - 2n * v) % prime
  return {
    x: sum,
    y: (r * (v - sum) - y * hhh) % prime,
    z: (((one.z * other.z) % prime) * h) % prime,
  }
}

export function doubledKey({ x, y, z }: Key): Key {
  const yy = (y * y) % prime
  const d = (4n * x * yy) % prime
  const e = (3n * x * x) % prime
  const doubled = (e * e - 2n * d) % prime
  return { x: doubled, y: (e * (d - doubled) - 8n * yy * yy) % prime, z: (2n * y * z) % prime }
}

export function addMarks(one: Mark, other: Mark): Mark {
  if (isNoMark(one)) return other
  if (isNoMark(other)) return one
  const zz = sqr(one.z)
  const otherZz = sqr(other.z)
  const x = mul(one.x, otherZz)
  const y = mul(mul(one.y, other.z), otherZz)
  const h = sub(mul(other.x, zz), x)
  const r = sub(mul(mul(other.y, one.z), zz), y)
  if (isZero(h)) return isZero(r) ? doubledMark(one) : noMark
  const hh = sqr(h)
  const hhh = mul(h, hh)
  const v = mul(x, hh)
  const sum = sub(sub(sqr(r), hhh), twice(v))
  return { x: sum, y: sub(mul(r, sub(v, sum)), mul(y, hhh)), z: mul(mul(one.z, other.z), h) }
}

export function doubledMark({ x, y, z }: Mark): Mark {
  const yy = sqr(y)
  const d = times(mul(x, yy), 4n)
  const e = times(sqr(x), 3n)
  const doubled = sub(sqr(e), twice(d))
  return { x: doubled, y: sub(mul(e, sub(d, doubled)), times(sqr(yy), 8n)), z: twice(mul(y, z)) }
}

/** Times the curve's parameter, which is negative. */
export function timesParameter(point: Mark): Mark {
  let result = point
  for (const bit of parameterBits) {
    result = doubledMark(result)
    if (bit === '1') result = addMarks(result, point)
  }
  return negatedMark(result)
}

function keyTimesParameter(point: Key): Key {
  let result = point
  for (const bit of parameterBits) {
    result = doubledKey(result)
    if (bit === '1') result = addKeys(result, point)
  }
  return negatedKey(result)
}

let turns: { readonly x: Pair; readonly y: Pair } | undefined

/** The endomorphism that the prime's power and the twist make of each other (RFC 9380, appendix G.3, `psi`). */
export function turnedMark({ x, y, z }: Mark): Mark {
  turns ??= {
    x: invert(powerOf({ re: 1n, im: 1n }, (prime - 1n) / 3n)),
    y: invert(powerOf({ re: 1n, im: 1n }, (prime - 1n) / 2n)),
  }
  return { x: mul(conjugate(x), turns.x), y: mul(conjugate(y), turns.y), z: conjugate(z) }
}

/** True in the group of the signatures: there, and only there, `psi` is the parameter (eprint 2021/1130, section 4). */
export function isInGroup(point: Mark): boolean {
  return isNoMark(addMarks(turnedMark(point), negatedMark(timesParameter(point))))
}

/**
 * True in the group of the keys: there, and only there, the endomorphism that turns x by a cube root of one is the
 * negative square of the parameter (eprint 2021/1130, section 6).
 */
export function isKeyInGroup(point: Key): boolean {
  const { x, y, z } = point
  const image = { x: (x * cubeRoot) % prime, y, z }
  return isNoKey(addKeys(image, keyTimesParameter(keyTimesParameter(point))))
}

const cubeRoot = 0x5f19672fdf76ce51ba69c6076a0f77eaddb3a93be6f89688de17d813620a00022e01fffffffefffen

/** x and y of a key that is not infinity. */
export function flatKey({ x, y, z }: Key): { readonly x: bigint; readonly y: bigint } {
  if (z === 1n) return { x, y }
  const over = inverse(z)
  const squared = (over * over) % prime
  return { x: (x * squared) % prime, y: (((y * squared) % prime) * over) % prime }
}

export function flatMark({ x, y, z }: Mark): { readonly x: Pair; readonly y: Pair } {
  const over = invert(z)
  const squared = sqr(over)
  return { x: mul(x, squared), y: mul(mul(y, squared), over) }
}

/**
 * Reads a key of 48 bytes, compressed as Zcash did it: three flags, then x. Nothing for what is none, and for
 * infinity. That it is in the group, {@link isKeyInGroup} tells.
 */
export function readKey(bytes: Uint8Array): Key | undefined {
  const flags = flagsOf(bytes, 48)
  const x = flags && numberAt(bytes, 0)
  if (x === undefined || x >= prime) return undefined
  const { root, isSquare } = rootOf((x * x * x + 4n) % prime)
  if (!isSquare) return undefined
  const y = least(root)
  return { x, y: y > prime - y === flags?.isLarger ? y : prime - y, z: 1n }
}

/** Reads a signature of 96 bytes in the same way, the imaginary part first. */
export function readMark(bytes: Uint8Array): Mark | undefined {
  const flags = flagsOf(bytes, 96)
  if (!flags) return undefined
  const x = { re: numberAt(bytes, 48, 0xff), im: numberAt(bytes, 0) }
  if (x.re >= prime || x.im >= prime) return undefined
  const square = add(mul(sqr(x), x), { re: 4n, im: 4n })
  const norm = rootOf((square.re * square.re + square.im * square.im) % prime)
  const root = norm.isSquare ? rootOfPair(square, norm.root) : undefined
  if (!root) return undefined
  const [re, im] = [least(root.re), least(root.im)]
  const leading = im === 0n ? re : im
  const y = leading > prime - leading === flags.isLarger ? { re, im } : { re: -re, im: -im }
  return { x, y, z: { re: 1n, im: 0n } }
}

/** Infinity is refused with the rest: no key and no signature is it. */
function flagsOf(bytes: Uint8Array, size: number): { readonly isLarger: boolean } | undefined {
  const first = bytes[0]
  if (bytes.length !== size || first === undefined || (first & 0xc0) !== 0x80) return undefined
  return { isLarger: (first & 0x20) !== 0 }
}

/** The number in 48 bytes, without the flags of the first. */
function numberAt(bytes: Uint8Array, at: number, mask = 0x1f): bigint {
  let digits = ''
  for (let byte = at; byte < at + 48; byte++) {
    const value = (bytes[byte] as number) & (byte === at ? mask : 0xff)
    digits += value < 16 ? `0${value.toString(16)}` : value.toString(16)
  }
  return BigInt(`0x${digits}`)
}
