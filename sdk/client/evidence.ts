import { type Outpoint, transactionBytesMax, txidBytes } from '../bitcoin/index.ts'
import type { BitcoinNode } from '../ports.ts'
import { sameBytes, type Txid } from '../units.ts'
import {
  type BitcoinTransaction,
  burialOf,
  decodeBitcoinHeader,
  decodeMerkleBlock,
  type InclusionProof,
  type MerkleBlock,
  verifyInclusion,
} from '../verify/index.ts'
import type { HeaderBook } from './headers.ts'
import { held, liedNode } from './panel.ts'

/** Most transactions that are remembered of a node as proven, and most bytes of one and its coinbase. */
const provenMax = 512
const rememberedBytesMax = 16_384

/** Most bytes of a `merkleblock` about one transaction: 80, and at most 16 levels of two hashes. */
const merkleBlockBytesMax = 4_096

/** What proves, whatever the chain, that a transaction is in a block. Everything in it was checked. */
export interface Evidence {
  /** Of the block, 80 bytes. */
  readonly header: Uint8Array
  readonly blockHash: Uint8Array
  readonly transaction: BitcoinTransaction
  readonly proof: InclusionProof
}

/**
 * What one node has to prove a transaction, its block being in the chain of most work; nothing while no block holds it.
 * What a node has proven it is not asked again while its block stands.
 *
 * Throws `node/nonsense` when it contradicts itself, and (retryable) when its block is not part of that chain, also
 * after the node was asked for its headers once more.
 */
export type Prove = (node: BitcoinNode, txid: Txid) => Promise<Evidence | null>

export function createProver(book: HeaderBook): Prove {
  const provenBy = new WeakMap<BitcoinNode, Map<Txid, Evidence>>()
  return async (node, txid) => {
    const proven = provenBy.get(node) ?? new Map<Txid, Evidence>()
    provenBy.set(node, proven)
    const known = proven.get(txid)
    if (known && burialOf(book.chain(), known.blockHash)) return known
    const evidence = await evidenceFrom(book, node, txid)
    proven.delete(txid)
    if (evidence && isSmall(evidence)) proven.set(txid, evidence)
    const [oldest] = proven.keys()
    if (proven.size > provenMax && oldest !== undefined) proven.delete(oldest)
    return evidence
  }
}

/** Whether evidence is worth its memory; the rest is asked for again. */
export function isSmall({ transaction, proof }: Evidence): boolean {
  return transaction.bytes.length + (proof.coinbase?.bytes.length ?? 0) <= rememberedBytesMax
}

async function evidenceFrom(book: HeaderBook, node: BitcoinNode, txid: Txid): Promise<Evidence | null> {
  const [inclusion, transaction] = await Promise.all([node.inclusion(txid), node.transaction(txid)])
  if (!inclusion) return null
  if (!transaction) throw liedNode('it proves a transaction that it does not have')
  const evidence = read(txid, inclusion.merkleBlock, transaction)
  // The block may be younger than our last look.
  if (!burialOf(book.chain(), evidence.blockHash)) await book.follow(node)
  if (!burialOf(book.chain(), evidence.blockHash))
    throw liedNode('its proof is of a block that the chain of most work does not hold', { retryable: true })
  return atDepth(node, evidence)
}

/**
 * The spend of an output, as one node proves it; nothing while the node knows of none in a block. An unconfirmed spend
 * is nothing: a claim that no chain can prove. Throws as {@link Prove}.
 *
 * @param script - The output's own.
 */
export async function spendFrom(
  prove: Prove,
  node: BitcoinNode,
  output: { readonly outpoint: Outpoint; readonly script: Uint8Array },
): Promise<Evidence | null> {
  const { outpoint, script } = output
  const told = await node.spend(outpoint, script)
  if (!told || told.height === null) return null
  const evidence = await prove(node, told.txid)
  if (!evidence) return null
  if (!spendIn([evidence.transaction], outpoint))
    throw liedNode('the transaction that it names does not spend the output')
  return evidence
}

/**
 * The evidence with the block's coinbase beside it, which fixes how deep the tree is: a transaction of 64 bytes, taken for an
 * inner node, would have leaves one level below it (CVE-2017-12842).
 */
async function atDepth(node: BitcoinNode, evidence: Evidence): Promise<Evidence> {
  const { header, blockHash, transaction, proof } = evidence
  if (proof.index === 0) return evidence
  const told = await node.coinbase(blockHash)
  if (!told) throw liedNode('it proves a transaction of a block whose first one it does not have', { retryable: true })
  if (told.transaction.length > transactionBytesMax) throw liedNode('its coinbase is larger than a block')
  const first = readMerkleBlock(told.merkleBlock).matches.find(({ proof: { index } }) => index === 0)
  if (!first) throw liedNode('its proof of the coinbase is of another transaction')
  const whole = { ...proof, coinbase: { bytes: told.transaction.slice(), path: first.proof.path } }
  held(verifyInclusion({ header, transaction: transaction.bytes, proof: whole }))
  return { ...evidence, proof: whole }
}

function readMerkleBlock(bytes: Uint8Array): MerkleBlock {
  if (bytes.length > merkleBlockBytesMax) throw liedNode('its proof is larger than any can be')
  const decoded = decodeMerkleBlock(bytes)
  if (!decoded.ok) throw liedNode(`its proof cannot be read: ${decoded.reason}`)
  return decoded.value
}

/** The transaction that spends an output, of some. */
export function spendIn(
  transactions: readonly BitcoinTransaction[],
  { txid, index }: Outpoint,
): BitcoinTransaction | undefined {
  const wanted = txidBytes(txid)
  return transactions.find(({ inputs }) =>
    inputs.some((input) => input.vout === index && sameBytes(input.txid, wanted)),
  )
}

function read(txid: Txid, merkleBlock: Uint8Array, transaction: Uint8Array): Evidence {
  const told = readMerkleBlock(merkleBlock)
  if (transaction.length > transactionBytesMax) throw liedNode('its transaction is larger than a block')
  const wanted = txidBytes(txid)
  const match = told.matches.find((one) => sameBytes(one.txid, wanted))
  if (!match) throw liedNode('its proof is of another transaction')
  const header = decodeBitcoinHeader(told.header)
  // The transaction is hashed here: bytes of another one do not lead to the root.
  const inclusion = verifyInclusion({
    header: told.header,
    transaction: transaction.slice(),
    proof: match.proof,
  })
  if (!header.ok || !inclusion.ok) throw liedNode(inclusion.ok ? 'its proof has no header' : inclusion.reason)
  if (!sameBytes(inclusion.value.transaction.txid, wanted)) throw liedNode('its bytes are another transaction')
  return {
    header: header.value.bytes,
    blockHash: header.value.hash,
    transaction: inclusion.value.transaction,
    proof: match.proof,
  }
}
