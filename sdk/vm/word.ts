/**
 * Words of the machine: 256 bits as eight limbs of 32, the least significant first, at an index of an Int32Array.
 *
 * Signed 32-bit limbs stay small integers in every engine, where bigints are allocated anew by each instruction.
 * Functions read and write the places they are given and allocate nothing, unless their name says bigint or bytes.
 */
export type Words = Int32Array

/** Limbs of a word: what an index moves by from one word to the next. */
export const wordLimbs = 8

const twoTo32 = 4_294_967_296

/** A word of its own, zero. */
export function createWord(): Words {
  return new Int32Array(wordLimbs)
}

export function clear(words: Words, at: number): void {
  words[at] = 0
  words[at + 1] = 0
  words[at + 2] = 0
  words[at + 3] = 0
  words[at + 4] = 0
  words[at + 5] = 0
  words[at + 6] = 0
  words[at + 7] = 0
}

export function copy(from: Words, source: number, to: Words, target: number): void {
  to[target] = from[source] as number
  to[target + 1] = from[source + 1] as number
  to[target + 2] = from[source + 2] as number
  to[target + 3] = from[source + 3] as number
  to[target + 4] = from[source + 4] as number
  to[target + 5] = from[source + 5] as number
  to[target + 6] = from[source + 6] as number
  to[target + 7] = from[source + 7] as number
}

export function isZero(words: Words, at: number): boolean {
  return (
    ((words[at] as number) |
      (words[at + 1] as number) |
      (words[at + 2] as number) |
      (words[at + 3] as number) |
      (words[at + 4] as number) |
      (words[at + 5] as number) |
      (words[at + 6] as number) |
      (words[at + 7] as number)) ===
    0
  )
}

export function isEqual(one: Words, at: number, other: Words, otherAt: number): boolean {
  return (
    (((one[at] as number) ^ (other[otherAt] as number)) |
      ((one[at + 1] as number) ^ (other[otherAt + 1] as number)) |
      ((one[at + 2] as number) ^ (other[otherAt + 2] as number)) |
      ((one[at + 3] as number) ^ (other[otherAt + 3] as number)) |
      ((one[at + 4] as number) ^ (other[otherAt + 4] as number)) |
      ((one[at + 5] as number) ^ (other[otherAt + 5] as number)) |
      ((one[at + 6] as number) ^ (other[otherAt + 6] as number)) |
      ((one[at + 7] as number) ^ (other[otherAt + 7] as number))) ===
    0
  )
}

/** Whether one word is below the other, both without a sign. */
export function isBelow(words: Words, one: number, other: number): boolean {
  for (let limb = 7; limb >= 0; limb--) {
    const high = words[one + limb] as number
    const low = words[other + limb] as number
    if (high !== low) return high >>> 0 < low >>> 0
  }
  return false
}

/** {@link isBelow}, both in two's complement. */
export function isBelowSigned(words: Words, one: number, other: number): boolean {
  const high = words[one + 7] as number
  const low = words[other + 7] as number
  return high !== low ? high < low : isBelow(words, one, other)
}

/** Writes a whole number below 2^53. */
export function writeNumber(words: Words, at: number, value: number): void {
  clear(words, at)
  words[at] = value | 0
  if (value >= twoTo32) words[at + 1] = Math.floor(value / twoTo32)
}

export function writeBoolean(words: Words, at: number, value: boolean): void {
  clear(words, at)
  words[at] = value ? 1 : 0
}

/** The word as a number, or infinity when it is 2^53 or more: no memory, gas or code reaches that far. */
export function numberOf(words: Words, at: number): number {
  const above =
    (words[at + 2] as number) |
    (words[at + 3] as number) |
    (words[at + 4] as number) |
    (words[at + 5] as number) |
    (words[at + 6] as number) |
    (words[at + 7] as number)
  const high = words[at + 1] as number
  const low = (words[at] as number) >>> 0
  if ((above | high) === 0) return low
  return above === 0 && high >>> 0 < 0x20_0000 ? high * twoTo32 + low : Number.POSITIVE_INFINITY
}

