import type { Signature } from '../../crypto/engine.ts'
import { compareBytes } from '../script.ts'
import { derSignature } from '../segwit.ts'

/** One side's funding key, and its signature on a spend of the funding output. */
export interface FundingSignature {
  /** 33 bytes. */
  readonly publicKey: Uint8Array
  readonly signature: Signature
}

/**
 * The witness that spends a funding output: both signatures, in the order of their keys. They are not checked here.
 *
 * Funds at risk: with it, a commitment or a closing can be broadcast.
 */
export function fundingWitness(
  fundingScript: Uint8Array,
  signatures: readonly [FundingSignature, FundingSignature],
): readonly Uint8Array[] {
  const sorted = [...signatures].sort((a, b) => compareBytes(a.publicKey, b.publicKey))
  // CHECKMULTISIG takes one item too many.
  return [new Uint8Array(0), ...sorted.map(({ signature }) => derSignature(signature)), fundingScript]
}
