import { bls12_381 } from '@noble/curves/bls12-381.js'
import { messagePoint } from './messagePoints.ts'
import { isInGroup, normOf, pairRoot, rootOfEither, type SignaturePoint } from './signaturePoints.ts'

/** That the holders of keys signed a message together (BLS signatures of Ethereum: keys in G1, signatures in G2). */
export interface AggregateClaim {
  /** Compressed keys, 48 bytes each, whose sum signed: that of `plus` without that of `minus`. */
  readonly plus: readonly Uint8Array[]
  readonly minus: readonly Uint8Array[]
  /** 32 bytes. */
  readonly message: Uint8Array
  /** Compressed, 96 bytes. */
  readonly signature: Uint8Array
}

const { G1, G2, fields, millerLoopBatch, utils } = bls12_381
const { Fp, Fp2, Fp12 } = fields
type Key = typeof G1.Point.ZERO

/** Proof of possession, as Ethereum's validators gave it (consensus-specs, `specs/phase0/beacon-chain.md`). */
const suite = 'BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_'

/**
 * True when every key signed its message; one product of pairings judges all claims. Never throws.
 *
 * The signatures are added up: their sum is what proves all claims together (the aggregate of Boneh, Gentry, Lynn and
 * Shacham), which holds for keys that anybody made up as long as no two messages are equal. Where two are, each claim is
 * judged by itself. A single signature that holds only with the others may thus be among them.
 *
 * A sum of signatures outside the group, a sum of keys that is nothing, and bytes that are no point are refused.
 * Keys must come from where their owners proved possession, as a beacon state does, or be sums that such a state made.
 *
 * @param claims - At least one: nothing would be proven by none.
 */
export function verifyAggregates(claims: readonly AggregateClaim[]): boolean {
  if (claims.length === 0) return false
  const distinct = claims.filter((claim, at) => !claims.slice(0, at).some((before) => isSame(before, claim)))
  const messages = new Set(distinct.map(({ message }) => message.join()))
  return messages.size === distinct.length ? holds(distinct) : distinct.every((claim) => holds([claim]))
}

/** Two claims in the same words: the same keys as the caller holds them, not equal ones. */
function isSame(one: AggregateClaim, other: AggregateClaim): boolean {
  if (!sameBytes(one.message, other.message) || !sameBytes(one.signature, other.signature)) return false
  return areSame(one.plus, other.plus) && areSame(one.minus, other.minus)
}

function areSame(some: readonly Uint8Array[], others: readonly Uint8Array[]): boolean {
  return some.length === others.length && some.every((key, at) => key === others[at])
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at])
}

function holds(claims: readonly AggregateClaim[]): boolean {
  try {
    const pairs: { g1: Key; g2: SignaturePoint }[] = []
    for (const { plus, minus, message } of claims) {
      const key = minus.length === 0 ? sumOf(plus) : sumOf(plus).subtract(sumOf(minus))
      pairs.push({ g1: key, g2: messagePoint(message, suite) })
    }
    // The sum is what is judged, whatever it is made of: that it lies in the group is all that the aggregate needs. It shows nothing of
    // a single one, nor would it with random factors: the curve has points of order 13, which one factor in 13 takes away.
    const sum = claims.map(({ signature }) => curvePointOf(signature)).reduce((before, one) => before.add(one))
    return isInGroup(sum) && isProductOne([...pairs, { g1: negativeBase(), g2: sum }])
  } catch {
    return false // No point has these bytes: the library throws, the claim does not hold.
  }
}

/**
 * Of a compressed signature, the point of the curve, in the group or not; infinity is none. The library reads only such as are in it,
 * and to look costs four times the reading.
 */
function curvePointOf(bytes: Uint8Array): SignaturePoint {
  const flags = (bytes[0] ?? 0) >> 5
  if (bytes.length !== 96 || flags >> 1 !== 2) throw new RangeError()
  const number = Uint8Array.from(bytes)
  number[0] = (number[0] as number) & 0x1f
  const x = { c0: Fp.fromBytes(number.subarray(48)), c1: Fp.fromBytes(number.subarray(0, 48)) }
  const square = Fp2.add(Fp2.mul(Fp2.sqr(x), x), G2.Point.CURVE().b)
  const y = pairRoot(square, rootOfEither(normOf(square)))
  const isLarger = 2n * (y.c1 || y.c0) > Fp.ORDER
  return G2.Point.fromAffine({ x, y: isLarger === (flags & 1) > 0 ? y : Fp2.neg(y) })
}

/**
 * The library's own pairing of several pairs, but for the checks that it repeats of each point. Keys were checked as they were read,
 * each to be in its group, and the sum of the signatures is; points of messages come out in theirs. What is left is to refuse
 * infinity, which a sum may come to.
 */
function isProductOne(pairs: readonly { readonly g1: Key; readonly g2: SignaturePoint }[]): boolean {
  if (pairs.some(({ g1, g2 }) => g1.is0() || g2.is0())) return false
  const walks = pairs.map(({ g1, g2 }) => {
    const { x, y } = g1.toAffine()
    return [utils.calcPairingPrecomputes(g2), x, y] as Parameters<typeof millerLoopBatch>[0][number]
  })
  return Fp12.eql(Fp12.finalExponentiate(millerLoopBatch(walks)), Fp12.ONE)
}

let minusOne: Key | undefined

function negativeBase(): Key {
  minusOne ??= G1.Point.BASE.negate()
  return minusOne
}

/** Points of keys that came before: each is a square root, and committees sign for a day. Goes with the bytes. */
const points = /* @__PURE__ */ new WeakMap<Uint8Array, Key>()

function pointOf(key: Uint8Array): Key {
  const known = points.get(key)
  if (known) return known
  const point = G1.Point.fromBytes(key)
  points.set(key, point)
  return point
}

function sumOf(keys: readonly Uint8Array[]): Key {
  const [only] = keys
  // The point itself, so that it is known the next time.
  if (only && keys.length === 1) return pointOf(only)
  return keys.reduce((sum, key) => sum.add(pointOf(key)), G1.Point.ZERO)
}
