import { useHashes } from './hashes.ts'
import { nobleEngine } from './noble.ts'

/** A secp256k1 signature as 65 bytes: r (32), s (32, low half), y parity (0 or 1). */
export type Signature = Uint8Array

/**
 * The one door to secp256k1 and hashes: synchronous, bytes in, bytes out.
 *
 * noble is the default, the fallback and the oracle; a WASM build may take its place where it loads.
 * Every engine holds to the same suite (test/contracts/engine.ts).
 */
export interface CryptoEngine {
  readonly name: string
  readonly keccak256: (bytes: Uint8Array) => Uint8Array
  readonly sha256: (bytes: Uint8Array) => Uint8Array
  /** HMAC-SHA-256 (RFC 2104), 32 bytes. */
  readonly hmacSha256: (key: Uint8Array, bytes: Uint8Array) => Uint8Array
  /** SHA-256, then RIPEMD-160: the key and script hash of Bitcoin. */
  readonly hash160: (bytes: Uint8Array) => Uint8Array
  /** True for a secret key in 1..n-1. */
  readonly isSecretKey: (bytes: Uint8Array) => boolean
  /** Public key of a secret key: 33 bytes compressed. Throws `crypto/malformed-key`. */
  readonly publicKey: (secretKey: Uint8Array) => Uint8Array
  /** A public key of 33 or 65 bytes, as 65 bytes (0x04 first). Throws `crypto/malformed-key`. */
  readonly uncompressed: (publicKey: Uint8Array) => Uint8Array
  /**
   * ECDSA over a 32-byte digest; deterministic nonce (RFC 6979), low s. Equal inputs give equal bytes.
   * Throws `crypto/malformed-key`.
   */
  readonly sign: (digest: Uint8Array, secretKey: Uint8Array) => Signature
  /** True when the first 64 bytes of `signature` are `publicKey`'s on `digest`, with low s. Never throws. */
  readonly verify: (signature: Uint8Array, digest: Uint8Array, publicKey: Uint8Array) => boolean
  /** The 65-byte public key that signed, or nothing when there is none (or s is high). Never throws. */
  readonly recover: (signature: Signature, digest: Uint8Array) => Uint8Array | undefined
  /**
   * What the holders of two keys both reach (ECDH): SHA-256 of the compressed point, 32 bytes, as BOLT-8 takes it.
   * `publicKey` has 33 bytes. Throws `crypto/malformed-key`.
   */
  readonly sharedSecret: (secretKey: Uint8Array, publicKey: Uint8Array) => Uint8Array
  /** True for 33 bytes that are a compressed point of the curve. Never throws. */
  readonly isPublicKey: (bytes: Uint8Array) => boolean
  /** True for 32 bytes that are the x of a point: a public key of BIP-340. Never throws. */
  readonly isXOnlyKey: (bytes: Uint8Array) => boolean
  /**
   * Schnorr over a message of any length (BIP-340), 64 bytes. `auxRand`, 32 bytes, only hardens against
   * side channels: zeros are allowed, and equal inputs give equal bytes. Throws `crypto/malformed-key`.
   */
  readonly schnorrSign: (message: Uint8Array, secretKey: Uint8Array, auxRand: Uint8Array) => Uint8Array
  /** True when `signature` is the x-only key's on `message` (BIP-340). Never throws. */
  readonly schnorrVerify: (signature: Uint8Array, message: Uint8Array, xOnlyKey: Uint8Array) => boolean
  /**
   * Adds `tweak` times the generator to a public key (33 bytes in and out), as BIP-32 and BOLT-3 do. The tweak is public:
   * the time that it takes may tell it.
   * Nothing when the key is no point, the tweak is n or more, or the sum is infinity. Never throws.
   */
  readonly tweakPublicKey: (publicKey: Uint8Array, tweak: Uint8Array) => Uint8Array | undefined
  /** The secret key of {@link tweakPublicKey}'s answer. Nothing in the same cases. Never throws. */
  readonly tweakSecretKey: (secretKey: Uint8Array, tweak: Uint8Array) => Uint8Array | undefined
  /**
   * Multiplies public keys and adds them up (33 bytes in and out), as BOLT-3 makes the keys of a commitment. Factors have
   * 32 bytes, and are public or will be told: the time that it takes may tell them. Nothing when a key is no point, a
   * factor is zero, n or more, or the sum is infinity. Never throws.
   */
  readonly sumOfMultiples: (multiples: readonly KeyMultiple[]) => Uint8Array | undefined
  /** A secret key times a public factor, modulo n. Nothing when either is zero, n or more. Never throws. */
  readonly multiplySecretKey: (secretKey: Uint8Array, factor: Uint8Array) => Uint8Array | undefined
  /** {@link tweakPublicKey} on the point of even y that an x-only key stands for (BIP-341). */
  readonly tweakXOnlyKey: (xOnlyKey: Uint8Array, tweak: Uint8Array) => XOnlyKey | undefined
  /** The secret key of {@link tweakXOnlyKey}'s answer: `secretKey` is negated first where its y is odd. */
  readonly tweakXOnlySecretKey: (secretKey: Uint8Array, tweak: Uint8Array) => Uint8Array | undefined
}

/** A public key of 33 bytes, or the generator (`null`), and how often it counts. */
export interface KeyMultiple {
  readonly publicKey: Uint8Array | null
  readonly factor: Uint8Array
}

/** A point as BIP-340 writes it, and the parity of the y that this leaves out. */
export interface XOnlyKey {
  readonly key: Uint8Array
  readonly parity: 0 | 1
}

/** The engine in use. All rooms call through this object, so a faster one serves them all. */
let engine: CryptoEngine = nobleEngine

/** Puts another engine in place, for this program. The caller has checked it against the suite. */
export function useEngine(next: CryptoEngine): void {
  engine = next
  useHashes(next)
}

/** The engine in use, for callers that need several functions or its name. */
export function currentEngine(): CryptoEngine {
  return engine
}

/** HMAC-SHA-256 (RFC 2104), 32 bytes, by the engine in use. */
export function hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return engine.hmacSha256(key, bytes)
}

export { keccak256, sha256 } from './hashes.ts'
