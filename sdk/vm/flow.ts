import { type Frame, fail } from './frame.ts'
import { reach, slice } from './memory.ts'
import { clear, copy, isZero, numberOf, swapWords, writeNumber } from './word.ts'

export function stop(frame: Frame): void {
  frame.status = 'stopped'
}

export function jump(frame: Frame): void {
  const at = frame.sp - 8
  frame.sp = at
  jumpTo(frame, numberOf(frame.stack, at))
}

export function jumpi(frame: Frame): void {
  const { stack, sp } = frame
  frame.sp = sp - 16
  if (!isZero(stack, sp - 16)) jumpTo(frame, numberOf(stack, sp - 8))
}

function jumpTo(frame: Frame, target: number): void {
  if (frame.jumps[target] === 1) frame.pc = target
  else fail(frame, 'no such jump')
}

export function jumpdest(): void {
  // The price in the table is all there is to it.
}

export function pc(frame: Frame): void {
  writeNumber(frame.stack, frame.sp, frame.pc - 1)
  frame.sp += 8
}

/** What is left after this instruction. */
export function gas(frame: Frame): void {
  writeNumber(frame.stack, frame.sp, frame.gas)
  frame.sp += 8
}

export function doReturn(frame: Frame): void {
  if (leaveOutput(frame)) frame.status = 'stopped'
}

export function revert(frame: Frame): void {
  if (leaveOutput(frame)) frame.status = 'reverted'
}

function leaveOutput(frame: Frame): boolean {
  const { stack, sp } = frame
  const offset = numberOf(stack, sp - 8)
  const size = numberOf(stack, sp - 16)
  if (!reach(frame, offset, size)) return false
  frame.output = slice(frame, offset, size)
  return true
}

export function invalid(frame: Frame): void {
  fail(frame, 'no such instruction')
}

export function pop(frame: Frame): void {
  frame.sp -= 8
}

/** PUSH1 to PUSH32. */
export function push(size: number): (frame: Frame) => void {
  const wholeLimbs = size >> 2
  const spareBytes = size & 3
  return (frame) => {
    const { stack, sp, code, pc: start } = frame
    let end = start + size
    let at = sp
    for (const top = sp + wholeLimbs; at < top; at++, end -= 4)
      stack[at] =
        ((code[end - 4] as number) << 24) |
        ((code[end - 3] as number) << 16) |
        ((code[end - 2] as number) << 8) |
        (code[end - 1] as number)
    if (spareBytes > 0) {
      let limb = 0
      for (let byte = start; byte < end; byte++) limb = (limb << 8) | (code[byte] as number)
      stack[at] = limb
      at += 1
    }
    for (; at < sp + 8; at++) stack[at] = 0
    frame.pc = start + size
    frame.sp = sp + 8
  }
}

export function push1(frame: Frame): void {
  const { stack, sp } = frame
  clear(stack, sp)
  stack[sp] = frame.code[frame.pc] as number
  frame.pc += 1
  frame.sp = sp + 8
}

export function push2(frame: Frame): void {
  const { stack, sp, code, pc: at } = frame
  clear(stack, sp)
  stack[sp] = ((code[at] as number) << 8) | (code[at + 1] as number)
  frame.pc = at + 2
  frame.sp = sp + 8
}

/** DUP1 to DUP16. */
export function dup(depth: number): (frame: Frame) => void {
  return (frame) => {
    const { stack, sp } = frame
    copy(stack, sp - 8 * depth, stack, sp)
    frame.sp = sp + 8
  }
}

/** SWAP1 to SWAP16. */
export function swap(depth: number): (frame: Frame) => void {
  return ({ stack, sp }) => swapWords(stack, sp - 8, sp - 8 - 8 * depth)
}