/** Reads 32 big-endian bytes. */
export function readBytes(view: DataView, from: number, words: Words, at: number): void {
  words[at + 7] = view.getInt32(from)
  words[at + 6] = view.getInt32(from + 4)
  words[at + 5] = view.getInt32(from + 8)
  words[at + 4] = view.getInt32(from + 12)
  words[at + 3] = view.getInt32(from + 16)
  words[at + 2] = view.getInt32(from + 20)
  words[at + 1] = view.getInt32(from + 24)
  words[at] = view.getInt32(from + 28)
}

/** Writes 32 big-endian bytes. */
export function writeBytes(words: Words, at: number, view: DataView, to: number): void {
  view.setInt32(to, words[at + 7] as number)
  view.setInt32(to + 4, words[at + 6] as number)
  view.setInt32(to + 8, words[at + 5] as number)
  view.setInt32(to + 12, words[at + 4] as number)
  view.setInt32(to + 16, words[at + 3] as number)
  view.setInt32(to + 20, words[at + 2] as number)
  view.setInt32(to + 24, words[at + 1] as number)
  view.setInt32(to + 28, words[at] as number)
}

/** Reads the 32 bytes from `from` on, with zeros for those that are not there. Any `from`. */
export function readPadded(bytes: Uint8Array, from: number, words: Words, at: number): void {
  if (from >= bytes.length) {
    clear(words, at)
    return
  }
  for (let limb = 7, next = from; limb >= 0; limb--, next += 4) {
    // Beyond the end an element is undefined, and the shift makes that 0.
    words[at + limb] =
      ((bytes[next] as number) << 24) |
      ((bytes[next + 1] as number) << 16) |
      ((bytes[next + 2] as number) << 8) |
      (bytes[next + 3] as number)
  }
}

/** Reads at most 32 big-endian bytes as a whole number. */
export function readShort(bytes: Uint8Array, words: Words, at: number): void {
  if (bytes.length === 32) {
    readPadded(bytes, 0, words, at)
    return
  }
  clear(words, at)
  for (let byte = bytes.length - 1, shift = 0; byte >= 0; byte--, shift += 8)
    words[at + (shift >> 5)] = (words[at + (shift >> 5)] as number) | ((bytes[byte] as number) << (shift & 31))
}

/** 32 big-endian bytes of their own. */
export function bytesOf(words: Words, at: number): Uint8Array {
  const bytes = new Uint8Array(32)
  for (let limb = 0; limb < 8; limb++) {
    const value = words[at + limb] as number
    const end = 31 - 4 * limb
    bytes[end] = value
    bytes[end - 1] = value >> 8
    bytes[end - 2] = value >> 16
    bytes[end - 3] = value >> 24
  }
  return bytes
}

const quads = /* @__PURE__ */ new BigUint64Array(4)
const quadLimbs = /* @__PURE__ */ new Int32Array(quads.buffer)

export function bigintOf(words: Words, at: number): bigint {
  copy(words, at, quadLimbs, 0)
  const low = quads[0] as bigint
  const above =
    (words[at + 4] as number) | (words[at + 5] as number) | (words[at + 6] as number) | (words[at + 7] as number)
  if (above === 0) return (quads[1] as bigint) === 0n ? low : ((quads[1] as bigint) << 64n) | low
  return ((quads[3] as bigint) << 192n) | ((quads[2] as bigint) << 128n) | ((quads[1] as bigint) << 64n) | low
}

/** Writes `value` modulo 2^256. */
export function writeBigint(words: Words, at: number, value: bigint): void {
  quads[0] = value
  quads[1] = value >> 64n
  quads[2] = value >> 128n
  quads[3] = value >> 192n
  copy(quadLimbs, 0, words, at)
}
