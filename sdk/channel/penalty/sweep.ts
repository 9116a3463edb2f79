import {
  type ClaimPath,
  claimOf,
  claimWitness,
  commitmentWeight,
  htlcInputWeightMax,
  htlcWitness,
  type OutputClaim,
} from '../../bitcoin/bolt3/index.ts'
import { spendWeightMax } from '../../bitcoin/fees.ts'
import {
  childFee,
  dustLimit,
  encodeTransaction,
  feeOf,
  type Outpoint,
  type Output,
  sequenceReplaceable,
  transactionWeight,
  type Unconfirmed,
} from '../../bitcoin/index.ts'
import { p2pkh } from '../../bitcoin/script.ts'
import { derSignature, witnessDigest } from '../../bitcoin/segwit.ts'
import { txidOfUnsigned, type UnsignedTransaction } from '../../bitcoin/transaction.ts'
import { currentEngine } from '../../crypto/engine.ts'
import { accepted, type Decoded, refused } from '../../errors.ts'
import { type Feerate, type Height, type Sats, sats } from '../../units.ts'
import type { Claim } from './claims.ts'
import type { SideCommitment } from './commitments.ts'
import type { ChannelSecrets } from './secrets.ts'

/** Most claims in one transaction. */
export const claimsPerTransactionMax = 20

/** A coin of the wallet's, P2WPKH, in a block, that pays fees where a channel's own outputs cannot. [TW38] */
export interface FeeCoin {
  readonly outpoint: Outpoint
  readonly value: Sats
  /** 33 bytes. */
  readonly publicKey: Uint8Array
  /** Where the rest goes. */
  readonly changeScript: Uint8Array
}

/** A transaction that waits for the signature of its coin. */
export interface CoinSpend {
  readonly unsigned: UnsignedTransaction
  readonly fee: Sats
  /** What the coin's key signs: 32 bytes, ECDSA, SIGHASH_ALL. */
  readonly digest: Uint8Array
  readonly publicKey: Uint8Array
  /** Of the first input. */
  readonly witness: readonly Uint8Array[]
}

/** What a transaction pays, that pays for itself. */
type SelfPaying = Extract<Claim, { output: OutputClaim }>

/**
 * Takes outputs to a script of one's own; the fee comes out of them. Claims with a deadline go one in a transaction, so that
 * nobody can hold up all by taking one. [TW38] Refuses where the fee leaves dust.
 */
export function sweepTransaction(claims: readonly SelfPaying[], to: Uint8Array, fee: Sats): Decoded<Uint8Array> {
  const worth = claims.reduce((sum, { value }) => sum + value, 0n)
  if (worth - fee < dustLimit(to)) return refused('the fee leaves nothing')
  const unsigned = {
    version: 2,
    inputs: claims.map(({ output }) => ({ outpoint: output.outpoint, sequence: output.sequence })),
    outputs: [{ script: to, value: sats(worth - fee) }],
    locktime: Math.max(...claims.map(({ output }) => output.locktime)),
  }
  const witnesses = claims.map(({ output, secretKey }, at) => {
    const digest = witnessDigest(unsigned, at, output.spent)
    return claimWitness(output, currentEngine().sign(digest, secretKey))
  })
  return accepted(encodeTransaction(unsigned, witnesses))
}

/** Weight of {@link sweepTransaction}, signatures at their longest. */
export function sweepWeightMax(claims: readonly Pick<SelfPaying, 'output'>[], to: Uint8Array): number {
  return transactionWeight(
    claims.map(({ output }) => output.inputWeightMax),
    [to],
  )
}

/** Beyond so many blocks a deadline adds less than a billionth. */
const urgentBlocks = 30

/**
 * The fee of a claim: the market's, and at its deadline half of its value, or all but dust where that is less, of which each
 * block before asks half as much. It never falls as time goes by at one feerate, so each is a replacement of the one before. [TW38]
 */
export function claimFee(claim: {
  readonly weight: number
  readonly value: Sats
  /** What has to be left of the value, where the fee comes out of it. */
  readonly leftMin?: Sats
  readonly feerate: Feerate
  /** Blocks until somebody else can have it; `null` where nobody ever can. */
  readonly blocksLeft: number | null
}): Sats {
  const market = feeOf(claim.weight, claim.feerate)
  const { blocksLeft, value, leftMin = 0n } = claim
  if (blocksLeft === null || blocksLeft > urgentBlocks) return market
  const most = value / 2n < value - leftMin ? value / 2n : value - leftMin
  return most > market ? sats(market + (most - market) / 2n ** BigInt(Math.max(0, blocksLeft))) : market
}

/**
 * True where a claim gives more than it costs at a feerate, and more than dust: an HTLC transaction costs itself and the sweep
 * after it.
 */
export function isWorthClaiming(claim: Claim, feerate: Feerate): boolean {
  const weight =
    'output' in claim ? sweepWeightMax([claim], payoutLike) : htlcWeightMax(claim, payoutLike) + delayedSweepWeight
  return claim.value >= feeOf(weight, feerate) + dustLimit(payoutLike)
}

/** A script of P2WPKH, for its length. */
const payoutLike = /* @__PURE__ */ Uint8Array.of(0, 20, ...new Uint8Array(20))
/** Of a transaction that takes a delayed output to such a script, rounded up. */
const delayedSweepWeight = 500

