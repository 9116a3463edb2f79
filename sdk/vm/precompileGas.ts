import type { Rules } from './rules.ts'
import { bitLength } from './sums.ts'
import { createWord, numberOf, readPadded, readShort } from './word.ts'

/** What so many pairs cost; a broken last one is not counted, and fails. */
export function pairingGas(price: {
  readonly base: number
  readonly pair: number
  readonly pairBytes: number
}): (input: Uint8Array) => number {
  return (input) => price.base + price.pair * Math.floor(input.length / price.pairBytes)
}

/** A gas a round (EIP-152). An input of another length fails, for nothing less than all gas. */
export function blake2fGas(input: Uint8Array): number {
  if (input.length !== 213) return 0
  readShort(input.subarray(0, 4), word, 0)
  return numberOf(word, 0)
}

export function g1MsmGas(input: Uint8Array): number {
  return msmGas(input, { point: 12_000, pairBytes: 160, discounts: g1Discounts })
}

export function g2MsmGas(input: Uint8Array): number {
  return msmGas(input, { point: 22_500, pairBytes: 288, discounts: g2Discounts })
}

/** EIP-2537: many points at once are cheaper, by so many thousandths. */
function msmGas(
  input: Uint8Array,
  price: { readonly point: number; readonly pairBytes: number; readonly discounts: readonly number[] },
): number {
  const count = Math.floor(input.length / price.pairBytes)
  if (count === 0) return 0
  const { discounts } = price
  const discount = discounts[Math.min(count, discounts.length) - 1] as number
  return Math.floor((count * price.point * discount) / 1_000)
}

interface ModexpSizes {
  readonly base: number
  readonly exponent: number
  readonly modulus: number
}

/** Lengths in bytes; infinite for what no number holds. */
export function modexpSizes(input: Uint8Array): ModexpSizes {
  const sizeAt = (at: number): number => {
    readPadded(input, at, word, 0)
    return numberOf(word, 0)
  }
  return { base: sizeAt(0), exponent: sizeAt(32), modulus: sizeAt(64) }
}

/** EIP-2565, and since osaka EIP-7883. */
export function modexpGas(input: Uint8Array, prices: Rules['modexp']): number {
  const sizes = modexpSizes(input)
  const width = Math.max(sizes.base, sizes.modulus)
  const words = Math.ceil(width / 8)
  const rounds = Math.max(exponentRounds(input, sizes, prices === 'osaka' ? 16 : 8), 1)
  if (prices === 'osaka') return Math.max(500, (width <= 32 ? 16 : 2 * words * words) * rounds)
  // Nothing times infinity is nothing here: an empty modulus costs the least, however long its exponent.
  return width === 0 ? 200 : Math.max(200, Math.floor((words * words * rounds) / 3))
}

function exponentRounds(input: Uint8Array, sizes: ModexpSizes, byteFactor: number): number {
  const first = Math.min(sizes.exponent, 32)
  const start = Math.min(96 + sizes.base, input.length)
  const bytes = new Uint8Array(first)
  bytes.set(input.subarray(start, start + first))
  readShort(bytes, word, 0)
  const bits = Math.max(bitLength(word, 0) - 1, 0)
  return sizes.exponent <= 32 ? bits : byteFactor * (sizes.exponent - 32) + bits
}

const word = /* @__PURE__ */ createWord()

const g1Discounts: readonly number[] = [
  1000, 949, 848, 797, 764, 750, 738, 728, 719, 712, 705, 698, 692, 687, 682, 677, 673, 669, 665, 661, 658, 654, 651,
  648, 645, 642, 640, 637, 635, 632, 630, 627, 625, 623, 621, 619, 617, 615, 613, 611, 609, 608, 606, 604, 603, 601,
  599, 598, 596, 595, 593, 592, 591, 589, 588, 586, 585, 584, 582, 581, 580, 579, 577, 576, 575, 574, 573, 572, 570,
  569, 568, 567, 566, 565, 564, 563, 562, 561, 560, 559, 558, 557, 556, 555, 554, 553, 552, 551, 550, 549, 548, 547,
  547, 546, 545, 544, 543, 542, 541, 540, 540, 539, 538, 537, 536, 536, 535, 534, 533, 532, 532, 531, 530, 529, 528,
  528, 527, 526, 525, 525, 524, 523, 522, 522, 521, 520, 520, 519,
]

const g2Discounts: readonly number[] = [
  1000, 1000, 923, 884, 855, 832, 812, 796, 782, 770, 759, 749, 740, 732, 724, 717, 711, 704, 699, 693, 688, 683, 679,
  674, 670, 666, 663, 659, 655, 652, 649, 646, 643, 640, 637, 634, 632, 629, 627, 624, 622, 620, 618, 615, 613, 611,
  609, 607, 606, 604, 602, 600, 598, 597, 595, 593, 592, 590, 589, 587, 586, 584, 583, 582, 580, 579, 578, 576, 575,
  574, 573, 571, 570, 569, 568, 567, 566, 565, 563, 562, 561, 560, 559, 558, 557, 556, 555, 554, 553, 552, 552, 551,
  550, 549, 548, 547, 546, 545, 545, 544, 543, 542, 541, 541, 540, 539, 538, 537, 537, 536, 535, 535, 534, 533, 532,
  532, 531, 530, 530, 529, 528, 528, 527, 526, 526, 525, 524, 524,
]
