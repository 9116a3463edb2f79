import { accepted, type Decoded, refused } from '../../errors.ts'
import { type Sats, sats } from '../../units.ts'
import { dustLimit, ecdsaSignatureBytesMax, inputBaseWeight, transactionWeight } from '../fees.ts'
import { witnessDigest } from '../segwit.ts'
import {
  compareOutputs,
  type Outpoint,
  type Output,
  sequenceReplaceable,
  type UnsignedTransaction,
} from '../transaction.ts'

/** What a side has at the end, and where it goes. */
export interface ClosingShare {
  readonly script: Uint8Array
  readonly value: Sats
}

/** A closing that both sign (BOLT-3, "Closing Transaction"). */
export interface MutualClosing {
  readonly unsigned: UnsignedTransaction
  /** 32 bytes, for ECDSA with SIGHASH_ALL (BIP-143). */
  readonly digest: Uint8Array
}

/**
 * The closing that `closer` pays for. Version 2, locktime 0, replaceable; an output below its script's dust limit is left
 * out and goes to the fee. Refuses a fee beyond the closer's share, and amounts that leave no output.
 */
export function mutualClosingOf(terms: {
  readonly funding: Outpoint
  readonly capacity: Sats
  readonly fundingScript: Uint8Array
  readonly closer: ClosingShare
  readonly closee: ClosingShare
  readonly fee: Sats
}): Decoded<MutualClosing> {
  const { funding, capacity, fundingScript, closer, closee, fee } = terms
  if (fee > closer.value) return refused('the fee is more than the closer has')
  const outputs = [{ ...closer, value: sats(closer.value - fee) }, closee]
    .filter(({ script, value }: Output) => value >= dustLimit(script))
    .sort(compareOutputs)
  if (outputs.length === 0) return refused('both shares are dust')
  const inputs = [{ outpoint: funding, sequence: sequenceReplaceable }]
  const unsigned = { version: 2, inputs, outputs, locktime: 0 }
  return accepted({ unsigned, digest: witnessDigest(unsigned, 0, { witnessScript: fundingScript, value: capacity }) })
}

/** Weight of a closing with both outputs and signatures at their longest. */
export function mutualClosingWeightMax(scripts: readonly [Uint8Array, Uint8Array]): number {
  return transactionWeight([fundingInputWeightMax], scripts)
}

/** Weight of an input that spends a funding output: nothing, two signatures, and the script of 71 bytes. */
export const fundingInputWeightMax = inputBaseWeight + 1 + 1 + 2 * (1 + ecdsaSignatureBytesMax) + (1 + 71)
