/** A way through a trie: one nibble a byte, the high nibble of each key byte first. */
export type Path = Uint8Array

/** The path that a key takes. */
export function pathOf(key: Uint8Array): Path {
  const path = new Uint8Array(2 * key.length)
  for (let at = 0; at < key.length; at++) {
    const byte = key[at] as number
    path[2 * at] = byte >> 4
    path[2 * at + 1] = byte & 15
  }
  return path
}

/** How many nibbles two paths share from their start. */
export function sharedLength(one: Path, other: Path): number {
  const most = Math.min(one.length, other.length)
  let shared = 0
  while (shared < most && one[shared] === other[shared]) shared += 1
  return shared
}

/** `head`, then `tail`. */
export function joinPaths(head: Path, tail: Path): Path {
  const path = new Uint8Array(head.length + tail.length)
  path.set(head)
  path.set(tail, head.length)
  return path
}

/**
 * Packs a path with the flag of its node (Yellow Paper, appendix C): the first nibble holds 2 for a leaf and
 * 1 for an odd length; an even path gets a zero nibble behind it.
 */
export function encodePath(kind: 'leaf' | 'extension', path: Path): Uint8Array {
  const odd = path.length % 2
  const flag = (kind === 'leaf' ? 2 : 0) + odd
  const bytes = new Uint8Array(1 + (path.length - odd) / 2)
  bytes[0] = (flag << 4) | (odd ? (path[0] as number) : 0)
  for (let at = 1; at < bytes.length; at++) {
    const high = path[2 * at - 2 + odd] as number
    bytes[at] = (high << 4) | (path[2 * at - 1 + odd] as number)
  }
  return bytes
}

/** Unpacks what {@link encodePath} packed, or nothing when the flag or its padding is not canonical. */
export function decodePath(
  bytes: Uint8Array,
): { readonly kind: 'leaf' | 'extension'; readonly path: Path } | undefined {
  const first = bytes[0]
  if (first === undefined || first >= 0x40) return undefined
  const odd = (first >> 4) & 1
  if (!odd && (first & 15) !== 0) return undefined
  return { kind: first >> 5 ? 'leaf' : 'extension', path: pathOf(bytes).subarray(2 - odd) }
}
