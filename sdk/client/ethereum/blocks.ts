import { keccak256 } from '../../crypto/engine.ts'
import type { ProofNode } from '../../ports.ts'
import { type TxHash, toHex } from '../../units.ts'
import {
  type BeaconVerdict,
  type Evidence,
  proveReceipt,
  proveTransaction,
  type TrustedBlock,
  type VerifiedBlock,
} from '../../verify/ethereum/index.ts'
import { held, liedNode } from '../panel.ts'
import { type Answer, type BlockChoice, type Reader, wholeBlock } from './reader.ts'

type Of<kind extends Evidence['kind']> = Extract<Evidence, { readonly kind: kind }>

/** A transaction that a block holds, with the whole block: what its receipt tells depends on those before it. */
export interface MinedIn {
  readonly block: VerifiedBlock
  readonly index: number
}

/** A whole block. */
export function blockOn(reader: Reader, choice: BlockChoice | undefined): Promise<Answer<VerifiedBlock>> {
  return reader.read(choice, 'block', wholeEvidence)
}

/** A transaction and its receipt, each proven by itself; nothing when no node shows it. */
export async function paymentOn(reader: Reader, hash: TxHash, level: BeaconVerdict['level']) {
  const place = await reader.holding(hash, level)
  return (
    place &&
    reader.readAt(place, 'payment', async (node, { hash: blockHash }): Promise<Of<'payment'>> => {
      const block = await wholeBlock(node, blockHash)
      const index = indexIn(block, hash)
      const sent = held(proveTransaction(block, index))
      const done = held(proveReceipt(block, index))
      return {
        kind: 'payment',
        index,
        transaction: sent.transaction,
        transactionProof: sent.proof,
        receipt: done.receipt,
        receiptProof: done.proof,
      }
    })
  )
}

/** A transaction in its whole block; nothing when no node shows it. */
export async function minedOn(
  reader: Reader,
  hash: TxHash,
  level: BeaconVerdict['level'],
): Promise<Answer<MinedIn> | null> {
  const place = await reader.holding(hash, level)
  if (!place) return null
  const { value, verdict } = await reader.readAt(place, 'block', wholeEvidence)
  return { value: { block: value, index: indexIn(value, hash) }, verdict }
}

async function wholeEvidence(node: ProofNode, { hash }: TrustedBlock): Promise<Of<'block'>> {
  const { transactions, receipts, withdrawals = null } = (await wholeBlock(node, hash)).facts
  return { kind: 'block', transactions, receipts, withdrawals }
}

function indexIn({ facts }: VerifiedBlock, hash: TxHash): number {
  const index = facts.transactions.findIndex((bytes) => toHex(keccak256(bytes)) === hash)
  if (index < 0) throw liedNode('the block that it names does not hold the transaction')
  return index
}
