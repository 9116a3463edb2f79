import { accepted, type Decoded, refused } from '../../errors.ts'
import { decodeReceipt, type Receipt } from '../../evm/receipt.ts'
import { orderedTrie, type Trie } from '../../trie/index.ts'
import { sameBytes } from '../../units.ts'

/** The trie of a list that a header names the root of: all of it, in order. Never throws. */
export function committedTrie(items: readonly Uint8Array[], root: Uint8Array, what: string): Decoded<Trie> {
  // A trie holds no empty value: the root would not commit to such an item.
  const empty = items.findIndex((item) => item.length === 0)
  if (empty >= 0) return refused(`${what} ${empty} is empty`)
  const trie = orderedTrie(items)
  return sameBytes(trie.root, root) ? accepted(trie) : refused(`the ${what}s do not have the root the header names`)
}

/** Reads receipts in consensus encoding. Never throws. */
export function readReceipts(bytes: readonly Uint8Array[]): Decoded<readonly Receipt[]> {
  const receipts: Receipt[] = []
  for (const [index, item] of bytes.entries()) {
    const receipt = decodeReceipt(item)
    if (!receipt.ok) return refused(`receipt ${index}: ${receipt.reason}`)
    receipts.push(receipt.value)
  }
  return accepted(receipts)
}
