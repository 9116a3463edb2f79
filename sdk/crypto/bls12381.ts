import { pippenger } from '@noble/curves/abstract/curve.js'
import { bls12_381 } from '@noble/curves/bls12-381.js'
import { sha256 } from './hashes.ts'

/**
 * The contracts of EIP-2537 over BLS12-381, and the point evaluation of EIP-4844: nothing for an input that is not
 * what they take.
 */

const { G1, G2, fields, pairingBatch } = bls12_381
const { Fp, Fp2, Fp12, Fr } = fields
type G1Point = typeof G1.Point.ZERO
type G2Point = typeof G2.Point.ZERO

/** The library's types tell of its inner map; what it runs takes these, and answers points of the group. */
const mapG1 = G1.mapToCurve as unknown as (scalar: bigint) => G1Point
const mapG2 = G2.mapToCurve as unknown as (scalars: readonly [bigint, bigint]) => G2Point

/** From so many points on, sorting them into buckets is worth its trouble. */
const bucketsMin = 8

export function g1Add(input: Uint8Array): Uint8Array | undefined {
  return input.length === 256
    ? orNothing(() => writeG1(readG1(input, 0, 'curve').add(readG1(input, 128, 'curve'))))
    : undefined
}

export function g2Add(input: Uint8Array): Uint8Array | undefined {
  return input.length === 512
    ? orNothing(() => writeG2(readG2(input, 0, 'curve').add(readG2(input, 256, 'curve'))))
    : undefined
}

/** The sum of multiples: a point of 128 bytes and a number of 32, as often as one likes, but once. */
export function g1Msm(input: Uint8Array): Uint8Array | undefined {
  if (input.length === 0 || input.length % 160 !== 0) return undefined
  return orNothing(() => {
    const points: G1Point[] = []
    const scalars: bigint[] = []
    for (let at = 0; at < input.length; at += 160) {
      const point = readG1(input, at, 'group')
      const scalar = Fr.create(numberAt(input, at + 128, 32))
      if (point.is0() || scalar === 0n) continue
      points.push(point)
      scalars.push(scalar)
    }
    if (points.length >= bucketsMin) return writeG1(pippenger(G1.Point, points, scalars))
    return writeG1(points.reduce((sum, point, at) => sum.add(point.multiplyUnsafe(scalars[at] ?? 0n)), G1.Point.ZERO))
  })
}

/** {@link g1Msm} with points of 256 bytes. */
export function g2Msm(input: Uint8Array): Uint8Array | undefined {
  if (input.length === 0 || input.length % 288 !== 0) return undefined
  return orNothing(() => {
    const points: G2Point[] = []
    const scalars: bigint[] = []
    for (let at = 0; at < input.length; at += 288) {
      const point = readG2(input, at, 'group')
      const scalar = Fr.create(numberAt(input, at + 256, 32))
      if (point.is0() || scalar === 0n) continue
      points.push(point)
      scalars.push(scalar)
    }
    if (points.length >= bucketsMin) return writeG2(pippenger(G2.Point, points, scalars))
    return writeG2(points.reduce((sum, point, at) => sum.add(point.multiplyUnsafe(scalars[at] ?? 0n)), G2.Point.ZERO))
  })
}

/** Pairs of 128 and 256 bytes: a word that is 1 when the product of all pairings is, else 0. */
export function blsPairing(input: Uint8Array): Uint8Array | undefined {
  if (input.length === 0 || input.length % 384 !== 0) return undefined
  return orNothing(() => {
    const pairs: { g1: G1Point; g2: G2Point }[] = []
    for (let at = 0; at < input.length; at += 384) {
      const pair = { g1: readG1(input, at, 'group'), g2: readG2(input, at + 128, 'group') }
      if (!pair.g1.is0() && !pair.g2.is0()) pairs.push(pair)
    }
    const answer = new Uint8Array(32)
    answer[31] = isProductOne(pairs) ? 1 : 0
    return answer
  })
}

/** A field element of 64 bytes to a point of the group (RFC 9380, section 6.6.3, cofactor cleared). */
export function mapToG1(input: Uint8Array): Uint8Array | undefined {
  return input.length === 64 ? orNothing(() => writeG1(mapG1(fieldAt(input, 0)))) : undefined
}

export function mapToG2(input: Uint8Array): Uint8Array | undefined {
  return input.length === 128 ? orNothing(() => writeG2(mapG2([fieldAt(input, 0), fieldAt(input, 64)]))) : undefined
}

/** The second point of the ceremony's secret in G2: what KZG proofs of Ethereum are judged by. */
const secretInG2 =
  'b5bfd7dd8cdeb128843bc287230af38926187075cbfbefa81009a2ce615ac53d2914e5870cb452d2afaaab24f3499f72' +
  '185cbfee53492714734429b7b38608e23926c911cceceac9a36851477ba4c60b087041de621000edc98edada20c1def2'

/** How many numbers a blob holds, and the group's order, as the contract answers them. */
const blobElements = 4_096n

