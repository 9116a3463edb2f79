import { secp256k1 } from '@noble/curves/secp256k1.js'
import { ripemd160 } from '@noble/hashes/legacy.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { SdkError } from '../errors.ts'
import type { CryptoEngine } from './engine.ts'

/**
 * secp256k1 and hashes by @noble, audited and pure JavaScript: runs wherever this SDK does.
 * Big-integer arithmetic is not constant-time by the library's own word.
 */
export const nobleEngine: CryptoEngine = {
  name: 'noble',
  keccak256: keccak_256,
  sha256,
  hash160: (bytes) => ripemd160(sha256(bytes)),
  isSecretKey: (bytes) => secp256k1.utils.isValidSecretKey(bytes),
  publicKey: (secretKey) => orMalformed(() => secp256k1.getPublicKey(secretKey, true)),
  uncompressed: (publicKey) => orMalformed(() => secp256k1.Point.fromBytes(publicKey).toBytes(false)),
  sign: (digest, secretKey) =>
    orMalformed(() => {
      const recoverable = secp256k1.sign(whole(digest), secretKey, { prehash: false, lowS: true, format: 'recovered' })
      return rotate(recoverable, 1)
    }),
  verify: (signature, digest, publicKey) => {
    try {
      return secp256k1.verify(signature.subarray(0, 64), whole(digest), publicKey, { prehash: false, lowS: true })
    } catch {
      return false // Malformed keys and signatures are noes, not faults.
    }
  },
  recover: (signature, digest) => {
    const parity = signature[64]
    if (signature.length !== 65 || digest.length !== 32 || (parity !== 0 && parity !== 1)) return undefined
    try {
      const parsed = secp256k1.Signature.fromBytes(rotate(signature, 64), 'recovered')
      if (parsed.hasHighS()) return undefined
      return parsed.recoverPublicKey(digest).toBytes(false)
    } catch {
      return undefined // No point has this x: nobody signed this.
    }
  },
}

/** noble cuts a longer digest short and takes a shorter one, so that several would share one signature. */
function whole(digest: Uint8Array): Uint8Array {
  if (digest.length !== 32) throw new RangeError('The digest is not 32 bytes.')
  return digest
}

/** noble puts the recovery byte first, Ethereum last. */
function rotate(bytes: Uint8Array, by: number): Uint8Array {
  const out = new Uint8Array(bytes.length)
  out.set(bytes.subarray(by))
  out.set(bytes.subarray(0, by), bytes.length - by)
  return out
}

function orMalformed<value>(run: () => value): value {
  try {
    return run()
  } catch {
    // The library's message may quote the key, so it is not passed on.
    throw new SdkError('crypto/malformed-key', 'The key or digest is not one that secp256k1 takes.')
  }
}
