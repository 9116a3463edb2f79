import { type AccountEntry, accountAt, accountOf, isEmpty, readCode, seenBalance, seenCode } from './accounts.ts'
import type { Code } from './code.ts'
import { accessCost } from './environment.ts'
import type { Execution } from './execution.ts'
import { begin, charge, depthMax, type Frame, mayChange, noBytes } from './frame.ts'
import { reach, slice } from './memory.ts'
import { runPrecompile } from './precompiles.ts'
import { mark, revertTo, setBalance, touch } from './undo.ts'
import { bigintOf, clear, copy, isZero, numberOf, wordLimbs, writeBoolean } from './word.ts'

type Kind = 'call' | 'callcode' | 'delegatecall' | 'staticcall'

/** What a call that brings value gives on top, so that the callee can at least log. */
const stipend = 2_300

export function call(frame: Frame): void {
  if (isZero(frame.stack, frame.sp - 24) || mayChange(frame)) callAs(frame, 'call')
}

export function callcode(frame: Frame): void {
  callAs(frame, 'callcode')
}

export function delegatecall(frame: Frame): void {
  callAs(frame, 'delegatecall')
}

export function staticcall(frame: Frame): void {
  callAs(frame, 'staticcall')
}

/** Pays for a call, down to the gas it passes on (EIP-150), and either answers at once or leaves the frame `calling`. */
function callAs(frame: Frame, kind: Kind): void {
  const { execution, stack, sp } = frame
  const hasValueWord = kind === 'call' || kind === 'callcode'
  const args = hasValueWord ? sp - 32 : sp - 24
  const inputAt = numberOf(stack, args)
  const inputSize = numberOf(stack, args - 8)
  frame.resultAt = numberOf(stack, args - 16)
  frame.resultSize = numberOf(stack, args - 24)
  frame.sp = args - 24
  if (!reach(frame, inputAt, inputSize) || !reach(frame, frame.resultAt, frame.resultSize)) return

  const target = accountAt(execution, stack, sp - 16)
  if (!charge(frame, accessCost(execution, target))) return
  const code = target.precompile === 0 ? codeToRun(frame, target) : null
  if (code === null) target.seen |= seenCode
  if (frame.status !== 'running') return

  const value = hasValueWord && !isZero(stack, sp - 24) ? bigintOf(stack, sp - 24) : 0n
  if (value > 0n) {
    const { callValue, callNewAccount } = execution.rules
    const extra = kind === 'call' && isEmpty(target) ? callNewAccount : 0
    if (!charge(frame, callValue + extra)) return
  }
  const most = frame.gas - Math.floor(frame.gas / 64)
  const wished = numberOf(stack, sp - 8)
  const passed = wished < most ? wished : most
  frame.gas -= passed
  const gas = value > 0n ? passed + stipend : passed
  const input = slice(frame, inputAt, inputSize)
  if (!canCall(frame, value)) {
    frame.gas += gas
    answer(frame, false, noBytes)
    return
  }
  enter(frame, { kind, target, code, value, gas, input, valueWord: sp - 24 })
}

interface Call {
  readonly kind: Kind
  readonly target: AccountEntry
  /** `null` for a precompiled contract. */
  readonly code: Code | null
  readonly value: bigint
  readonly gas: number
  readonly input: Uint8Array
  /** Where the value stands on the caller's stack. */
  readonly valueWord: number
}

function enter(frame: Frame, { kind, target, code, value, gas, input, valueWord }: Call): void {
  const { execution } = frame
  const start = mark(execution)
  if (kind === 'call' || kind === 'staticcall') touch(execution, target)
  if (kind === 'call' && value > 0n) transfer(execution, frame.self, target, value)
  if (code === null) {
    const done = runPrecompile(execution, target.precompile, input, gas)
    if (execution.needs !== 0) return
    if (done) frame.gas += gas - done.gas
    else revertTo(execution, start)
    answer(frame, done !== undefined, done ? done.output : noBytes)
    return
  }
  if (code.size === 0) {
    frame.gas += gas
    answer(frame, true, noBytes)
    return
  }
  const isBorrowing = kind === 'callcode' || kind === 'delegatecall'
  const above = begin(execution, frame.depth + 1, frame.sp + wordLimbs, {
    kind: 'call',
    code,
    gas,
    input,
    self: isBorrowing ? frame.self : target,
    caller: kind === 'delegatecall' ? frame.caller : frame.self,
    isStatic: frame.isStatic || kind === 'staticcall',
    mark: start,
  })
  if (kind === 'delegatecall') copy(frame.value, 0, above.value, 0)
  else if (value > 0n) copy(execution.stack, valueWord, above.value, 0)
  else clear(above.value, 0)
  frame.status = 'calling'
}

/** Goes on in the caller of a frame that has ended. */
export function resumeCall(frame: Frame, above: Frame): void {
  const { status } = above
  if (status !== 'stopped') revertTo(frame.execution, above.mark)
  frame.gas += above.gas
  answer(frame, status === 'stopped', status === 'failed' ? noBytes : above.output)
}

/** Whether the sender of `value` has it, and the depth allows for one more (EIP-150 leaves the limit standing). */
export function canCall(frame: Frame, value: bigint): boolean {
  if (frame.depth >= depthMax) return false
  if (value === 0n) return true
  frame.self.seen |= seenBalance
  return frame.self.balance >= value
}

/** Moves value that the sender was seen to have. To the recipient it is a credit. */
export function transfer(execution: Execution, from: AccountEntry, to: AccountEntry, value: bigint): void {
  from.seen |= seenBalance
  setBalance(execution, from, from.balance - value)
  setBalance(execution, to, to.balance + value)
}

/** The code a call of `target` runs, its delegate's where it has one (EIP-7702), paid for. */
function codeToRun(frame: Frame, target: AccountEntry): Code {
  const { execution } = frame
  const code = readCode(execution, target)
  if (code.delegate === undefined || !execution.rules.hasDelegations) return code
  const delegate = accountOf(execution, code.delegate)
  charge(frame, accessCost(execution, delegate))
  return readCode(execution, delegate)
}

function answer(frame: Frame, isDone: boolean, output: Uint8Array): void {
  const { resultAt, resultSize } = frame
  frame.returned = output
  const size = output.length < resultSize ? output.length : resultSize
  if (size > 0) frame.memory.set(size === output.length ? output : output.subarray(0, size), resultAt)
  writeBoolean(frame.stack, frame.sp, isDone)
  frame.sp += 8
  frame.status = 'running'
}
