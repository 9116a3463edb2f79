import { type Height, type Msats, type Sats, sats, wholeSats } from '../../units.ts'
import { p2wpkh, p2wsh } from '../script.ts'
import { witnessDigest } from '../segwit.ts'
import { compareOutputs, type Outpoint, type Output, type UnsignedTransaction } from '../transaction.ts'
import { type BalanceKeys, type HtlcKeys, obscured } from './keys.ts'
import {
  anchorScript,
  anchorValue,
  type CommitmentFormat,
  delayedScript,
  offeredHtlcScript,
  receivedHtlcScript,
  toOtherScript,
} from './scripts.ts'

/** What all commitments of one holder have in common. The holder can broadcast them, the other side signs them. */
export interface CommitmentTerms {
  readonly format: CommitmentFormat
  readonly funding: Outpoint
  readonly capacity: Sats
  readonly fundingScript: Uint8Array
  /** Satoshi for 1,000 weight units. */
  readonly feeratePerKw: number
  /** Who pays the fee, and the anchors: the side that opened the channel. */
  readonly funder: 'holder' | 'other'
  /** Of the holder: outputs of its commitments are not smaller. */
  readonly dustLimit: Sats
  /** Blocks that the holder waits for what is its own. */
  readonly delay: number
  readonly fundingKeys: { readonly holder: Uint8Array; readonly other: Uint8Array }
  /** The other side's payment basepoint, the same in all commitments, so that its seed alone finds its balance. */
  readonly otherPaymentKey: Uint8Array
  /** See {@link obscuringFactor}. */
  readonly factor: number
}

/** An HTLC as a commitment has it. */
export interface CommitmentHtlc {
  /** By the holder, or to it. */
  readonly direction: 'offered' | 'received'
  readonly amount: Msats
  /** 32 bytes. */
  readonly paymentHash: Uint8Array
  readonly expiry: Height
}

/** What one commitment says. */
export interface CommitmentContent<htlc extends CommitmentHtlc = CommitmentHtlc> {
  /** From 0. */
  readonly number: number
  readonly toHolder: Msats
  readonly toOther: Msats
  readonly htlcs: readonly htlc[]
}

/** Keys of one commitment. Those of HTLCs are asked for only where an output has one: they cost as much as a signature. */
export interface CommitmentKeys {
  readonly balance: BalanceKeys
  readonly htlc: () => HtlcKeys
}

/** An output of a commitment, and the script that its script hashes; `null` for P2WPKH. */
export type CommitmentOutput<htlc extends CommitmentHtlc = CommitmentHtlc> = Output &
  (
    | { readonly kind: 'to-holder' | 'holder-anchor' | 'other-anchor'; readonly witnessScript: Uint8Array }
    | { readonly kind: 'to-other'; readonly witnessScript: Uint8Array | null }
    | { readonly kind: 'htlc'; readonly witnessScript: Uint8Array; readonly htlc: htlc }
  )

/** A commitment, and what both funding keys sign. */
export interface Commitment<htlc extends CommitmentHtlc = CommitmentHtlc> {
  readonly unsigned: UnsignedTransaction
  /** In the transaction's order. */
  readonly outputs: readonly CommitmentOutput<htlc>[]
  /** 32 bytes, for ECDSA with SIGHASH_ALL (BIP-143). */
  readonly digest: Uint8Array
}

/** Weights that fees are reckoned by (BOLT-3, Appendix A): signatures of 73 bytes, both balances, both anchors. */
const expectedWeight = { plain: 724n, anchors: 1_124n } as const
const htlcOutputWeight = 172n
const htlcTransactionWeight = { offered: 663n, received: 703n } as const

/**
 * The commitment of a state (BOLT-3, "Commitment Transaction Construction"). Amounts are rounded down to whole satoshis;
 * outputs below the holder's dust limit are left out and go to the fee; the order is by value, script, and expiry.
 */
export function commitmentOf<htlc extends CommitmentHtlc>(
  terms: CommitmentTerms,
  content: CommitmentContent<htlc>,
  keys: CommitmentKeys,
): Commitment<htlc> {
  const kept = content.htlcs.filter((htlc) => !isTrimmed(terms, htlc))
  const outputs = [...balanceOutputs<htlc>(terms, content, keys, kept.length), ...htlcOutputs(terms, kept, keys)]
  outputs.sort(compareCommitmentOutputs)
  const hidden = obscured(content.number, terms.factor)
  const unsigned = {
    version: 2,
    inputs: [{ outpoint: terms.funding, sequence: 0x8000_0000 + Math.floor(hidden / 2 ** 24) }],
    outputs,
    locktime: 0x2000_0000 + (hidden % 2 ** 24),
  }
  const spent = { witnessScript: terms.fundingScript, value: terms.capacity }
  return { unsigned, outputs, digest: witnessDigest(unsigned, 0, spent) }
}

/** The number that a transaction hides, if it has the form of a commitment; whether it is one, its script tells. */
export function commitmentNumberOf(
  { inputs, locktime }: Pick<UnsignedTransaction, 'inputs' | 'locktime'>,
  factor: number,
): number | undefined {
  const sequence = inputs[0]?.sequence ?? 0
  if (inputs.length !== 1 || sequence >>> 24 !== 0x80 || locktime >>> 24 !== 0x20) return undefined
  return obscured((sequence & 0xff_ffff) * 2 ** 24 + (locktime & 0xff_ffff), factor)
}

