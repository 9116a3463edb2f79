import { sha256 } from '../../crypto/hashes.ts'
import { toHex } from '../../units.ts'

/** SHA-256 twice: the hash of headers, transactions and Merkle nodes. 32 bytes in wire order. */
export function hash256(bytes: Uint8Array): Uint8Array {
  return sha256(sha256(bytes))
}

/** True for equal bytes of equal length. For public data: the time taken tells where they differ. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && holdsAt(a, 0, b)
}

/** True when `piece` stands in `bytes` from `at` on. */
export function holdsAt(bytes: Uint8Array, at: number, piece: Uint8Array): boolean {
  for (let index = 0; index < piece.length; index++) if (bytes[at + index] !== piece[index]) return false
  return true
}

/** The pieces, one after the other, in fresh bytes. */
export function joinBytes(...pieces: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    joined.set(piece, at)
    at += piece.length
  }
  return joined
}

/** A hash as explorers and nodes write it: last byte first, 64 digits, no prefix. */
export function hashText(hash: Uint8Array): string {
  return toHex(hash.slice().reverse()).slice(2)
}
