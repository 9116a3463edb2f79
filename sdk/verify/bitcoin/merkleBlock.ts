import { accepted, type Decoded, refused } from '../../errors.ts'
import { fromHex, isHex, joinBytes } from '../../units.ts'
import { hash256 } from './hash.ts'
import { hashSize, headerSize } from './header.ts'
import type { InclusionProof } from './inclusion.ts'
import { blockTransactionsMax, depthMax } from './merkle.ts'
import { type Reader, readBytes, readCount, readerOf, readNumber } from './reader.ts'

/** What a node's proof of inclusion says; nothing of it is verified yet. */
export interface MerkleBlock {
  /** 80 bytes. */
  readonly header: Uint8Array
  /** The transactions it is about, in the order of the block. */
  readonly matches: readonly { readonly txid: Uint8Array; readonly proof: InclusionProof }[]
}

/**
 * Reads a `merkleblock` (BIP-37): what bitcoind's `gettxoutproof` and Esplora's `merkleblock-proof` give. Each match
 * comes out as a proof for {@link verifyInclusion}, which is where its root is compared.
 *
 * Refuses more transactions than a block can hold, and hashes or flags that are missing or left over.
 */
export function decodeMerkleBlock(bytes: Uint8Array): Decoded<MerkleBlock> {
  const reader = readerOf(bytes)
  const header = readBytes(reader, headerSize).slice()
  const transactions = readNumber(reader, 4)
  const hashes = readCount(reader, hashSize, blockTransactionsMax)
  const tree: PartialTree = {
    transactions,
    hashes: readerOf(readBytes(reader, hashes * hashSize)),
    flags: readBytes(reader, readCount(reader, 1)),
    flag: 0,
    nodes: new Map(),
    matches: [],
  }
  if (reader.fault !== null) return refused(reader.fault)
  if (reader.at !== bytes.length) return refused('bytes follow the proof')
  if (transactions < 1 || transactions > blockTransactionsMax)
    return refused(`a block has 1 to ${blockTransactionsMax} transactions`)
  const height = Math.ceil(Math.log2(transactions))
  walk(tree, height, 0)
  if (tree.hashes.fault !== null || tree.flag > tree.flags.length * 8) return refused('hashes or flags are missing')
  if (tree.hashes.at !== tree.hashes.bytes.length || !isSpent(tree)) return refused('hashes or flags are left over')
  const matches = tree.matches.map(({ index, txid }) => {
    const levels = Array.from({ length: height }, (_, level) => nodeBeside(tree, level, index >> level))
    return { txid, proof: { index, path: joinBytes(...levels), coinbase: null } }
  })
  return accepted({ header, matches })
}

/** Most bytes of the JSON that {@link decodeMerkleProof} reads. */
const merkleProofSizeMax = 4_096

/**
 * Reads the JSON `{ block_height, merkle, pos }` that Esplora's `merkle-proof` and Electrum's
 * `blockchain.transaction.get_merkle` give. The height is a hint where to find the header; nothing is verified yet.
 */
export function decodeMerkleProof(
  json: Uint8Array,
): Decoded<{ readonly height: number; readonly proof: InclusionProof }> {
  if (json.length > merkleProofSizeMax) return refused(`the JSON has more than ${merkleProofSizeMax} bytes`)
  const { block_height: height, merkle, pos } = parse(json)
  if (!isNatural(height) || !isNatural(pos)) return refused('the height or the position is no whole number')
  if (!Array.isArray(merkle) || merkle.length > depthMax) return refused(`there is no list of up to ${depthMax} hashes`)
  const path: Uint8Array[] = []
  for (const text of merkle) {
    const hex: unknown = typeof text === 'string' ? `0x${text}` : null
    if (!isHex(hex, hashSize)) return refused('a hash is not 64 hexadecimal digits')
    path.push(fromHex(hex).reverse())
  }
  return accepted({ height, proof: { index: pos, path: joinBytes(...path), coinbase: null } })
}

/** A tree of which only the ways to some leaves, and what stands beside them, are told. */
interface PartialTree {
  readonly transactions: number
  readonly hashes: Reader
  readonly flags: Uint8Array
  /** Flags read so far. */
  flag: number
  /** By level and position. */
  readonly nodes: Map<string, Uint8Array>
  readonly matches: { readonly index: number; readonly txid: Uint8Array }[]
}

/** Reads a node and what is below it, depth first, left before right. Stops going down where flags or hashes end. */
function walk(tree: PartialTree, level: number, position: number): Uint8Array {
  const flagged = ((tree.flags[tree.flag >> 3] ?? 0) >> (tree.flag & 7)) & 1
  tree.flag += 1
  const node = flagged && level > 0 ? walkBelow(tree, level - 1, 2 * position) : readBytes(tree.hashes, hashSize)
  if (flagged && level === 0) tree.matches.push({ index: position, txid: node.slice() })
  tree.nodes.set(`${level}/${position}`, node)
  return node
}

function walkBelow(tree: PartialTree, level: number, position: number): Uint8Array {
  const left = walk(tree, level, position)
  const hasRight = position + 1 < Math.ceil(tree.transactions / 2 ** level)
  return hash256(joinBytes(left, hasRight ? walk(tree, level, position + 1) : left))
}

/** The sibling of a node on the way to a match; the last of an odd row is its own. */
function nodeBeside(tree: PartialTree, level: number, position: number): Uint8Array {
  return tree.nodes.get(`${level}/${position ^ 1}`) ?? (tree.nodes.get(`${level}/${position}`) as Uint8Array)
}

/** True when every flag was read but those that fill up the last byte, and those are not set. */
function isSpent({ flags, flag }: PartialTree): boolean {
  return flags.length === Math.ceil(flag / 8) && (flags.at(-1) ?? 0) < 2 ** (((flag - 1) % 8) + 1)
}

function parse(json: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(new TextDecoder().decode(json)))
  } catch {
    return {}
  }
}

function isNatural(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