/** True for an HTLC that is too small for an output of the holder's commitment (BOLT-3, "Trimmed Outputs"). */
export function isTrimmed(
  terms: Pick<CommitmentTerms, 'format' | 'feeratePerKw' | 'dustLimit'>,
  { direction, amount }: Pick<CommitmentHtlc, 'direction' | 'amount'>,
): boolean {
  return wholeSats(amount) - htlcFee(terms, direction) < terms.dustLimit
}

/** Fee of an HTLC transaction; none with anchors. */
export function htlcFee(
  { format, feeratePerKw }: Pick<CommitmentTerms, 'format' | 'feeratePerKw'>,
  direction: CommitmentHtlc['direction'],
): Sats {
  return sats(format === 'anchors' ? 0n : (BigInt(feeratePerKw) * htlcTransactionWeight[direction]) / 1_000n)
}

/** Weight of a commitment with so many HTLC outputs, signatures at their longest (BOLT-3, "Appendix A"). */
export function commitmentWeight(format: CommitmentTerms['format'], htlcOutputs: number): number {
  return Number(expectedWeight[format] + htlcOutputWeight * BigInt(htlcOutputs))
}

/** What the funder pays for a commitment with so many HTLC outputs: the base fee (BOLT-3, "Fee Calculation"), and both anchors. */
export function funderCost(
  { format, feeratePerKw }: Pick<CommitmentTerms, 'format' | 'feeratePerKw'>,
  htlcOutputs: number,
): Sats {
  const weight = BigInt(commitmentWeight(format, htlcOutputs))
  const anchors = format === 'anchors' ? 2n * anchorValue : 0n
  return sats((BigInt(feeratePerKw) * weight) / 1_000n + anchors)
}

function balanceOutputs<htlc extends CommitmentHtlc>(
  terms: CommitmentTerms,
  { toHolder, toOther }: CommitmentContent,
  { balance }: CommitmentKeys,
  htlcCount: number,
): CommitmentOutput<htlc>[] {
  const { format, funder, dustLimit, delay } = terms
  const { toOther: otherScripts, holderAnchor, otherAnchor } = fixedScriptsOf(terms)
  const cost = funderCost(terms, htlcCount)
  const holder = afterCost(toHolder, funder === 'holder' ? cost : sats(0n))
  const other = afterCost(toOther, funder === 'other' ? cost : sats(0n))
  const outputs: CommitmentOutput<htlc>[] = []
  if (holder >= dustLimit) outputs.push({ kind: 'to-holder', value: holder, ...hashed(delayedScript(balance, delay)) })
  if (other >= dustLimit) outputs.push({ kind: 'to-other', value: other, ...otherScripts })
  if (format !== 'anchors') return outputs
  // An anchor stands for an owner that has something in this transaction.
  const value = sats(anchorValue)
  if (holder >= dustLimit || htlcCount > 0) outputs.push({ kind: 'holder-anchor', value, ...holderAnchor })
  if (other >= dustLimit || htlcCount > 0) outputs.push({ kind: 'other-anchor', value, ...otherAnchor })
  return outputs
}

function htlcOutputs<htlc extends CommitmentHtlc>(
  { format }: CommitmentTerms,
  kept: readonly htlc[],
  { balance, htlc: keysOf }: CommitmentKeys,
): CommitmentOutput<htlc>[] {
  return kept.map((htlc) => {
    const terms = { format, revocation: balance.revocation, keys: keysOf(), paymentHash: htlc.paymentHash }
    const witnessScript =
      htlc.direction === 'offered' ? offeredHtlcScript(terms) : receivedHtlcScript(terms, htlc.expiry)
    return { kind: 'htlc', htlc, value: wholeSats(htlc.amount), script: p2wsh(witnessScript), witnessScript }
  })
}

interface Hashed {
  readonly script: Uint8Array
  readonly witnessScript: Uint8Array
}

function hashed(witnessScript: Uint8Array): Hashed {
  return { script: p2wsh(witnessScript), witnessScript }
}

/** Scripts that all commitments of one holder have. */
interface FixedScripts {
  readonly toOther: Hashed | { readonly script: Uint8Array; readonly witnessScript: null }
  readonly holderAnchor: Hashed
  readonly otherAnchor: Hashed
}

/** They are made and hashed once for a channel: three outputs of four. */
const fixedScripts = /* @__PURE__ */ new WeakMap<CommitmentTerms, FixedScripts>()

function fixedScriptsOf(terms: CommitmentTerms): FixedScripts {
  const known = fixedScripts.get(terms)
  if (known) return known
  const { format, fundingKeys, otherPaymentKey } = terms
  const made: FixedScripts = {
    toOther:
      format === 'anchors'
        ? hashed(toOtherScript(otherPaymentKey))
        : { script: p2wpkh(otherPaymentKey), witnessScript: null },
    holderAnchor: hashed(anchorScript(fundingKeys.holder)),
    otherAnchor: hashed(anchorScript(fundingKeys.other)),
  }
  fixedScripts.set(terms, made)
  return made
}

function afterCost(balance: Msats, cost: Sats): Sats {
  const rest = wholeSats(balance) - cost
  return sats(rest > 0n ? rest : 0n)
}

function compareCommitmentOutputs(a: CommitmentOutput, b: CommitmentOutput): number {
  const order = compareOutputs(a, b)
  if (order !== 0 || a.kind !== 'htlc' || b.kind !== 'htlc') return order
  return a.htlc.expiry - b.htlc.expiry
}
