import { add, subtract } from './sums.ts'
import { copy, isBelow, isEqual, isZero, readBytes, type Words, wordLimbs, writeBytes } from './word.ts'

/**
 * Work on a stack whose words may be short. Most are: lengths, offsets, flags, places to jump to. A short word is below
 * 2^32 and stands in its lowest limb; what its other limbs hold means nothing until it is widened. `short` says 1 for
 * each of them. Only the loop of the interpreter knows of this: handlers find whole words, and leave whole ones.
 */
export type Shorts = Uint8Array

const shift = 3

export function pushShort(words: Words, short: Shorts, at: number, value: number): void {
  words[at] = value
  short[at >> shift] = 1
}

/** Gives a word all its limbs. */
export function widen(words: Words, short: Shorts, at: number): void {
  if (short[at >> shift] === 0) return
  short[at >> shift] = 0
  words[at + 1] = 0
  words[at + 2] = 0
  words[at + 3] = 0
  words[at + 4] = 0
  words[at + 5] = 0
  words[at + 6] = 0
  words[at + 7] = 0
}

export function duplicate(words: Words, short: Shorts, from: number, to: number): void {
  if (short[from >> shift] === 1) pushShort(words, short, to, words[from] as number)
  else {
    short[to >> shift] = 0
    copy(words, from, words, to)
  }
}

export function swap(words: Words, short: Shorts, one: number, other: number): void {
  if ((short[one >> shift] as number) & (short[other >> shift] as number)) {
    const kept = words[one] as number
    words[one] = words[other] as number
    words[other] = kept
    return
  }
  widen(words, short, one)
  widen(words, short, other)
  for (let limb = 0; limb < wordLimbs; limb++) {
    const kept = words[one + limb] as number
    words[one + limb] = words[other + limb] as number
    words[other + limb] = kept
  }
}

export function isNothing(words: Words, short: Shorts, at: number): boolean {
  return short[at >> shift] === 1 ? words[at] === 0 : isZero(words, at)
}

/** Where a word on the stack points in code; beyond all code when it is a long one. */
export function targetOf(words: Words, short: Shorts, at: number): number {
  if (short[at >> shift] === 0 && isLong(words, at)) return Number.POSITIVE_INFINITY
  return (words[at] as number) >>> 0
}

function isLong(words: Words, at: number): boolean {
  let above = 0
  for (let limb = 1; limb < wordLimbs; limb++) above |= words[at + limb] as number
  return above !== 0
}

/** other = one + other. */
export function addWords(words: Words, short: Shorts, one: number, other: number): void {
  if ((short[one >> shift] as number) & (short[other >> shift] as number)) {
    const sum = ((words[one] as number) >>> 0) + ((words[other] as number) >>> 0)
    words[other] = sum
    if (sum <= 0xffff_ffff) return
    widen(words, short, other)
    words[other + 1] = 1
    return
  }
  widen(words, short, one)
  widen(words, short, other)
  add(words, one, other)
}

/** other = one - other. */
export function subtractWords(words: Words, short: Shorts, one: number, other: number): void {
  if ((short[one >> shift] as number) & (short[other >> shift] as number)) {
    const difference = ((words[one] as number) >>> 0) - ((words[other] as number) >>> 0)
    if (difference >= 0) {
      words[other] = difference
      return
    }
  }
  widen(words, short, one)
  widen(words, short, other)
  subtract(words, one, other)
}

/** other = one & other: short when either is. */
export function andWords(words: Words, short: Shorts, one: number, other: number): void {
  if ((short[one >> shift] as number) | (short[other >> shift] as number)) {
    pushShort(words, short, other, (words[one] as number) & (words[other] as number))
    return
  }
  for (let limb = 0; limb < wordLimbs; limb++)
    words[other + limb] = (words[other + limb] as number) & (words[one + limb] as number)
}

/** Whether one is below the other. */
export function isBelowWord(words: Words, short: Shorts, one: number, other: number): boolean {
  if ((short[one >> shift] as number) & (short[other >> shift] as number))
    return (words[one] as number) >>> 0 < (words[other] as number) >>> 0
  widen(words, short, one)
  widen(words, short, other)
  return isBelow(words, one, other)
}

export function isEqualWord(words: Words, short: Shorts, one: number, other: number): boolean {
  if ((short[one >> shift] as number) & (short[other >> shift] as number)) return words[one] === words[other]
  widen(words, short, one)
  widen(words, short, other)
  return isEqual(words, one, words, other)
}

/** Loads 32 bytes, and sees whether they are a short word. */
export function loadWord(words: Words, short: Shorts, at: number, view: DataView, offset: number): void {
  readBytes(view, offset, words, at)
  short[at >> shift] = isLong(words, at) ? 0 : 1
}

export function storeWord(words: Words, short: Shorts, at: number, view: DataView, offset: number): void {
  widen(words, short, at)
  writeBytes(words, at, view, offset)
}

/** A stack for so many limbs, all words whole. */
export function createShorts(limbs: number): Shorts {
  return new Uint8Array(limbs >> shift)
}
