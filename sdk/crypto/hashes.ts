import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import type { CryptoEngine } from './engine.ts'
import { keccak256 as ownKeccak256 } from './keccak.ts'

/** The hashes of the engine in use, apart from its curve: who only hashes, as most verifiers do, ships only hashes. */
type Hashes = Pick<CryptoEngine, 'keccak256' | 'sha256'>

let hashes: Hashes = { keccak256: ownKeccak256, sha256: nobleSha256 }

/** Follows the engine; for `useEngine` alone to call. */
export function useHashes(next: Hashes): void {
  hashes = next
}

/** Keccak-256 as Ethereum uses it (not NIST SHA3-256). */
export function keccak256(bytes: Uint8Array): Uint8Array {
  return hashes.keccak256(bytes)
}

/** SHA-256 (FIPS 180-4). */
export function sha256(bytes: Uint8Array): Uint8Array {
  return hashes.sha256(bytes)
}
