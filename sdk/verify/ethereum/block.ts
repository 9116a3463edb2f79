import { keccak256 } from '../../crypto/engine.ts'
import { accepted, type Decoded, refused } from '../../errors.ts'
import { blockHashOf, decodeHeader, type Header } from '../../evm/block.ts'
import { decodeReceipt, type Receipt } from '../../evm/receipt.ts'
import { decodeWithdrawal, type Withdrawal } from '../../evm/withdrawal.ts'
import { orderedKey, orderedTrie, type Trie, verifyTrieProof } from '../../trie/index.ts'
import { type BlockHash, sameBytes, type TxHash, toHex, txHash } from '../../units.ts'
import type { Claim, NodeVerdict, Verified } from '../verdict.ts'
import { committedTrie, readReceipts } from './lists.ts'

/** A block as somebody tells it, and the hash it should have. */
export interface BlockFacts {
  /** The header in consensus encoding (RLP). */
  readonly header: Uint8Array
  /** Raw transactions (EIP-2718), all of them, in order. */
  readonly transactions: readonly Uint8Array[]
  /** Receipts in consensus encoding (EIP-2718), all of them, in order. */
  readonly receipts: readonly Uint8Array[]
  /** In consensus encoding (RLP), all of them, in order; absent where nobody told them. */
  readonly withdrawals?: readonly Uint8Array[]
  readonly expectedHash: BlockHash
}

/** A block whose every part its hash commits to. As true as that hash, and no more. */
export interface VerifiedBlock {
  readonly hash: BlockHash
  readonly header: Header
  readonly receipts: readonly Receipt[]
  /** `null` where nobody told them, and in blocks that have none by their fork. */
  readonly withdrawals: readonly Withdrawal[] | null
  /** What was verified, with the raw transactions. */
  readonly facts: BlockFacts
  readonly transactionsTrie: Trie
  readonly receiptsTrie: Trie
}

/**
 * Checks a whole block against its hash (Yellow Paper, section 4.3): the header has the hash, the transactions and
 * receipts have the header's roots, so none is missing, added or moved, and the receipts' gas adds up to the
 * header's. Never throws; each lie is refused with its own reason.
 *
 * It does not judge where the hash comes from, whether the chain's rules allow the block, nor its uncles; withdrawals
 * that are told are held to their root too.
 */
export function verifyBlock(facts: BlockFacts): Decoded<VerifiedBlock> {
  const hash = blockHashOf(facts.header)
  if (hash !== facts.expectedHash) return refused('the header does not have the expected block hash')
  const header = decodeHeader(facts.header)
  if (!header.ok) return header
  if (facts.transactions.length !== facts.receipts.length)
    return refused(`there are ${facts.transactions.length} transactions and ${facts.receipts.length} receipts`)
  const transactionsTrie = committedTrie(facts.transactions, header.value.transactionsRoot, 'transaction')
  if (!transactionsTrie.ok) return transactionsTrie
  const receiptsTrie = committedTrie(facts.receipts, header.value.receiptsRoot, 'receipt')
  if (!receiptsTrie.ok) return receiptsTrie
  const receipts = readReceipts(facts.receipts)
  if (!receipts.ok) return receipts
  const fault = faultOfGas(receipts.value, header.value.gasUsed)
  if (fault !== null) return refused(fault)
  const withdrawals = readWithdrawals(header.value, facts.withdrawals)
  if (!withdrawals.ok) return withdrawals
  return accepted({
    hash,
    header: header.value,
    receipts: receipts.value,
    withdrawals: withdrawals.value,
    facts,
    transactionsTrie: transactionsTrie.value,
    receiptsTrie: receiptsTrie.value,
  })
}

function readWithdrawals(header: Header, told?: readonly Uint8Array[]): Decoded<readonly Withdrawal[] | null> {
  if (!told) return accepted(null)
  if (!('withdrawalsRoot' in header))
    return told.length === 0 ? accepted(null) : refused('it has withdrawals, and no root of them')
  const trie = committedTrie(told, header.withdrawalsRoot, 'withdrawal')
  if (!trie.ok) return trie
  const read: Withdrawal[] = []
  for (const bytes of told) {
    const withdrawal = decodeWithdrawal(bytes)
    if (!withdrawal.ok) return withdrawal
    read.push(withdrawal.value)
  }
  return accepted(read)
}

/** A block that was verified elsewhere and came without its tries, as between threads: they are made when they are looked at. */
export function withTries(block: Omit<VerifiedBlock, 'transactionsTrie' | 'receiptsTrie'>): VerifiedBlock {
  return {
    ...block,
    get transactionsTrie() {
      return orderedTrie(block.facts.transactions)
    },
    get receiptsTrie() {
      return orderedTrie(block.facts.receipts)
    },
  }
}

/** That a block holds a transaction at an index. Portable: whoever trusts the block's hash can check it. */
export interface TransactionProof {
  /** The header in consensus encoding (RLP). */
  readonly header: Uint8Array
  readonly index: number
  /** Raw (EIP-2718). */
  readonly transaction: Uint8Array
  readonly proof: readonly Uint8Array[]
}

