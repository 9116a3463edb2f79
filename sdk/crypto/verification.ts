import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex } from '@noble/hashes/utils.js'

/** From this many signatures of one key on, a table of its multiples has paid for itself. */
const usesBeforeTable = 16
/** Keys remembered, each with up to 150 kB; the one that was not asked for longest is forgotten. */
const keysMax = 64
/** Bits that one step through a table takes: its size doubles with each, and a verification gets a tenth faster. */
const tableBits = 5

/** A point of secp256k1. */
export type Point = typeof secp256k1.Point.BASE

interface KnownKey {
  readonly point: Point
  uses: number
}

const known: Map<string, KnownKey> = /* @__PURE__ */ new Map()

/**
 * ECDSA over secp256k1 with low s (SEC 1, 4.1.4), for the 64 bytes of r and s. Whoever verifies by few keys again and again,
 * as a till does for its channels, has an answer in less than half the time. Throws for what is no key or no signature.
 *
 * Nothing in here is secret, so nothing has to take the same time.
 */
export function verifyEcdsa(signature: Uint8Array, digest: Uint8Array, publicKey: Uint8Array): boolean {
  const { Point, Signature } = secp256k1
  const { Fn } = Point
  const { r, s } = Signature.fromBytes(signature)
  if (s > Fn.ORDER >> 1n) return false
  const inverse = Fn.inv(s)
  const ofBase = Fn.mul(Fn.create(BigInt(`0x${bytesToHex(digest)}`)), inverse)
  const ofKey = Fn.mul(r, inverse)
  const sum = Point.BASE.multiplyUnsafe(ofBase).add(factorOf(publicKey).multiplyUnsafe(ofKey))
  return !sum.is0() && Fn.create(sum.x) === r
}

/** The point of a public key. Throws for what is no key. */
export function pointOf(publicKey: Uint8Array): Point {
  return keyOf(publicKey).point
}

/** The same, to be multiplied: a key that is met again and again has a table of multiples, for its unsafe use alone. */
export function factorOf(publicKey: Uint8Array): Point {
  const key = keyOf(publicKey)
  key.uses += 1
  if (key.uses === usesBeforeTable) key.point.precompute(tableBits)
  return key.point
}

function keyOf(publicKey: Uint8Array): KnownKey {
  const name = bytesToHex(publicKey)
  const key = known.get(name) ?? { point: secp256k1.Point.fromBytes(publicKey), uses: 0 }
  known.delete(name)
  known.set(name, key)
  if (known.size > keysMax) known.delete(known.keys().next().value ?? name)
  return key
}
