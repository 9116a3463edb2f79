import { currentEngine, sha256 } from '../../crypto/engine.ts'
import { invariant } from '../../errors.ts'
import { joinBytes } from '../../units.ts'

/** Keys of a commitment that belong to its balance outputs: all that one without HTLCs needs. */
export interface BalanceKeys {
  /** Takes everything of the holder once the commitment is revoked. */
  readonly revocation: Uint8Array
  /** Takes the holder's outputs after its delay. */
  readonly delayed: Uint8Array
}

/** Keys of a commitment's HTLCs. */
export interface HtlcKeys {
  readonly holder: Uint8Array
  readonly other: Uint8Array
}

/**
 * A side's public key for one commitment (BOLT-3, "Key Derivation"): basepoint + SHA256(point || basepoint) * G.
 *
 * @param point - The commitment's per-commitment point, of its holder.
 */
export function commitmentKey(basepoint: Uint8Array, point: Uint8Array): Uint8Array {
  return derived(currentEngine().tweakPublicKey(basepoint, hashOf(point, basepoint)))
}

/** The secret key of {@link commitmentKey}. */
export function commitmentSecretKey(baseSecret: Uint8Array, point: Uint8Array): Uint8Array {
  const engine = currentEngine()
  return derived(engine.tweakSecretKey(baseSecret, hashOf(point, engine.publicKey(baseSecret))))
}

/**
 * The key that takes a revoked commitment (BOLT-3, "revocationpubkey Derivation"): neither side knows its secret until the
 * holder reveals that of the point.
 *
 * @param basepoint - The revocation basepoint of the side that punishes.
 */
export function revocationKey(basepoint: Uint8Array, point: Uint8Array): Uint8Array {
  return derived(
    currentEngine().sumOfMultiples([
      { publicKey: basepoint, factor: hashOf(basepoint, point) },
      { publicKey: point, factor: hashOf(point, basepoint) },
    ]),
  )
}

/**
 * The point of a per-commitment secret. It is used once and told when its commitment is revoked, so the time that this takes
 * may depend on it.
 */
export function pointOfSecret(perCommitmentSecret: Uint8Array): Uint8Array {
  return derived(currentEngine().sumOfMultiples([{ publicKey: null, factor: perCommitmentSecret }]))
}

/** {@link revocationKey} for the holder, who knows the secret of its point: in half the time. */
export function ownRevocationKey(
  basepoint: Uint8Array,
  perCommitmentSecret: Uint8Array,
  point: Uint8Array,
): Uint8Array {
  const engine = currentEngine()
  const own = derived(engine.multiplySecretKey(perCommitmentSecret, hashOf(point, basepoint)))
  return derived(
    engine.sumOfMultiples([
      { publicKey: basepoint, factor: hashOf(basepoint, point) },
      { publicKey: null, factor: own },
    ]),
  )
}

/** The secret key of {@link revocationKey}, once the holder has revealed the secret of its point. */
export function revocationSecretKey(
  base: { readonly secret: Uint8Array; readonly point: Uint8Array },
  perCommitment: { readonly secret: Uint8Array; readonly point: Uint8Array },
): Uint8Array {
  const engine = currentEngine()
  const { point: basepoint, secret: baseSecret } = base
  const { point, secret: perCommitmentSecret } = perCommitment
  const own = derived(engine.multiplySecretKey(baseSecret, hashOf(basepoint, point)))
  return derived(
    engine.tweakSecretKey(own, derived(engine.multiplySecretKey(perCommitmentSecret, hashOf(point, basepoint)))),
  )
}

/** The 48 bits that hide commitment numbers: SHA256(opener's payment basepoint || accepter's), their last six bytes. */
export function obscuringFactor(openerPayment: Uint8Array, accepterPayment: Uint8Array): number {
  return hashOf(openerPayment, accepterPayment)
    .subarray(26)
    .reduce((value, byte) => value * 256 + byte, 0)
}

/** A commitment number as transactions carry it, or one that was hidden, told again: XOR is its own reverse. */
export function obscured(commitmentNumber: number, factor: number): number {
  const half = 2 ** 24
  const high = Math.floor(commitmentNumber / half) ^ Math.floor(factor / half)
  return high * half + ((commitmentNumber % half) ^ (factor % half))
}

function hashOf(first: Uint8Array, second: Uint8Array): Uint8Array {
  return sha256(joinBytes(first, second))
}

/** Keys were judged when they came in; that a hash makes a sum infinite does not happen. */
function derived(key: Uint8Array | undefined): Uint8Array {
  invariant(key, 'the keys of a commitment are points')
  return key
}
