import { sha256 } from '../../crypto/hashes.ts'
import { toHex } from '../../units.ts'

/** SHA-256 twice: the hash of headers, transactions and Merkle nodes. 32 bytes in wire order. */
export function hash256(bytes: Uint8Array): Uint8Array {
  return sha256(sha256(bytes))
}

/** True when `piece` stands in `bytes` from `at` on. */
export function holdsAt(bytes: Uint8Array, at: number, piece: Uint8Array): boolean {
  for (let index = 0; index < piece.length; index++) if (bytes[at + index] !== piece[index]) return false
  return true
}

/** A hash as explorers and nodes write it: last byte first, 64 digits, no prefix. */
export function hashText(hash: Uint8Array): string {
  return toHex(hash.slice().reverse()).slice(2)
}
