import coinSelect from 'coinselect'
import { type Feerate, type Sats, sats } from '../units.ts'
import { dustLimit, type FeeRule, feeOf, transactionWeight, transactionWeightMax } from './fees.ts'
import type { Coin } from './scan.ts'
import { compareOutpoints, type Output, outpointKey } from './transaction.ts'

/** Most coins of one transaction: 400 P2WPKH inputs are a quarter of what nodes relay. */
export const selectedCoinsMax = 400
/** Most outputs of one payment. */
export const outputsMax = 1_000

/** A coin, and what an input that spends it weighs at the most, in weight units. */
export interface Candidate {
  readonly coin: Coin
  readonly inputWeight: number
}

export interface SelectionWish {
  /** What may be spent; the same coin twice counts once. */
  readonly candidates: readonly Candidate[]
  /** What must be spent, whatever it is worth: the coins of a transaction to replace, say. */
  readonly required?: readonly Candidate[]
  readonly outputs: readonly Output[]
  /** Script for what is left over. */
  readonly changeScript: Uint8Array
  readonly feerate: Feerate
  /** What the whole must pay, where that is more than the feerate says. */
  readonly feeRule?: FeeRule
}

/** Coins that pay for the outputs, exactly: coins = outputs + change + fee. */
export interface Selection {
  readonly ok: true
  /** In the order of BIP-69. */
  readonly candidates: readonly Candidate[]
  /** `null` where it would be dust: what is left goes to the fee. */
  readonly change: Output | null
  readonly fee: Sats
  /** Of the whole transaction, with signatures at their longest. */
  readonly weight: number
}

/** Why no coins were chosen. */
export type NoSelection =
  | { readonly ok: false; readonly reason: 'insufficient'; readonly missing: bigint }
  /** Output `index` is less than nodes relay. */
  | { readonly ok: false; readonly reason: 'dust'; readonly index: number }
  | { readonly ok: false; readonly reason: 'no-outputs' | 'too-many-outputs' | 'too-many-coins' | 'too-heavy' }

/**
 * Chooses coins for outputs at a feerate: a set that needs no change where there is one, else the most valuable
 * coins until they suffice.
 *
 * `coinselect` makes the choice; fee, dust and change are reckoned here, from exact weights. A coin that costs
 * more than it is worth is left alone. The fee reaches the feerate, and exceeds it by less than a change output
 * would have cost, dust included.
 */
export function selectCoins(wish: SelectionWish): Selection | NoSelection {
  const { outputs, required = [] } = wish
  if (outputs.length === 0) return { ok: false, reason: 'no-outputs' }
  if (outputs.length > outputsMax) return { ok: false, reason: 'too-many-outputs' }
  const index = outputs.findIndex(({ script, value }) => value < dustLimit(script))
  if (index >= 0) return { ok: false, reason: 'dust', index }

  const alone = settle(wish, required)
  if (alone.ok || alone.reason !== 'insufficient') return alone
  const taken = new Set(required.map(({ coin }) => outpointKey(coin.outpoint)))
  const useful = worthwhile(wish.candidates, wish.feerate).filter(({ coin }) => !taken.has(outpointKey(coin.outpoint)))
  const open = useful.slice(0, selectedCoinsMax - required.length)
  // Room for what the library's sum leaves out: the vsize is rounded up, and a count may need three bytes.
  const rounding = feeOf(4 * 3, wish.feerate) + 1n
  let settled: Selection | NoSelection = alone
  for (const chosen of [choose(wish, open, 0n), choose(wish, open, rounding), open]) {
    if (chosen) settled = settle(wish, [...required, ...chosen])
    if (settled.ok || settled.reason !== 'insufficient') break
  }
  const isCut = open.length < useful.length && !settled.ok && settled.reason === 'insufficient'
  return isCut ? { ok: false, reason: 'too-many-coins' } : settled
}

/**
 * Spends every coin that is worth its input, the most valuable {@link selectedCoinsMax}, into one output: to
 * empty a wallet, or to gather small coins. That output is the selection's `change`.
 */
