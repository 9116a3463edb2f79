import { bls12_381 } from '@noble/curves/bls12-381.js'

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

const { G1, G2, fields, longSignatures, millerLoopBatch, utils } = bls12_381
type Key = typeof G1.Point.ZERO
type SignaturePoint = typeof G2.Point.ZERO

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
    const signatures = claims.map(({ signature }) => G2.Point.fromBytes(signature))
    for (const { plus, minus, message } of claims) {
      const key = minus.length === 0 ? sumOf(plus) : sumOf(plus).subtract(sumOf(minus))
      pairs.push({ g1: key, g2: longSignatures.hash(message, suite) as SignaturePoint })
    }
    pairs.push({ g1: negativeBase(), g2: signatures.reduce((sum, one) => sum.add(one)) })
    return isProductOne(pairs)
  } catch {
    return false // No point has these bytes: the library throws, the claim does not hold.
  }
}

/**
 * The library's own pairing of several pairs, but for the checks that it repeats of each point. Those read from bytes were checked as
 * they were read, each to be in its group; hashes come out in theirs; and sums of such points are in it. What is left is to refuse
 * infinity, which a sum may come to.
 */
function isProductOne(pairs: readonly { readonly g1: Key; readonly g2: SignaturePoint }[]): boolean {
  if (pairs.some(({ g1, g2 }) => g1.is0() || g2.is0())) return false
  const walks = pairs.map(({ g1, g2 }) => {
    const { x, y } = g1.toAffine()
    return [utils.calcPairingPrecomputes(g2), x, y] as Parameters<typeof millerLoopBatch>[0][number]
  })
  return fields.Fp12.eql(fields.Fp12.finalExponentiate(millerLoopBatch(walks)), fields.Fp12.ONE)
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
