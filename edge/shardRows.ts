import type { TxStatus } from '../sdk/ports.ts'
import type { Address, TxHash } from '../sdk/units.ts'
import type { Payload } from './payload.ts'

/** One transaction as its shard knows it. */
export interface ShardRow {
  readonly hash: TxHash
  readonly sender: Address
  readonly nonce: number
  /**
   * `held`: waits for a nonce, or for the news which nonce is next. `queued`: to be offered to the chain.
   * `offered`: the chain object has it. `ended`: nobody works on it any more.
   */
  readonly stage: 'held' | 'queued' | 'offered' | 'ended'
  readonly status: TxStatus
  /** Fees in wei: of several transactions with one nonce, the one that pays most is sent. */
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
  /** Of the newest settlement heard; 0 for none. */
  readonly sequence: number
  /** When it came to its stage. */
  readonly since: number
  /** When there is something to tell the chain object: an offer while `queued`, else its status. */
  readonly dueAt: number | null
}

/** When it ended; nothing when it has not. */
export function endOf({ stage, since }: Pick<ShardRow, 'stage' | 'since'>): number | null {
  return stage === 'ended' ? since : null
}

/** Whether a row differs from what it was in its stage and its times alone. */
export function isMove(row: ShardRow, before: ShardRow): boolean {
  return (
    row.status === before.status &&
    row.sequence === before.sequence &&
    row.nonce === before.nonce &&
    row.sender === before.sender &&
    row.maxFeePerGas === before.maxFeePerGas &&
    row.maxPriorityFeePerGas === before.maxPriorityFeePerGas &&
    endOf(row) === endOf(before)
  )
}

/** Those of each sender, in their order. */
export function bySender<one extends { readonly sender: Address }>(
  list: readonly one[],
): ReadonlyMap<Address, readonly one[]> {
  const groups = new Map<Address, one[]>()
  for (const one of list) {
    const group = groups.get(one.sender)
    if (group) group.push(one)
    else groups.set(one.sender, [one])
  }
  return groups
}

/** What is known of a sender's nonces. */
export interface ShardAccount {
  readonly sender: Address
  /** Next nonce as an executor told it last; nothing before the first answer. */
  readonly seen: number | null
  /** Nonces below it are final. */
  readonly final: number
  readonly checkedAt: number
  /** When to ask again, because transactions wait; nothing when none does. */
  readonly checkAt: number | null
}

/** The shard's counter: transactions that have not ended. */
export interface ShardHead {
  readonly live: number
}

/** What the shard's step reads: a synchronous view of its rows, in SQLite or in memory. */
export interface ShardRows {
  readonly head: () => ShardHead
  readonly row: (hash: TxHash) => ShardRow | undefined
  /** A sender's rows that have not ended, by nonce. */
  readonly rowsOf: (sender: Address) => readonly ShardRow[]
  readonly payload: (hash: TxHash) => Payload | undefined
  readonly account: (sender: Address) => ShardAccount | undefined
  /** Rows whose `dueAt` has come. */
  readonly due: (now: number, limit: number) => readonly ShardRow[]
  /** Accounts whose `checkAt` has come. */
  readonly dueAccounts: (now: number, limit: number) => readonly ShardAccount[]
  /** Earliest `dueAt`, and earliest `checkAt`, of all. */
  readonly nextDue: () => number | null
  readonly nextCheck: () => number | null
  /** `since` of the row that ended first. */
  readonly firstEnded: () => number | null
}

/** One change of a shard's rows. All changes of a step are applied together or not at all. */
export type ShardChange =
  | { readonly put: 'head'; readonly row: ShardHead }
  | { readonly put: 'row'; readonly row: ShardRow }
  | { readonly put: 'payload'; readonly row: Payload }
  | { readonly put: 'account'; readonly row: ShardAccount }
  | { readonly remove: 'payload'; readonly hash: TxHash }
  /** Rows that ended before a time, and accounts last asked about before it of which nothing is under way: `limit` of each. */
  | { readonly remove: 'old'; readonly before: number; readonly limit: number }
  /** A sender's rows that have ended and of which nothing is left to tell; its account, too, when nothing is under way. */
  | { readonly remove: 'sender'; readonly sender: Address }
