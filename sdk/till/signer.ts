import { currentEngine } from '../crypto/engine.ts'
import { SdkError } from '../errors.ts'
import { sameBytes } from '../units.ts'
import type { TillSigner } from './ports.ts'

/**
 * Signs with keys in this process. Throws `crypto/malformed-key` for bytes that are no keys.
 *
 * Funds at risk: the keys are in memory. Whoever reads it can close with the payers, to their own liking.
 *
 * @param secretKeys - 32 bytes each; copied.
 */
export function localTillSigner(secretKeys: readonly Uint8Array[]): TillSigner {
  const pairs = secretKeys.map((key) => ({ secret: key.slice(), publicKey: currentEngine().publicKey(key) }))
  function secretOf(publicKey: Uint8Array): Uint8Array {
    const pair = pairs.find((held) => sameBytes(held.publicKey, publicKey))
    if (!pair) throw new SdkError('signer/refused', 'The till does not hold this key.')
    return pair.secret
  }
  return {
    publicKeys: async () => pairs.map(({ publicKey }) => publicKey),
    sign: async ({ publicKey, digest }) => currentEngine().sign(digest, secretOf(publicKey)),
    sharedSecret: async ({ payeeKey, payerKey }) => currentEngine().sharedSecret(secretOf(payeeKey), payerKey),
  }
}
