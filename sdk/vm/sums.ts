import { copy, type Words } from './word.ts'

/** other = one + other. */
export function add(words: Words, one: number, other: number): void {
  let carry = 0
  for (let limb = 0; limb < 8; limb++) {
    const x = words[one + limb] as number
    const y = words[other + limb] as number
    const sum = (x + y + carry) | 0
    carry = ((x & y) | ((x | y) & ~sum)) >>> 31
    words[other + limb] = sum
  }
}

/** other = one - other. */
export function subtract(words: Words, one: number, other: number): void {
  let borrow = 0
  for (let limb = 0; limb < 8; limb++) {
    const x = words[one + limb] as number
    const y = words[other + limb] as number
    const difference = (x - y - borrow) | 0
    borrow = ((~x & y) | ((~x | y) & difference)) >>> 31
    words[other + limb] = difference
  }
}

/** word = -word. */
export function negate(words: Words, at: number): void {
  let carry = 1
  for (let limb = 0; limb < 8; limb++) {
    const flipped = ~(words[at + limb] as number)
    const sum = (flipped + carry) | 0
    carry = carry === 1 && sum === 0 ? 1 : 0
    words[at + limb] = sum
  }
}

/** Digits of 16 bits: their products, and the sum of sixteen such, are exact in a number. */
const left = /* @__PURE__ */ new Int32Array(17)
const right = /* @__PURE__ */ new Int32Array(17)
const quotient = /* @__PURE__ */ new Int32Array(17)

/** Takes a word apart and says how many digits it has. */
function digitsOf(words: Words, at: number, digits: Int32Array): number {
  let count = 0
  for (let limb = 0; limb < 8; limb++) {
    const value = words[at + limb] as number
    digits[2 * limb] = value & 0xffff
    digits[2 * limb + 1] = value >>> 16
    if (value !== 0) count = 2 * limb + (value >>> 16 === 0 ? 1 : 2)
  }
  return count
}

function writeDigits(digits: Int32Array, words: Words, at: number): void {
  for (let limb = 0; limb < 8; limb++)
    words[at + limb] = (digits[2 * limb] as number) | ((digits[2 * limb + 1] as number) << 16)
}

/** other = one * other. */
export function multiply(words: Words, one: number, other: number): void {
  const leftCount = digitsOf(words, one, left)
  const rightCount = digitsOf(words, other, right)
  let carry = 0
  for (let column = 0; column < 16; column++) {
    const first = column < rightCount ? 0 : column - rightCount + 1
    const last = column < leftCount ? column : leftCount - 1
    let sum = carry
    for (let at = first; at <= last; at++) sum += (left[at] as number) * (right[column - at] as number)
    const digit = sum & 0xffff
    carry = (sum - digit) / 0x10000
    quotient[column] = digit
  }
  writeDigits(quotient, words, other)
}

/** other = one / other, rounded down; 0 when `other` is. */
export function divide(words: Words, one: number, other: number): void {
  split(words, one, other)
  writeDigits(quotient, words, other)
}

/** other = one modulo other; 0 when `other` is. */
export function remainder(words: Words, one: number, other: number): void {
  split(words, one, other)
  writeDigits(left, words, other)
}

/** Two's complement, rounded towards zero. Changes `one`. */
export function divideSigned(words: Words, one: number, other: number): void {
  const isNegative = ((words[one + 7] as number) ^ (words[other + 7] as number)) < 0
  makePositive(words, one)
  makePositive(words, other)
  divide(words, one, other)
  if (isNegative) negate(words, other)
}

/** Two's complement; takes the sign of `one`, and changes it. */
export function remainderSigned(words: Words, one: number, other: number): void {
  const isNegative = (words[one + 7] as number) < 0
  makePositive(words, one)
  makePositive(words, other)
  remainder(words, one, other)
  if (isNegative) negate(words, other)
}

function makePositive(words: Words, at: number): void {
  if ((words[at + 7] as number) < 0) negate(words, at)
}

/** Leaves the quotient in `quotient` and the remainder in `left`; both zero for a divisor of zero. */
function split(words: Words, one: number, other: number): void {
  const count = digitsOf(words, one, left)
  const divisorCount = digitsOf(words, other, right)
  quotient.fill(0)
  if (divisorCount === 0) {
    left.fill(0)
    return
  }
  if (divisorCount > count) return
  if (count <= 3) {
    splitSmall()
    return
  }
  if (divisorCount === 1) {
    splitByDigit(count)
    return
  }
  splitLong(count, divisorCount)
}

function splitSmall(): void {
  const numerator = (left[0] as number) + (left[1] as number) * 0x10000 + (left[2] as number) * 0x1_0000_0000
  const divisor = (right[0] as number) + (right[1] as number) * 0x10000 + (right[2] as number) * 0x1_0000_0000
  const whole = Math.floor(numerator / divisor)
  writeSmall(quotient, whole)
  writeSmall(left, numerator - whole * divisor)
}

function writeSmall(digits: Int32Array, value: number): void {
  digits[0] = value & 0xffff
  digits[1] = Math.floor(value / 0x10000) & 0xffff
  digits[2] = Math.floor(value / 0x1_0000_0000)
}

function splitByDigit(count: number): void {
  const divisor = right[0] as number
  let rest = 0
  for (let at = count - 1; at >= 0; at--) {
    const value = rest * 0x10000 + (left[at] as number)
    const digit = Math.floor(value / divisor)
    quotient[at] = digit
    rest = value - digit * divisor
    left[at] = 0
  }
  left[0] = rest
}

