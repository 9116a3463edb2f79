import { keccak256 } from '../crypto/engine.ts'
import { accepted, type Decoded, refused } from '../errors.ts'
import { decodeRlp, encodeRlp, isBytes, type RlpItem } from '../rlp.ts'
import { sameBytes } from '../units.ts'
import { hashedFrom } from './node.ts'
import { decodePath, type Path, pathOf, sharedLength } from './path.ts'
import { emptyTrieRoot, trieKeyBytesMax } from './trie.ts'

/** What a proof is about: the trie with this root, and one key of it. */
export interface TrieProof {
  /** 32 bytes, from a header or an account that the caller has judged. */
  readonly root: Uint8Array
  /** As it stands in the trie: for state and storage, the hash (`secureKey`). */
  readonly key: Uint8Array
  /** Encoded nodes from the root down, as `eth_getProof` (EIP-1186) lists them. */
  readonly proof: readonly Uint8Array[]
}

/**
 * What the trie with this root holds at the key: the value, or `null` when it provably holds none. Never throws.
 *
 * Refuses a node that its parent (or the root) does not name, a proof that stops early or has nodes left over, and
 * every node no trie is built of (Yellow Paper, appendix D): other than canonical RLP or path flags, empty
 * values and paths, a branch of fewer than two entries, an extension that leads to anything but a branch, a short node
 * outside its parent or a long one inside. An empty trie is proven empty by no node at all, or by its one
 * node `0x80`, since nodes answer either way.
 *
 * @returns A view into `proof`, not a copy.
 */
export function verifyTrieProof({ root, key, proof }: TrieProof): Decoded<Uint8Array | null> {
  if (root.length !== 32) return refused('the root is not 32 bytes')
  if (key.length > trieKeyBytesMax) return refused(`the key is longer than ${trieKeyBytesMax} bytes`)
  if (holdsNoNode(proof)) return sameBytes(root, emptyTrieRoot()) ? accepted(null) : refused('the proof holds no node')
  let name: RlpItem = root
  let rest = pathOf(key)
  let used = 0
  let belowExtension = false
  for (;;) {
    const opened = openNode(name, proof, used)
    if (typeof opened === 'string') return refused(opened)
    used = opened.used
    const node = readNode(opened.item)
    if (typeof node === 'string') return refused(node)
    if (belowExtension && node.kind !== 'branch') return refused('an extension does not lead to a branch')
    belowExtension = node.kind === 'extension'
    const step = follow(node, rest)
    if (step.name === null) {
      return used < proof.length ? refused('the proof has nodes left over') : accepted(step.value)
    }
    // Ends: every node that leads on takes at least a nibble of the key with it.
    name = step.name
    rest = step.rest
  }
}

function holdsNoNode(proof: readonly Uint8Array[]): boolean {
  return proof.length === 0 || (proof.length === 1 && proof[0]?.length === 1 && proof[0][0] === 0x80)
}

/** The node of this name: the next one of the proof when the name is a hash, else the name itself. */
function openNode(
  name: RlpItem,
  proof: readonly Uint8Array[],
  used: number,
): { readonly item: RlpItem; readonly used: number } | string {
  if (!isBytes(name)) return { item: name, used }
  const bytes = proof[used]
  if (!bytes) return 'the proof ends before its key does'
  if (!sameBytes(keccak256(bytes), name)) return `node ${used} is not the one its parent names`
  if (used > 0 && bytes.length < hashedFrom) return `node ${used} belongs inside its parent`
  const decoded = decodeRlp(bytes)
  return decoded.ok ? { item: decoded.value, used: used + 1 } : `node ${used} is not canonical RLP: ${decoded.reason}`
}

type ReadNode =
  | { readonly kind: 'leaf'; readonly path: Path; readonly value: Uint8Array }
  | { readonly kind: 'extension'; readonly path: Path; readonly child: RlpItem }
  | { readonly kind: 'branch'; readonly children: readonly RlpItem[]; readonly value: Uint8Array }

function readNode(item: RlpItem): ReadNode | string {
  if (isBytes(item)) return 'a node is not a list'
  if (item.length === 17) return readBranch(item)
  const [packed, content] = item
  if (item.length !== 2 || !packed || !content) return 'a node has neither 2 nor 17 parts'
  const decoded = isBytes(packed) ? decodePath(packed) : undefined
  if (!decoded) return 'the path of a node is not canonical'
  const { kind, path } = decoded
  if (kind === 'leaf') {
    if (!isBytes(content) || content.length === 0) return 'a leaf holds no value'
    return { kind, path, value: content }
  }
  if (path.length === 0) return 'an extension has no path'
  if (!isName(content)) return 'an extension names no node'
  return { kind, path, child: content }
}

function readBranch(item: readonly RlpItem[]): ReadNode | string {
  const children = item.slice(0, 16)
  const value = item[16]
  if (!value || !isBytes(value)) return 'the value of a branch is a list'
  const named = children.filter((child) => !isNothing(child))
  if (!named.every(isName)) return 'a branch names something that is no node'
  if (named.length + (value.length ? 1 : 0) < 2) return 'a branch has fewer than two entries'
  return { kind: 'branch', children, value }
}

/** One node further: the name of the next one, or the answer where the way ends. */
function follow(
  node: ReadNode,
  rest: Path,
): { readonly name: RlpItem; readonly rest: Path } | { readonly name: null; readonly value: Uint8Array | null } {
  if (node.kind === 'branch') {
    const nibble = rest[0]
    if (nibble === undefined) return { name: null, value: node.value.length ? node.value : null }
    const name = node.children[nibble]
    return !name || isNothing(name) ? { name: null, value: null } : { name, rest: rest.subarray(1) }
  }
  const shared = sharedLength(node.path, rest)
  if (shared < node.path.length) return { name: null, value: null }
  if (node.kind === 'leaf') return { name: null, value: shared === rest.length ? node.value : null }
  return { name: node.child, rest: rest.subarray(shared) }
}

/** A hash, or a node that is shorter than one. */
function isName(item: RlpItem): boolean {
  return isBytes(item) ? item.length === 32 : encodeRlp(item).length < hashedFrom
}

function isNothing(item: RlpItem): boolean {
  return item.length === 0 && isBytes(item)
}
