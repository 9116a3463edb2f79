import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex } from '@noble/hashes/utils.js'

/** From this many signatures of one key on, a table of its multiples has paid for itself. */
const usesBeforeTable = 16
/** Keys remembered, each with up to 150 kB; the one that was not asked for longest is forgotten. */
const keysMax = 64
/** Bits that one step through a table takes: its size doubles with each, and a verification gets a tenth faster. */
const tableBits = 5
/** From this many uses on a key has a wide table, of about a megabyte: a third of the steps less. */
const usesBeforeWideTable = 128
/** Keys with a wide table: those of a few busy channels. */
const wideKeysMax = 8
const wideTableBits = 8
/** The same for the generator, whose table serves all keys. It is made once, in the time of some hundred multiplications. */
const generatorTableBits = 10
const usesBeforeGeneratorTable = 256

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
  const sum = publicGenerator().multiplyUnsafe(ofBase).add(factorOf(publicKey).multiplyUnsafe(ofKey))
  return !sum.is0() && hasX(sum, r)
}

/** True when a point's x, modulo n, is `r`. Points are (X : Y : Z) with x = X / Z: to multiply is cheaper than to divide. */
function hasX({ X, Z }: Point, r: bigint): boolean {
  const { Fp, Fn } = secp256k1.Point
  if (Fp.mul(r, Z) === X) return true
  return r + Fn.ORDER < Fp.ORDER && Fp.mul(r + Fn.ORDER, Z) === X
}

/** The generator, to be multiplied by what is public: a point of its own, whose table no secret is looked up in. */
export function publicGenerator(): Point {
  const { BASE } = secp256k1.Point
  generatorUses += 1
  if (generatorUses < usesBeforeGeneratorTable) return BASE
  generator ??= widenGenerator()
  return generator
}

/** Secrets have a table of their own, by which keys are made and signatures; the library makes it anew when it is asked next. */
function widenGenerator(): Point {
  const { BASE } = secp256k1.Point
  BASE.precompute(wideTableBits)
  return secp256k1.Point.fromAffine(BASE.toAffine()).precompute(generatorTableBits)
}

let generator: Point | undefined
let generatorUses = 0

/** The point of a public key. Throws for what is no key. */
export function pointOf(publicKey: Uint8Array): Point {
  return keyOf(publicKey).point
}

/** The same, to be multiplied: a key that is met again and again has a table of multiples, for its unsafe use alone. */
export function factorOf(publicKey: Uint8Array): Point {
  const key = keyOf(publicKey)
  key.uses += 1
  if (key.uses === usesBeforeTable) key.point.precompute(tableBits)
  if (key.uses === usesBeforeWideTable) widen(key)
  return key.point
}

/** Gives a key a wide table, instead of the one that has had its own for longest: that one has to earn it anew. */
function widen(key: KnownKey): void {
  key.point.precompute(wideTableBits)
  wide.push(key)
  const first = wide.length > wideKeysMax ? wide.shift() : undefined
  if (!first) return
  first.point.precompute(tableBits)
  first.uses = usesBeforeTable
}

const wide: KnownKey[] = []

function keyOf(publicKey: Uint8Array): KnownKey {
  const name = bytesToHex(publicKey)
  const key = known.get(name) ?? { point: secp256k1.Point.fromBytes(publicKey), uses: 0 }
  known.delete(name)
  known.set(name, key)
  if (known.size > keysMax) known.delete(known.keys().next().value ?? name)
  return key
}
