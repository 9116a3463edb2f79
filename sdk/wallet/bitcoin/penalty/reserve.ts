import { mutualClosingWeightMax } from '../../../bitcoin/bolt3/index.ts'
import { spendWeightMax } from '../../../bitcoin/fees.ts'
import {
  dustLimit,
  encodeTransaction,
  feeOf,
  type Output,
  p2wpkh,
  sequenceReplaceable,
  transactionWeight,
} from '../../../bitcoin/index.ts'
import { p2pkh } from '../../../bitcoin/script.ts'
import { derSignature, witnessDigest } from '../../../bitcoin/segwit.ts'
import { type FeeCoin, keysOfSide, type LiveChannel, otherSide } from '../../../channel/penalty/index.ts'
import { currentEngine } from '../../../crypto/index.ts'
import { type Feerate, type Sats, sats, wholeSats } from '../../../units.ts'

/**
 * Kept on the chain beside each channel of this wallet, to lift its commitment and pay for its claims: a commitment and its
 * child have about 430 vB, so it lifts them to some 35 sat/vB. [TW38] [TW46]
 */
export const feeReserve = /* @__PURE__ */ sats(15_000n)

/**
 * Whether a wallet keeps {@link feeReserve} beside a channel that it has accepted, which it pays for itself. [TW46]
 *
 * - `wanted`: where it has coins for it. `required`: it answers no opener before it has. `none`: it keeps nothing.
 *
 * Funds at risk: without a reserve, commitments and HTLC transactions of a side that has to close alone pay what was agreed at the opening, however dear
 * blocks are, and HTLCs run out.
 */
export type ReserveMode = 'wanted' | 'required' | 'none'

/** The output of a funding transaction that is the reserve: of the channel's own key, so that the seed alone finds it. */
export function reserveOutput(channelKey: Uint8Array): Output {
  return { script: p2wpkh(channelKey), value: feeReserve }
}

/** Takes a reserve that is of no use any more to a script; nothing where its fee leaves dust. */
export function planFreed(
  { outpoint, value, publicKey }: FeeCoin,
  to: Uint8Array,
  feerate: Feerate,
): { readonly digest: Uint8Array; readonly sealed: (signature: Uint8Array) => Uint8Array } | null {
  const rest: bigint = value - feeOf(transactionWeight([spendWeightMax.wpkh], [to]), feerate)
  if (rest < dustLimit(to)) return null
  const unsigned = {
    version: 2,
    inputs: [{ outpoint, sequence: sequenceReplaceable }],
    outputs: [{ script: to, value: sats(rest) }],
    locktime: 0,
  }
  // A P2WPKH input signs as if it had this script (BIP-143).
  const witnessScript = p2pkh(currentEngine().hash160(publicKey))
  return {
    digest: witnessDigest(unsigned, 0, { witnessScript, value }),
    sealed: (signature) => encodeTransaction(unsigned, [[derSignature(signature), publicKey]]),
  }
}

/** What a closing by both costs this side at a feerate; nothing where it has not got that much, and the other side has to ask. [TW31] */
export function closingFee(
  { opening, own, base }: Pick<LiveChannel, 'opening' | 'own' | 'base'>,
  feerate: Feerate,
): Sats | null {
  const scripts = [keysOfSide(opening, own).closingScript, keysOfSide(opening, otherSide(own)).closingScript] as const
  const fee = feeOf(mutualClosingWeightMax(scripts), feerate)
  return fee <= wholeSats(base.balance[own]) ? fee : null
}
