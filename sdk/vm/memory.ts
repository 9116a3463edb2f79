import { charge, type Frame, fail } from './frame.ts'
import { hashMemory } from './hashCache.ts'
import { clear, numberOf, readBytes, readPadded, writeBytes, writeNumber } from './word.ts'

/** Bytes of memory a frame can have. They cost 1.3 * 10^11 gas, so no block gets there. */
const memoryBytesMax = 268_435_456
/** Behind the memory, so that its end can be read in limbs. */
const spareBytes = 4

/** Makes memory reach to `offset + size`, and pays for it. False when the frame could not. */
export function reach(frame: Frame, offset: number, size: number): boolean {
  if (size === 0) return true
  const end = offset + size
  return end <= frame.memorySize || expand(frame, end)
}

function expand(frame: Frame, end: number): boolean {
  if (end > memoryBytesMax) {
    fail(frame, 'out of gas')
    return false
  }
  const words = Math.ceil(end / 32)
  const cost = 3 * words + Math.floor((words * words) / 512)
  if (!charge(frame, cost - frame.memoryCost)) return false
  frame.memoryCost = cost
  frame.memorySize = 32 * words
  if (frame.memorySize + spareBytes > frame.memory.length) {
    const memory = new Uint8Array(Math.max(2 * frame.memory.length, frame.memorySize + spareBytes))
    memory.set(frame.memory)
    frame.memory = memory
    frame.view = new DataView(memory.buffer)
  }
  return true
}

/** A view of memory that was reached. */
export function slice(frame: Frame, offset: number, size: number): Uint8Array {
  return size === 0 ? frame.memory.subarray(0, 0) : frame.memory.subarray(offset, offset + size)
}

export function wordsIn(size: number): number {
  return Math.ceil(size / 32)
}

export function mload(frame: Frame): void {
  const at = frame.sp - 8
  const offset = numberOf(frame.stack, at)
  if (offset + 32 <= frame.memorySize || reach(frame, offset, 32)) readBytes(frame.view, offset, frame.stack, at)
}

export function mstore(frame: Frame): void {
  const at = frame.sp - 8
  const offset = numberOf(frame.stack, at)
  frame.sp = at - 8
  if (offset + 32 <= frame.memorySize || reach(frame, offset, 32)) writeBytes(frame.stack, at - 8, frame.view, offset)
}

export function mstore8(frame: Frame): void {
  const at = frame.sp - 8
  const offset = numberOf(frame.stack, at)
  frame.sp = at - 8
  if (reach(frame, offset, 1)) frame.memory[offset] = frame.stack[at - 8] as number
}

export function msize(frame: Frame): void {
  writeNumber(frame.stack, frame.sp, frame.memorySize)
  frame.sp += 8
}

export function mcopy(frame: Frame): void {
  const { stack, sp } = frame
  const to = numberOf(stack, sp - 8)
  const from = numberOf(stack, sp - 16)
  const size = numberOf(stack, sp - 24)
  frame.sp = sp - 24
  if (!charge(frame, 3 * wordsIn(size)) || !reach(frame, to > from ? to : from, size) || size === 0) return
  frame.memory.copyWithin(to, from, from + size)
}

export function keccak(frame: Frame): void {
  const { stack, sp } = frame
  const offset = numberOf(stack, sp - 8)
  const size = numberOf(stack, sp - 16)
  frame.sp = sp - 8
  if (!charge(frame, 6 * wordsIn(size)) || !reach(frame, offset, size)) return
  hashMemory(frame.execution.hashes, frame, size === 0 ? 0 : offset, size, sp - 16)
}

export function calldataload(frame: Frame): void {
  const at = frame.sp - 8
  readPadded(frame.input, numberOf(frame.stack, at), frame.stack, at)
}

export function calldatasize(frame: Frame): void {
  writeNumber(frame.stack, frame.sp, frame.input.length)
  frame.sp += 8
}

export function calldatacopy(frame: Frame): void {
  copyToMemory(frame, frame.input, frame.input.length)
}

export function codesize(frame: Frame): void {
  writeNumber(frame.stack, frame.sp, frame.codeSize)
  frame.sp += 8
}

export function codecopy(frame: Frame): void {
  copyToMemory(frame, frame.code, frame.codeSize)
}

export function returndatasize(frame: Frame): void {
  writeNumber(frame.stack, frame.sp, frame.returned.length)
  frame.sp += 8
}

/** Alone among the copies, it must not read beyond the end (EIP-211). */
export function returndatacopy(frame: Frame): void {
  const { stack, sp, returned } = frame
  const isBeyond = numberOf(stack, sp - 16) + numberOf(stack, sp - 24) > returned.length
  if (isBeyond) fail(frame, 'read beyond the returned data')
  else copyToMemory(frame, returned, returned.length)
}

/** Copies `source`, zeros behind its end, to where the three words on the stack say: target, offset, size. */
export function copyToMemory(frame: Frame, source: Uint8Array, sourceSize: number): void {
  const { stack, sp } = frame
  const to = numberOf(stack, sp - 8)
  const from = numberOf(stack, sp - 16)
  const size = numberOf(stack, sp - 24)
  frame.sp = sp - 24
  if (!charge(frame, 3 * wordsIn(size)) || !reach(frame, to, size) || size === 0) return
  const { memory } = frame
  const there = from < sourceSize ? Math.min(size, sourceSize - from) : 0
  // Short copies are the rule, and cheaper byte by byte than a view.
  if (there <= 64) for (let at = 0; at < there; at++) memory[to + at] = source[from + at] as number
  else memory.set(source.subarray(from, from + there), to)
  if (there < size) memory.fill(0, to + there, to + size)
}

/** A zero word on the stack. */
export function pushZero(frame: Frame): void {
  clear(frame.stack, frame.sp)
  frame.sp += 8
}
