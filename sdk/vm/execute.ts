import { invariant } from '../errors.ts'
import type { RunTotals } from '../evm/accessList.ts'
import type { Log } from '../evm/receipt.ts'
import { type Address, fromHex } from '../units.ts'
import { type AccountEntry, accountOf, readCode, seenBalance, seenCode, seenNonce } from './accounts.ts'
import { applyAuthorizations } from './authorizations.ts'
import { transfer } from './calls.ts'
import { addressByNonce, beginCreation, nonceMax } from './creations.ts'
import type { Execution } from './execution.ts'
import { begin, type Failure, type Frame, noBytes } from './frame.ts'
import { runFrames } from './interpreter.ts'
import { runPrecompile } from './precompiles.ts'
import { type AccountChange, recordOf, type TouchedPlaces } from './record.ts'
import { findSlot } from './slots.ts'
import type { InstructionTable } from './table.ts'
import type { Message, RefusalCode, Terms, Transaction } from './transaction.ts'
import { mark, revertTo, setBalance, setNonce, touch, warmUp, warmUpSlot } from './undo.ts'
import { createWord, readShort, writeBigint } from './word.ts'

/** What came of a transaction or call. */
export type Outcome = Executed | Refused | Needs

/** It ran, well or not, and the gas is paid. */
export interface Executed {
  readonly kind: 'executed'
  readonly status: 'succeeded' | 'failed'
  /** Why it failed; `reverted` when its code said so, with the reason in `output`. */
  readonly failure: Failure | 'reverted' | null
  readonly gasUsed: bigint
  /** Gas before refunds, and the refund counter: what access lists are priced with. */
  readonly totals: RunTotals
  /** None when it failed. */
  readonly logs: readonly Log[]
  /** What the code returned or reverted with. */
  readonly output: Uint8Array
  /** The contract a creation left. */
  readonly created: Address | null
  readonly access: TouchedPlaces
  /** What the state takes over; nothing else has changed. */
  readonly changes: readonly AccountChange[]
}

/** No block may hold it here. */
export interface Refused {
  readonly kind: 'refused'
  readonly code: RefusalCode
}

/** It called a precompiled contract that was not handed in. Nothing has happened: hand it in, and run again. */
export interface Needs {
  readonly kind: 'needs'
  /** The number that is its address. */
  readonly precompile: number
}

/** Gas that is told apart: no block has as much. A limit above runs as this. */
const gasMax = BigInt(Number.MAX_SAFE_INTEGER)

export function executeTransaction(
  execution: Execution,
  table: InstructionTable,
  transaction: Transaction,
  terms: Terms,
): Outcome {
  const sender = accountOf(execution, transaction.from)
  const code = judgeSender(execution, sender, transaction, terms)
  if (code) return refuse(code)
  setBalance(execution, sender, sender.balance - transaction.gas * terms.gasPrice - terms.blobCost)
  return run(execution, table, { message: transaction, terms, sender })
}

/** Runs a message without a fee, from an account that need not be able to sign, at its present nonce. */
export function executeCall(execution: Execution, table: InstructionTable, message: Message, terms: Terms): Outcome {
  const sender = accountOf(execution, message.from)
  sender.seen |= seenNonce | (message.value > 0n ? seenBalance : 0)
  if (message.value > sender.balance) return refuse('insufficient-funds')
  return run(execution, table, { message, terms, sender })
}

/** Runs what a block does by itself (EIP-4788, EIP-2935): nobody pays, and no nonce rises. */
export function executeSystemCall(
  execution: Execution,
  table: InstructionTable,
  message: Message & { readonly to: Address },
): Outcome {
  const sender = accountOf(execution, message.from)
  execution.origin = sender
  execution.gasPrice = 0n
  execution.blobHashes = []
  const limit = Number(message.gas)
  const end = runMessage(execution, table, { message, sender, gas: limit })
  if (execution.needs !== 0) return { kind: 'needs', precompile: execution.needs }
  return outcomeOf(execution, end, BigInt(limit - end.gas))
}

export function refuse(code: RefusalCode): Refused {
  return { kind: 'refused', code }
}

function judgeSender(
  execution: Execution,
  sender: AccountEntry,
  { nonce, value }: Transaction,
  { costMax }: Terms,
): RefusalCode | undefined {
  sender.seen |= seenNonce | seenBalance
  const expected = sender.nonce
  if (BigInt(nonce) < expected) return 'nonce-too-low'
  if (BigInt(nonce) > expected) return 'nonce-too-high'
  if (expected >= nonceMax) return 'nonce-too-high' // EIP-2681
  const code = readCode(execution, sender)
  const mayHaveCode = execution.rules.hasDelegations && code.delegate !== undefined
  if (code.size > 0 && !mayHaveCode) return 'sender-has-code' // EIP-3607
  return sender.balance < costMax + value ? 'insufficient-funds' : undefined
}

interface Job {
  readonly message: Message
  readonly terms: Terms
  readonly sender: AccountEntry
}

