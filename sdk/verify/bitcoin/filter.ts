import { accepted, type Decoded, refused } from '../../errors.ts'
import { joinBytes } from '../../units.ts'
import type { BitcoinBlock } from './block.ts'
import { hash256 } from './hash.ts'
import { readCount, readerOf } from './reader.ts'

/** Bits of a remainder, and the inverse of how often a filter matches what it does not hold (BIP-158, "Basic"). */
const remainderBits = 19
const falsePositives = 784_931
/** Most items of one filter: more than a block has room for. */
export const filterItemsMax = 1_000_000
/** Most bytes of one filter. */
export const filterBytesMax = 4_000_000

/** What a filter is asked about. */
export interface FilterQuestion {
  /** A basic filter as it is sent (BIP-158). */
  readonly filter: Uint8Array
  /** Of its block, 32 bytes in wire order. */
  readonly blockHash: Uint8Array
  /** Output scripts: the block is worth a look when it pays to one or spends from one. */
  readonly scripts: readonly Uint8Array[]
}

/**
 * Whether a block may pay to one of the scripts, or spend from one (BIP-158). A yes is wrong once in 784,931 times a
 * script. Refuses a filter that is cut short, has more behind it, or tells more items than its bytes can hold.
 *
 * Funds at risk: a no is as true as the filter. A filter is true when its header is ({@link filterHeaderOf}), and nothing in
 * a block commits to that: compare those of several sources.
 */
export function mayMatch({ filter, blockHash, scripts }: FilterQuestion): Decoded<boolean> {
  const values = decodeFilter(filter)
  if (!values.ok) return values
  if (values.value.length === 0) return accepted(false)
  const place = placer(blockHash, values.value.length)
  const wanted = new Set(scripts.filter(({ length }) => length > 0).map(place))
  return accepted(values.value.some((value) => wanted.has(value)))
}

/**
 * The basic filter of a block: every output script but those that start with OP_RETURN, and the script of every output that
 * it spends.
 *
 * @param spent - The scripts of the outputs that the block's inputs spend. Nothing in the block proves them.
 */
export function buildFilter(block: BitcoinBlock, spent: readonly Uint8Array[]): Uint8Array {
  const made = block.transactions.flatMap(({ outputs }) => outputs.map(({ script }) => script))
  const items = new Map<string, Uint8Array>()
  for (const script of made.filter((one) => one[0] !== 0x6a)) items.set(script.join(), script)
  for (const script of spent) items.set(script.join(), script)
  items.delete('')
  const place = placer(block.header.hash, items.size)
  return encodeFilter([...items.values()].map(place).sort((a, b) => a - b))
}

/**
 * The header of a filter (BIP-157): it names the filter and the header before it, so one that two sources agree on stands for all
 * filters up to there.
 *
 * @param previous - 32 bytes; zeros before block 0.
 */
export function filterHeaderOf(filter: Uint8Array, previous: Uint8Array): Uint8Array {
  return filterHeaderAfter(hash256(filter), previous)
}

/** {@link filterHeaderOf}, for a filter of this hash. */
export function filterHeaderAfter(filterHash: Uint8Array, previous: Uint8Array): Uint8Array {
  return hash256(joinBytes(filterHash, previous))
}

/** The scripts that every filter of a block must match, whoever made it: those of its own outputs. */
export function scriptsMadeBy(block: BitcoinBlock): readonly Uint8Array[] {
  const scripts = block.transactions.flatMap(({ outputs }) => outputs.map(({ script }) => script))
  return scripts.filter((script) => script.length > 0 && script[0] !== 0x6a)
}

/** Each item is a number in 0..items * falsePositives - 1, keyed by the block, so that no two blocks collide alike. */
function placer(blockHash: Uint8Array, items: number): (script: Uint8Array) => number {
  const view = new DataView(blockHash.buffer, blockHash.byteOffset, 16)
  const [first, second] = [view.getBigUint64(0, true), view.getBigUint64(8, true)]
  const range = BigInt(items) * BigInt(falsePositives)
  return (script) => Number((sipHash(script, first, second) * range) >> 64n)
}

