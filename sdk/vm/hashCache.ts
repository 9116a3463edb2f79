import { keccak256 } from '../crypto/engine.ts'
import type { Frame } from './frame.ts'
import { copy, readShort } from './word.ts'

/**
 * Hashes of short inputs that were asked for before: contracts hash to find the slots of their mappings and each other's
 * addresses, the same ones again and again. Each place holds the last input that fell on it.
 */
export interface HashCache {
  /** A place: the input, its size in bytes, and its hash as a word. */
  readonly cells: Int32Array
}

const places = 16_384
const bytesMax = 96
const sizeAt = bytesMax / 4
const hashAt = sizeAt + 1
const limbs = hashAt + 8

export function createHashCache(): HashCache {
  return { cells: new Int32Array(places * limbs) }
}

/** Limbs of the input that is looked up. */
const input = /* @__PURE__ */ new Int32Array(sizeAt)

/** Puts the hash of `size` bytes of memory, which were reached, on the stack at `target`. */
export function hashMemory({ cells }: HashCache, frame: Frame, offset: number, size: number, target: number): void {
  const { memory, stack } = frame
  if (size > bytesMax || size === 0) {
    readShort(keccak256(memory.subarray(offset, offset + size)), stack, target)
    return
  }
  const cell = (readInput(frame.view, offset, size) & (places - 1)) * limbs
  const count = (size + 3) >> 2
  if (cells[cell + sizeAt] === size && holds(cells, cell, count)) {
    copy(cells, cell + hashAt, stack, target)
    return
  }
  readShort(keccak256(memory.subarray(offset, offset + size)), stack, target)
  for (let limb = 0; limb < count; limb++) cells[cell + limb] = input[limb] as number
  cells[cell + sizeAt] = size
  copy(stack, target, cells, cell + hashAt)
}

/** Fills `input`, and says where to look for it. Memory is a few bytes longer than what can be reached. */
function readInput(view: DataView, offset: number, size: number): number {
  const whole = size >> 2
  let hash = size
  for (let limb = 0; limb < whole; limb++) {
    const value = view.getInt32(offset + 4 * limb, true)
    input[limb] = value
    hash = Math.imul(hash ^ value, 0x9e3779b1)
    hash ^= hash >>> 15
  }
  const spare = size & 3
  if (spare === 0) return hash
  const value = view.getInt32(offset + 4 * whole, true) & ((1 << (8 * spare)) - 1)
  input[whole] = value
  hash = Math.imul(hash ^ value, 0x9e3779b1)
  return hash ^ (hash >>> 15)
}

function holds(cells: Int32Array, cell: number, count: number): boolean {
  for (let limb = 0; limb < count; limb++) if (cells[cell + limb] !== input[limb]) return false
  return true
}
