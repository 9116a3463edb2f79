import type { ChainId } from '../sdk/units.ts'
import type { Item } from './shard.ts'

/** What an operator's rule says of one transaction. `review`: not now; a person looks at it first. */
export type Decision = 'allow' | 'deny' | 'review'

/** What a rule may look at besides the transaction. */
export interface PolicyContext {
  readonly chain: ChainId
  /** Milliseconds since 1970. */
  readonly now: number
}

/**
 * An operator's rule: a list of sanctions, a cap, a rule on travel of funds. Asked once for each transaction, after its
 * signature was checked and before anything is stored. Each decision leaves an audit row.
 */
export type Policy = (item: Item, context: PolicyContext) => Decision

/** The rule of this edge; an operator puts its own here. Without one everything is allowed, and nothing is recorded. */
export const policy: Policy | null = null

/** What stays of a decision: the transaction's hash, which the chain will show to everybody, and no more. */
export interface AuditRow {
  readonly at: number
  readonly hash: string
  readonly decision: Decision
}
