import { currentEngine, type Signature, sha256 } from '../crypto/engine.ts'
import { accepted, type Decoded, invariant, refused } from '../errors.ts'
import { type Feerate, type Height, height, joinBytes, type Sats, sats, type Txid } from '../units.ts'
import { dustLimit, ecdsaSignatureBytesMax, feeOf, inputBaseWeight, transactionWeight } from './fees.ts'
import { equalBytes, isPayout, op, p2wsh } from './script.ts'
import {
  derSignature,
  hashOfOutputs,
  littleEndian,
  numberPush,
  outpointBytes,
  sighash,
  witnessDigest,
} from './segwit.ts'
import {
  compareOutputs,
  encodeTransaction,
  type Outpoint,
  sequenceLocktimeOnly,
  sequenceReplaceable,
  txidOfUnsigned,
  type UnsignedTransaction,
} from './transaction.ts'

/** Who can spend a one-way channel's funding (`oneway-cltv/1`): both together, or the payer from `expiry` on. */
export interface FundingTerms {
  /** 33 bytes. */
  readonly payer: Uint8Array
  /** 33 bytes. */
  readonly payee: Uint8Array
  /** The refund enters the block after this one at the earliest (BIP-65). At least 1. */
  readonly expiry: Height
}

/** What closings of one channel have in common. */
export interface ClosingTerms {
  readonly funding: Outpoint
  readonly capacity: Sats
  /** The witness script of the funding output. */
  readonly fundingScript: Uint8Array
  /** Output script that pays the payee. */
  readonly payeeScript: Uint8Array
  /** Output script that gives the rest back to the payer. */
  readonly payerScript: Uint8Array
  /** Paid by the payer. */
  readonly closeFee: Sats
}

/** {@link ClosingTerms}, and the digest's bytes that never change between updates. Made once for a channel. */
export interface ClosingTemplate extends ClosingTerms {
  /** The message of BIP-143 with a gap of 32 zeros for the hash of the outputs. */
  readonly message: Uint8Array
}

/** A closing, and what both signatures cover. */
export interface Closing extends FundingSpend {
  readonly kind: 'closing'
}

/** A refund, and what the payer's signature covers. */
export interface Refund extends FundingSpend {
  readonly kind: 'refund'
}

interface FundingSpend {
  readonly fundingScript: Uint8Array
  readonly unsigned: UnsignedTransaction
  /** 32 bytes, for ECDSA with SIGHASH_ALL (BIP-143). */
  readonly digest: Uint8Array
}

/** A spend of the funding, ready to be sent. */
export interface SealedSpend {
  readonly txid: Txid
  readonly bytes: Uint8Array
}

/** The hash of the outputs stands before the locktime and the sighash, which end the message (BIP-143). */
const outputsHashFromEnd = 32 + 4 + 4

/**
 * Writes the funding's witness script: `IF 2 <payer> <payee> 2 CHECKMULTISIG ELSE <expiry> CHECKLOCKTIMEVERIFY DROP
 * <payer> CHECKSIG ENDIF`.
 */
export function encodeFundingScript({ payer, payee, expiry }: FundingTerms): Uint8Array {
  invariant(payer.length === 33 && payee.length === 33, 'the keys of a channel are compressed')
  invariant(!equalBytes(payer, payee), 'a channel has two sides')
  invariant(expiry >= 1, 'a channel expires')
  const two = op.one + 1
  return joinBytes(
    [op.if, two, 33],
    payer,
    [33],
    payee,
    [two, op.checkMultisig, op.else],
    numberPush(expiry),
    [op.checkLockTimeVerify, op.drop, 33],
    payer,
    [op.checkSig, op.endIf],
  )
}

/** Reads what {@link encodeFundingScript} writes, and nothing else. Never throws. */
export function decodeFundingScript(script: Uint8Array): Decoded<FundingTerms> {
  const no = refused('the script is not that of a one-way channel')
  const [payer, payee] = [script.slice(3, 36), script.slice(37, 70)]
  const { isPublicKey } = currentEngine()
  const number = script.subarray(73, -38)
  if (script.length < 112 || number.length > 5 || equalBytes(payer, payee)) return no
  if (!isPublicKey(payer) || !isPublicKey(payee)) return no
  const expiry = readNumberPush(number)
  if (expiry < 1 || expiry >= 500_000_000) return no
  const terms = { payer, payee, expiry: height(expiry) }
  return equalBytes(encodeFundingScript(terms), script) ? accepted(terms) : no
}

/** The output script that a funding transaction pays to (P2WSH). */
export function fundingOutputScript(fundingScript: Uint8Array): Uint8Array {
  return p2wsh(fundingScript)
}

/**
 * Makes the template that {@link closingOf} fills in. Refuses a funding script of another form, and payouts to
 * scripts of no standard form, or that others than their owner can spend.
 */
export function closingTemplate(terms: ClosingTerms): Decoded<ClosingTemplate> {
  const script = decodeFundingScript(terms.fundingScript)
  if (!script.ok) return script
  if (!isPayout(terms.payeeScript) || !isPayout(terms.payerScript)) return refused('a payout script is not standard')
  const outpoint = outpointBytes(terms.funding)
  const sequence = littleEndian(sequenceReplaceable, 4)
  const message = joinBytes(
    littleEndian(2, 4), // Version.
    sha256(sha256(outpoint)),
    sha256(sha256(sequence)),
    outpoint,
    [terms.fundingScript.length], // One byte: the script is at most 116 long.
    terms.fundingScript,
    littleEndian(terms.capacity, 8),
    sequence,
    new Uint8Array(32),
    littleEndian(0, 4), // Locktime.
    littleEndian(sighash.all, 4),
  )
  return accepted({ ...terms, message })
}

