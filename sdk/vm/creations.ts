import { keccak256 } from '../crypto/engine.ts'
import { encodeRlp, quantity } from '../rlp.ts'
import { fromHex } from '../units.ts'
import { type AccountEntry, accountAt, seenCode, seenNonce } from './accounts.ts'
import { canCall, transfer } from './calls.ts'
import { codeOf, initcodeOf } from './code.ts'
import type { Execution } from './execution.ts'
import { begin, charge, type Frame, fail, mayChange, noBytes } from './frame.ts'
import { reach, slice, wordsIn } from './memory.ts'
import { emptyCodeHash } from './state.ts'
import { mark, revertTo, setCode, setCreated, setNonce, warmUp } from './undo.ts'
import { bigintOf, bytesOf, clear, copy, createWord, numberOf, readShort, wordLimbs, writeBigint } from './word.ts'

/** No account gets beyond this nonce (EIP-2681). */
export const nonceMax: bigint = (1n << 64n) - 1n

export function create(frame: Frame): void {
  createAt(frame, 24, () => addressByNonce(frame.self))
}

/** The initcode is hashed once more (EIP-1014). */
export function create2(frame: Frame): void {
  const salt = bytesOf(frame.stack, frame.sp - 32)
  const size = numberOf(frame.stack, frame.sp - 24)
  if (charge(frame, 6 * wordsIn(size))) createAt(frame, 32, (initcode) => addressBySalt(frame.self, initcode, salt))
}

type Addressing = (initcode: Uint8Array) => Uint8Array

function createAt(frame: Frame, argsLimbs: number, addressOf: Addressing): void {
  const { execution, stack, sp } = frame
  const { rules } = execution
  if (!mayChange(frame)) return
  const offset = numberOf(stack, sp - 16)
  const size = numberOf(stack, sp - 24)
  if (size > rules.initcodeBytesMax) {
    fail(frame, 'initcode too long')
    return
  }
  if (!charge(frame, rules.initcodeWord * wordsIn(size)) || !reach(frame, offset, size)) return
  const value = bigintOf(stack, sp - 8)
  frame.sp = sp - argsLimbs
  frame.returned = noBytes
  const { self } = frame
  self.seen |= seenNonce
  if (!canCall(frame, value) || self.nonce === nonceMax) {
    answer(frame, null)
    return
  }

  const gas = frame.gas - Math.floor(frame.gas / 64)
  frame.gas -= gas
  const initcode = slice(frame, offset, size)
  const address = addressOf(initcode) // By the nonce before it rises.
  setNonce(execution, self, self.nonce + 1n)
  const above = beginCreation(execution, { address, initcode, value, gas, caller: self, below: frame })
  if (above === undefined) {
    answer(frame, null)
    return
  }
  frame.status = 'calling'
}

interface Creation {
  /** 20 bytes. */
  readonly address: Uint8Array
  readonly initcode: Uint8Array
  readonly value: bigint
  readonly gas: number
  readonly caller: AccountEntry
  /** The frame that creates; `null` when the transaction does. */
  readonly below: Frame | null
}

const place = /* @__PURE__ */ createWord()

/**
 * The frame that runs `initcode`, its account set up; nothing when there is an account already. The address stays warm
 * whatever becomes of it (EIP-2929).
 */
export function beginCreation(execution: Execution, creation: Creation): Frame | undefined {
  const { address, initcode, value, gas, caller, below } = creation
  readShort(address, place, 0)
  const created = accountAt(execution, place, 0)
  warmUp(execution, created)
  created.seen |= seenNonce | seenCode
  if (created.nonce !== 0n || created.codeHash !== emptyCodeHash || created.hasStorage) return undefined
  const start = mark(execution)
  setCreated(execution, created)
  setNonce(execution, created, 1n)
  if (value > 0n) transfer(execution, caller, created, value)
  const depth = below === null ? 0 : below.depth + 1
  const frame = begin(execution, depth, below === null ? 0 : below.sp + wordLimbs, {
    kind: 'create',
    code: initcodeOf(initcode),
    gas,
    input: noBytes,
    self: created,
    caller,
    isStatic: false,
    mark: start,
  })
  writeBigint(frame.value, 0, value)
  return frame
}

/** Gives the new account its code, or fails (EIP-170, EIP-3541). */
export function settleCreation(frame: Frame): void {
  if (frame.status !== 'stopped') return
  const { execution, output, self } = frame
  const { codeByte, codeBytesMax } = execution.rules
  if (output.length > codeBytesMax) {
    fail(frame, 'code too long')
    return
  }
  if (output[0] === 0xef) {
    fail(frame, 'code begins with 0xef')
    return
  }
  if (charge(frame, codeByte * output.length)) setCode(execution, self, codeOf(output))
}

/** Goes on in the creator of a frame that has ended and was settled. */
export function resumeCreation(frame: Frame, above: Frame): void {
  if (above.status !== 'stopped') revertTo(frame.execution, above.mark)
  frame.gas += above.gas
  frame.returned = above.status === 'reverted' ? above.output : noBytes
  answer(frame, above.status === 'stopped' ? above.self : null)
}

/** Where a contract lands that `creator` makes with its present nonce: 20 bytes (Yellow Paper, section 7). */
export function addressByNonce({ address, nonce }: AccountEntry): Uint8Array {
  return keccak256(encodeRlp([fromHex(address), quantity(nonce)])).subarray(12)
}

function addressBySalt({ address }: AccountEntry, initcode: Uint8Array, salt: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(85)
  bytes[0] = 0xff
  bytes.set(fromHex(address), 1)
  bytes.set(salt, 21)
  bytes.set(keccak256(initcode), 53)
  return keccak256(bytes).subarray(12)
}

function answer(frame: Frame, created: AccountEntry | null): void {
  if (created) copy(created.word, 0, frame.stack, frame.sp)
  else clear(frame.stack, frame.sp)
  frame.sp += 8
  frame.status = 'running'
}
