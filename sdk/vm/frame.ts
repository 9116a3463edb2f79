import type { AccountEntry } from './accounts.ts'
import { type Code, jumpsOf } from './code.ts'
import type { Execution } from './execution.ts'
import { createShorts } from './shortWords.ts'
import type { Mark } from './undo.ts'
import { createWord, type Words, wordLimbs } from './word.ts'

/** How far a frame is. `calling`: it waits for the frame above it. */
export type FrameStatus = 'running' | 'calling' | 'stopped' | 'reverted' | 'failed'

/** Why an instruction ends a frame and takes all its gas. */
export type Failure =
  | 'out of gas'
  | 'stack too short'
  | 'stack too long'
  | 'no such instruction'
  | 'no such jump'
  | 'change in a static call'
  | 'read beyond the returned data'
  | 'initcode too long'
  | 'code too long'
  | 'code begins with 0xef'
  | 'account exists'
  | 'precompiled contract failed'

/** One call or creation that is being run. Frames are used again; `begin` sets all of this. */
export interface Frame {
  readonly execution: Execution
  readonly depth: number
  status: FrameStatus
  failure: Failure | null
  gas: number
  pc: number
  code: Uint8Array
  codeSize: number
  jumps: Uint8Array
  /** Indices of the stack: where this frame's begins, and the first free word. */
  stack: Int32Array
  base: number
  sp: number
  memory: Uint8Array
  view: DataView
  /** Bytes that are paid for, always whole words, and what they cost. */
  memorySize: number
  memoryCost: number
  input: Uint8Array
  /** Whose balance and slots are in use, who called, and with what value. */
  self: AccountEntry
  caller: AccountEntry
  readonly value: Words
  isStatic: boolean
  /** What the last call returned. */
  returned: Uint8Array
  output: Uint8Array
  /** `call`: `resultAt` and `resultSize` are where the caller's memory takes the output. */
  kind: 'call' | 'create'
  resultAt: number
  resultSize: number
  mark: Mark
}

/** What a frame begins with. */
export interface Beginning {
  readonly kind: 'call' | 'create'
  readonly code: Code
  readonly gas: number
  readonly input: Uint8Array
  readonly self: AccountEntry
  readonly caller: AccountEntry
  readonly isStatic: boolean
  readonly mark: Mark
}

export const noBytes: Uint8Array = /* @__PURE__ */ new Uint8Array(0)

export const depthMax = 1_024
const stackWordsMax = 1_024
export const stackLimbsMax: number = stackWordsMax * wordLimbs
const memoryStart = 4_096
/** A buffer that grew beyond this is not kept for the next frame. */
const memoryKeptMax = 65_536
const nowhere: Mark = { steps: 0, logs: 0, refund: 0 }

/** The frame at `depth`, ready to run; its value is still to be set. Calls beyond {@link depthMax} are the caller's to refuse. */
export function begin(execution: Execution, depth: number, base: number, beginning: Beginning): Frame {
  const frame = frameAt(execution, depth, beginning)
  const { code, gas, input, self, caller, kind, isStatic } = beginning
  if (base + stackLimbsMax > execution.stack.length) growStack(execution, base + stackLimbsMax)
  frame.status = 'running'
  frame.failure = null
  frame.gas = gas
  frame.pc = 0
  frame.code = code.bytes
  frame.codeSize = code.size
  frame.jumps = jumpsOf(code)
  frame.stack = execution.stack
  frame.base = frame.sp = base
  resetMemory(frame)
  frame.input = input
  frame.self = self
  frame.caller = caller
  frame.isStatic = isStatic
  frame.returned = frame.output = noBytes
  frame.kind = kind
  frame.resultAt = frame.resultSize = 0
  frame.mark = beginning.mark
  return frame
}

/** Ends a frame: nothing of what it did stays, and its gas is gone. */
export function fail(frame: Frame, failure: Failure): void {
  frame.status = 'failed'
  frame.failure = failure
  frame.gas = 0
}

/** Pays, or fails and is false. */
export function charge(frame: Frame, gas: number): boolean {
  const left = frame.gas - gas
  if (left >= 0) {
    frame.gas = left
    return true
  }
  fail(frame, 'out of gas')
  return false
}

/** False, and the frame has failed, in a static call (EIP-214). */
export function mayChange(frame: Frame): boolean {
  if (!frame.isStatic) return true
  fail(frame, 'change in a static call')
  return false
}

function frameAt(execution: Execution, depth: number, { self, caller }: Beginning): Frame {
  const known = execution.frames[depth]
  if (known) return known
  const memory = new Uint8Array(memoryStart)
  const frame: Frame = {
    execution,
    depth,
    status: 'running',
    failure: null,
    gas: 0,
    pc: 0,
    code: noBytes,
    codeSize: 0,
    jumps: noBytes,
    stack: execution.stack,
    base: 0,
    sp: 0,
    memory,
    view: new DataView(memory.buffer),
    memorySize: 0,
    memoryCost: 0,
    input: noBytes,
    self,
    caller,
    value: createWord(),
    isStatic: false,
    returned: noBytes,
    output: noBytes,
    kind: 'call',
    resultAt: 0,
    resultSize: 0,
    mark: nowhere,
  }
  execution.frames[depth] = frame
  return frame
}

function resetMemory(frame: Frame): void {
  if (frame.memory.length > memoryKeptMax) {
    frame.memory = new Uint8Array(memoryStart)
    frame.view = new DataView(frame.memory.buffer)
  } else frame.memory.fill(0, 0, frame.memorySize)
  frame.memorySize = frame.memoryCost = 0
}

function growStack(execution: Execution, limbs: number): void {
  const stack = new Int32Array(2 * limbs)
  stack.set(execution.stack)
  execution.stack = stack
  const short = createShorts(stack.length)
  short.set(execution.short)
  execution.short = short
  for (const frame of execution.frames) frame.stack = stack
}
