import type { Signature } from '../../crypto/engine.ts'
import { invariant } from '../../errors.ts'
import type { Height } from '../../units.ts'
import { ecdsaSignatureBytesMax, inputBaseWeight } from '../fees.ts'
import { derSignature, type SpentOutput } from '../segwit.ts'
import { type Outpoint, sequenceReplaceable } from '../transaction.ts'

/** How one signature takes an output of a commitment, or of an HTLC transaction (BOLT-3; BOLT-5 says when). */
export type ClaimPath =
  /** The holder's balance, or what its HTLC transaction gave, once the commitment is revoked: by the revocation key. */
  | { readonly kind: 'revoked-balance' }
  /** An HTLC of a revoked commitment, by the revocation key, which the witness has to show. */
  | { readonly kind: 'revoked-htlc'; readonly revocation: Uint8Array }
  /** What is the holder's own, after its delay. */
  | { readonly kind: 'delayed'; readonly delay: number }
  /** The balance of the side that did not broadcast, with anchors: a block later. */
  | { readonly kind: 'to-other' }
  /** An anchor, by the funding key of its owner. */
  | { readonly kind: 'anchor' }
  /** An HTLC that the holder offered, by the other side. */
  | { readonly kind: 'preimage'; readonly preimage: Uint8Array }
  /** An HTLC that the holder received, by the other side once it has expired. */
  | { readonly kind: 'expired'; readonly expiry: Height }

/** An output, and all of the input that takes it but the signature. */
export interface OutputClaim {
  readonly outpoint: Outpoint
  readonly spent: SpentOutput
  readonly path: ClaimPath
  readonly sequence: number
  /** Least nLockTime of the transaction; 0 for none. */
  readonly locktime: number
  /** Of the whole input, its signature at the longest. */
  readonly inputWeightMax: number
}

/** The claim of an output by a path. With anchors, HTLCs and the other side's balance wait for a block. */
export function claimOf(outpoint: Outpoint, spent: SpentOutput, path: ClaimPath): OutputClaim {
  const stack = [new Uint8Array(ecdsaSignatureBytesMax), ...itemsOf(path), spent.witnessScript]
  const witnessWeight = stack.reduce((sum, item) => sum + 1 + item.length, 1)
  return {
    outpoint,
    spent,
    path,
    sequence: sequenceOf(path),
    locktime: path.kind === 'expired' ? path.expiry : 0,
    inputWeightMax: inputBaseWeight + witnessWeight,
  }
}

/** The witness of a claim's input; the signature is over all of the finished transaction, and not checked here. */
export function claimWitness({ path, spent }: OutputClaim, signature: Signature): readonly Uint8Array[] {
  return [derSignature(signature), ...itemsOf(path), spent.witnessScript]
}

/** What stands between signature and script. */
function itemsOf(path: ClaimPath): readonly Uint8Array[] {
  switch (path.kind) {
    case 'revoked-balance':
      return [Uint8Array.of(1)]
    case 'revoked-htlc':
      return [path.revocation]
    case 'preimage':
      invariant(path.preimage.length === 32, 'a preimage has 32 bytes')
      return [path.preimage]
    case 'delayed':
    case 'expired':
      return [new Uint8Array(0)]
    default:
      return []
  }
}

function sequenceOf(path: ClaimPath): number {
  switch (path.kind) {
    case 'delayed':
      return path.delay
    case 'to-other':
    case 'preimage':
    case 'expired':
      return 1
    default:
      return sequenceReplaceable
  }
}
