import { type Feerate, feerate, type Sats, sats } from '../units.ts'
import { scriptKind, witnessProgram } from './script.ts'

/** Heaviest transaction that nodes relay (Bitcoin Core, MAX_STANDARD_TX_WEIGHT). */
export const transactionWeightMax = 400_000

/** Core's price for judging dust, -dustrelayfee: 3 sat per vbyte. */
const dustRelayFeerate = 3_000n
/** Bytes of an input that spends an output, as Core's dust rule counts them: its witness at a quarter. */
const spendBytes = { segwit: 67n, legacy: 148n } as const

/** A DER signature with low s and its sighash byte, at its longest. */
export const ecdsaSignatureBytesMax = 72
/** Weight of an input before its witness: outpoint, empty script, sequence. */
export const inputBaseWeight = 4 * (32 + 4 + 1 + 4)

/** Weights of whole inputs by kind, with signatures at their longest: count, signature, key. */
export const spendWeightMax = {
  wpkh: inputBaseWeight + 1 + (1 + ecdsaSignatureBytesMax) + (1 + 33),
  tr: inputBaseWeight + 1 + (1 + 64),
} as const

/** Weight of an input that spends a P2WSH multisig: count, empty, signatures, script. */
export function multisigSpendWeightMax(required: number, keys: number): number {
  const script = 3 + 34 * keys
  return inputBaseWeight + 1 + 1 + required * (1 + ecdsaSignatureBytesMax) + compactSizeLength(script) + script
}

/** Feerates in sat per vbyte by target: what a node thinks confirms within so many blocks. Facts, not believed. */
export type FeeEstimates = ReadonlyMap<number, number>

/** Virtual size of a weight (BIP-141): a quarter, rounded up. */
export function vsizeOf(weight: number): number {
  return Math.ceil(weight / 4)
}

/** Fee that buys `weight` at a feerate, rounded up, so that the rate is reached. */
export function feeOf(weight: number, rate: Feerate): Sats {
  return sats((BigInt(vsizeOf(weight)) * BigInt(rate) + 999n) / 1000n)
}

/** What a transaction has to pay, by its weight. */
export type FeeRule = (weight: number) => Sats

/** Feerate of sat per vbyte, rounded up. Throws `units/out-of-range`. */
export function satsPerVbyte(value: number): Feerate {
  return feerate(wholeSatsPerKvbyte(value))
}

/** Weight of an output. */
export function outputWeight(script: Uint8Array): number {
  return 4 * (8 + compactSizeLength(script.length) + script.length)
}

/**
 * Weight of a segwit transaction: exact where the weights of its inputs are.
 *
 * @param inputWeights - Outpoint, sequence, empty script and witness of each input, in weight units.
 */
export function transactionWeight(inputWeights: readonly number[], outputScripts: readonly Uint8Array[]): number {
  const counts = compactSizeLength(inputWeights.length) + compactSizeLength(outputScripts.length)
  // Version and locktime are 4 bytes each; marker and flag count once.
  let weight = 4 * (8 + counts) + 2
  for (const input of inputWeights) weight += input
  for (const script of outputScripts) weight += outputWeight(script)
  return weight
}

/** Bytes of a compact size, the length that stands before lists and scripts. */
export function compactSizeLength(value: number): number {
  return value < 0xfd ? 1 : value <= 0xffff ? 3 : 5
}

/**
 * Smallest value of an output that nodes relay (Bitcoin Core, GetDustThreshold at 3 sat per vbyte):
 * 546 for P2PKH, 540 for P2SH, 294 for P2WPKH, 330 for P2WSH and P2TR, 0 for OP_RETURN.
 */
export function dustLimit(script: Uint8Array): Sats {
  if (scriptKind(script) === 'data') return sats(0n)
  const size = BigInt(outputWeight(script) / 4)
  return sats(((size + (witnessProgram(script) ? spendBytes.segwit : spendBytes.legacy)) * dustRelayFeerate) / 1000n)
}

/**
 * Picks a feerate from a node's estimates: that of the slowest target within `targetBlocks`, or the fastest
 * there is. Nonsense among the facts is passed over; without any, `otherwise` is taken.
 *
 * Funds at risk: the answer is held between `min` and `max`, so a lying node cannot burn money. `max` is the
 * caller's to choose.
 */
export function chooseFeerate(
  estimates: FeeEstimates,
  wish: {
    readonly targetBlocks: number
    readonly min: Feerate
    readonly max: Feerate
    readonly otherwise: Feerate
  },
): Feerate {
  const usable = [...estimates].filter(([blocks, rate]) => blocks >= 1 && rate > 0 && Number.isFinite(rate))
  usable.sort(([a], [b]) => a - b)
  const [, rate] = usable.filter(([blocks]) => blocks <= wish.targetBlocks).at(-1) ?? usable[0] ?? []
  const satsPerKvbyte = rate === undefined ? wish.otherwise : wholeSatsPerKvbyte(rate)
  return feerate(Math.min(Math.max(satsPerKvbyte, wish.min), wish.max))
}

function wholeSatsPerKvbyte(satsPerVbyte: number): number {
  // 1.1 times 1,000 is 1100.0000000000002 in floating point; that excess is no reason to round up.
  return Math.ceil(Math.round(satsPerVbyte * 1e6) / 1e3)
}
