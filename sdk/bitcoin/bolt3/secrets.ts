import { sha256 } from '../../crypto/engine.ts'
import { invariant } from '../../errors.ts'
import { sameBytes } from '../../units.ts'

/** Highest commitment number: 48 bits of it fit into a transaction (BOLT-3, "Commitment Transaction"). */
export const commitmentNumberMax = 2 ** 48 - 1

/** One secret of the other side, and which. */
export interface KnownSecret {
  readonly index: number
  readonly secret: Uint8Array
}

/**
 * All secrets that the other side has revealed so far, from which every earlier one can be made: at most 49, and one more
 * each time their count doubles (BOLT-3, "Efficient Per-commitment Secret Storage"). The place of each is the number of
 * zeros at the end of its index.
 */
export type SecretStore = readonly KnownSecret[]

/** Most that a {@link SecretStore} holds. */
export const secretStoreMax = 49

/** Index of a commitment's secret: they count down, so that a later one makes the earlier. */
export function secretIndex(commitmentNumber: number): number {
  invariant(isIndex(commitmentNumber), 'a commitment number has 48 bits')
  return commitmentNumberMax - commitmentNumber
}

/**
 * The secret of an index, from the seed (BOLT-3, "Per-commitment Secret Requirements").
 *
 * Funds at risk: whoever has the secret of a commitment can take all of it once it is broadcast.
 */
export function secretAt(seed: Uint8Array, index: number): Uint8Array {
  invariant(seed.length === 32 && isIndex(index), 'secrets are made of 32 bytes, for 48 bits')
  return derived(seed, 48, index)
}

/** The secret of an index that differs from a known one's in its last zeros alone: with few of them, at few hashes. */
export function secretBelow({ index: from, secret }: KnownSecret, index: number): Uint8Array {
  const bits = trailingZeros(from)
  invariant(Math.floor(index / 2 ** bits) * 2 ** bits === from, 'a secret follows from one of its own block')
  return derived(secret, bits, index)
}

/**
 * The store with one more secret; nothing when the secrets known before do not follow from it, so that it is none of the
 * same seed. Whether it belongs to its point is the caller's to check.
 */
export function withSecret(store: SecretStore, { index, secret }: KnownSecret): SecretStore | undefined {
  const place = trailingZeros(index)
  for (let at = 0; at < place; at++) {
    const known = store[at]
    if (known && !sameBytes(derived(secret, place, known.index), known.secret)) return undefined
  }
  return [...store.slice(0, place), { index, secret }, ...store.slice(place + 1)]
}

/** A secret that was revealed, or nothing when it was not. */
export function revealedSecret(store: SecretStore, index: number): Uint8Array | undefined {
  for (const [bits, known] of store.entries()) {
    const block = 2 ** bits
    if (Math.floor(index / block) * block === known.index) return derived(known.secret, bits, index)
  }
  return undefined
}

/** The secret of an index whose bits from `bits` on are those of `base`'s. */
function derived(base: Uint8Array, bits: number, index: number): Uint8Array {
  let value = base
  for (let bit = bits - 1; bit >= 0; bit--) {
    if (Math.floor(index / 2 ** bit) % 2 === 0) continue
    const flipped = value.slice()
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
    value = sha256(flipped)
  }
  return value
}

function trailingZeros(index: number): number {
  let zeros = 0
  for (let rest = index; zeros < 48 && rest % 2 === 0; rest /= 2) zeros += 1
  return zeros
}

function isIndex(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= commitmentNumberMax
}
