import { SdkError } from '../errors.ts'
import { senderOf, transactionHash } from '../evm/index.ts'
import {
  headerJson,
  type MinedBefore,
  type MinedTransaction,
  minedTransactionJson,
  receiptJson,
} from '../evm/minedJson.ts'
import type { VerifiedBlock } from '../verify/ethereum/index.ts'

/** Verified blocks as JSON-RPC tells them. What a block's hash does not commit to is left out, above all its size. */

type Json = Readonly<Record<string, unknown>>

/**
 * A block with its transactions, or their hashes. Of withdrawals it has the root alone: a node is not asked for them.
 */
export function blockJson(block: VerifiedBlock, isWhole: boolean): Json {
  const { hash, header, facts } = block
  const transactions = isWhole
    ? facts.transactions.map((_, index) => transactionJsonAt(block, index))
    : facts.transactions.map(transactionHash)
  return { hash, ...headerJson(header), transactions, uncles: [] }
}

/** A transaction in its block; `null` where the block has none at the index. */
export function transactionJsonAt(block: VerifiedBlock, index: number): Json | null {
  const raw = block.facts.transactions[index]
  return raw ? minedTransactionJson(named(raw), { ...block, index }) : null
}

/** The receipts of a whole block, with gas and logs counted over it. */
export function receiptsJson(block: VerifiedBlock): readonly Json[] {
  let before: MinedBefore = { gasUsed: 0n, logs: 0 }
  return block.receipts.map((receipt, index) => {
    const transaction = named(block.facts.transactions[index] as Uint8Array)
    const json = receiptJson({ transaction, receipt, before }, { ...block, index })
    before = { gasUsed: receipt.cumulativeGasUsed, logs: before.logs + receipt.logs.length }
    return json
  })
}

function named(raw: Uint8Array): MinedTransaction {
  const from = senderOf(raw)
  // It is proven that the block holds these bytes; a fork that brought another form would come here.
  if (!from.ok)
    throw new SdkError('client/not-provable', `A transaction of the block cannot be read: ${from.reason}.`, {
      notes: ['It may be of a type that this version does not know: update.'],
    })
  return { raw, hash: transactionHash(raw), from: from.value }
}
