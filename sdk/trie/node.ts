import { keccak256 } from '../crypto/engine.ts'
import { encodeRlp, type RlpItem } from '../rlp.ts'
import { sameBytes } from '../units.ts'
import { encodePath, joinPaths, type Path, sharedLength } from './path.ts'

/**
 * Nodes never change: an update makes new ones along one path and shares the rest.
 *
 * The types leave no room for a second trie with the same contents: below an extension stands a branch, and
 * only {@link branchOrLess} makes a branch where something was taken away.
 */
export type Node = Leaf | Extension | Branch

interface Leaf extends Named {
  readonly kind: 'leaf'
  readonly path: Path
  readonly value: Uint8Array
}

interface Extension extends Named {
  readonly kind: 'extension'
  readonly path: Path
  readonly child: Branch
}

interface Branch extends Named {
  readonly kind: 'branch'
  /** Sixteen, one a nibble. */
  readonly children: readonly (Node | null)[]
  /** Of the key that ends here. */
  readonly value: Uint8Array | null
}

interface Named {
  /** How a parent names this node; worked out once, since it costs a hash. */
  name: RlpItem | null
}

/** Bytes from which on a node is named by its hash instead of standing inside its parent. */
export const hashedFrom = 32

/** The node in consensus encoding (Yellow Paper, appendix D). */
export function encodeNode(node: Node): Uint8Array {
  return encodeRlp(itemOf(node))
}

/** The node's hash, or the node itself where it is shorter than a hash. */
function nameOf(node: Node): RlpItem {
  if (node.name) return node.name
  const item = itemOf(node)
  const bytes = encodeRlp(item)
  node.name = bytes.length < hashedFrom ? item : keccak256(bytes)
  return node.name
}

/** The trie below `node` with `value` at `path`. */
export function insert(node: Node | null, path: Path, value: Uint8Array): Node {
  switch (node?.kind) {
    case undefined:
      return leaf(path, value)
    case 'leaf':
      return insertAtLeaf(node, path, value)
    case 'extension':
      return insertAtExtension(node, path, value)
    case 'branch':
      return insertIntoBranch(node, path, value)
  }
}

/** The trie below `node` without `path`; the very same node when nothing is there. */
export function remove(node: Node, path: Path): Node | null {
  switch (node.kind) {
    case 'leaf':
      return sameBytes(node.path, path) ? null : node
    case 'extension': {
      if (sharedLength(node.path, path) < node.path.length) return node
      const child = remove(node.child, path.subarray(node.path.length))
      if (child === node.child) return node
      return child && prefixed(node.path, child)
    }
    case 'branch':
      return removeFromBranch(node, path)
  }
}

/** The nodes from `node` towards `path`, the last of which holds the value or shows that there is none. */
export function nodesTowards(node: Node | null, path: Path): readonly Node[] {
  const nodes: Node[] = []
  for (let next = node, rest = path; next; ) {
    nodes.push(next)
    if (next.kind === 'leaf') break
    if (next.kind === 'extension') {
      if (sharedLength(next.path, rest) < next.path.length) break
      rest = rest.subarray(next.path.length)
      next = next.child
    } else {
      const nibble = rest[0]
      if (nibble === undefined) break
      rest = rest.subarray(1)
      next = next.children[nibble] ?? null
    }
  }
  return nodes
}

/** The value at `path` below `node`. */
export function valueAt(node: Node | null, path: Path): Uint8Array | undefined {
  let rest = path
  for (let next = node; next; ) {
    if (next.kind === 'leaf') return sameBytes(next.path, rest) ? next.value : undefined
    if (next.kind === 'extension') {
      if (sharedLength(next.path, rest) < next.path.length) return undefined
      rest = rest.subarray(next.path.length)
      next = next.child
    } else {
      const nibble = rest[0]
      if (nibble === undefined) return next.value ?? undefined
      rest = rest.subarray(1)
      next = next.children[nibble] ?? null
    }
  }
  return undefined
}

function leaf(path: Path, value: Uint8Array): Leaf {
  return { kind: 'leaf', path, value, name: null }
}

function extension(path: Path, child: Branch): Extension {
  return { kind: 'extension', path, child, name: null }
}

function branch(children: readonly (Node | null)[], value: Uint8Array | null): Branch {
  return { kind: 'branch', children, value, name: null }
}

function insertAtLeaf(node: Leaf, path: Path, value: Uint8Array): Node {
  const shared = sharedLength(node.path, path)
  if (shared === node.path.length && shared === path.length) return leaf(path, value)
  const fork = insertIntoBranch(branch(noChildren, null), node.path.subarray(shared), node.value)
  return prefixed(path.subarray(0, shared), insertIntoBranch(fork, path.subarray(shared), value))
}

function insertAtExtension(node: Extension, path: Path, value: Uint8Array): Node {
  const shared = sharedLength(node.path, path)
  const nibble = node.path[shared]
  if (nibble === undefined) return extension(node.path, insertIntoBranch(node.child, path.subarray(shared), value))
  const fork = branch(replaced(noChildren, nibble, prefixed(node.path.subarray(shared + 1), node.child)), null)
  return prefixed(path.subarray(0, shared), insertIntoBranch(fork, path.subarray(shared), value))
}

function insertIntoBranch(node: Branch, path: Path, value: Uint8Array): Branch {
  const nibble = path[0]
  if (nibble === undefined) return branch(node.children, value)
  const child = insert(node.children[nibble] ?? null, path.subarray(1), value)
  return branch(replaced(node.children, nibble, child), node.value)
}

function removeFromBranch(node: Branch, path: Path): Node | null {
  const nibble = path[0]
  if (nibble === undefined) return node.value ? branchOrLess(node.children, null) : node
  const child = node.children[nibble] ?? null
  const left = child && remove(child, path.subarray(1))
  return left === child ? node : branchOrLess(replaced(node.children, nibble, left), node.value)
}

/** A branch, or what it comes to when fewer than two entries are left in it. */
function branchOrLess(children: readonly (Node | null)[], value: Uint8Array | null): Node | null {
  const first = children.findIndex((child) => child)
  const only = children[first]
  if (!only) return value && leaf(new Uint8Array(0), value)
  const more = value ?? children.find((child, nibble) => child && nibble !== first)
  return more ? branch(children, value) : prefixed(Uint8Array.of(first), only)
}

/** `node`, `path` further down. */
function prefixed(path: Path, node: Node): Node {
  if (path.length === 0) return node
  switch (node.kind) {
    case 'leaf':
      return leaf(joinPaths(path, node.path), node.value)
    case 'extension':
      return extension(joinPaths(path, node.path), node.child)
    case 'branch':
      return extension(path, node)
  }
}

function itemOf(node: Node): RlpItem {
  switch (node.kind) {
    case 'leaf':
      return [encodePath('leaf', node.path), node.value]
    case 'extension':
      return [encodePath('extension', node.path), nameOf(node.child)]
    case 'branch':
      return [...node.children.map((child) => (child ? nameOf(child) : nothing)), node.value ?? nothing]
  }
}

const nothing = /* @__PURE__ */ new Uint8Array(0)
const noChildren: Branch['children'] = /* @__PURE__ */ new Array(16).fill(null)

function replaced(children: Branch['children'], nibble: number, child: Node | null): Branch['children'] {
  const next = children.slice()
  next[nibble] = child
  return next
}