/**
 * The closing transaction at which the payee holds `paid`: version 2, locktime 0, sequence 0xfffffffd, outputs by
 * BIP-69: the payee's `paid`, the payer's rest. An output below its dust limit is left out and goes to the fee.
 *
 * Refuses `paid` beyond capacity less fee, and amounts that leave no output at all.
 */
export function closingOf(template: ClosingTemplate, paid: Sats): Decoded<Closing> {
  const { capacity, closeFee, funding, fundingScript, message, payeeScript, payerScript } = template
  const rest = capacity - closeFee - paid
  if (rest < 0n) return refused('more is paid than the channel holds')
  const outputs = [
    { script: payeeScript, value: paid },
    { script: payerScript, value: sats(rest) },
  ]
    .filter(({ script, value }) => value >= dustLimit(script))
    .sort(compareOutputs)
  if (outputs.length === 0) return refused('both amounts are dust')
  const filled = message.slice()
  filled.set(hashOfOutputs(outputs), message.length - outputsHashFromEnd)
  const inputs = [{ outpoint: funding, sequence: sequenceReplaceable }]
  const unsigned = { version: 2, inputs, outputs, locktime: 0 }
  return accepted({ kind: 'closing', fundingScript, unsigned, digest: sha256(sha256(filled)) })
}

/**
 * Puts both signatures to a closing. They are not checked here.
 *
 * Funds at risk: whoever holds the result can end the channel with it.
 */
export function sealClosing(
  closing: Closing,
  signatures: { readonly payer: Signature; readonly payee: Signature },
): SealedSpend {
  // CHECKMULTISIG takes one item too many; the selector must be exactly 1 (MINIMALIF).
  return seal(closing, [none, derSignature(signatures.payer), derSignature(signatures.payee), Uint8Array.of(1)])
}

/** Weight of a closing with both outputs and both signatures at their longest, in weight units. */
export function closingWeightMax(terms: Pick<ClosingTerms, 'fundingScript' | 'payeeScript' | 'payerScript'>): number {
  const signatures = 2 * (1 + ecdsaSignatureBytesMax)
  const witness = 1 + 1 + signatures + (1 + 1) + (1 + terms.fundingScript.length)
  return transactionWeight([inputBaseWeight + witness], [terms.payeeScript, terms.payerScript])
}

/** What a channel sets aside for its closing at a feerate. */
export function closeFeeOf(
  terms: Pick<ClosingTerms, 'fundingScript' | 'payeeScript' | 'payerScript'>,
  feerate: Feerate,
): Sats {
  return feeOf(closingWeightMax(terms), feerate)
}

/** What the payer takes back alone once the channel has expired. */
export interface RefundTerms {
  readonly funding: Outpoint
  readonly capacity: Sats
  /** The witness script of the funding output. */
  readonly fundingScript: Uint8Array
  /** Output script of the payer's wallet. */
  readonly payerScript: Uint8Array
  readonly feerate: Feerate
}

/**
 * The refund: the whole capacity less the fee to the payer, nLockTime the expiry, sequence 0xfffffffe. Nodes take it
 * once they have the block of that height. Refuses a foreign script, and a capacity that leaves dust.
 */
export function refundOf(terms: RefundTerms): Decoded<Refund> {
  const { capacity, funding, fundingScript, payerScript } = terms
  const script = decodeFundingScript(fundingScript)
  if (!script.ok) return script
  const value = capacity - feeOf(refundWeightMax(terms), terms.feerate)
  if (value < dustLimit(payerScript)) return refused('the fee leaves nothing to refund')
  const unsigned = {
    version: 2,
    inputs: [{ outpoint: funding, sequence: sequenceLocktimeOnly }],
    outputs: [{ script: payerScript, value: sats(value) }],
    locktime: script.value.expiry,
  }
  const digest = witnessDigest(unsigned, 0, { witnessScript: fundingScript, value: capacity })
  return accepted({ kind: 'refund', fundingScript, unsigned, digest })
}

/** Puts the payer's signature to a refund. It is not checked here. */
export function sealRefund(refund: Refund, signature: Signature): SealedSpend {
  // The empty selector takes the ELSE branch (MINIMALIF).
  return seal(refund, [derSignature(signature), none])
}

/** Weight of a refund with its signature at the longest, in weight units. */
export function refundWeightMax({
  fundingScript,
  payerScript,
}: Pick<RefundTerms, 'fundingScript' | 'payerScript'>): number {
  const witness = 1 + (1 + ecdsaSignatureBytesMax) + 1 + (1 + fundingScript.length)
  return transactionWeight([inputBaseWeight + witness], [payerScript])
}

const none = /* @__PURE__ */ new Uint8Array(0)

function seal({ fundingScript, unsigned }: FundingSpend, stack: readonly Uint8Array[]): SealedSpend {
  return { txid: txidOfUnsigned(unsigned), bytes: encodeTransaction(unsigned, [[...stack, fundingScript]]) }
}

function readNumberPush(push: Uint8Array): number {
  const [first = 0] = push
  if (push.length === 1) return first - op.one + 1
  return push.subarray(1).reduceRight((value, byte) => value * 256 + byte, 0)
}
