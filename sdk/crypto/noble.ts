import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'
import { hmac } from '@noble/hashes/hmac.js'
import { ripemd160 } from '@noble/hashes/legacy.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { SdkError } from '../errors.ts'
import type { CryptoEngine, KeyMultiple } from './engine.ts'
import { keccak256 } from './keccak.ts'
import { nothing, plus, pointOfSum, type Sum } from './publicMultiples.ts'
import { evenKey, plusGenerator, plusKey, pointOf, recoverPoint, verifyEcdsa, verifySchnorr } from './verification.ts'

/**
 * secp256k1 and hashes by @noble, audited and pure JavaScript: runs wherever this SDK does. What is public is multiplied
 * by code of ours (publicMultiples.ts), what is secret by the library. Keccak is ours too (keccak.ts),
 * in a third of the library's time.
 * Big-integer arithmetic is not constant-time by the library's own word.
 */
export const nobleEngine: CryptoEngine = {
  name: 'noble',
  keccak256,
  sha256,
  hmacSha256: (key, bytes) => hmac(sha256, key, bytes),
  hash160: (bytes) => ripemd160(sha256(bytes)),
  isSecretKey: (bytes) => secp256k1.utils.isValidSecretKey(bytes),
  publicKey: (secretKey) => orMalformed(() => secp256k1.getPublicKey(secretKey, true)),
  uncompressed: (publicKey) => orMalformed(() => secp256k1.Point.fromBytes(publicKey).toBytes(false)),
  sign: (digest, secretKey) =>
    orMalformed(() => {
      const recoverable = secp256k1.sign(whole(digest), secretKey, { prehash: false, lowS: true, format: 'recovered' })
      return rotate(recoverable, 1)
    }),
  // Malformed keys and signatures are noes, not faults.
  verify: (signature, digest, publicKey) =>
    orNothing(() => verifyEcdsa(signature.subarray(0, 64), whole(digest), publicKey)) ?? false,
  recover: (signature, digest) => {
    const parity = signature[64]
    if (signature.length !== 65 || digest.length !== 32 || (parity !== 0 && parity !== 1)) return undefined
    // Where no point has this x, nobody signed this.
    return orNothing(() => recoverPoint(signature.subarray(0, 64), parity, digest)?.toBytes(false))
  },
  sharedSecret: (secretKey, publicKey) =>
    orMalformed(() => {
      if (publicKey.length !== 33) throw new RangeError()
      return sha256(secp256k1.getSharedSecret(secretKey, publicKey, true))
    }),
  isPublicKey: (bytes) => orNothing(() => pointOf(compressedKey(bytes))) !== undefined,
  isXOnlyKey: (bytes) => orNothing(() => pointOf(evenKey(bytes))) !== undefined,
  schnorrSign: (message, secretKey, auxRand) => orMalformed(() => schnorr.sign(message, secretKey, auxRand)),
  schnorrVerify: (signature, message, xOnlyKey) =>
    orNothing(() => verifySchnorr(signature, message, xOnlyKey)) ?? false,
  tweakSecretKey: (secretKey, tweak) => orNothing(() => addToSecret(secretScalar(secretKey), tweak)),
  multiplySecretKey: (secretKey, factor) =>
    orNothing(() => {
      const { Fn } = secp256k1.Point
      return Fn.toBytes(Fn.mul(secretScalar(secretKey), secretScalar(factor)))
    }),
  tweakXOnlySecretKey: (secretKey, tweak) =>
    orNothing(() => {
      const secret = secretScalar(secretKey)
      const isOdd = secp256k1.getPublicKey(secretKey, true)[0] === 3
      return addToSecret(isOdd ? secp256k1.Point.Fn.neg(secret) : secret, tweak)
    }),
  // Tweaks are made of public keys, and so public, as factors are: the time that it takes may tell them.
  ...sumsBy((sum, factor) => plusGenerator(sum, secretScalar(factor))),
}

/** Sums of public keys, on whatever adds a multiple of the generator. It throws for a factor of zero, n or more. */
export function sumsBy(
  plusBase: (sum: Sum, factor: Uint8Array) => Sum,
): Pick<CryptoEngine, 'tweakPublicKey' | 'tweakXOnlyKey' | 'sumOfMultiples'> {
  const plusOne = (sum: Sum, { publicKey, factor }: KeyMultiple) =>
    publicKey ? plusKey(sum, compressedKey(publicKey), secretScalar(factor)) : plusBase(sum, factor)
  const add = (key: Uint8Array, tweak: Uint8Array) => {
    const sum = plus(nothing, pointOf(compressedKey(key)))
    if (tweak.length !== 32) throw new RangeError()
    const isZero = tweak.every((byte) => byte === 0)
    return bytesOf(isZero ? sum : plusBase(sum, tweak))
  }
  return {
    sumOfMultiples: (multiples) => orNothing(() => bytesOf(multiples.reduce(plusOne, nothing))),
    tweakPublicKey: (publicKey, tweak) => orNothing(() => add(publicKey, tweak)),
    tweakXOnlyKey: (xOnlyKey, tweak) =>
      orNothing(() => {
        const bytes = add(evenKey(xOnlyKey), tweak)
        return { key: bytes.slice(1), parity: bytes[0] === 2 ? 0 : 1 }
      }),
  }
}

/** The 33 bytes of the point that a sum comes to. Throws for infinity. */
function bytesOf(sum: Sum): Uint8Array {
  const point = pointOfSum(sum)
  if (!point) throw new RangeError()
  return point.toBytes(true)
}

function compressedKey(publicKey: Uint8Array): Uint8Array {
  if (publicKey.length !== 33) throw new RangeError()
  return publicKey
}

function secretScalar(secretKey: Uint8Array): bigint {
  if (!secp256k1.utils.isValidSecretKey(secretKey)) throw new RangeError()
  return secp256k1.Point.Fn.fromBytes(secretKey)
}

function addToSecret(secret: bigint, tweak: Uint8Array): Uint8Array {
  const { Fn } = secp256k1.Point
  const sum = Fn.add(secret, Fn.fromBytes(tweak))
  if (sum === 0n) throw new RangeError()
  return Fn.toBytes(sum)
}

/** noble cuts a longer digest short and takes a shorter one, so that several would share one signature. */
function whole(digest: Uint8Array): Uint8Array {
  if (digest.length !== 32) throw new RangeError('The digest is not 32 bytes.')
  return digest
}

/** noble puts the recovery byte first, Ethereum last. */
export function rotate(bytes: Uint8Array, by: number): Uint8Array {
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

function orNothing<value>(run: () => value): value | undefined {
  try {
    return run()
  } catch {
    return undefined
  }
}
