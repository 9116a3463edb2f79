import { keccak256 } from '../crypto/engine.ts'
import type { Frame } from './frame.ts'
import { copy, readShort } from './word.ts'

/**
 * Hashes of 64 bytes that were asked for before: what contracts hash to find the slots of their mappings, and the same
 * ones again and again. Each place holds the last such input that fell on it.
 */
export interface HashCache {
  /** Three words a place: two of input, one of output. */
  readonly cells: Int32Array
  readonly isFilled: Uint8Array
}

const places = 4_096
const inputLimbs = 16
const limbs = 24

export function createHashCache(): HashCache {
  return { cells: new Int32Array(places * limbs), isFilled: new Uint8Array(places) }
}

/** Puts the hash of `size` bytes of memory on the stack at `target`. */
export function hashMemory(cache: HashCache, frame: Frame, offset: number, size: number, target: number): void {
  if (size !== 64) {
    readShort(keccak256(frame.memory.subarray(offset, offset + size)), frame.stack, target)
    return
  }
  const { view, stack } = frame
  let hash = 0
  for (let at = 0; at < 64; at += 4) {
    hash = Math.imul(hash ^ view.getInt32(offset + at, true), 0x9e3779b1)
    hash ^= hash >>> 15
  }
  const place = hash & (places - 1)
  const cell = place * limbs
  const { cells, isFilled } = cache
  if (isFilled[place] === 1 && holds(cells, cell, view, offset)) {
    copy(cells, cell + inputLimbs, stack, target)
    return
  }
  readShort(keccak256(frame.memory.subarray(offset, offset + 64)), stack, target)
  for (let limb = 0; limb < inputLimbs; limb++) cells[cell + limb] = view.getInt32(offset + 4 * limb, true)
  copy(stack, target, cells, cell + inputLimbs)
  isFilled[place] = 1
}

function holds(cells: Int32Array, cell: number, view: DataView, offset: number): boolean {
  for (let limb = 0; limb < inputLimbs; limb++)
    if (cells[cell + limb] !== view.getInt32(offset + 4 * limb, true)) return false
  return true
}
