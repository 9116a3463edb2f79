import { bn254 } from '@noble/curves/bn254.js'

/**
 * The contracts of EIP-196 and EIP-197 over bn254, also called alt_bn128: nothing for an input that is not points of
 * the curve. Inputs that are too short end in zeros, longer ones are cut, except where pairs are counted.
 */

const { G1, G2, fields, pairingBatch } = bn254
const { Fp, Fp2, Fp12, Fr } = fields
type G1Point = typeof G1.Point.ZERO
type G2Point = typeof G2.Point.ZERO

/** Two points of 64 bytes to their sum. */
export function bn254Add(input: Uint8Array): Uint8Array | undefined {
  return orNothing(() => writePoint(readPoint(padded(input, 128), 0).add(readPoint(padded(input, 128), 64))))
}

/** A point and any number of 32 bytes to the multiple. */
export function bn254Multiply(input: Uint8Array): Uint8Array | undefined {
  return orNothing(() => {
    const bytes = padded(input, 96)
    return writePoint(readPoint(bytes, 0).multiplyUnsafe(Fr.create(numberAt(bytes, 64))))
  })
}

/** Pairs of 64 and 128 bytes, none of them too: a word that is 1 when the product of all pairings is, else 0. */
export function bn254Pairing(input: Uint8Array): Uint8Array | undefined {
  if (input.length % 192 !== 0) return undefined
  return orNothing(() => {
    const pairs: { g1: G1Point; g2: G2Point }[] = []
    for (let at = 0; at < input.length; at += 192) {
      const pair = { g1: readPoint(input, at), g2: readTwistPoint(input, at + 64) }
      if (!pair.g1.is0() && !pair.g2.is0()) pairs.push(pair)
    }
    const answer = new Uint8Array(32)
    answer[31] = pairs.length === 0 || Fp12.eql(pairingBatch(pairs), Fp12.ONE) ? 1 : 0
    return answer
  })
}

function readPoint(bytes: Uint8Array, at: number): G1Point {
  const x = fieldAt(bytes, at)
  const y = fieldAt(bytes, at + 32)
  if (x === 0n && y === 0n) return G1.Point.ZERO
  const point = G1.Point.fromAffine({ x, y })
  point.assertValidity()
  return point
}

/** The imaginary part stands first (EIP-197). */
function readTwistPoint(bytes: Uint8Array, at: number): G2Point {
  const x = Fp2.fromBigTuple([fieldAt(bytes, at + 32), fieldAt(bytes, at)])
  const y = Fp2.fromBigTuple([fieldAt(bytes, at + 96), fieldAt(bytes, at + 64)])
  if (Fp2.is0(x) && Fp2.is0(y)) return G2.Point.ZERO
  const point = G2.Point.fromAffine({ x, y })
  point.assertValidity()
  // The twist has more points than the group.
  if (!point.multiplyUnsafe(Fr.ORDER - 1n).equals(point.negate())) throw new RangeError()
  return point
}

function writePoint(point: G1Point): Uint8Array {
  const bytes = new Uint8Array(64)
  if (point.is0()) return bytes
  const { x, y } = point.toAffine()
  bytes.set(Fp.toBytes(x))
  bytes.set(Fp.toBytes(y), 32)
  return bytes
}

function fieldAt(bytes: Uint8Array, at: number): bigint {
  const value = numberAt(bytes, at)
  if (value >= Fp.ORDER) throw new RangeError()
  return value
}

function numberAt(bytes: Uint8Array, at: number): bigint {
  let value = 0n
  for (let byte = at; byte < at + 32; byte++) value = (value << 8n) | BigInt(bytes[byte] as number)
  return value
}

function padded(input: Uint8Array, size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  bytes.set(input.subarray(0, size))
  return bytes
}

function orNothing<value>(run: () => value): value | undefined {
  try {
    return run()
  } catch {
    return undefined // Not points of the curve: the library throws, the contract fails.
  }
}
