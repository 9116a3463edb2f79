import { fromHex } from '../units.ts'
import { type AccountEntry, accountAt, isEmpty, readCode, seenBalance, seenCode } from './accounts.ts'
import type { Execution } from './execution.ts'
import { charge, type Frame } from './frame.ts'
import { copyToMemory } from './memory.ts'
import { emptyCodeHash } from './state.ts'
import { warmUp } from './undo.ts'
import { bigintOf, clear, copy, numberOf, readShort, writeBigint, writeNumber } from './word.ts'

export function address(frame: Frame): void {
  pushAccount(frame, frame.self)
}

export function origin(frame: Frame): void {
  pushAccount(frame, frame.execution.origin)
}

export function caller(frame: Frame): void {
  pushAccount(frame, frame.caller)
}

export function coinbase(frame: Frame): void {
  readShort(fromHex(frame.execution.block.miner), frame.stack, frame.sp)
  frame.sp += 8
}

function pushAccount(frame: Frame, { word }: AccountEntry): void {
  copy(word, 0, frame.stack, frame.sp)
  frame.sp += 8
}

export function callvalue(frame: Frame): void {
  copy(frame.value, 0, frame.stack, frame.sp)
  frame.sp += 8
}

/** An instruction that pushes a number of the transaction or block. */
function fact(read: (execution: Execution) => bigint): (frame: Frame) => void {
  return (frame) => {
    writeBigint(frame.stack, frame.sp, read(frame.execution))
    frame.sp += 8
  }
}

export const gasprice: (frame: Frame) => void = /* @__PURE__ */ fact(({ gasPrice }) => gasPrice)
export const timestamp: (frame: Frame) => void = /* @__PURE__ */ fact(({ block }) => block.timestamp)
export const number: (frame: Frame) => void = /* @__PURE__ */ fact(({ block }) => block.number)
export const gaslimit: (frame: Frame) => void = /* @__PURE__ */ fact(({ block }) => block.gasLimit)
export const basefee: (frame: Frame) => void = /* @__PURE__ */ fact(({ block }) => block.baseFeePerGas)
export const blobbasefee: (frame: Frame) => void = /* @__PURE__ */ fact(({ blobBaseFee }) => blobBaseFee)

export function chainid(frame: Frame): void {
  writeNumber(frame.stack, frame.sp, frame.execution.block.chainId)
  frame.sp += 8
}

export function prevrandao(frame: Frame): void {
  readShort(frame.execution.block.prevRandao, frame.stack, frame.sp)
  frame.sp += 8
}

/** One of the last 256 blocks; zero for any other. */
export function blockhash(frame: Frame): void {
  const { stack } = frame
  const { block } = frame.execution
  const at = frame.sp - 8
  const wanted = bigintOf(stack, at)
  const isNear = wanted < block.number && wanted + 256n >= block.number
  const hash = isNear ? block.hashOf(wanted) : undefined
  if (hash) readShort(hash, stack, at)
  else clear(stack, at)
}

export function blobhash(frame: Frame): void {
  const at = frame.sp - 8
  const hash = frame.execution.blobHashes[numberOf(frame.stack, at)]
  if (hash) readShort(fromHex(hash), frame.stack, at)
  else clear(frame.stack, at)
}

/** What touching an account costs (EIP-2929). */
export function accessCost(execution: Execution, entry: AccountEntry): number {
  const { coldAccount, warm } = execution.rules
  return warmUp(execution, entry) ? coldAccount : warm
}

/** The account a word on the stack names, paid for; nothing when the frame could not. */
function touchAccount(frame: Frame, at: number): AccountEntry | undefined {
  const entry = accountAt(frame.execution, frame.stack, at)
  return charge(frame, accessCost(frame.execution, entry)) ? entry : undefined
}

export function balance(frame: Frame): void {
  const at = frame.sp - 8
  const entry = touchAccount(frame, at)
  if (!entry) return
  entry.seen |= seenBalance
  writeBigint(frame.stack, at, entry.balance)
}

export function selfbalance(frame: Frame): void {
  frame.self.seen |= seenBalance
  writeBigint(frame.stack, frame.sp, frame.self.balance)
  frame.sp += 8
}

export function extcodesize(frame: Frame): void {
  const at = frame.sp - 8
  const entry = touchAccount(frame, at)
  if (entry) writeNumber(frame.stack, at, readCode(frame.execution, entry).size)
}

/** Zero for an account that is empty, as for one that does not exist (EIP-1052). */
export function extcodehash(frame: Frame): void {
  const at = frame.sp - 8
  const entry = touchAccount(frame, at)
  if (!entry) return
  entry.seen |= seenCode
  if (entry.codeHash === emptyCodeHash && isEmpty(entry)) clear(frame.stack, at)
  else copy(readCode(frame.execution, entry).hashWord, 0, frame.stack, at)
}

export function extcodecopy(frame: Frame): void {
  const entry = touchAccount(frame, frame.sp - 8)
  if (!entry) return
  frame.sp -= 8
  const code = readCode(frame.execution, entry)
  copyToMemory(frame, code.bytes, code.size)
}
