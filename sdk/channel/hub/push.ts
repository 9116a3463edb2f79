import { currentEngine, hmacSha256, sha256 } from '../../crypto/engine.ts'
import { accepted, type Decoded, refused } from '../../errors.ts'
import { sameBytes } from '../../units.ts'

const preimageBytes = 32
const keyBytes = 33
const tagBytes = 16
/** A parcel: a key, a preimage that is hidden, and a tag. */
export const parcelBytes = keyBytes + preimageBytes + tagBytes

/** A payment that its payee did not ask for: the payer has chosen the preimage, and sends it along for the payee alone to read. */
export interface Push {
  readonly paymentHash: Uint8Array
  /** 81 bytes, for whoever passes the payment on to carry. */
  readonly parcel: Uint8Array
}

/**
 * Hides a preimage for a payee: ECDH with a key of this parcel alone, as the spontaneous payments of Lightning do within an onion. [HB8]
 *
 * Funds at risk: who reads the preimage on the way can take the HTLC without passing it on. So `ephemeral` is 32 random bytes, a key that
 * is used once, and `preimage` 32 random bytes that are used once.
 *
 * @param payee - Its node key, 33 bytes.
 */
export function sealPush(payee: Uint8Array, preimage: Uint8Array, ephemeral: Uint8Array): Push {
  const engine = currentEngine()
  const key = engine.publicKey(ephemeral)
  const shared = engine.sharedSecret(ephemeral, payee)
  const hidden = xor(preimage, stream(shared, key))
  const tag = tagOf(shared, key, hidden)
  return { paymentHash: sha256(preimage), parcel: Uint8Array.of(...key, ...hidden, ...tag) }
}

/** Reads the preimage of a parcel that came with an HTLC of this hash. Never throws. */
export function openPush(push: Push, secretKey: Uint8Array): Decoded<Uint8Array> {
  const key = keyOfPush(push)
  return key.ok ? openPushWith(push, currentEngine().sharedSecret(secretKey, key.value)) : key
}

/** The key that a parcel is sealed by, 33 bytes: what the payee's own makes with it (ECDH) opens it. Never throws. */
export function keyOfPush({ parcel }: Push): Decoded<Uint8Array> {
  if (parcel.length !== parcelBytes) return refused('a parcel has 81 bytes')
  const key = parcel.slice(0, keyBytes)
  return currentEngine().isPublicKey(key) ? accepted(key) : refused('the key of the parcel is no point')
}

/** As {@link openPush}, for whose key is elsewhere: `shared` is what it makes with {@link keyOfPush}. */
export function openPushWith({ parcel, paymentHash }: Push, shared: Uint8Array): Decoded<Uint8Array> {
  if (parcel.length !== parcelBytes) return refused('a parcel has 81 bytes')
  const key = parcel.subarray(0, keyBytes)
  const hidden = parcel.subarray(keyBytes, keyBytes + preimageBytes)
  if (!sameBytes(tagOf(shared, key, hidden), parcel.subarray(keyBytes + preimageBytes)))
    return refused('the parcel is for another payee, or was changed')
  const preimage = xor(hidden, stream(shared, key))
  return sameBytes(sha256(preimage), paymentHash) ? accepted(preimage) : refused('the parcel is of another payment')
}

/** As many bytes as are hidden, of a secret that is used once. */
function stream(shared: Uint8Array, key: Uint8Array): Uint8Array {
  return hmacSha256(shared, Uint8Array.of(...new TextEncoder().encode('lanekit hub/1 push'), ...key))
}

function tagOf(shared: Uint8Array, key: Uint8Array, hidden: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode('lanekit hub/1 parcel')
  return hmacSha256(shared, Uint8Array.of(...text, ...key, ...hidden)).slice(0, tagBytes)
}

function xor(one: Uint8Array, other: Uint8Array): Uint8Array {
  return one.map((byte, at) => byte ^ (other[at] as number))
}
