import { invariant } from '../errors.ts'
import { type Frame, fail } from './frame.ts'
import { reach, slice } from './memory.ts'
import { numberOf, writeNumber } from './word.ts'

export function stop(frame: Frame): void {
  frame.status = 'stopped'
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

/** Stands for an instruction that the loop works itself. */
export function inLoop(frame: Frame): void {
  invariant(false, `instruction ${frame.code[frame.pc - 1]} is worked in the loop`)
}

/** PUSH5 to PUSH32. */
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
