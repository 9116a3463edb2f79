import { invariant } from '../errors.ts'
import { resumeCall } from './calls.ts'
import { resumeCreation, settleCreation } from './creations.ts'
import type { Execution } from './execution.ts'
import { type Frame, fail, stackLimbsMax } from './frame.ts'
import {
  addWords,
  andWords,
  duplicate,
  isBelowWord,
  isEqualWord,
  isNothing,
  loadWord,
  pushShort,
  type Shorts,
  storeWord,
  subtractWords,
  swap,
  targetOf,
  widen,
} from './shortWords.ts'
import { gasMask, type Handler, type InstructionTable, startShift } from './table.ts'

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
 * Runs instructions until the frame is no longer `running`. The most frequent ones are worked here on local variables
 * and short words, some with the one behind them in one go; for all others the frame is brought up to date, and its
 * handler called.
 */
function step(frame: Frame, { handlers, starts, most }: InstructionTable): void {
  // The stack is replaced by a longer one only when a frame begins, and then this one is no longer running.
  const { code, base, stack } = frame
  const { short } = frame.execution
  const top = base + stackLimbsMax
  let { sp, pc, gas: left } = frame
  for (;;) {
    const op = code[pc] as number
    const start = starts[op] as number
    const takes = start >>> startShift
    left -= start & gasMask
    if (left < 0 || sp - base < takes) {
      fail(frame, left < 0 ? 'out of gas' : 'stack too short')
      return
    }
    pc += 1
    if (op >= opPush1 && op <= opPush4) {
      let value = 0
      for (const end = pc + op - opPush1; pc <= end; pc++) value = (value << 8) | (code[pc] as number)
      if (sp === top) break
      const next = code[pc] as number
      if (next === opJump && left >= jumpGas) {
        left -= jumpGas + jumpdestGas
        pc = landingAt(frame, value >>> 0, left)
        if (pc < 0) return
        continue
      }
      if (next === opJumpi && left >= jumpiGas && sp > base) {
        left -= jumpiGas
        sp -= 8
        pc += 1
        if (isNothing(stack, short, sp)) continue
        left -= jumpdestGas
        pc = landingAt(frame, value >>> 0, left)
        if (pc < 0) return
        continue
      }
      pushShort(stack, short, sp, value)
      sp += 8
    } else if (op >= opDup1 && op <= opSwap16) {
      if (op < opSwap1) {
        if (sp === top) break
        duplicate(stack, short, sp - takes, sp)
        sp += 8
      } else if (code[pc] === opPop && left >= popGas) {
        duplicate(stack, short, sp - 8, sp - takes)
        left -= popGas
        sp -= 8
        pc += 1
      } else swap(stack, short, sp - 8, sp - takes)
    } else if (op === opPop) sp -= 8
    else if (op === opJumpi || op === opJump) {
      sp -= takes
      if (op === opJumpi && isNothing(stack, short, sp)) continue
      left -= jumpdestGas
      pc = landingAt(frame, targetOf(stack, short, sp + takes - 8), left)
      if (pc < 0) return
    } else if (op === opIszero) pushShort(stack, short, sp - 8, isNothing(stack, short, sp - 8) ? 1 : 0)
    else if (op <= opAnd && workPair(op, stack, short, sp - 8)) sp -= 8
    else if ((op === opMload || op === opMstore) && workMemory(frame, op, stack, short, sp - 8))
      sp -= op === opMload ? 0 : 16
    else if (op !== opJumpdest) {
      if (sp - base > (most[op] as number)) break
      for (let at = sp - takes; at < sp; at += 8) widen(stack, short, at)
      short[(sp - takes) >> 3] = 0 // Where the result will stand.
      frame.sp = sp
      frame.pc = pc
      frame.gas = left
      ;(handlers[op] as Handler)(frame)
      if (frame.status !== 'running') return
      sp = frame.sp
      pc = frame.pc
      left = frame.gas
    }
  }
  fail(frame, 'stack too long')
}

/**
 * Where code goes on after a jump: behind the mark that says one may land there, which is paid for. Below zero, the frame has failed.
 */
function landingAt(frame: Frame, target: number, left: number): number {
  if (frame.jumps[target] === 1 && left >= 0) return target + 1
  fail(frame, frame.jumps[target] === 1 ? 'out of gas' : 'no such jump')
  return -1
}

const jumpGas = 8
const jumpiGas = 10
const jumpdestGas = 1
const popGas = 2

/** Turns the two words on top into one, for the instructions that gain by short words; false for all others. */
function workPair(op: number, stack: Int32Array, short: Shorts, top: number): boolean {
  switch (op) {
    case opAdd:
      addWords(stack, short, top, top - 8)
      return true
    case opSub:
      subtractWords(stack, short, top, top - 8)
      return true
    case opLt:
      pushShort(stack, short, top - 8, isBelowWord(stack, short, top, top - 8) ? 1 : 0)
      return true
    case opGt:
      pushShort(stack, short, top - 8, isBelowWord(stack, short, top - 8, top) ? 1 : 0)
      return true
    case opEq:
      pushShort(stack, short, top - 8, isEqualWord(stack, short, top, top - 8) ? 1 : 0)
      return true
    case opAnd:
      andWords(stack, short, top, top - 8)
      return true
    default:
      return false
  }
}

/** Loads or stores a word where memory is paid for already; false elsewhere. */
function workMemory(frame: Frame, op: number, stack: Int32Array, short: Shorts, top: number): boolean {
  const offset = targetOf(stack, short, top)
  if (offset + 32 > frame.memorySize) return false
  if (op === opMload) loadWord(stack, short, top, frame.view, offset)
  else storeWord(stack, short, top - 8, frame.view, offset)
  return true
}

const opAdd = 0x01
const opSub = 0x03
const opLt = 0x10
const opGt = 0x11
const opEq = 0x14
const opIszero = 0x15
const opAnd = 0x16
const opPop = 0x50
const opMload = 0x51
const opMstore = 0x52
const opJump = 0x56
const opJumpi = 0x57
const opJumpdest = 0x5b
const opPush1 = 0x60
const opPush4 = 0x63
const opDup1 = 0x80
const opSwap1 = 0x90
const opSwap16 = 0x9f
