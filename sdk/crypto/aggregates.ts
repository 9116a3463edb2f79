import { markOf } from './bls/mapping.ts'
import { isProductOne } from './bls/pairing.ts'
import {
  addKeys,
  addMarks,
  isInGroup,
  isKeyInGroup,
  isNoKey,
  isNoMark,
  type Key,
  type Mark,
  negatedKey,
  negativeBase,
  noKey,
  noMark,
  readKey,
  readMark,
} from './bls/points.ts'

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

/** Proof of possession, as Ethereum's validators gave it (consensus-specs, `specs/phase0/beacon-chain.md`). */
const suite = 'BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_'

/**
 * True when every key signed its message; one product of pairings judges all claims. Never throws.
 *
 * The signatures are added up: their sum is what proves all claims together (the aggregate of Boneh, Gentry, Lynn and
 * Shacham), which holds for keys that anybody made up as long as no two messages are equal. Where two are, each claim is
 * judged by itself. A single signature that holds only with the others may thus be among them.
 *
 * A sum of signatures outside the group, a sum of keys that is nothing or outside theirs, and bytes that are no point
 * are refused. Keys must come from where their owners proved possession, as a beacon state does, or be sums that such a
 * state made.
 *
 * @param claims - At least one: nothing would be proven by none.
 */
export function verifyAggregates(claims: readonly AggregateClaim[]): boolean {
  if (claims.length === 0) return false
  const messages = new Set(claims.map(({ message }) => message.join()))
  return messages.size === claims.length ? holds(claims) : claims.every((claim) => holds([claim]))
}

function holds(claims: readonly AggregateClaim[]): boolean {
  const pairs: (readonly [Key, Mark])[] = []
  let signatures = noMark
  for (const { plus, minus, message, signature } of claims) {
    const key = keyOf(plus, minus)
    const mark = readMark(signature)
    const point = markOf(message, suite)
    if (!key || !mark || isNoMark(point)) return false
    pairs.push([key, point])
    signatures = addMarks(signatures, mark)
  }
  if (isNoMark(signatures) || !isInGroup(signatures)) return false
  return isProductOne([...pairs, [negativeBase, signatures]])
}

/** The key of a claim, if it is one. */
function keyOf(plus: readonly Uint8Array[], minus: readonly Uint8Array[]): Key | undefined {
  let sum = noKey
  for (const key of plus) {
    const point = pointOf(key)
    if (!point) return undefined
    sum = addKeys(sum, point)
  }
  for (const key of minus) {
    const point = pointOf(key)
    if (!point) return undefined
    sum = addKeys(sum, negatedKey(point))
  }
  if (isNoKey(sum)) return undefined
  if (!inGroup.has(sum)) {
    if (!isKeyInGroup(sum)) return undefined
    inGroup.add(sum)
  }
  return sum
}

/**
 * Points of keys that came before, `null` for bytes that are none: each is a square root, and committees sign for a
 * day. Goes with the bytes.
 */
const points = /* @__PURE__ */ new WeakMap<Uint8Array, Key | null>()
/** Points that were found in the group: without absent members, a committee's sum is the same point every time. */
const inGroup = /* @__PURE__ */ new WeakSet<Key>()

function pointOf(key: Uint8Array): Key | null {
  const known = points.get(key)
  if (known !== undefined) return known
  const point = readKey(key) ?? null
  points.set(key, point)
  return point
}