/**
 * Judges that the polynomial committed to has the value y at z (EIP-4844): versioned hash, z, y (32 bytes each),
 * commitment and proof (48 each).
 */
export function pointEvaluation(input: Uint8Array): Uint8Array | undefined {
  if (input.length !== 192) return undefined
  return orNothing(() => {
    const hash = sha256(input.subarray(96, 144))
    hash[0] = 1
    if (hash.some((byte, at) => byte !== input[at])) throw new RangeError()
    const z = scalarAt(input, 32)
    const y = scalarAt(input, 64)
    const commitment = readCompressed(input.subarray(96, 144))
    const proof = readCompressed(input.subarray(144, 192))
    // e(commitment - y, -1) * e(proof, secret - z) = 1
    const value = commitment.subtract(G1.Point.BASE.multiplyUnsafe(y))
    const divisor = G2.Point.fromHex(secretInG2).subtract(G2.Point.BASE.multiplyUnsafe(z))
    const pairs = [
      { g1: value, g2: G2.Point.BASE.negate() },
      { g1: proof, g2: divisor },
    ]
    if (!isProductOne(pairs.filter(({ g1, g2 }) => !g1.is0() && !g2.is0()))) throw new RangeError()
    const answer = new Uint8Array(64)
    writeNumber(answer, 0, 32, blobElements)
    writeNumber(answer, 32, 32, Fr.ORDER)
    return answer
  })
}

function isProductOne(pairs: { g1: G1Point; g2: G2Point }[]): boolean {
  return pairs.length === 0 || Fp12.eql(pairingBatch(pairs), Fp12.ONE)
}

function readCompressed(bytes: Uint8Array): G1Point {
  const point = G1.Point.fromBytes(bytes)
  if (!point.is0()) point.assertValidity()
  return point
}

/** `curve` lets in what is outside the group, as the sums do. */
type Membership = 'curve' | 'group'

function readG1(bytes: Uint8Array, at: number, membership: Membership): G1Point {
  const x = fieldAt(bytes, at)
  const y = fieldAt(bytes, at + 64)
  if (x === 0n && y === 0n) return G1.Point.ZERO
  if (!Fp.eql(Fp.sqr(y), Fp.add(Fp.mul(Fp.sqr(x), x), 4n))) throw new RangeError()
  const point = G1.Point.fromAffine({ x, y })
  if (membership === 'group' && !point.isTorsionFree()) throw new RangeError()
  return point
}

function readG2(bytes: Uint8Array, at: number, membership: Membership): G2Point {
  const x = Fp2.fromBigTuple([fieldAt(bytes, at), fieldAt(bytes, at + 64)])
  const y = Fp2.fromBigTuple([fieldAt(bytes, at + 128), fieldAt(bytes, at + 192)])
  if (Fp2.is0(x) && Fp2.is0(y)) return G2.Point.ZERO
  const b = Fp2.fromBigTuple([4n, 4n])
  if (!Fp2.eql(Fp2.sqr(y), Fp2.add(Fp2.mul(Fp2.sqr(x), x), b))) throw new RangeError()
  const point = G2.Point.fromAffine({ x, y })
  if (membership === 'group' && !point.isTorsionFree()) throw new RangeError()
  return point
}

function writeG1(point: G1Point): Uint8Array {
  const bytes = new Uint8Array(128)
  if (point.is0()) return bytes
  const { x, y } = point.toAffine()
  writeNumber(bytes, 0, 64, x)
  writeNumber(bytes, 64, 64, y)
  return bytes
}

function writeG2(point: G2Point): Uint8Array {
  const bytes = new Uint8Array(256)
  if (point.is0()) return bytes
  const { x, y } = point.toAffine()
  for (const [at, value] of [x.c0, x.c1, y.c0, y.c1].entries()) writeNumber(bytes, 64 * at, 64, value)
  return bytes
}

function fieldAt(bytes: Uint8Array, at: number): bigint {
  const value = numberAt(bytes, at, 64)
  if (value >= Fp.ORDER) throw new RangeError()
  return value
}

function scalarAt(bytes: Uint8Array, at: number): bigint {
  const value = numberAt(bytes, at, 32)
  if (value >= Fr.ORDER) throw new RangeError()
  return value
}

function numberAt(bytes: Uint8Array, at: number, size: number): bigint {
  let value = 0n
  for (let byte = at; byte < at + size; byte++) value = (value << 8n) | BigInt(bytes[byte] as number)
  return value
}

function writeNumber(bytes: Uint8Array, at: number, size: number, value: bigint): void {
  const digits = value.toString(16).padStart(2 * size, '0')
  for (let byte = 0; byte < size; byte++) bytes[at + byte] = Number.parseInt(digits.slice(2 * byte, 2 * byte + 2), 16)
}

function orNothing<value>(run: () => value): value | undefined {
  try {
    return run()
  } catch {
    return undefined // Not what the contract takes: the library throws, the contract fails.
  }
}