export function selectAll(wish: {
  readonly candidates: readonly Candidate[]
  readonly script: Uint8Array
  readonly feerate: Feerate
  readonly feeRule?: FeeRule
}): Selection | NoSelection {
  const { script, feerate } = wish
  const chosen = worthwhile(wish.candidates, feerate).slice(0, selectedCoinsMax)
  const settled = settle({ ...wish, outputs: [], changeScript: script }, chosen)
  if (!settled.ok || settled.change) return settled
  return { ok: false, reason: 'insufficient', missing: dustLimit(script) }
}

/** Reckons fee and change of a fixed choice. */
function settle(wish: SelectionWish, candidates: readonly Candidate[]): Selection | NoSelection {
  if (candidates.length > selectedCoinsMax) return { ok: false, reason: 'too-many-coins' }
  const { changeScript, outputs } = wish
  const feeAt = feeRuleOf(wish)
  const inputWeights = candidates.map(({ inputWeight }) => inputWeight)
  const scripts = outputs.map(({ script }) => script)
  const left = sumOf(candidates.map(({ coin }) => coin)) - sumOf(outputs)

  const weight = transactionWeight(inputWeights, scripts)
  const weightWithChange = transactionWeight(inputWeights, [...scripts, changeScript])
  const fee = feeAt(weight)
  if (candidates.length === 0 || left < fee) return { ok: false, reason: 'insufficient', missing: fee - left }
  if (weightWithChange > transactionWeightMax) return { ok: false, reason: 'too-heavy' }

  const chosen = [...candidates].sort((a, b) => compareOutpoints(a.coin.outpoint, b.coin.outpoint))
  const change = left - feeAt(weightWithChange)
  return change >= dustLimit(changeScript)
    ? {
        ok: true,
        candidates: chosen,
        change: { script: changeScript, value: sats(change) },
        fee: sats(left - change),
        weight: weightWithChange,
      }
    : { ok: true, candidates: chosen, change: null, fee: sats(left), weight }
}

/**
 * Asks the library for coins that bring `spare` more than is needed.
 *
 * It reckons `size * feerate` in numbers, with a whole feerate and the sizes of old P2PKH transactions. So each coin
 * is handed over with a script length that makes this product its cost, and the rest of the transaction as one output
 * of no size that holds its cost already. Sizes are whole, rounded up: with a fraction of a satoshi left over the
 * library answers nothing.
 */
function choose(wish: SelectionWish, open: readonly Candidate[], spare: bigint): readonly Candidate[] | undefined {
  const { feerate, outputs, required = [] } = wish
  const rest = transactionWeight(
    required.map(({ inputWeight }) => inputWeight),
    outputs.map(({ script }) => script),
  )
  const wholeRate = Math.max(1, Math.ceil(feerate / 1000))
  const costOf = ({ inputWeight }: Candidate) => (inputWeight * feerate) / 4000
  const need = sumOf(outputs) + feeRuleOf(wish)(rest) + spare - sumOf(required.map(({ coin }) => coin))
  const parts = open.map((candidate) => ({
    candidate,
    value: Number(candidate.coin.value),
    script: { length: Math.ceil(costOf(candidate) / wholeRate) - libraryInputBytes },
  }))
  const payment = { value: Number(need), script: { length: -libraryEmptyBytes } }
  return coinSelect(parts, [payment], wholeRate).inputs?.map(({ candidate }) => candidate)
}

/** What `coinselect` adds to the script of an input, and to a transaction of one output. */
const libraryInputBytes = 41
const libraryEmptyBytes = 10 + 9

/** Coins that bring more than they cost, each once, the most valuable first. */
function worthwhile(candidates: readonly Candidate[], feerate: Feerate): readonly Candidate[] {
  const once = new Map(candidates.map((candidate) => [outpointKey(candidate.coin.outpoint), candidate]))
  return [...once.values()]
    .filter(({ coin, inputWeight }) => coin.value > feeOf(inputWeight, feerate))
    .sort((a, b) => Number(b.coin.value - a.coin.value) || compareOutpoints(a.coin.outpoint, b.coin.outpoint))
}

function sumOf(parts: readonly { readonly value: Sats }[]): bigint {
  return parts.reduce((sum, { value }) => sum + value, 0n)
}

function feeRuleOf({ feeRule, feerate }: SelectionWish): FeeRule {
  return feeRule ?? ((weight) => feeOf(weight, feerate))
}
