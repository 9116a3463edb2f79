import type { Fork } from '../evm/fork.ts'
import { isPrecompile } from '../evm/fork.ts'
import { type Address, address } from '../units.ts'
import { type AccountEntry, createAccountTable, trimAccounts } from './accounts.ts'
import { type Block, blobBaseFee, blobPrices } from './block.ts'
import { createCodeCache } from './code.ts'
import { executeCall, executeSystemCall, executeTransaction, type Outcome, refuse } from './execute.ts'
import type { Execution } from './execution.ts'
import { stackLimbsMax } from './frame.ts'
import { createHashCache } from './hashCache.ts'
import { type Precompiles, precompileTable } from './precompiles.ts'
import { rules } from './rules.ts'
import { createShorts } from './shortWords.ts'
import { createSlotTable, trimSlots } from './slots.ts'
import type { State } from './state.ts'
import { instructions } from './table.ts'
import { callTerms, type Message, type Transaction, termsOf } from './transaction.ts'
import { createUndoLog } from './undo.ts'

/**
 * Runs one transaction after the other by the rules of one fork. It keeps what makes the next one faster (code that is
 * taken apart, addresses, hashes) and nothing of their state: equal arguments have equal answers, whatever it ran
 * before.
 */
export interface Machine {
  readonly fork: Fork
  /**
   * Runs a signed transaction on the state before it. The signature is judged already, by whoever found `from`;
   * everything else that makes a transaction invalid is judged here, and refused. The state is not changed: the caller
   * takes over `changes`.
   */
  readonly execute: (transaction: Transaction, block: Block, state: State) => Outcome
  /** Runs a call that nobody signs or pays for, as `eth_call` does: for simulation, and to find out what it touches. */
  readonly call: (message: Message, block: Block, state: State) => Outcome
  /** Runs what a block does before its transactions, see {@link systemContracts}. An account without code does nothing. */
  readonly system: (call: SystemCall, block: Block, state: State) => Outcome
}

export interface SystemCall {
  readonly to: Address
  readonly data: Uint8Array
}

export interface MachineOptions {
  readonly fork: Fork
  /** Contracts that need large libraries. One that is missing ends a run as `needs`. */
  readonly precompiles?: Precompiles
  /** Any number. Where strangers choose the addresses and slots, one they do not know keeps look-ups even. */
  readonly seed?: number
}

/**
 * Contracts that every block calls first: `beaconRoots` with the parent's beacon block root (EIP-4788), and from
 * prague on `history` with the parent's block hash (EIP-2935), 32 bytes each.
 */
export const systemContracts: { readonly beaconRoots: Address; readonly history: Address } = {
  beaconRoots: '0x000f3df6d732807ef1319fb7b8bb8522d0beac02' as Address,
  history: '0x0000f90827f1c53a10cb7a02335b175320002935' as Address,
}

/** Enough for the frames of most transactions. */
const stackStart = 4 * stackLimbsMax
const systemSender = '0xfffffffffffffffffffffffffffffffffffffffe'
const systemGas = 30_000_000n

/** A machine for `fork`. See `rules.ts` for what it does of a fork that is only scheduled. */
export function createMachine({ fork, precompiles = {}, seed = 0 }: MachineOptions): Machine {
  const execution = createExecution(fork, precompiles, seed)
  const table = instructions(execution.rules)
  return {
    fork,
    execute: (transaction, block, state) => {
      begin(execution, block, state)
      const terms = termsOf(transaction, block, execution.rules, execution.blobBaseFee)
      return typeof terms === 'string' ? refuse(terms) : executeTransaction(execution, table, transaction, terms)
    },
    call: (message, block, state) => {
      begin(execution, block, state)
      const terms = callTerms(message, execution.rules)
      return typeof terms === 'string' ? refuse(terms) : executeCall(execution, table, message, terms)
    },
    system: ({ to, data }, block, state) => {
      begin(execution, block, state)
      const message = { from: address(systemSender), to, data, value: 0n, gas: systemGas }
      return executeSystemCall(execution, table, message)
    },
  }
}

/** Stands for what every transaction brings; nobody looks at it before. */
const nothing: unknown = null

function createExecution(fork: Fork, precompiles: Precompiles, seed: number): Execution {
  const ours = rules(fork)
  const precompileOf = (account: Address) => (isPrecompile(account, fork) ? Number(account) : 0)
  const accounts = createAccountTable(precompileOf, seed | 0)
  return {
    rules: ours,
    precompiles: precompileTable(ours, precompiles),
    accounts,
    slots: createSlotTable(seed | 0),
    transient: createSlotTable(seed | 0),
    codes: createCodeCache(),
    hashes: createHashCache(),
    undo: createUndoLog(),
    frames: [],
    stack: new Int32Array(stackStart),
    short: createShorts(stackStart),
    turn: 0,
    state: nothing as State,
    block: nothing as Block,
    blobBaseFee: 0n,
    origin: nothing as AccountEntry,
    gasPrice: 0n,
    blobHashes: [],
    touched: [],
    touchedSlots: [],
    refund: 0,
    logs: [],
    needs: 0,
  }
}

/** Forgets the transaction before. */
function begin(execution: Execution, block: Block, state: State): void {
  const accountsAreGone = trimAccounts(execution.accounts)
  trimSlots(execution.slots, accountsAreGone)
  trimSlots(execution.transient, accountsAreGone)
  execution.turn += 1
  if (execution.block !== block) {
    execution.block = block
    execution.blobBaseFee = blobBaseFee(block.excessBlobGas, block.blobPrices ?? blobPrices[execution.rules.fork])
  }
  execution.state = state
  execution.undo.steps.length = execution.undo.wordCount = 0
  execution.touched.length = execution.touchedSlots.length = 0
  execution.refund = execution.needs = 0
  execution.logs = []
}
