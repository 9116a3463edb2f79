import { keccak256 } from '../crypto/engine.ts'
import { SdkError } from '../errors.ts'
import type { Receipt } from '../evm/receipt.ts'
import type { EvmNode } from '../ports.ts'
import { type BlockHash, type TxHash, toHex, txHash } from '../units.ts'
import {
  proveReceipt,
  proveTransaction,
  type Verified,
  type VerifiedBlock,
  verifyBlock,
  verifyReceiptProof,
  verifyTransactionProof,
} from '../verify/index.ts'

/** Most blocks kept after they were verified. */
export const blocksKeptMax = 32

/** The name of the wallet's node in verdicts. */
const source = 'evm'

/** One transaction of a block, and what became of it. */
export interface Included {
  readonly hash: TxHash
  readonly blockNumber: number
  readonly blockHash: BlockHash
  readonly index: number
  readonly receipt: Receipt
}

/** A verified block that can be asked by hash. */
export interface KnownBlock {
  readonly block: VerifiedBlock
  readonly indexOf: (hash: TxHash) => number | undefined
}

/** Blocks of one node, verified before anything is taken from them. */
export interface BlockBook {
  /**
   * The block of this number, or nothing when the node has none. `fresh` asks again, since another block may have
   * taken the number. Throws what the node throws, and `node/nonsense` for a block that does not fit its own hash.
   */
  readonly at: (number: number, age: 'kept' | 'fresh') => Promise<KnownBlock | undefined>
}

/** An empty book. */
export function blockBook(evm: EvmNode): BlockBook {
  const kept = new Map<number, Promise<KnownBlock | undefined>>()
  return {
    at: (number, age) => {
      const known = kept.get(number)
      if (known && age === 'kept') return known
      const asked = fetchBlock(evm, number)
      kept.delete(number)
      kept.set(number, asked)
      const forget = () => {
        if (kept.get(number) === asked) kept.delete(number)
      }
      asked.then((block) => block ?? forget(), forget)
      for (const oldest of kept.keys()) if (kept.size > blocksKeptMax) kept.delete(oldest)
      return asked
    },
  }
}

/**
 * Proves by trie that the block holds the transaction and this receipt of it, both against the header's roots.
 *
 * @returns Nothing when the block does not hold it. The verdict is of level `node`: of the header nothing is proven.
 */
export function proveIncluded({ block, indexOf }: KnownBlock, hash: TxHash): Verified<Included> | undefined {
  const index = indexOf(hash)
  if (index === undefined) return undefined
  const transaction = proveTransaction(block, index)
  const receipt = proveReceipt(block, index)
  if (!transaction.ok || !receipt.ok) return undefined
  const sources = [source]
  const inclusion = verifyTransactionProof({ ...transaction.value, sources })
  const outcome = verifyReceiptProof({ ...receipt.value, sources })
  if (!inclusion.ok || !outcome.ok || inclusion.value.value.hash !== hash) return undefined
  const { blockHash, header } = outcome.value.value
  const { level, anchor } = outcome.value.verdict
  return {
    value: { hash, blockNumber: header.number, blockHash, index, receipt: outcome.value.value.receipt },
    // One header and one index in both proofs: together they say that this payment went through.
    verdict: { level, anchor, sources, proven: [...inclusion.value.verdict.proven, ...outcome.value.verdict.proven] },
  }
}

async function fetchBlock(evm: EvmNode, number: number): Promise<KnownBlock | undefined> {
  const told = await evm.block(number)
  if (!told) return undefined
  const { header, transactions, receipts, hash } = told
  const verified = verifyBlock({ header, transactions, receipts, expectedHash: hash })
  if (!verified.ok) throw nonsense(verified.reason)
  if (verified.value.header.number !== number) throw nonsense('it is another block')
  const indices = new Map(transactions.map((raw, index) => [txHash(toHex(keccak256(raw))), index]))
  return { block: verified.value, indexOf: (wanted) => indices.get(wanted) }
}

function nonsense(reason: string): SdkError {
  return new SdkError('node/nonsense', `The node told a block that does not hold together: ${reason}.`)
}
