import { invariant } from '../errors.ts'
import { resumeCall } from './calls.ts'
import { resumeCreation, settleCreation } from './creations.ts'
import type { Execution } from './execution.ts'
import { type Frame, fail } from './frame.ts'
import type { Handler, InstructionTable } from './table.ts'

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

/** Runs instructions until the frame is no longer `running`. */
function step(frame: Frame, { handlers, gas, least, most }: InstructionTable): void {
  const { code, base } = frame
  while (frame.status === 'running') {
    const op = code[frame.pc] as number
    const limbs = frame.sp - base
    if (limbs < (least[op] as number)) {
      fail(frame, 'stack too short')
      return
    }
    if (limbs > (most[op] as number)) {
      fail(frame, 'stack too long')
      return
    }
    const left = frame.gas - (gas[op] as number)
    if (left < 0) {
      fail(frame, 'out of gas')
      return
    }
    frame.gas = left
    frame.pc += 1
    ;(handlers[op] as Handler)(frame)
  }
}
