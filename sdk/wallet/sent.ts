import type { Address, BatchId, TxHash } from '../units.ts'
import type { Board, Fate, View } from './board.ts'
import { pack } from './carry.ts'
import type { Attempt } from './intent.ts'
import type { Chain, OrderRefusal } from './order.ts'

/** One signed transaction, stored. */
export interface SentTransaction {
  /** Place of the order in the call. */
  readonly index: number
  readonly hash: TxHash
  readonly from: Address
  readonly nonce: number
}

/** What an account signed, as it is stored. */
export interface StoredBytes {
  readonly from: Address
  readonly bytes: Uint8Array
}

/** Where one transaction stands. */
export type Progress = View & Pick<SentTransaction, 'index' | 'hash'>

/** How one transaction ended. */
export type Outcome = Fate & Pick<SentTransaction, 'index' | 'hash'>

/**
 * What became of a call that sends: everything was stored and is on its way, or everything was refused.
 *
 * It survives a crash: what is stored is taken up again by the next wallet on the store.
 */
export interface Sent {
  /** Ids of the envelopes in which they are first sent. */
  readonly batches: readonly BatchId[]
  readonly transactions: readonly SentTransaction[]
  /** Why nothing was signed. Empty unless `transactions` is. */
  readonly refused: readonly OrderRefusal[]
  /**
   * What changes, beginning with what is; ends when every transaction has an outcome. Throws `wallet/closed`, or
   * what stopped the wallet.
   */
  readonly progress: () => AsyncIterable<Progress>
  /** One outcome for each transaction, in their order. Throws as `progress` does. */
  readonly settled: () => Promise<readonly Outcome[]>
}

/** One stored attempt and the order it came from. */
export interface Entry {
  readonly index: number
  readonly from: Address
  readonly nonce: number
  readonly attempt: Attempt
}

/** Follows stored transactions. Called before they are carried, so that nothing is missed. */
export function sentOf(board: Board, chain: Chain, entries: readonly Entry[]): Sent {
  const transactions = entries.map(({ index, from, nonce, attempt: { hash } }) => ({ index, hash, from, nonce }))
  const indexOf = new Map(transactions.map(({ hash, index }) => [hash, index]))
  const following = board.follow(transactions.map(({ hash }) => hash))
  return {
    batches: pack(
      chain,
      entries.map(({ attempt }) => attempt),
    ).map(({ batch }) => batch),
    transactions,
    refused: [],
    async *progress() {
      for await (const { hash, view } of following.progress()) yield { index: indexOf.get(hash) ?? 0, hash, ...view }
    },
    settled: async () => {
      const fates = await following.settled()
      return transactions.flatMap(({ index, hash }) => {
        const fate = fates.get(hash)
        return fate ? [{ index, hash, ...fate }] : []
      })
    },
  }
}

/** Nothing was signed. */
export function refusedSent(refused: readonly OrderRefusal[]): Sent {
  return {
    batches: [],
    transactions: [],
    refused,
    async *progress() {
      yield* []
    },
    settled: async () => [],
  }
}
