import type { Log } from '../evm/receipt.ts'
import type { Hex } from '../units.ts'
import type { AccountEntry, AccountTable } from './accounts.ts'
import type { Block } from './block.ts'
import type { CodeCache } from './code.ts'
import type { Frame } from './frame.ts'
import type { HashCache } from './hashCache.ts'
import type { PrecompileTable } from './precompiles.ts'
import type { Rules } from './rules.ts'
import type { Shorts } from './shortWords.ts'
import type { SlotTable } from './slots.ts'
import type { State } from './state.ts'
import type { UndoLog } from './undo.ts'

/** Everything a machine has at hand. Tables stay from one transaction to the next, the rest is set anew by each. */
export interface Execution {
  readonly rules: Rules
  readonly precompiles: PrecompileTable
  readonly accounts: AccountTable
  readonly slots: SlotTable
  readonly transient: SlotTable
  readonly codes: CodeCache
  readonly hashes: HashCache
  readonly undo: UndoLog
  /** One for each depth that was ever reached. */
  readonly frames: Frame[]
  stack: Int32Array
  /** Which words of the stack are short, for the loop of the interpreter alone. */
  short: Shorts

  /** Number of the transaction; what tables hold of an earlier one is not valid. */
  turn: number
  state: State
  block: Block
  blobBaseFee: bigint
  origin: AccountEntry
  gasPrice: bigint
  blobHashes: readonly Hex[]
  /** Accounts and slots that were looked at. */
  readonly touched: AccountEntry[]
  readonly touchedSlots: number[]
  /** The refund counter (EIP-3529). */
  refund: number
  logs: Log[]
  /** A precompiled contract that was called and not handed in; 0 for none. It ends everything. */
  needs: number
}
