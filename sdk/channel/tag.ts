import { hmacSha256 } from '../crypto/engine.ts'

/** The end of every message: an HMAC-SHA-256 under the channel's key, cut to so many bytes. [OW26] [TW24] */
const tagBytes = 16

/** A message without its tag, and the tag. */
interface Tagged {
  /** What the tag covers. */
  readonly covered: Uint8Array
  readonly tag: Uint8Array
}

/** The bytes that leave: what is covered, and its tag. */
export function tagged(covered: Uint8Array, linkKey: Uint8Array): Uint8Array {
  const out = new Uint8Array(covered.length + tagBytes)
  out.set(covered)
  out.set(tagOf(covered, linkKey), covered.length)
  return out
}

/** Parts a message and its tag; nothing where it is shorter than a tag. */
export function untagged(bytes: Uint8Array): Tagged | undefined {
  if (bytes.length < tagBytes) return undefined
  return { covered: bytes.slice(0, -tagBytes), tag: bytes.slice(-tagBytes) }
}

/** True when the tag was made with this key. */
export function isTaggedBy({ covered, tag }: Tagged, linkKey: Uint8Array): boolean {
  const wanted = tagOf(covered, linkKey)
  let difference = 0 // All of it is compared, so that time tells nothing.
  for (let at = 0; at < tagBytes; at++) difference |= (tag[at] as number) ^ (wanted[at] as number)
  return difference === 0
}

function tagOf(covered: Uint8Array, linkKey: Uint8Array): Uint8Array {
  return hmacSha256(linkKey, covered).subarray(0, tagBytes)
}