/** From the first warm place to the last fee. The gas is bought. */
function run(execution: Execution, table: InstructionTable, { message, terms, sender }: Job): Outcome {
  const { gas } = message
  execution.origin = sender
  execution.gasPrice = terms.gasPrice
  execution.blobHashes = terms.blobHashes
  const address = message.to === null ? addressByNonce(sender) : undefined
  setNonce(execution, sender, sender.nonce + 1n)
  const miner = accountOf(execution, execution.block.miner)
  warmUp(execution, sender)
  warmUp(execution, miner)
  warmUpList(execution, terms)
  applyAuthorizations(execution, terms.authorizations)

  const limit = Number(gas > gasMax ? gasMax : gas)
  const end = runMessage(execution, table, { message, sender, gas: limit - terms.intrinsic, address })
  if (execution.needs !== 0) return { kind: 'needs', precompile: execution.needs }
  const spent = end.failure !== null && end.gas === 0 ? gas : BigInt(limit - end.gas)
  const refund = BigInt(execution.refund)
  const refunded = spent - (refund < spent / 5n ? refund : spent / 5n)
  const floor = BigInt(terms.floor)
  const used = refunded > floor ? refunded : floor
  if (terms.gasPrice > 0n) setBalance(execution, sender, sender.balance + (gas - used) * terms.gasPrice)
  touch(execution, miner)
  if (terms.tip > 0n) setBalance(execution, miner, miner.balance + used * terms.tip)
  return outcomeOf(execution, end, used, { gas: spent, refund })
}

interface End {
  readonly gas: number
  readonly failure: Failure | 'reverted' | null
  readonly output: Uint8Array
  readonly created: Address | null
}

function outcomeOf(
  execution: Execution,
  { failure, output, created }: End,
  gasUsed: bigint,
  totals: RunTotals = { gas: gasUsed, refund: 0n },
): Executed {
  const { access, changes } = recordOf(execution)
  return {
    kind: 'executed',
    status: failure === null ? 'succeeded' : 'failed',
    failure,
    gasUsed,
    totals,
    logs: execution.logs,
    output,
    created,
    access,
    changes,
  }
}

const word = /* @__PURE__ */ createWord()

/** EIP-2930. A listed slot is warm, but nobody has read it. */
function warmUpList(execution: Execution, { accessList }: Terms): void {
  for (const { address, slots } of accessList) {
    const entry = accountOf(execution, address)
    warmUp(execution, entry)
    for (const slot of slots) {
      readShort(fromHex(slot), word, 0)
      warmUpSlot(execution, findSlot(execution.slots, entry, word, 0))
    }
  }
}

interface Start {
  readonly message: Message
  readonly sender: AccountEntry
  readonly gas: number
  /** Where a creation lands. */
  readonly address?: Uint8Array | undefined
}

function runMessage(execution: Execution, table: InstructionTable, start: Start): End {
  const { message, sender, gas, address } = start
  if (message.to === null) {
    invariant(address, 'a creation has an address')
    const { data, value } = message
    const creation = { address, initcode: data, value, gas, caller: sender, below: null }
    const frame = beginCreation(execution, creation)
    if (!frame) return { gas: 0, failure: 'account exists', output: noBytes, created: null }
    return runFrame(execution, table, frame)
  }
  const target = accountOf(execution, message.to)
  warmUp(execution, target)
  const before = mark(execution)
  touch(execution, target)
  if (message.value > 0n) transfer(execution, sender, target, message.value)
  if (target.precompile !== 0) {
    const done = runPrecompile(execution, target.precompile, message.data, gas)
    if (done) return { gas: gas - done.gas, failure: null, output: done.output, created: null }
    revertTo(execution, before)
    return { gas: 0, failure: 'precompiled contract failed', output: noBytes, created: null }
  }
  const code = codeToRun(execution, target)
  if (code.size === 0) return { gas, failure: null, output: noBytes, created: null }
  const frame = begin(execution, 0, 0, {
    kind: 'call',
    code,
    gas,
    input: message.data,
    self: target,
    caller: sender,
    isStatic: false,
    mark: before,
  })
  writeBigint(frame.value, 0, message.value)
  return runFrame(execution, table, frame)
}

/** The recipient's code, or its delegate's (EIP-7702): that is warm then, and costs nothing. */
function codeToRun(execution: Execution, target: AccountEntry) {
  target.seen |= seenCode
  const code = readCode(execution, target)
  if (code.delegate === undefined || !execution.rules.hasDelegations) return code
  const delegate = accountOf(execution, code.delegate)
  warmUp(execution, delegate)
  return readCode(execution, delegate)
}

function runFrame(execution: Execution, table: InstructionTable, frame: Frame): End {
  runFrames(execution, table, frame)
  const { status, gas, failure } = frame
  // Memory is used again by the next transaction, so the output is copied.
  const output = status === 'failed' ? noBytes : frame.output.slice()
  if (status === 'stopped')
    return { gas, failure: null, output, created: frame.kind === 'create' ? frame.self.address : null }
  revertTo(execution, frame.mark)
  return { gas, failure: status === 'reverted' ? 'reverted' : failure, output, created: null }
}