/** Golomb and Rice: the differences of ascending numbers, each a quotient in ones and a remainder in bits. */
function decodeFilter(bytes: Uint8Array): Decoded<readonly number[]> {
  if (bytes.length > filterBytesMax) return refused('the filter is larger than any can be')
  const reader = readerOf(bytes)
  const items = readCount(reader, remainderBits / 8, filterItemsMax)
  if (reader.fault !== null) return refused(`the filter's ${reader.fault}`)
  let bit = 8 * reader.at
  const end = 8 * bytes.length
  const next = () => ((bytes[bit >> 3] as number) >> (7 - (bit++ & 7))) & 1
  const values: number[] = []
  let value = 0
  for (let item = 0; item < items; item++) {
    while (bit < end && next() === 1) value += 2 ** remainderBits
    if (bit + remainderBits > end) return refused('the filter is cut short')
    let remainder = 0
    for (let at = 0; at < remainderBits; at++) remainder = 2 * remainder + next()
    value += remainder
    values.push(value)
  }
  if (end - bit >= 8) return refused('bytes follow the filter')
  while (bit < end) if (next() === 1) return refused('bits follow the filter')
  return accepted(values)
}

function encodeFilter(values: readonly number[]): Uint8Array {
  const bits: number[] = []
  let before = 0
  for (const value of values) {
    const difference = value - before
    for (let ones = Math.floor(difference / 2 ** remainderBits); ones > 0; ones--) bits.push(1)
    bits.push(0)
    for (let at = remainderBits - 1; at >= 0; at--) bits.push((difference >> at) & 1)
    before = value
  }
  const bytes = new Uint8Array(Math.ceil(bits.length / 8))
  for (const [at, bit] of bits.entries()) bytes[at >> 3] = (bytes[at >> 3] as number) | (bit << (7 - (at & 7)))
  return joinBytes(compactSize(values.length), bytes)
}

function compactSize(count: number): Uint8Array {
  if (count < 0xfd) return Uint8Array.of(count)
  if (count < 0x1_0000) return Uint8Array.of(0xfd, count & 255, count >> 8)
  return Uint8Array.of(0xfe, count & 255, (count >> 8) & 255, (count >> 16) & 255, count >>> 24)
}

const mask = 0xffff_ffff_ffff_ffffn

/** SipHash-2-4 (Aumasson and Bernstein), keyed by two numbers of 64 bits. */
function sipHash(bytes: Uint8Array, first: bigint, second: bigint): bigint {
  const v: [bigint, bigint, bigint, bigint] = [
    first ^ 0x736f6d6570736575n,
    second ^ 0x646f72616e646f6dn,
    first ^ 0x6c7967656e657261n,
    second ^ 0x7465646279746573n,
  ]
  const padded = new Uint8Array(8 * (Math.floor(bytes.length / 8) + 1))
  padded.set(bytes)
  padded[padded.length - 1] = bytes.length & 255
  const view = new DataView(padded.buffer)
  for (let at = 0; at < padded.length; at += 8) {
    const word = view.getBigUint64(at, true)
    v[3] ^= word
    sipRound(v)
    sipRound(v)
    v[0] ^= word
  }
  v[2] ^= 0xffn
  for (let round = 0; round < 4; round++) sipRound(v)
  return v[0] ^ v[1] ^ v[2] ^ v[3]
}

function sipRound(v: [bigint, bigint, bigint, bigint]): void {
  v[0] = (v[0] + v[1]) & mask
  v[1] = turned(v[1], 13n) ^ v[0]
  v[0] = turned(v[0], 32n)
  v[2] = (v[2] + v[3]) & mask
  v[3] = turned(v[3], 16n) ^ v[2]
  v[0] = (v[0] + v[3]) & mask
  v[3] = turned(v[3], 21n) ^ v[0]
  v[2] = (v[2] + v[1]) & mask
  v[1] = turned(v[1], 17n) ^ v[2]
  v[2] = turned(v[2], 32n)
}

function turned(word: bigint, by: bigint): bigint {
  return ((word << by) | (word >> (64n - by))) & mask
}
