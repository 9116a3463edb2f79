import type { TxStatus } from '../sdk/ports.ts'
import type { Address, BatchId, BlockHash, TxHash } from '../sdk/units.ts'
import type { Inclusion } from './executor/port.ts'
import type { Payload } from './payload.ts'
import type { ProblemCode } from './problems.ts'

/** A transaction the chain object answers for, from the shard's offer until it has ended. */
export interface TxRow {
  readonly hash: TxHash
  readonly sender: Address
  readonly nonce: number
  readonly shard: number
  /** `queued`, `planned` (leased: it may be on its way), `accepted`, `included` or `replaced`. */
  readonly status: TxStatus
  /** Position in the order of arrival. */
  readonly arrival: number
  /** Fee cap in wei: of several transactions with one nonce, the one that pays most is sent. */
  readonly maxFeePerGas: bigint
  /** Expected gas. */
  readonly gas: number
  readonly size: number
  readonly isUnknownAccess: boolean
  /** Where it was sent last; 0, 0 before. */
  readonly window: number
  readonly lane: number
  /** Times it may have been sent. */
  readonly attempts: number
  /** A no that has to be confirmed by hash, since the bytes may have been sent before. */
  readonly doubt: Rejection | null
  /** When to look it up by hash: the end of its lease, also of one that was replaced under it, or a later check. */
  readonly dueAt: number | null
  readonly inclusion: Inclusion | null
}

export interface Rejection {
  readonly code: ProblemCode
  readonly detail: string
}

/** The nonce from which on a sender's transactions are not in a block, as far as the edge has seen. */
export interface ChainAccount {
  readonly sender: Address
  readonly next: number
  readonly at: number
}

/** One line of the chain's log. Sequences have no holes. */
export interface EventRow {
  readonly sequence: number
  readonly hash: TxHash
  readonly status: TxStatus
  readonly at: number
}

/** News for a shard, kept until it is acknowledged. A newer one takes the place of an older one. */
export interface Settlement {
  readonly hash: TxHash
  readonly sender: Address
  readonly nonce: number
  readonly status: TxStatus
  /** Sequence of the event that says the same: of two settlements, the higher one is newer. */
  readonly sequence: number
}

export interface OutboxRow extends Settlement {
  readonly shard: number
  readonly dueAt: number
}

export interface BlockRow {
  readonly number: number
  readonly hash: BlockHash
}

/** What one window was, for those who want to see it. */
export interface WindowRow {
  readonly window: number
  readonly at: number
  readonly transactions: number
  readonly lanes: number
  readonly criticalPathGas: number
  readonly totalGas: number
  /** Gas of the busiest of four workers that share the window's lanes. */
  readonly makespanGas4: number
}

/** The plan of one window, for those who want to see why each of its transactions waited. */
export interface PlanRow {
  readonly window: number
  /** In the order of the window. */
  readonly transactions: readonly PlannedTx[]
}

export interface PlannedTx {
  readonly hash: TxHash
  readonly sender: Address
  readonly lane: number
  /** Expected gas. */
  readonly gas: number
  /** Places in the plan that it waits for directly, the last of them first, each with the reason in words. */
  readonly waits: readonly { readonly index: number; readonly reason: string }[]
  /** Waits that are not told. */
  readonly waitsLeftOut: number
}

/** One transaction of one batch. */
export interface MemberRow {
  readonly batch: BatchId
  readonly position: number
  readonly hash: TxHash
  readonly sender: Address
  readonly at: number
}

/** The chain object's counters and times: one row. */
export interface ChainHead {
  /** Of the newest event. */
  readonly sequence: number
  readonly window: number
  readonly arrival: number
  /** Transactions that have not ended, and of these the queued ones with their bytes and gas. */
  readonly open: number
  readonly queued: number
  readonly queuedBytes: number
  readonly queuedGas: number
  /** When to try the next window; nothing when there is none to try. */
  readonly windowAt: number | null
  /** A window is being sent, at the latest until then. */
  readonly sendingUntil: number | null
  /** The executor was not reached: nothing is sent before then. */
  readonly pausedUntil: number
  readonly failures: number
  readonly pollAt: number | null
  /** Newest block followed, and up to where blocks are final. */
  readonly tip: number | null
  readonly finalized: number
  /** Transactions of unknown access go in windows of their own, in turn with the others. */
  readonly isUnknownsTurn: boolean
}

export const firstHead: ChainHead = {
  sequence: 0,
  window: 0,
  arrival: 0,
  open: 0,
  queued: 0,
  queuedBytes: 0,
  queuedGas: 0,
  windowAt: null,
  sendingUntil: null,
  pausedUntil: 0,
  failures: 0,
  pollAt: null,
  tip: null,
  finalized: -1,
  isUnknownsTurn: false,
}

/** What the chain's step reads: a synchronous view of its rows, in SQLite or in memory. */
export interface ChainRows {
  readonly head: () => ChainHead
  readonly tx: (hash: TxHash) => TxRow | undefined
  /** All rows of a sender, by nonce. */
  readonly txsOf: (sender: Address) => readonly TxRow[]
  /** Queued rows in the order of arrival; the caller stops when it has enough. */
  readonly queued: () => Iterable<TxRow>
  /** Rows whose `dueAt` has come, the oldest first. */
  readonly dueTxs: (now: number, limit: number) => readonly TxRow[]
  /** Included rows from a block on, and up to one. */
  readonly includedFrom: (blockNumber: number) => readonly TxRow[]
  readonly includedUpTo: (blockNumber: number, limit: number) => readonly TxRow[]
  readonly payload: (hash: TxHash) => Payload | undefined
  readonly account: (sender: Address) => ChainAccount | undefined
  readonly lastEvent: (hash: TxHash) => EventRow | undefined
  readonly firstEvent: () => EventRow | undefined
  readonly outbox: (hash: TxHash) => OutboxRow | undefined
  readonly dueOutbox: (now: number, limit: number) => readonly OutboxRow[]
  readonly block: (number: number) => BlockRow | undefined
  /** Earliest `dueAt` of a transaction and of the outbox. */
  readonly nextDue: () => number | null
}

/** One change of the chain object's rows. All changes of a step are applied together or not at all. */
export type ChainChange =
  | { readonly put: 'head'; readonly row: ChainHead }
  | { readonly put: 'tx'; readonly row: TxRow }
  | { readonly put: 'payload'; readonly row: Payload }
  | { readonly put: 'account'; readonly row: ChainAccount }
  | { readonly put: 'event'; readonly row: EventRow }
  | { readonly put: 'outbox'; readonly row: OutboxRow }
  | { readonly put: 'block'; readonly row: BlockRow }
  | { readonly put: 'window'; readonly row: WindowRow }
  /** The newest plan; those of windows `plansKept` before it go. */
  | { readonly put: 'plan'; readonly row: PlanRow }
  | { readonly put: 'member'; readonly row: MemberRow }
  /** The transaction has ended: its row and its payload go. */
  | { readonly remove: 'tx'; readonly hash: TxHash }
  | { readonly remove: 'outbox'; readonly hash: TxHash }
  | { readonly remove: 'blocksFrom' | 'blocksBelow'; readonly number: number }
  /** Events up to a sequence, and batches, windows and idle accounts from before a time: `limit` of each. */
  /** What names a sender and is of nothing under way: members of batches, and the account. The log names hashes alone. */
  | { readonly remove: 'sender'; readonly sender: Address }
  | { readonly remove: 'old'; readonly through: number; readonly before: number; readonly limit: number }
