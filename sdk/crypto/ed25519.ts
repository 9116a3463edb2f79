import { ed25519 } from '@noble/curves/ed25519.js'

/** True when `signature` (64 bytes) is the key's (32 bytes) on `message`, by the rules of ZIP-215, as CometBFT judges. Never throws. */
export function verifyEd25519(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: true })
  } catch {
    return false // Malformed keys and signatures are noes, not faults.
  }
}