/** Blocks left until a deadline, for a transaction that can be in the next block at the earliest. */
export function blocksLeft(deadline: Height | null, tip: Height): number | null {
  return deadline === null ? null : Math.max(0, deadline - tip - 1)
}

/**
 * An HTLC transaction with a coin that pays its fee. Refuses a coin that is not enough.
 *
 * @param fee - Of the whole transaction; see {@link htlcWeightMax}.
 */
export function planHtlcClaim(
  claim: Extract<Claim, { transaction: unknown }>,
  coin: FeeCoin,
  fee: Sats,
): Decoded<CoinSpend> {
  const { transaction, otherSignature, preimage, secretKey } = claim
  const change = changeOf(coin, fee)
  if (!change.ok) return change
  const unsigned = {
    ...transaction.unsigned,
    inputs: [...transaction.unsigned.inputs, { outpoint: coin.outpoint, sequence: sequenceReplaceable }],
    outputs: [...transaction.unsigned.outputs, ...change.value],
  }
  const holder = currentEngine().sign(witnessDigest(unsigned, 0, transaction.spent), secretKey)
  const witness = htlcWitness(transaction, { format: 'anchors' }, { other: otherSignature, holder }, preimage)
  return accepted(coinSpend(unsigned, coin, fee, witness))
}

/** Weight of {@link planHtlcClaim}, signatures at their longest, with change. */
export function htlcWeightMax(
  { transaction }: Extract<Claim, { transaction: unknown }>,
  changeScript: Uint8Array,
): number {
  const scripts = [...transaction.unsigned.outputs.map(({ script }) => script), changeScript]
  return transactionWeight([htlcInputWeightMax(transaction), spendWeightMax.wpkh], scripts)
}

/**
 * A child of a commitment that lifts both to a feerate, by this side's anchor output in it and a coin. [TW38] Refuses a commitment
 * without one, and a coin that is not enough.
 *
 * @param anchor - Which of the two is this side's: the holder's in its own commitment, the other's in the other side's.
 * @param feeMin - More than what an earlier child paid, where this one is to take its place.
 */
export function planAnchorChild(
  made: SideCommitment,
  secrets: ChannelSecrets,
  coin: FeeCoin,
  wish: { readonly anchor: 'holder-anchor' | 'other-anchor'; readonly feerate: Feerate; readonly feeMin: Sats },
): Decoded<CoinSpend> {
  const { commitment } = made
  const index = commitment.outputs.findIndex(({ kind }) => kind === wish.anchor)
  const output = commitment.outputs[index]
  if (!output?.witnessScript) return refused('the commitment has no anchor output of this side')
  const outpoint = { txid: txidOfUnsigned(commitment.unsigned), index }
  const path: ClaimPath = { kind: 'anchor' }
  const claim = claimOf(outpoint, { witnessScript: output.witnessScript, value: output.value }, path)
  const parents = [unconfirmed(made)]
  const weight = transactionWeight([claim.inputWeightMax, spendWeightMax.wpkh], [coin.changeScript])
  const wanted = childFee({ parents, weight, feerate: wish.feerate })
  const fee = wanted > wish.feeMin ? wanted : wish.feeMin
  const rest = coin.value + output.value - fee
  if (rest < dustLimit(coin.changeScript)) return refused('the coin is not enough for the fee')
  const unsigned = {
    version: 2,
    inputs: [
      { outpoint, sequence: claim.sequence },
      { outpoint: coin.outpoint, sequence: sequenceReplaceable },
    ],
    outputs: [{ script: coin.changeScript, value: sats(rest) }],
    locktime: 0,
  }
  const signature = currentEngine().sign(witnessDigest(unsigned, 0, claim.spent), secrets.funding)
  return accepted(coinSpend(unsigned, coin, fee, claimWitness(claim, signature)))
}

/** What a commitment pays by itself, and weighs. */
export function unconfirmed({ terms, commitment }: SideCommitment): Unconfirmed {
  const paid = terms.capacity - commitment.outputs.reduce((sum, { value }) => sum + value, 0n)
  const htlcs = commitment.outputs.filter(({ kind }) => kind === 'htlc').length
  return { fee: sats(paid), weight: commitmentWeight(terms.format, htlcs) }
}

/** Puts the coin's signature to its transaction. It is not checked here. */
export function sealCoinSpend({ unsigned, witness, publicKey }: CoinSpend, signature: Uint8Array): Uint8Array {
  return encodeTransaction(unsigned, [witness, [derSignature(signature), publicKey]])
}

function coinSpend(
  unsigned: UnsignedTransaction,
  { value, publicKey }: FeeCoin,
  fee: Sats,
  witness: readonly Uint8Array[],
): CoinSpend {
  // A P2WPKH input signs as if it had this script (BIP-143).
  const witnessScript = p2pkh(currentEngine().hash160(publicKey))
  return { unsigned, fee, digest: witnessDigest(unsigned, 1, { witnessScript, value }), publicKey, witness }
}

/** What is left of a coin after a fee; nothing where it is dust, which goes to the fee. */
function changeOf({ value, changeScript }: FeeCoin, fee: Sats): Decoded<readonly Output[]> {
  if (value < fee) return refused('the coin is not enough for the fee')
  const rest = sats(value - fee)
  return accepted(rest < dustLimit(changeScript) ? [] : [{ script: changeScript, value: rest }])
}
