import { type Feerate, feerate as feerateOf, type Sats, sats } from '../units.ts'
import { feeOf, vsizeOf } from './fees.ts'
import { type Candidate, type NoSelection, type Selection, selectAll, selectCoins } from './select.ts'
import type { Output } from './transaction.ts'

/** Most transactions that one replacement may throw out (BIP-125, rule 5). */
export const replacedMax = 100

/** What a transaction that no block holds yet pays, and weighs once signed. */
export interface Unconfirmed {
  readonly fee: Sats
  readonly weight: number
}

/**
 * Chooses coins for a transaction that takes the place of another (BIP-125, and Bitcoin Core's rules 2 to 5).
 *
 * All coins of the original are spent again, so the two can never both confirm. Coins beyond them are taken from
 * blocks only. The fee is what the feerate says, and at least what the original and its descendants pay together,
 * and `incremental` for the replacement's own size; the feerate is raised above the original's where need be.
 */
export function selectReplacement(wish: {
  readonly original: Unconfirmed & { readonly candidates: readonly Candidate[] }
  /** Unconfirmed transactions that spend from the original: they go with it. */
  readonly descendants: readonly Unconfirmed[]
  /** The payments to keep, without the original's change. */
  readonly outputs: readonly Output[]
  readonly changeScript: Uint8Array
  readonly candidates: readonly Candidate[]
  readonly feerate: Feerate
  /** The node's -incrementalrelayfee. */
  readonly incremental: Feerate
}): Selection | NoSelection | { readonly ok: false; readonly reason: 'too-many-descendants' } {
  const { original, descendants, outputs, changeScript, incremental } = wish
  if (descendants.length >= replacedMax) return { ok: false, reason: 'too-many-descendants' }
  const replaced = [original, ...descendants].reduce((sum, { fee }) => sum + fee, 0n)
  const feerate = feerateOf(Math.max(wish.feerate, beyondFeerateOf(original)))
  return selectCoins({
    candidates: wish.candidates.filter(({ coin }) => coin.height !== null),
    required: original.candidates,
    outputs,
    changeScript,
    feerate,
    feeRule: (weight) => larger(feeOf(weight, feerate), replaced + feeOf(weight, incremental)),
  })
}

/**
 * Spends a coin of an unconfirmed transaction back to ourselves, for a fee that lifts both (child pays for parent).
 *
 * @param wish.parents - The transaction, and its own unconfirmed parents.
 * @returns The selection; its one output is `change`.
 */
export function selectChild(wish: {
  readonly parents: readonly Unconfirmed[]
  readonly coin: Candidate
  readonly script: Uint8Array
  /** What parents and child reach together. */
  readonly feerate: Feerate
}): Selection | NoSelection {
  const { parents, coin, script, feerate } = wish
  return selectAll({
    candidates: [coin],
    script,
    feerate,
    feeRule: (weight) => childFee({ parents, weight, feerate }),
  })
}

/**
 * What a child pays so that its parents and itself reach a feerate together; never less than the feerate on its own
 * weight, since its parents may confirm without it.
 */
export function childFee(wish: {
  readonly parents: readonly Unconfirmed[]
  readonly weight: number
  readonly feerate: Feerate
}): Sats {
  const { parents, weight, feerate } = wish
  const vsize = parents.reduce((sum, parent) => sum + vsizeOf(parent.weight), vsizeOf(weight))
  const paid = parents.reduce((sum, { fee }) => sum + fee, 0n)
  return larger(feeOf(weight, feerate), feeOf(4 * vsize, feerate) - paid)
}

/** The lowest feerate that is beyond what a transaction pays. */
function beyondFeerateOf({ fee, weight }: Unconfirmed): number {
  return Number((fee * 1000n) / BigInt(vsizeOf(weight))) + 1
}

function larger(a: bigint, b: bigint): Sats {
  return sats(a > b ? a : b)
}
