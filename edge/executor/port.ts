import type { Declaration } from '../../sdk/batch/index.ts'
import type { Address, BlockHash, TxHash } from '../../sdk/units.ts'
import type { ProblemCode } from '../problems.ts'

/** One transaction on its way: bytes, the sender whose nonces must stay in order, and what an executor may be told beside. */
export interface Sending {
  readonly hash: TxHash
  readonly sender: Address
  readonly raw: Uint8Array
  /** Its place in the window's order. */
  readonly position: number
  readonly declaration: Declaration
}

/** What became of one sending. */
export type Outcome =
  /** The executor has it, now or from before. */
  | { readonly kind: 'accepted' }
  /** It is in a block already, as the answer itself says. */
  | { readonly kind: 'included'; readonly inclusion: Inclusion }
  /** A definite no. */
  | { readonly kind: 'rejected'; readonly code: ProblemCode; readonly detail: string }
  /** The nonce is used, by these bytes or by others: only the hash tells. */
  | { readonly kind: 'stale' }
  /** A well-formed no in words the edge does not know. */
  | { readonly kind: 'refused'; readonly detail: string }
  /** A timeout, a broken or unreadable answer: it may have arrived. Never taken as a failure. */
  | { readonly kind: 'unknown' }
  /** It never left. */
  | { readonly kind: 'unsent' }

/** A transaction's place in a block, from its receipt. */
export interface Inclusion {
  readonly hash: TxHash
  readonly blockNumber: number
  readonly blockHash: BlockHash
  readonly index: number
  /** False when it was executed and reverted. */
  readonly succeeded: boolean
  readonly gasUsed: number
}

/** What an executor knows of a hash. `missing`: in no block and in no pool, at this moment. */
export type Found =
  | { readonly kind: 'included'; readonly inclusion: Inclusion }
  | { readonly kind: 'pooled' }
  | { readonly kind: 'missing' }

/** The newest block, and up to where blocks are final (-1: none is). */
export interface Head {
  readonly number: number
  readonly hash: BlockHash
  readonly finalized: number
}

/** A block, as far as following the chain needs it. */
export interface Block {
  readonly number: number
  readonly hash: BlockHash
  readonly parentHash: BlockHash
  readonly transactions: readonly TxHash[]
}

/**
 * Whatever runs transactions in order.
 *
 * Questions throw `node/unreachable`, `node/nonsense` or `node/refused`; sendings never throw.
 */
export interface Executor {
  /** The next nonce of each sender after the given block. Senders without a readable answer are left out. */
  readonly nonces: (senders: readonly Address[], at: number | 'latest') => Promise<ReadonlyMap<Address, number>>
  /**
   * Sends every lane in its order, several lanes at a time, none twice; or all at once, in the window's order, to an
   * executor that runs whole envelopes.
   *
   * A nonce leaves only after its predecessor was acknowledged. After an `unknown` nothing more is started:
   * what has not left is `unsent`. Every sending is reported exactly once, at the latest when the promise resolves.
   *
   * @param options.until - No sending starts after this time, so that a lease outlives its last sending.
   * @param options.report - Takes outcomes as they come. Synchronous: they are durable when it returns.
   */
  readonly forward: (
    lanes: readonly (readonly Sending[])[],
    options: {
      readonly until: number
      readonly report: (outcomes: readonly (readonly [TxHash, Outcome])[]) => void
    },
  ) => Promise<void>
  readonly find: (hashes: readonly TxHash[]) => Promise<ReadonlyMap<TxHash, Found>>
  readonly head: () => Promise<Head>
  readonly block: (number: number) => Promise<Block | undefined>
  /** Receipts of the `wanted` transactions of one block, which all are in it. */
  readonly inclusions: (block: Block, wanted: readonly TxHash[]) => Promise<readonly Inclusion[]>
}
