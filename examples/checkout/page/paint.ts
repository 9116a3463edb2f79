import { attributeText, type Piece } from './tree.ts'

const svgNamespace = 'http://www.w3.org/2000/svg'
/** What was painted on a node, so that the next painting touches only what differs. */
const painted = new WeakMap<Node, Piece>()

/**
 * Makes the inside of `place` what `pieces` say, and keeps every node that still fits: focus, selection and half-typed
 * words survive. What a person typed is never overwritten, as no attribute says what is in a field.
 */
export function paint(place: Element, pieces: readonly (Piece | string)[]): void {
  const namespace = place.namespaceURI === svgNamespace ? svgNamespace : null
  const old = new Map<string, ChildNode>()
  for (const node of [...place.childNodes]) old.set(nameOf(painted.get(node) ?? '', node, old), node)
  const seen = new Map<string, ChildNode>()
  let before: ChildNode | null = place.firstChild
  for (const piece of pieces) {
    const name = nameOf(piece, null, seen)
    const kept = old.get(name)
    const node = kept ?? make(piece, namespace)
    seen.set(name, node)
    old.delete(name)
    if (typeof piece === 'string') {
      if (node.nodeValue !== piece) node.nodeValue = piece
    } else update(node as Element, piece)
    if (node === before) before = node.nextSibling
    else place.insertBefore(node, before)
  }
  for (const node of old.values()) node.remove()
}

/** By key where there is one, else by tag and rank among siblings of that tag. */
function nameOf(piece: Piece | string, node: Node | null, taken: ReadonlyMap<string, unknown>): string {
  const key = typeof piece === 'string' ? undefined : piece.attributes.key
  if (key !== undefined) return `key ${String(key)}`
  const tag = typeof piece === 'string' ? (node?.nodeName.toLowerCase() ?? '#text') : piece.tag
  let rank = 0
  while (taken.has(`${tag} ${rank}`)) rank += 1
  return `${tag} ${rank}`
}

function make(piece: Piece | string, namespace: string | null): ChildNode {
  if (typeof piece === 'string') return document.createTextNode(piece)
  return namespace || piece.tag === 'svg'
    ? document.createElementNS(svgNamespace, piece.tag)
    : document.createElement(piece.tag)
}

function update(node: Element, piece: Piece): void {
  const before = painted.get(node)
  if (before === piece) return
  for (const name of Object.keys(before?.attributes ?? {})) if (!(name in piece.attributes)) write(node, name, null)
  for (const [name, value] of Object.entries(piece.attributes))
    if (!before || before.attributes[name] !== value) write(node, name, value)
  painted.set(node, piece)
  paint(node, piece.children)
}

function write(node: Element, name: string, value: Piece['attributes'][string]): void {
  if (name === 'key') return
  if (name.startsWith('on')) {
    // A property, not an attribute: the policy of the page allows no inline code.
    ;(node as unknown as Record<string, unknown>)[name] = typeof value === 'function' ? value : null
    return
  }
  const text = attributeText(name, value)
  if (text === null) node.removeAttribute(name)
  else node.setAttribute(name, text)
}