/** That a block holds a receipt at an index. Portable: whoever trusts the block's hash can check it. */
export interface ReceiptProof {
  /** The header in consensus encoding (RLP). */
  readonly header: Uint8Array
  readonly index: number
  /** In consensus encoding (EIP-2718). */
  readonly receipt: Uint8Array
  readonly proof: readonly Uint8Array[]
}

/** Proves the transaction at `index`. Refuses an index the block does not have. */
export function proveTransaction(block: VerifiedBlock, index: number): Decoded<TransactionProof> {
  const transaction = block.facts.transactions[index]
  if (!transaction) return refused(`the block has no transaction ${index}`)
  const proof = block.transactionsTrie.prove(orderedKey(index))
  return accepted({ header: block.facts.header, index, transaction, proof })
}

/** Proves the receipt at `index`. Refuses an index the block does not have. */
export function proveReceipt(block: VerifiedBlock, index: number): Decoded<ReceiptProof> {
  const receipt = block.facts.receipts[index]
  if (!receipt) return refused(`the block has no receipt ${index}`)
  const proof = block.receiptsTrie.prove(orderedKey(index))
  return accepted({ header: block.facts.header, index, receipt, proof })
}

/** Where in which block. */
interface Inclusion {
  readonly blockHash: BlockHash
  readonly header: Header
  readonly index: number
}

/** A transaction and the place in a block where its header commits to it. */
export interface ProvenTransaction extends Inclusion {
  /** Worked out from the bytes, whatever anybody said it was. */
  readonly hash: TxHash
  readonly transaction: Uint8Array
}

/** A receipt and the place in a block where its header commits to it. */
export interface ProvenReceipt extends Inclusion {
  readonly receipt: Receipt
}

/**
 * Checks that the header commits to this transaction at this index. Never throws.
 *
 * The verdict is of level `node`: compare `blockHash` with one you have a reason to trust.
 *
 * @param told - The proof, and the names of those who told it, for the verdict.
 */
export function verifyTransactionProof(
  told: TransactionProof & { readonly sources?: readonly string[] },
): Decoded<Verified<ProvenTransaction>> {
  const { transaction } = told
  const included = verifyInclusion({ ...told, bytes: transaction, root: 'transactionsRoot' })
  if (!included.ok) return included
  const value = { ...included.value, transaction, hash: txHash(toHex(keccak256(transaction))) }
  return accepted({ value, verdict: verdictOf('transaction-inclusion', value, told.sources) })
}

/**
 * Checks that the header commits to this receipt at this index. Never throws.
 *
 * The verdict is of level `node`: compare `blockHash` with one you have a reason to trust.
 *
 * Funds at risk: a receipt does not name its transaction. That a payment went through takes both proofs, with one
 * `blockHash` and one `index`.
 *
 * @param told - The proof, and the names of those who told it, for the verdict.
 */
export function verifyReceiptProof(
  told: ReceiptProof & { readonly sources?: readonly string[] },
): Decoded<Verified<ProvenReceipt>> {
  const included = verifyInclusion({ ...told, bytes: told.receipt, root: 'receiptsRoot' })
  if (!included.ok) return included
  const receipt = decodeReceipt(told.receipt)
  if (!receipt.ok) return receipt
  const value = { ...included.value, receipt: receipt.value }
  return accepted({ value, verdict: verdictOf('receipt-inclusion', value, told.sources) })
}

/** What is wrong with the gas that receipts tell, if anything. */
function faultOfGas(receipts: readonly Receipt[], gasUsed: bigint): string | null {
  let gas = 0n
  for (const [index, { cumulativeGasUsed }] of receipts.entries()) {
    if (cumulativeGasUsed < gas) return `receipt ${index} tells less gas than those before it`
    gas = cumulativeGasUsed
  }
  return gas === gasUsed ? null : `the receipts tell ${gas} gas, the header ${gasUsed}`
}

function verifyInclusion(told: {
  readonly header: Uint8Array
  readonly index: number
  readonly bytes: Uint8Array
  readonly proof: readonly Uint8Array[]
  readonly root: 'transactionsRoot' | 'receiptsRoot'
}): Decoded<Inclusion> {
  const { index, bytes, proof } = told
  if (!Number.isSafeInteger(index) || index < 0) return refused('the index is not a whole number from 0')
  const header = decodeHeader(told.header)
  if (!header.ok) return header
  const held = verifyTrieProof({ root: header.value[told.root], key: orderedKey(index), proof })
  if (!held.ok) return refused(`the proof does not hold: ${held.reason}`)
  if (!held.value) return refused(`the header commits to nothing at index ${index}`)
  if (!sameBytes(held.value, bytes)) return refused(`the header commits to something else at index ${index}`)
  return accepted({ blockHash: blockHashOf(told.header), header: header.value, index })
}

function verdictOf(claim: Claim, { blockHash }: Inclusion, sources: readonly string[] = []): NodeVerdict {
  return { level: 'node', anchor: { kind: 'block', hash: blockHash }, proven: [claim], sources }
}
