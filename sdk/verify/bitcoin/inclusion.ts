import { accepted, type Decoded, refused } from '../../errors.ts'
import { sameBytes } from '../../units.ts'
import { type BitcoinHeader, decodeHeader, hashSize } from './header.ts'
import { merklePath, rootFromPath } from './merkle.ts'
import { type BitcoinTransaction, decodeTransaction } from './transaction.ts'

/** The way from a transaction to the root in its block's header. */
export interface InclusionProof {
  /** Position in the block, from 0. */
  readonly index: number
  /** Hashes beside the way, from the transaction up, 32 bytes each in wire order. */
  readonly path: Uint8Array
  /**
   * The block's first transaction, with or without witness, and its own path: it fixes how deep the tree is. `null`
   * where the source does not give it; the proof then rests on what a forged depth would look like.
   */
  readonly coinbase: { readonly bytes: Uint8Array; readonly path: Uint8Array } | null
}

/** A transaction that is in a block. */
export interface Inclusion {
  readonly header: BitcoinHeader
  readonly transaction: BitcoinTransaction
  readonly index: number
}

/** Bytes of a transaction, without witness, that can be taken for two hashes: an inner node of the tree. */
const nodeSize = 2 * hashSize

/**
 * Proves that a transaction is in the block of a header. The transaction is hashed here; no txid is believed.
 *
 * Funds at risk: nothing is said of the header. A header that nobody mined proves nothing: look it up in a chain
 * ({@link burialOf}). And an output that was made may have been spent since.
 *
 * Refuses a root that does not fit; a transaction of 64 bytes, which could be an inner node (CVE-2017-12842: none can be
 * proven, though mainnet has five); whatever {@link rootFromPath} does; a first transaction that is no coinbase, or
 * another that is one; and a coinbase path of another depth.
 *
 * @param header - 80 bytes.
 * @param transaction - With witness or without.
 */
export function verifyInclusion({
  header: headerBytes,
  transaction: transactionBytes,
  proof: { index, path, coinbase },
}: {
  readonly header: Uint8Array
  readonly transaction: Uint8Array
  readonly proof: InclusionProof
}): Decoded<Inclusion> {
  const header = decodeHeader(headerBytes)
  if (!header.ok) return header
  const transaction = verifyLeaf(header.value, { bytes: transactionBytes, index, path })
  if (!transaction.ok) return transaction
  if (coinbase) {
    const first = verifyLeaf(header.value, { ...coinbase, index: 0 })
    if (!first.ok) return refused(`the coinbase is not proven: ${first.reason}`)
    if (coinbase.path.length !== path.length) return refused('the coinbase lies at another depth than the transaction')
  }
  return accepted({ header: header.value, transaction: transaction.value, index })
}

/** The proof for one of a block's transactions, without its coinbase. Refuses what {@link merklePath} does. */
export function proveInclusion(txids: readonly Uint8Array[], index: number): Decoded<InclusionProof> {
  const path = merklePath(txids, index)
  return path.ok ? accepted({ index, path: path.value, coinbase: null }) : path
}

function verifyLeaf(
  header: BitcoinHeader,
  { bytes, index, path }: { readonly bytes: Uint8Array; readonly index: number; readonly path: Uint8Array },
): Decoded<BitcoinTransaction> {
  const transaction = decodeTransaction(bytes)
  if (!transaction.ok) return transaction
  const { txid, strippedSize, coinbase } = transaction.value
  if (strippedSize === nodeSize) return refused('a transaction of 64 bytes cannot be told from an inner node')
  if (coinbase !== (index === 0)) return refused('a coinbase, and nothing else, stands first in a block')
  const root = rootFromPath({ leaf: txid, index, path })
  if (!root.ok) return root
  if (!sameBytes(root.value, header.merkleRoot)) return refused('the path does not lead to the root in the header')
  return transaction
}
