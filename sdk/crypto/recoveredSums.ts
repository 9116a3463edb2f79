import { secp256k1 } from '@noble/curves/secp256k1.js'
import type { CryptoEngine, KeyMultiple } from './engine.ts'
import { evenKey } from './verification.ts'

type Sums = Pick<CryptoEngine, 'tweakPublicKey' | 'tweakXOnlyKey' | 'sumOfMultiples'>

/**
 * Finds the key of 65 bytes that signed a digest. The signature has 64 bytes, the parity is that of its nonce's y, and `s` may be
 * high. Nothing where there is no such key.
 */
export type Recover = (signature: Uint8Array, digest: Uint8Array, parity: 0 | 1) => Uint8Array | undefined

const one = new Uint8Array(32).fill(1, 31)

/**
 * Sums of public keys by recovering who signed, which a curve in WebAssembly does in less time than two points take to be added
 * here. The key that signed `z` with the nonce point R is (s R - z G) / r, where `r` is the x of R (SEC 1, section 4.1.6). With a
 * public key as R, its factor times `r` as `s`, and the generator's factor times `-r` as `z`, that is the sum of both.
 *
 * @param others - Has the last word on what this does not find: sums of zero or infinity, no keys, and keys whose x is n or more.
 */
export function recoveredSums(recover: Recover, others: Sums): Sums {
  const { Point, utils } = secp256k1
  const { Fn } = Point
  const sumOfOne = (publicKey: Uint8Array, factor: Uint8Array, ofGenerator: bigint): Uint8Array | undefined => {
    const [prefix, x] = [publicKey[0], publicKey.subarray(1)]
    if ((prefix !== 2 && prefix !== 3) || !utils.isValidSecretKey(x)) return undefined
    const r = Fn.fromBytes(x)
    const signature = new Uint8Array(64)
    signature.set(x)
    signature.set(factor === one ? x : Fn.toBytes(Fn.mul(Fn.fromBytes(factor), r)), 32)
    return recover(signature, Fn.toBytes(Fn.neg(Fn.mul(ofGenerator, r))), prefix === 3 ? 1 : 0)
  }
  const sumOf = (multiples: readonly KeyMultiple[]): Uint8Array | undefined => {
    if (!multiples.every(({ factor }) => utils.isValidSecretKey(factor))) return undefined
    let ofGenerator = 0n
    for (const { publicKey, factor } of multiples)
      if (!publicKey) ofGenerator = Fn.add(ofGenerator, Fn.fromBytes(factor))
    const sums: Uint8Array[] = []
    for (const { publicKey, factor } of multiples) {
      if (!publicKey) continue
      const sum = sumOfOne(publicKey, factor, sums.length === 0 ? ofGenerator : 0n)
      if (!sum) return undefined
      sums.push(sum)
    }
    const [first, ...more] = sums
    if (!first) return undefined
    if (more.length === 0) return compressed(first)
    const point = more.reduce((sum, next) => sum.add(Point.fromBytes(next)), Point.fromBytes(first))
    return point.is0() ? undefined : point.toBytes(true)
  }
  const tweak = (publicKey: Uint8Array, by: Uint8Array) =>
    sumOf([
      { publicKey, factor: one },
      { publicKey: null, factor: by },
    ])
  return {
    sumOfMultiples: (multiples) => sumOf(multiples) ?? others.sumOfMultiples(multiples),
    tweakPublicKey: (publicKey, by) => tweak(publicKey, by) ?? others.tweakPublicKey(publicKey, by),
    tweakXOnlyKey: (xOnlyKey, by) => {
      const sum = xOnlyKey.length === 32 ? tweak(evenKey(xOnlyKey), by) : undefined
      return sum ? { key: sum.slice(1), parity: sum[0] === 3 ? 1 : 0 } : others.tweakXOnlyKey(xOnlyKey, by)
    },
  }
}

/** 33 bytes of the 65 of an uncompressed key. */
export function compressed(key: Uint8Array): Uint8Array {
  const short = key.slice(0, 33)
  short[0] = ((key[64] as number) & 1) === 0 ? 2 : 3
  return short
}
