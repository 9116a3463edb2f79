import { keccak256 } from '../crypto/engine.ts'
import { invariant } from '../errors.ts'
import { encodeRlp, quantity } from '../rlp.ts'
import { encodeNode, hashedFrom, insert, type Node, nodesTowards, remove, valueAt } from './node.ts'
import { pathOf } from './path.ts'

/** Longest key of a trie: state, storage, transactions and receipts all have at most a hash. */
export const trieKeyBytesMax = 32

/**
 * A Merkle-Patricia trie (Ethereum Yellow Paper, appendix D). It never changes: an update returns another one,
 * which shares what it can, so an old root stays provable at no cost.
 *
 * The order of updates leaves no trace: equal contents have equal roots. Keys are at most
 * {@link trieKeyBytesMax} bytes, values never empty; both are kept, not copied.
 */
export interface Trie {
  /** keccak256 of the first node, 32 bytes. Hashes are worked out when asked for, each once. */
  readonly root: Uint8Array
  /** What stands at `key`; nothing when nothing does. */
  readonly get: (key: Uint8Array) => Uint8Array | undefined
  /** The trie with `value` at `key`, whatever was there. */
  readonly with: (key: Uint8Array, value: Uint8Array) => Trie
  /** The trie without `key`; the same one when it has no such key. */
  readonly without: (key: Uint8Array) => Trie
  /**
   * The hashed nodes from the root towards `key`, as `eth_getProof` (EIP-1186) lists them. They prove its value or,
   * where the trie has none, its absence; an empty trie needs no node for that.
   */
  readonly prove: (key: Uint8Array) => readonly Uint8Array[]
}

/** Root of the trie that holds nothing: keccak256 of the empty string in RLP. */
export function emptyTrieRoot(): Uint8Array {
  return keccak256(encodeRlp(new Uint8Array(0)))
}

/** The trie of `entries`; of two with one key the later stays. */
export function buildTrie(entries: Iterable<readonly [key: Uint8Array, value: Uint8Array]>): Trie {
  let node: Node | null = null
  for (const [key, value] of entries) node = insertEntry(node, key, value)
  return trieOf(node)
}

/** The trie of a list under the keys of {@link orderedKey}, as blocks commit to transactions and receipts. */
export function orderedTrie(values: readonly Uint8Array[]): Trie {
  return buildTrie(values.map((value, index) => [orderedKey(index), value] as const))
}

/** Key of the list item at `index`: the index in RLP. */
export function orderedKey(index: number): Uint8Array {
  return encodeRlp(quantity(index))
}

/** Key of `bytes` in the tries of state (an address) and storage (a slot): their hash, which no sender can choose. */
export function secureKey(bytes: Uint8Array): Uint8Array {
  return keccak256(bytes)
}

function trieOf(top: Node | null): Trie {
  let root: Uint8Array | undefined
  const trie: Trie = {
    get root() {
      root ??= top ? keccak256(encodeNode(top)) : emptyTrieRoot()
      return root
    },
    get: (key) => valueAt(top, pathOf(key)),
    with: (key, value) => trieOf(insertEntry(top, key, value)),
    without: (key) => {
      const left = top && remove(top, pathOf(key))
      return left === top ? trie : trieOf(left)
    },
    prove: (key) =>
      nodesTowards(top, pathOf(key))
        .map(encodeNode)
        .filter((bytes, depth) => depth === 0 || bytes.length >= hashedFrom),
  }
  return trie
}

function insertEntry(node: Node | null, key: Uint8Array, value: Uint8Array): Node {
  invariant(key.length <= trieKeyBytesMax, `a trie key is at most ${trieKeyBytesMax} bytes`)
  // In a branch, an empty value reads as none: the root would not commit to this entry.
  invariant(value.length > 0, 'a trie holds no empty value')
  return insert(node, pathOf(key), value)
}
