import { txidBytes } from '../../bitcoin/index.ts'
import type { BitcoinInclusion } from '../../ports.ts'
import { sameBytes, type Txid } from '../../units.ts'
import { decodeMerkleBlock, verifyInclusion } from '../../verify/index.ts'
import type { InclusionFinder, KnownTransaction } from './facts.ts'
import type { Nodes } from './nodes.ts'

/**
 * Finds where transactions were mined by what nodes prove: that the transaction is in the block of a header.
 *
 * Funds at risk: that the header is one of the chain of most work, and its height, are the word of one node. A wallet that
 * follows the headers hands in a finder that looks the block up in them.
 */
export function nodesInclusion(
  nodes: Nodes,
  transaction: (txid: Txid) => Promise<KnownTransaction | undefined>,
): InclusionFinder {
  return async (txid) => {
    const told = (await nodes.ask((node) => node.inclusion(txid))).flatMap((one) => one ?? [])
    const known = told.length > 0 ? await transaction(txid) : undefined
    const proven = known && told.find((one) => isProven(one, txid, known.bytes))
    return proven ? { height: proven.height } : null
  }
}

function isProven({ hash, merkleBlock }: BitcoinInclusion, txid: Txid, bytes: Uint8Array): boolean {
  const decoded = decodeMerkleBlock(merkleBlock)
  const match = decoded.ok && decoded.value.matches.find((one) => sameBytes(one.txid, txidBytes(txid)))
  if (!match) return false
  const verified = verifyInclusion({ header: decoded.value.header, transaction: bytes, proof: match.proof })
  return verified.ok && sameBytes(verified.value.header.hash, hash)
}
