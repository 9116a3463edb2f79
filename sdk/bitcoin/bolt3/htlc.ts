import type { Signature } from '../../crypto/engine.ts'
import { invariant } from '../../errors.ts'
import { type Sats, sats, type Txid } from '../../units.ts'
import { p2wsh } from '../script.ts'
import { derSignature, type SpentOutput, sighash, witnessDigest } from '../segwit.ts'
import type { Output, UnsignedTransaction } from '../transaction.ts'
import { type Commitment, type CommitmentHtlc, type CommitmentTerms, htlcFee } from './commitment.ts'
import type { BalanceKeys } from './keys.ts'
import { delayedScript } from './scripts.ts'

/**
 * The holder's way to an HTLC of its own commitment (BOLT-3, "HTLC-Timeout and HTLC-Success Transactions"): `success`
 * with the preimage, `timeout` once it has expired. What it gives is delayed and revocable as the holder's balance is.
 */
export interface HtlcTransaction<htlc extends CommitmentHtlc = CommitmentHtlc> {
  readonly kind: 'success' | 'timeout'
  readonly htlc: htlc
  /** One input and one output. With anchors it pays no fee: other inputs and outputs are put behind these. */
  readonly unsigned: UnsignedTransaction
  readonly spent: SpentOutput
  /** Script of the one output. */
  readonly witnessScript: Uint8Array
  /** What the other side signs: 32 bytes, whose signature holds with more inputs and outputs where there are anchors. */
  readonly digest: Uint8Array
}

/** The HTLC transactions of a commitment, in the order of its outputs: that in which their signatures are sent. */
export function htlcTransactions<htlc extends CommitmentHtlc>(
  terms: CommitmentTerms,
  { outputs }: Commitment<htlc>,
  { txid, balance }: { readonly txid: Txid; readonly balance: BalanceKeys },
): readonly HtlcTransaction<htlc>[] {
  const witnessScript = delayedScript(balance, terms.delay)
  return outputs.flatMap((output, index) => {
    if (output.kind !== 'htlc') return []
    const { htlc } = output
    const isTimeout = htlc.direction === 'offered'
    const out: Output = { script: p2wsh(witnessScript), value: valueAfterFee(terms, output.value, htlc) }
    const unsigned = {
      version: 2,
      inputs: [{ outpoint: { txid, index }, sequence: terms.format === 'anchors' ? 1 : 0 }],
      outputs: [out],
      locktime: isTimeout ? htlc.expiry : 0,
    }
    const spent = { witnessScript: output.witnessScript, value: output.value }
    const digest = witnessDigest(unsigned, 0, spent, otherSighash(terms))
    return [{ kind: isTimeout ? 'timeout' : 'success', htlc, unsigned, spent, witnessScript, digest } as const]
  })
}

/**
 * The witness of an HTLC transaction's first input.
 *
 * @param signatures - The other side's as it was sent, the holder's over all of the finished transaction.
 * @param preimage - 32 bytes for `success`; for `timeout` nothing.
 */
export function htlcWitness(
  { kind, spent }: Pick<HtlcTransaction, 'kind' | 'spent'>,
  terms: Pick<CommitmentTerms, 'format'>,
  signatures: { readonly other: Signature; readonly holder: Signature },
  preimage: Uint8Array | null,
): readonly Uint8Array[] {
  invariant((kind === 'success') === (preimage?.length === 32), 'success takes a preimage, a timeout none')
  const nothing = new Uint8Array(0)
  return [
    nothing,
    derSignature(signatures.other, otherSighash(terms)),
    derSignature(signatures.holder),
    preimage ?? nothing,
    spent.witnessScript,
  ]
}

/** Weight of an HTLC transaction's own input, signatures at their longest (BOLT-3, Appendix A, and a sighash byte each). */
export function htlcInputWeightMax({ kind, spent }: Pick<HtlcTransaction, 'kind' | 'spent'>): number {
  const witness = 1 + 1 + 2 * (1 + 72) + (kind === 'success' ? 33 : 1) + 1 + spent.witnessScript.length
  return 4 * 41 + witness
}

function otherSighash({ format }: Pick<CommitmentTerms, 'format'>) {
  return format === 'anchors' ? sighash.singleAnyone : sighash.all
}

function valueAfterFee(terms: CommitmentTerms, value: Sats, { direction }: CommitmentHtlc): Sats {
  return sats(value - htlcFee(terms, direction))
}
