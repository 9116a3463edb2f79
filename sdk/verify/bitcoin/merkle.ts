import { accepted, type Decoded, refused } from '../../errors.ts'
import { joinBytes, sameBytes } from '../../units.ts'
import { hash256 } from './hash.ts'
import { hashSize } from './header.ts'
import { decodeTransaction } from './transaction.ts'

/** Most transactions in a block: none weighs less than 240 (60 bytes without witness). */
export const blockTransactionsMax = 16_666
/** Levels of the Merkle tree above that many leaves. */
export const depthMax = 15

/** A leaf and its way up a Merkle tree. */
interface MerklePath {
  readonly leaf: Uint8Array
  /** Position of the leaf, from 0. Each bit says on which side a sibling stands, lowest bit first. */
  readonly index: number
  /** Siblings from the leaf up, 32 bytes each. */
  readonly path: Uint8Array
}

/**
 * Root that a path leads to.
 *
 * @returns Refused when the index has bits that the path does not use, when there are more levels than a block can
 *   have, when a node stands to the right of itself, which only a forged repetition does (CVE-2012-2459), and when an
 *   inner node is a transaction at the same time (CVE-2017-12842).
 */
export function rootFromPath({ leaf, index, path }: MerklePath): Decoded<Uint8Array> {
  const depth = path.length / hashSize
  if (leaf.length !== hashSize || !Number.isInteger(depth)) return refused('the path is not made of whole hashes')
  if (depth > depthMax) return refused(`the path has more than ${depthMax} levels`)
  if (!Number.isInteger(index) || index < 0 || index >= 2 ** depth) return refused('the index does not fit the path')
  let node = leaf
  let last = false
  for (let level = 0; level < depth; level++) {
    const sibling = path.subarray(level * hashSize, (level + 1) * hashSize)
    const right = (index >> level) % 2 === 1
    const repeated = sameBytes(node, sibling)
    // A node without a right neighbour is paired with itself: it ends its row, so all above it end theirs.
    if (repeated && right) return refused('a node stands to the right of itself')
    if (last && !right && !repeated) return refused('a node follows the end of its row')
    last ||= repeated
    const pair = right ? joinBytes(sibling, node) : joinBytes(node, sibling)
    if (decodeTransaction(pair).ok) return refused('an inner node is a transaction too')
    node = hash256(pair)
  }
  return accepted(node)
}

/**
 * Root of a block's transactions, or of their witness hashes.
 * Refuses no leaves, more than {@link blockTransactionsMax}, and two equal neighbours: a list with its end repeated has
 * the root of the shorter list (CVE-2012-2459), so no honest one has them.
 */
export function merkleRoot(leaves: readonly Uint8Array[]): Decoded<Uint8Array> {
  const rows = rowsOf(leaves)
  return rows.ok ? accepted(rows.value.at(-1)?.[0] as Uint8Array) : rows
}

/** Siblings from a leaf up to the root, as {@link rootFromPath} reads them. Refuses what {@link merkleRoot} does. */
export function merklePath(leaves: readonly Uint8Array[], index: number): Decoded<Uint8Array> {
  if (leaves[index] === undefined) return refused('there is no leaf at the index')
  const rows = rowsOf(leaves)
  if (!rows.ok) return rows
  const siblings = rows.value.slice(0, -1).map((row, level) => {
    const at = index >> level
    return row[at ^ 1] ?? (row[at] as Uint8Array)
  })
  return accepted(joinBytes(...siblings))
}

type Row = readonly Uint8Array[]

/** From the leaves up to the row of one. */
function rowsOf(leaves: Row): Decoded<readonly Row[]> {
  if (leaves.length === 0 || leaves.length > blockTransactionsMax)
    return refused(`a block has 1 to ${blockTransactionsMax} transactions`)
  if (leaves.some(({ length }) => length !== hashSize)) return refused('a leaf is not a hash')
  const rows = [leaves]
  for (let row = leaves; row.length > 1; rows.push(row)) {
    const above: Uint8Array[] = []
    for (let at = 0; at < row.length; at += 2) {
      const left = row[at] as Uint8Array
      const right = row[at + 1]
      if (right && sameBytes(left, right)) return refused('two neighbours are equal')
      above.push(hash256(joinBytes(left, right ?? left)))
    }
    row = above
  }
  return accepted(rows)
}
