import { keccak256 } from '../crypto/engine.ts'
import { accepted, type Decoded, refused } from '../errors.ts'
import { decodeRlp, type RlpHead, readRlpHead } from '../rlp.ts'
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
  let name: Name = { kind: 'hash', bytes: root }
  let rest = pathOf(key)
  let used = 0
  let belowExtension = false
  for (;;) {
    const opened = openNode(name, proof, used)
    if (typeof opened === 'string') return refused(opened)
    if (name.kind === 'hash') used += 1
    const node = readNode(opened, rest[0])
    if (typeof node === 'string') return refused(node.startsWith(rlpFault) ? `node ${used - 1} ${node}` : node)
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

/** What a node calls the next one: its hash, or the short node itself, as it stands inside its parent. */
interface Name {
  readonly kind: 'hash' | 'node'
  readonly bytes: Uint8Array
}

/** The encoding of the node of this name: the next one of the proof when the name is a hash, else the name itself. */
function openNode(name: Name, proof: readonly Uint8Array[], used: number): Uint8Array | string {
  if (name.kind === 'node') return name.bytes
  const bytes = proof[used]
  if (!bytes) return 'the proof ends before its key does'
  if (!sameBytes(keccak256(bytes), name.bytes)) return `node ${used} is not the one its parent names`
  if (used > 0 && bytes.length < hashedFrom) return `node ${used} belongs inside its parent`
  return bytes
}

type ReadNode =
  | { readonly kind: 'leaf'; readonly path: Path; readonly value: Uint8Array }
  | { readonly kind: 'extension'; readonly path: Path; readonly child: Name }
  /** `child` is the one that the key takes; `null` where there is none. */
  | { readonly kind: 'branch'; readonly child: Name | null; readonly value: Uint8Array }

const branchParts = 17

/**
 * Reads a node where it stands: every part is held to its form, and only the one that the key takes is kept.
 *
 * @param nibble - Which child of a branch; nothing where the key ends.
 */
function readNode(bytes: Uint8Array, nibble: number | undefined): ReadNode | string {
  const list = readRlpHead(bytes, 0, bytes.length)
  if (typeof list === 'string') return notCanonical(list)
  if (list.end !== bytes.length) return notCanonical('bytes follow the item')
  if (!list.list) return 'a node is not a list'
  const first = readRlpHead(bytes, list.start, list.end)
  if (typeof first === 'string') return list.start === list.end ? wrongCount : notCanonical(first)
  const second = readRlpHead(bytes, first.end, list.end)
  if (typeof second === 'string') return first.end === list.end ? wrongCount : notCanonical(second)
  if (second.end < list.end) return readBranch(bytes, list, nibble)
  if (!first.list && !second.list) return readShort(bytes, first, second)
  const inner = second.list ? decodeRlp(bytes.subarray(first.end, second.end)) : undefined
  if (inner && !inner.ok) return notCanonical(inner.reason)
  return first.list ? wrongPath : readShort(bytes, first, second)
}

const wrongCount = 'a node has neither 2 nor 17 parts'
const wrongPath = 'the path of a node is not canonical'

/** A leaf or an extension. */
function readShort(bytes: Uint8Array, packed: RlpHead, content: RlpHead): ReadNode | string {
  const decoded = decodePath(bytes.subarray(packed.start, packed.end))
  if (!decoded) return wrongPath
  const { kind, path } = decoded
  const value = bytes.subarray(content.start, content.end)
  if (kind === 'leaf') {
    if (content.list || value.length === 0) return 'a leaf holds no value'
    return { kind, path, value }
  }
  if (path.length === 0) return 'an extension has no path'
  if (!isName(packed.end, content)) return 'an extension names no node'
  return { kind, path, child: nameIn(bytes, packed.end, content) }
}

function readBranch(bytes: Uint8Array, list: RlpHead, nibble: number | undefined): ReadNode | string {
  let [at, count, named] = [list.start, 0, 0]
  let child: Name | null = null
  let value = bytes.subarray(0, 0)
  let fault: string | null = null
  for (; at < list.end; count++) {
    const part = readRlpHead(bytes, at, list.end)
    if (typeof part === 'string') return notCanonical(part)
    if (part.list) {
      // A short node inside, or a value that is none: canonical it has to be, as all of the node.
      const inner = decodeRlp(bytes.subarray(at, part.end))
      if (!inner.ok) return notCanonical(inner.reason)
    }
    const isEmpty = !part.list && part.start === part.end
    if (count === branchParts - 1) {
      if (part.list) fault = 'the value of a branch is a list'
      value = bytes.subarray(part.start, part.end)
      if (!isEmpty) named += 1
    } else if (!isEmpty) {
      if (!isName(at, part)) fault ??= 'a branch names something that is no node'
      else if (count === nibble) child = nameIn(bytes, at, part)
      named += 1
    }
    at = part.end
    if (count === branchParts) return wrongCount
  }
  if (count !== branchParts) return wrongCount
  if (fault !== null) return fault
  return named < 2 ? 'a branch has fewer than two entries' : { kind: 'branch', child, value }
}

/** One node further: the name of the next one, or the answer where the way ends. */
function follow(
  node: ReadNode,
  rest: Path,
): { readonly name: Name; readonly rest: Path } | { readonly name: null; readonly value: Uint8Array | null } {
  if (node.kind === 'branch') {
    if (rest.length === 0) return { name: null, value: node.value.length ? node.value : null }
    return node.child ? { name: node.child, rest: rest.subarray(1) } : { name: null, value: null }
  }
  const shared = sharedLength(node.path, rest)
  if (shared < node.path.length) return { name: null, value: null }
  if (node.kind === 'leaf') return { name: null, value: shared === rest.length ? node.value : null }
  return { name: node.child, rest: rest.subarray(shared) }
}

/** A hash, or a node that is shorter than one. */
function isName(at: number, { list, start, end }: RlpHead): boolean {
  return list ? end - at < hashedFrom : end - start === 32
}

/** What {@link isName} found to be one. */
function nameIn(bytes: Uint8Array, at: number, { list, start, end }: RlpHead): Name {
  return list ? { kind: 'node', bytes: bytes.subarray(at, end) } : { kind: 'hash', bytes: bytes.subarray(start, end) }
}

const rlpFault = 'is not canonical RLP'

function notCanonical(why: string): string {
  return `${rlpFault}: ${why}`
}