/** Knuth, The Art of Computer Programming, volume 2, 4.3.1, algorithm D. */
function splitLong(count: number, divisorCount: number): void {
  const shift = Math.clz32(right[divisorCount - 1] as number) - 16
  left[count] = 0
  shiftUp(left, count + 1, shift)
  shiftUp(right, divisorCount, shift)
  const top = right[divisorCount - 1] as number
  const second = right[divisorCount - 2] as number
  for (let at = count - divisorCount; at >= 0; at--) {
    const numerator = (left[at + divisorCount] as number) * 0x10000 + (left[at + divisorCount - 1] as number)
    let guess = Math.floor(numerator / top)
    let rest = numerator - guess * top
    while (guess >= 0x10000 || guess * second > rest * 0x10000 + (left[at + divisorCount - 2] as number)) {
      guess -= 1
      rest += top
      if (rest >= 0x10000) break
    }
    if (subtractProduct(at, divisorCount, guess)) {
      guess -= 1
      addBack(at, divisorCount)
    }
    quotient[at] = guess
  }
  shiftDown(left, divisorCount, shift)
}

/** left -= right * guess, from digit `at` on. True when that went below zero. */
function subtractProduct(at: number, divisorCount: number, guess: number): boolean {
  let borrow = 0
  for (let digit = 0; digit < divisorCount; digit++) {
    const difference = (left[at + digit] as number) - (right[digit] as number) * guess - borrow
    const low = difference & 0xffff
    borrow = (low - difference) / 0x10000
    left[at + digit] = low
  }
  const difference = (left[at + divisorCount] as number) - borrow
  left[at + divisorCount] = difference & 0xffff
  return difference < 0
}

function addBack(at: number, divisorCount: number): void {
  let carry = 0
  for (let digit = 0; digit < divisorCount; digit++) {
    const sum = (left[at + digit] as number) + (right[digit] as number) + carry
    left[at + digit] = sum & 0xffff
    carry = sum >>> 16
  }
  left[at + divisorCount] = ((left[at + divisorCount] as number) + carry) & 0xffff
}

function shiftUp(digits: Int32Array, count: number, shift: number): void {
  for (let at = count - 1; at > 0; at--)
    digits[at] = (((digits[at] as number) << shift) | ((digits[at - 1] as number) >>> (16 - shift))) & 0xffff
  digits[0] = ((digits[0] as number) << shift) & 0xffff
}

/** Shifts the low `count` digits down, and clears all above them. */
function shiftDown(digits: Int32Array, count: number, shift: number): void {
  for (let at = 0; at < count; at++) {
    const above = at + 1 < count ? (digits[at + 1] as number) : 0
    digits[at] = (((digits[at] as number) >>> shift) | (above << (16 - shift))) & 0xffff
  }
  digits.fill(0, count)
}

/** target = one ** two modulo 2^256, all three in bigint. */
export function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  let square = base
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = BigInt.asUintN(256, result * square)
    square = BigInt.asUintN(256, square * square)
  }
  return result
}

/** Copies the sign of the byte at `index` (0 the lowest) to all bits above it. */
export function extendSign(words: Words, at: number, index: number): void {
  const limb = index >> 2
  const shift = 24 - 8 * (index & 3)
  const value = ((words[at + limb] as number) << shift) >> shift
  words[at + limb] = value
  for (let above = limb + 1; above < 8; above++) words[at + above] = value >> 31
}

const shifted = /* @__PURE__ */ new Int32Array(8)

/** Shifts left by 0 to 255 bits. */
export function shiftLeft(words: Words, at: number, bits: number): void {
  const limbs = bits >> 5
  const shift = bits & 31
  for (let limb = 7; limb >= 0; limb--) {
    const low = limb - limbs
    const high = low >= 0 ? (words[at + low] as number) << shift : 0
    const carried = low >= 1 && shift !== 0 ? (words[at + low - 1] as number) >>> (32 - shift) : 0
    shifted[limb] = high | carried
  }
  copy(shifted, 0, words, at)
}

/** Shifts right by 0 to 255 bits; `fill` (0 or -1) comes in from above. */
export function shiftRight(words: Words, at: number, bits: number, fill: number): void {
  const limbs = bits >> 5
  const shift = bits & 31
  for (let limb = 0; limb < 8; limb++) {
    const low = limb + limbs
    const here = low < 8 ? (words[at + low] as number) : fill
    const above = low < 7 ? (words[at + low + 1] as number) : fill
    shifted[limb] = shift === 0 ? here : (here >>> shift) | (above << (32 - shift))
  }
  copy(shifted, 0, words, at)
}

/** How many bits a word needs: 0 for zero. */
export function bitLength(words: Words, at: number): number {
  for (let limb = 7; limb >= 0; limb--) {
    const value = words[at + limb] as number
    if (value !== 0) return 32 * limb + 32 - Math.clz32(value)
  }
  return 0
}

/** The place of the only bit that is set, the lowest being 0; -1 when there is another number of them. */
export function singleBit(words: Words, at: number): number {
  const last = bitLength(words, at) - 1
  if (last < 0 || words[at + (last >> 5)] !== 1 << (last & 31)) return -1
  for (let limb = 0; limb < last >> 5; limb++) if (words[at + limb] !== 0) return -1
  return last
}
