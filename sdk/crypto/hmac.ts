import { hmac } from '@noble/hashes/hmac.js'
import { sha512 } from '@noble/hashes/sha2.js'

/** HMAC-SHA-512 (RFC 2104), 64 bytes: what BIP-32 derives by. */
export function hmacSha512(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return hmac(sha512, key, bytes)
}
