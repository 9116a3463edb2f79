import { sha256 } from '../../crypto/engine.ts'
import { type Height, type Msats, sameBytes } from '../../units.ts'
import type { Change, Htlc } from '../penalty/content.ts'

/** A payment that a payee waits for. */
export interface Expected {
  readonly preimage: Uint8Array
  /** Least that is taken: `null` takes any amount. At most twice as much, so that nobody pays by mistake. */
  readonly amount: Msats | null
}

/**
 * What a payee does with an HTLC that is final: takes it or gives it back. [HB7]
 *
 * Funds at risk: who has told the preimage has sold what was asked for. Take no HTLC that the other side could take back first: `left`
 * is at least the channel's margin, and more than it takes to close alone.
 */
export function answerHtlc(
  { id, amount, paymentHash, expiry }: Htlc,
  expected: Expected | null,
  { tip, leftBlocksMin }: { readonly tip: Height; readonly leftBlocksMin: number },
): Extract<Change, { type: 'fulfil' | 'fail' }> {
  if (!expected || !sameBytes(sha256(expected.preimage), paymentHash))
    return { type: 'fail', id, reason: 'unknown-payment' }
  const wanted = expected.amount
  if (wanted !== null && (amount < wanted || amount > 2n * wanted)) return { type: 'fail', id, reason: 'wrong-amount' }
  if (expiry < tip + leftBlocksMin) return { type: 'fail', id, reason: 'expires-too-soon' }
  return { type: 'fulfil', id, preimage: expected.preimage }
}
