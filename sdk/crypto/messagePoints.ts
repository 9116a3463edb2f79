import { hash_to_field, isogenyMap } from '@noble/curves/abstract/hash-to-curve.js'
import { bls12_381 } from '@noble/curves/bls12-381.js'
import { clearCofactor, normOf, type Pair, pairRoot, rootOfEither, type SignaturePoint } from './signaturePoints.ts'

const { G2, fields } = bls12_381
const { Fp, Fp2 } = fields

/**
 * A message as a point of the group of signatures (RFC 9380, suite BLS12381G2_XMD:SHA-256_SSWU_RO_): as the library's `hash` makes it,
 * but for the check that the point is in the group, which the last step has just made so.
 *
 * @param suite - Sets this use apart from every other, in ASCII.
 */
export function messagePoint(message: Uint8Array, suite: string): SignaturePoint {
  const [one, other] = hash_to_field(message, 2, { ...G2.defaults, DST: suite }) as [bigint[], bigint[]]
  return clearCofactor(curvePoint(pairOf(one)).add(curvePoint(pairOf(other))))
}

/** `map_to_curve` of a number. */
function curvePoint(number: Pair): SignaturePoint {
  maps ??= mapsOfRfc9380()
  const { x, y } = simpleMap(maps, number)
  return G2.Point.fromAffine(maps.isogeny(x, y))
}

/**
 * `map_to_curve_simple_swu` (section 6.6.2). Of the two values that may be a square, the lengths differ by a factor that is known: the
 * root of one tells that of the other, and so one power does for both.
 */
function simpleMap({ a, b, z, ratio, rootOfFactor }: Maps, number: Pair): { readonly x: Pair; readonly y: Pair } {
  const curveAt = (x: Pair) => Fp2.add(Fp2.mul(Fp2.add(Fp2.sqr(x), a), x), b)
  const square = Fp2.mul(z, Fp2.sqr(number))
  const divisor = Fp2.add(Fp2.sqr(square), square)
  const first = Fp2.is0(divisor) ? Fp2.div(b, Fp2.mul(z, a)) : Fp2.mul(ratio, Fp2.add(Fp2.ONE, Fp2.inv(divisor)))
  const value = curveAt(first)
  const norm = normOf(value)
  const root = rootOfEither(norm)
  const isFirst = Fp.eql(Fp.sqr(root), norm)
  const x = isFirst ? first : Fp2.mul(square, first)
  const length = normOf(number)
  const y = isFirst
    ? pairRoot(value, root)
    : pairRoot(curveAt(x), Fp.mul(Fp.mul(root, rootOfFactor), Fp.mul(Fp.sqr(length), length)))
  return { x, y: signOf(y) === signOf(number) ? y : Fp2.neg(y) }
}

/** `sgn0` (section 4.1). */
function signOf({ c0, c1 }: Pair): bigint {
  return (c0 || c1) & 1n
}

/** Of the curve that the simple map goes to, and the way from there to the curve of the group. */
interface Maps {
  readonly a: Pair
  readonly b: Pair
  readonly z: Pair
  /** -b / a. */
  readonly ratio: Pair
  /** Root of the negative of the cube of Z's norm. */
  readonly rootOfFactor: bigint
  readonly isogeny: (x: Pair, y: Pair) => { readonly x: Pair; readonly y: Pair }
}

let maps: Maps | undefined

function pairOf([re, im]: readonly bigint[]): Pair {
  return Fp2.fromBigTuple([re ?? 0n, im ?? 0n])
}

/** The curve and Z of section 8.8.2, and the rational functions of appendix E.3: lowest power first. */
function mapsOfRfc9380(): Maps {
  const a = 0x11560bf17baa99bc32126fced787c88f984f87adf7ae0c7f9a208c6b4f20a4181472aaa9cb8d555526a9ffffffffc71an
  const b = 0x8ab05f8bdd54cde190937e76bc3e447cc27c3d6fbd7063fcd104635a790520c0a395554e5c6aaaa9354ffffffffe38dn
  const c = 0x5c759507e8e333ebb5b7a9a47d7ed8532c52d39fd3a042a88b58423c50ae15d5c2638e343d9c71c6238aaaaaaaa97ben
  const d = 0x1530477c7ab4113b59a4c18b076d11930f7da5d4a07f649bf54439d87d27e500fc8c25ebf8c92f6812cfc71c71c6d706n
  const e = 0x171d6541fa38ccfaed6dea691f5fb614cb14b4e7f4e810aa22d6108f142b85757098e38d0f671c7188e2aaaaaaaa5ed1n
  const f = 0x124c9ad43b6cf79bfbf7043de3811ad0761b0f37a1e26286b0e977c69aa274524e79097a56dc4bd9e1b371c71c718b10n
  const functions = [
    [[c + 24n, c + 24n], [0n, a], [a + 4n, b], [e]],
    [[0n, -72n], [12n, -12n], [1n]],
    [[d, d], [0n, c], [a + 2n, b + 2n], [f]],
    [[-432n, -432n], [0n, -216n], [18n, -18n], [1n]],
  ]
  const curve = { a: pairOf([0n, 240n]), b: pairOf([1012n, 1012n]), z: pairOf([-2n, -1n]) }
  return {
    ...curve,
    ratio: Fp2.neg(Fp2.div(curve.b, curve.a)),
    rootOfFactor: Fp.sqrt(Fp.neg(Fp.pow(normOf(curve.z), 3n))),
    isogeny: isogenyMap(Fp2, functions.map((one) => one.map(pairOf)) as [Pair[], Pair[], Pair[], Pair[]]),
  }
}
