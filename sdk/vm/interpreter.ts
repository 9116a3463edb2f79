import { invariant } from '../errors.ts'
import { resumeCall } from './calls.ts'
import { resumeCreation, settleCreation } from './creations.ts'
import type { Execution } from './execution.ts'
import { type Frame, fail } from './frame.ts'
import { add } from './sums.ts'
import type { Handler, InstructionTable } from './table.ts'
import { clear, copy, isZero, numberOf, swapWords, writeBoolean } from './word.ts'

/**
 * Runs the frame and all that it calls, in one loop without recursion, so that the depth of calls costs no depth of
 * JavaScript. It ends: every instruction and every call costs gas. With `needs` set, it ends at once.
 */
export function runFrames(execution: Execution, table: InstructionTable, first: Frame): void {
  const { frames } = execution
  let frame = first
  for (;;) {
    step(frame, table)
    if (execution.needs !== 0) return
    if (frame.status === 'calling') {
      frame = frames[frame.depth + 1] as Frame
      continue
    }
    if (frame.kind === 'create') settleCreation(frame)
    if (frame === first) return
    const below = frames[frame.depth - 1] as Frame
    invariant(below.status === 'calling', 'a frame that ends was called by the one below')
    if (frame.kind === 'create') resumeCreation(below, frame)
    else resumeCall(below, frame)
    frame = below
  }
}

/**
 * Runs instructions until the frame is no longer `running`. The most frequent ones are worked here on local variables;
 * all others find in the frame what they need, and leave it there.
 */
function step(frame: Frame, { handlers, gas, least, most }: InstructionTable): void {
  const { code, base, jumps } = frame
  let { stack, sp, pc, gas: left } = frame
  for (;;) {
    const op = code[pc] as number
    const limbs = sp - base
    left -= gas[op] as number
    if (left < 0 || limbs < (least[op] as number) || limbs > (most[op] as number)) {
      fail(frame, left < 0 ? 'out of gas' : limbs < (least[op] as number) ? 'stack too short' : 'stack too long')
      return
    }
    pc += 1
    if (op >= opDup1 && op <= opSwap16) {
      if (op < opSwap1) {
        copy(stack, sp - 8 * (op - opDup1 + 1), stack, sp)
        sp += 8
      } else swapWords(stack, sp - 8, sp - 8 * (op - opSwap1 + 2))
      continue
    }
    switch (op) {
      case opPush1:
        clear(stack, sp)
        stack[sp] = code[pc] as number
        pc += 1
        sp += 8
        continue
      case opPush2:
        clear(stack, sp)
        stack[sp] = ((code[pc] as number) << 8) | (code[pc + 1] as number)
        pc += 2
        sp += 8
        continue
      case opPop:
        sp -= 8
        continue
      case opJumpdest:
        continue
      case opAdd:
        sp -= 8
        add(stack, sp, sp - 8)
        continue
      case opIszero:
        writeBoolean(stack, sp - 8, isZero(stack, sp - 8))
        continue
      case opJumpi:
        sp -= 16
        if (isZero(stack, sp)) continue
        pc = numberOf(stack, sp + 8)
        if (jumps[pc] === 1) continue
        fail(frame, 'no such jump')
        return
    }
    frame.sp = sp
    frame.pc = pc
    frame.gas = left
    ;(handlers[op] as Handler)(frame)
    if (frame.status !== 'running') return
    stack = frame.stack
    sp = frame.sp
    pc = frame.pc
    left = frame.gas
  }
}

const opAdd = 0x01
const opIszero = 0x15
const opPop = 0x50
const opJumpi = 0x57
const opJumpdest = 0x5b
const opPush1 = 0x60
const opPush2 = 0x61
const opDup1 = 0x80
const opSwap1 = 0x90
const opSwap16 = 0x9f
