import { currentEngine } from '../crypto/engine.ts'
import { type ChannelId, type Sats, sameBytes } from '../units.ts'
import { closingDigest } from './closing.ts'
import { type Opening, payableMax, payableMin } from './opening.ts'

/** One payment: a higher number, and the payer's signature on the closing that pays `paid` in all. */
export interface Update {
  readonly channelId: ChannelId
  /** From 1. */
  readonly number: number
  /** Everything paid so far, this payment included. */
  readonly paid: Sats
  /** The payee's name for what is bought, {@link paymentIdBytes} long. */
  readonly paymentId: Uint8Array
  /** The payer's, 64 bytes: r, s (low). */
  readonly signature: Uint8Array
}

/** Length of a payment's id. */
export const paymentIdBytes = 16

/** Highest number of an update: one payment a millisecond for 139 years. */
export const updateNumberMax = 2 ** 42

/**
 * Why the payee does not take an update or a close.
 *
 * `unknown-payment`: nothing is for sale under this id. `funding-unproven`: the chain does not hold the funding deep
 * enough now. `not-open`: the channel is closing. `stale-close`: another update is the best one.
 */
export type Fault = (typeof faults)[number]

/** By their number on the wire: only ever added to. */
export const faults = [
  'unknown-payment',
  'stale-update',
  'lowered',
  'below-dust',
  'overpaid',
  'underpaid',
  'forged',
  'too-late',
  'not-open',
  'funding-unproven',
  'stale-close',
  'fee-too-low',
  'malformed-close',
] as const

/** True for the very same update. [OW13] */
export function isSameUpdate(a: Update, b: Update): boolean {
  return (
    a.channelId === b.channelId &&
    a.number === b.number &&
    a.paid === b.paid &&
    sameBytes(a.paymentId, b.paymentId) &&
    sameBytes(a.signature, b.signature)
  )
}

/** A number and an amount that an update goes beyond: those of the best one, or zeros. */
export type Mark = Pick<Update, 'number' | 'paid'>

/** Bounds of an update against what came before. Nothing when it stays within them. [OW9] [OW10] */
export function boundsFault(opening: Opening, before: Mark | null, update: Mark): Fault | null {
  if (update.number > updateNumberMax || update.number <= (before?.number ?? 0)) return 'stale-update'
  if (update.paid < (before?.paid ?? 0n)) return 'lowered'
  if (update.paid < payableMin(opening)) return 'below-dust'
  if (update.paid > payableMax(opening)) return 'overpaid'
  return null
}

/**
 * True when the signature is the payer's on the closing that pays `paid` at `fee`; an update's is on that at the fee of the
 * terms. The dear part: about a millisecond.
 */
export function isSignedByPayer(
  opening: Opening,
  { paid, signature }: Pick<Update, 'paid' | 'signature'>,
  fee: Sats = opening.terms.closeFee,
): boolean {
  const digest = closingDigest(opening, paid, fee)
  return digest !== undefined && signature.length === 64 && currentEngine().verify(signature, digest, opening.payerKey)
}
