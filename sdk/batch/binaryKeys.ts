import { invariant } from '../errors.ts'
import { halfSipHash } from './halfSipHash.ts'
import type { Keys } from './keys.ts'

/** Most entries, and so ids: an id and an op share 31 bits. */
const entriesMax = 1 << 29

/** Keys hashed ahead of being looked up. */
const blockKeys = 32

/** Keys still as bytes: what an executor records, or reads from its own tables. */
export interface BinaryKeys {
  /** Keys one after another, `keyBytes` each (say, 20 of the account and 32 of the slot). */
  readonly bytes: Uint8Array
  /** A multiple of 4. */
  readonly keyBytes: number
  /** Op of each key. */
  readonly ops: Uint8Array
  readonly offsets: Int32Array
  readonly gas: Float64Array
  readonly unknown: Uint8Array
}

/**
 * Numbers keys of a fixed width by open addressing with stored hashes; the same ids as a map would give.
 *
 * @param seed - Eight unpredictable bytes in two numbers, fresh per program, or whoever fills the keys can choose
 *   them to collide. The result does not depend on it.
 */
export function internBinary(keys: BinaryKeys, seed: readonly [number, number]): Keys {
  const { bytes, keyBytes, ops, offsets, gas, unknown } = keys
  const total = ops.length
  invariant(keyBytes > 0 && keyBytes % 4 === 0, 'a key is whole words wide')
  invariant(bytes.length === total * keyBytes, 'each key has an op')
  invariant(total <= entriesMax, 'an id fits beside its op')
  const table: Table = {
    words: wordsOf(bytes),
    width: keyBytes / 4,
    // At most three quarters full, so probing is short and ends.
    cells: new Int32Array(2 * 2 ** Math.ceil(Math.log2((4 * total) / 3 + 2))),
    seen: new Int32Array(blockKeys),
  }
  const entries = new Int32Array(total)
  const hashes = new Int32Array(blockKeys)
  let placeCount = 0
  for (let block = 0; block < total; block += blockKeys) {
    const end = Math.min(total, block + blockKeys)
    hashBlock(table, hashes, block, end, seed)
    for (let key = block; key < end; key++) {
      const first = firstEqual(table, hashes[key - block] as number, key)
      const id = first === key ? placeCount++ : (entries[first] as number) >>> 2
      entries[key] = (id << 2) | (ops[key] as number)
    }
  }
  return { count: gas.length, placeCount, entries, offsets, gas, unknown }
}

/** A hash table over keys that stay where they are. A cell is two numbers: the hash, and the first key that has it + 1 (0: free). */
interface Table {
  readonly words: Int32Array
  readonly width: number
  readonly cells: Int32Array
  /** What {@link hashBlock} saw: kept only so that its loads are not optimised away. */
  readonly seen: Int32Array
}

/** The bytes as words, in place where they are aligned. Byte order does not matter to equality. */
function wordsOf(bytes: Uint8Array): Int32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes)
  return new Int32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4)
}

/**
 * Hashes a block of keys, and touches the cell of each. A big table misses the cache on nearly every key; misses that
 * do not depend on each other overlap, which takes a third off the whole.
 */
function hashBlock(
  { words, width, cells, seen }: Table,
  hashes: Int32Array,
  block: number,
  end: number,
  seed: readonly [number, number],
): void {
  for (let key = block; key < end; key++)
    hashes[key - block] = halfSipHash(words, key * width, (key + 1) * width, seed[0], seed[1])
  const mask = cells.length / 2 - 1
  for (let at = 0; at < end - block; at++) seen[at] = cells[2 * ((hashes[at] as number) & mask)] as number
}

/** The first key equal to `key`, which is `key` itself when it is new; then it takes the free cell. */
function firstEqual({ words, width, cells }: Table, hash: number, key: number): number {
  const mask = cells.length / 2 - 1
  for (let cell = hash & mask; ; cell = (cell + 1) & mask) {
    const first = (cells[2 * cell + 1] as number) - 1
    if (first < 0) {
      cells[2 * cell] = hash
      cells[2 * cell + 1] = key + 1
      return key
    }
    if (cells[2 * cell] === hash && equalAt(words, first * width, key * width, width)) return first
  }
}

function equalAt(words: Int32Array, one: number, other: number, width: number): boolean {
  for (let at = 0; at < width; at++) if (words[one + at] !== words[other + at]) return false
  return true
}
