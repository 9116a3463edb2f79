import { invariant } from '../../../../sdk/errors.ts'
import { decodeReceipt, type Receipt } from '../../../../sdk/evm/index.ts'
import type { Address, TxHash } from '../../../../sdk/units.ts'
import type { SealedBlock } from '../engine.ts'
import { archivedBlocksMax, archivedTransactionsMax } from './limits.ts'

/** A transaction of a block, as it is stored. */
export interface ArchivedTransaction {
  readonly hash: TxHash
  readonly from: Address
  readonly raw: Uint8Array
  /** In consensus encoding. */
  readonly receipt: Uint8Array
}

/** A block that is stored, and so may be told. */
export interface ArchivedBlock {
  readonly block: SealedBlock
  readonly transactions: readonly ArchivedTransaction[]
}

/** Where a transaction stands. */
export interface Position {
  readonly block: ArchivedBlock
  readonly index: number
}

/** The newest blocks that are stored: what the node tells of. */
export interface Archive {
  readonly head: () => ArchivedBlock
  /** Number of the oldest block that is still told. */
  readonly oldest: () => number
  readonly at: (number: number) => ArchivedBlock | undefined
  readonly byHash: (hash: string) => ArchivedBlock | undefined
  readonly find: (hash: string) => Position | undefined
  /** Takes the next block; the oldest ones go when there are too many. */
  readonly add: (block: ArchivedBlock) => void
}

export function createArchive(first: ArchivedBlock): Archive {
  const blocks = new Map<number, ArchivedBlock>()
  const numbers = new Map<string, number>()
  const positions = new Map<string, { readonly number: number; readonly index: number }>()
  let newest = first.block.header.number
  let oldest = newest

  function forget(number: number): void {
    const gone = blocks.get(number)
    if (!gone) return
    blocks.delete(number)
    numbers.delete(gone.block.hash)
    for (const { hash } of gone.transactions) positions.delete(hash)
  }

  function put(block: ArchivedBlock): void {
    const { number } = block.block.header
    blocks.set(number, block)
    numbers.set(block.block.hash, number)
    for (const [index, { hash }] of block.transactions.entries()) positions.set(hash, { number, index })
    newest = number
    for (; oldest < newest && (blocks.size > archivedBlocksMax || positions.size > archivedTransactionsMax); oldest++)
      forget(oldest)
  }
  put(first)
  const at = (number: number) => blocks.get(number)
  return {
    head: () => blocks.get(newest) as ArchivedBlock,
    oldest: () => oldest,
    at,
    byHash: (hash) => {
      const number = numbers.get(hash)
      return number === undefined ? undefined : at(number)
    },
    find: (hash) => {
      const position = positions.get(hash)
      const block = position && at(position.number)
      return block && { block, index: position.index }
    },
    add: (block) => {
      invariant(block.block.header.number === newest + 1, 'the archive has no holes')
      put(block)
    },
  }
}

/** The receipt of a stored transaction, which was ours to write. */
export function receiptOf(transaction: ArchivedTransaction): Receipt {
  const decoded = decodeReceipt(transaction.receipt)
  invariant(decoded.ok, 'a stored receipt can be read')
  return decoded.value
}
