import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import {
  hasX,
  multipleOf,
  nothing,
  type Point,
  plus,
  plusMultiple,
  pointOfSum,
  pointOfX,
  type Sum,
  type Table,
  tableOf,
} from './publicMultiples.ts'

// Nothing in here is secret: what is multiplied is, or will be, known to others, so nothing has to take the same time.

/** From this many uses of a point on, a table of its multiples has paid for itself. */
const usesBeforeTable = 16
/** Keys remembered, each with a table of 60 kB; the one that was not asked for longest is forgotten. */
const keysMax = 64
/** Bits that one step through a table takes: its size nearly doubles with each. */
const tableBits = 5
/** From this many uses on a key has a wide table, of half a megabyte: nearly half of the steps less. */
const usesBeforeWideTable = 128
/** Keys with a wide table: those of a few busy channels. */
const wideKeysMax = 8
const wideTableBits = 9
/** The same for the generator, whose table serves all keys. It is made in the time of some hundred multiplications. */
const usesBeforeGeneratorTable = 256
const generatorTableBits = 11
/** And for secrets, in the library's own table of the generator. */
const secretTableBits = 8

/** A point that is multiplied again and again: the more it is, the wider its table. */
interface Known {
  readonly point: Point
  uses: number
  table: Table | null
}

const known: Map<string, Known> = /* @__PURE__ */ new Map()

/**
 * ECDSA over secp256k1 with low s (SEC 1, 4.1.4), for the 64 bytes of r and s. Whoever verifies by few keys again and again,
 * as a till does for its channels, has an answer in less than half the time. Throws for what is no key or no signature.
 */
export function verifyEcdsa(signature: Uint8Array, digest: Uint8Array, publicKey: Uint8Array): boolean {
  const { r, s } = lowSignature(signature)
  const { Fn, Fp } = secp256k1.Point
  const inverse = Fn.inv(s)
  const ofKey = plusKey(nothing, publicKey, Fn.mul(r, inverse))
  const sum = plusGenerator(ofKey, Fn.mul(scalarOf(digest), inverse))
  // The x of the sum is r modulo n.
  return hasX(sum, r) || (r + Fn.ORDER < Fp.ORDER && hasX(sum, r + Fn.ORDER))
}

/**
 * The point of the key that signed (SEC 1, 4.1.6), for the 64 bytes of r and low s; nothing when it would be infinity.
 * An x of n or more is not asked for. Throws for what is no signature.
 */
export function recoverPoint(signature: Uint8Array, parity: 0 | 1, digest: Uint8Array): Point | undefined {
  const { r, s } = lowSignature(signature)
  const { Fn } = secp256k1.Point
  const inverse = Fn.inv(r)
  const ofNonce = multipleOf(pointOfX(r, parity), Fn.mul(s, inverse))
  return pointOfSum(plusGenerator(ofNonce, Fn.neg(Fn.mul(scalarOf(digest), inverse))))
}

/**
 * Schnorr (BIP-340), for a message of any length. Throws for what is no key or no signature; as the library, it takes none
 * whose s is zero.
 */
export function verifySchnorr(signature: Uint8Array, message: Uint8Array, xOnlyKey: Uint8Array): boolean {
  const { Fn, Fp } = secp256k1.Point
  const [nonce, r] = [signature.subarray(0, 32), Fp.fromBytes(signature.subarray(0, 32))]
  const s = Fn.fromBytes(signature.subarray(32))
  if (s === 0n) return false
  const challenge = scalarOf(schnorr.utils.taggedHash('BIP0340/challenge', nonce, xOnlyKey, message))
  const ofKey = plusKey(nothing, evenKey(xOnlyKey), Fn.neg(challenge))
  const point = pointOfSum(plusGenerator(ofKey, s))
  return point !== undefined && point.X === r && (point.Y & 1n) === 0n
}

/** The compressed key that an x-only one stands for (BIP-340): that of even y. */
export function evenKey(xOnlyKey: Uint8Array): Uint8Array {
  if (xOnlyKey.length !== 32) throw new RangeError()
  return Uint8Array.of(2, ...xOnlyKey)
}

function lowSignature(signature: Uint8Array): { readonly r: bigint; readonly s: bigint } {
  const parsed = secp256k1.Signature.fromBytes(signature)
  if (parsed.hasHighS()) throw new RangeError()
  return parsed
}

/** 32 bytes as a number modulo n. */
function scalarOf(bytes: Uint8Array): bigint {
  return secp256k1.Point.Fn.create(BigInt(`0x${bytesToHex(bytes)}`))
}

/** A sum and so many times the generator. */
export function plusGenerator(sum: Sum, factor: bigint): Sum {
  generator ??= { point: secp256k1.Point.BASE, uses: 0, table: null }
  if (generator.uses === usesBeforeGeneratorTable) {
    generator.table = tableOf(generator.point, generatorTableBits)
    // A program that comes this far signs a lot, too. Secrets have a table of their own, which the library makes.
    secp256k1.Point.BASE.precompute(secretTableBits)
  }
  return plusKnown(sum, generator, factor)
}

let generator: Known | undefined

/** A sum and so many times a public key, which is not infinity. Throws for what is no key. */
export function plusKey(sum: Sum, publicKey: Uint8Array, factor: bigint): Sum {
  const key = keyOf(publicKey)
  if (key.uses === usesBeforeWideTable) widen(key)
  return plusKnown(sum, key, factor)
}

function plusKnown(sum: Sum, one: Known, factor: bigint): Sum {
  if (one.uses === usesBeforeTable) one.table = tableOf(one.point, tableBits)
  one.uses += 1
  if (one.table) return plusMultiple(sum, one.table, factor)
  const multiple = multipleOf(one.point, factor)
  if (sum === nothing) return multiple
  const point = pointOfSum(multiple)
  return point ? plus(sum, point) : sum
}

/** Gives a key a wide table, instead of the one that has had its own for longest: that one has to earn it anew. */
function widen(key: Known): void {
  key.table = tableOf(key.point, wideTableBits)
  wide.push(key)
  const first = wide.length > wideKeysMax ? wide.shift() : undefined
  if (!first) return
  first.table = null
  first.uses = usesBeforeTable
}

const wide: Known[] = []

/** The point of a public key. Throws for what is no key. */
export function pointOf(publicKey: Uint8Array): Point {
  return keyOf(publicKey).point
}

function keyOf(publicKey: Uint8Array): Known {
  const name = bytesToHex(publicKey)
  const key = known.get(name) ?? { point: decoded(publicKey), uses: 0, table: null }
  known.delete(name)
  known.set(name, key)
  if (known.size > keysMax) known.delete(known.keys().next().value ?? name)
  return key
}

/** The library does the same, and takes three times as long for the root. */
function decoded(publicKey: Uint8Array): Point {
  const prefix = publicKey[0] as number
  if (publicKey.length !== 33 || prefix >> 1 !== 1) return secp256k1.Point.fromBytes(publicKey)
  return pointOfX(secp256k1.Point.Fp.fromBytes(publicKey.subarray(1)), prefix & 1)
}
