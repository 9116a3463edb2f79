import { sha256 } from '../../crypto/engine.ts'
import { type Msats, sameBytes } from '../../units.ts'
import type { Network } from '../network.ts'

/** What a payee asks for (BOLT-11). */
export interface Invoice {
  /** `testnet4` stands for every network whose addresses begin with `tb`: an invoice does not tell them apart. */
  readonly network: Network
  /** Millisatoshi, at least 1; `null` where the payer chooses. */
  readonly amount: Msats | null
  /** Seconds since 1970. */
  readonly createdSeconds: number
  /** 32 bytes: who pays learns what it is the SHA-256 of, and that is the proof of payment. */
  readonly paymentHash: Uint8Array
  /** 32 bytes that only the payer is told, so that nobody on the way can try out payments. */
  readonly paymentSecret: Uint8Array
  readonly description: Description
  /** After it was created. At least 1. */
  readonly expirySeconds: number
  /** Least blocks that the last HTLC has left when it arrives. */
  readonly finalExpiryBlocks: number
  /** Output scripts that would do as well, the best one first. */
  readonly fallbacks: readonly Uint8Array[]
  /** Ways from a public node to the payee, the best one first. */
  readonly routes: readonly (readonly Hop[])[]
  /** What the payer sends along, at most 639 bytes; `null` for nothing. */
  readonly metadata: Uint8Array | null
  /** Bits of BOLT-9, ascending: what a payer must (even) or may (odd) make use of. */
  readonly features: readonly number[]
}

/** What an invoice is for. It is the payee's word, and any text: whoever shows it escapes it first. */
export type Description =
  | { readonly kind: 'text'; readonly text: string }
  /** SHA-256 of a text that comes by another way. 32 bytes. */
  | { readonly kind: 'hash'; readonly hash: Uint8Array }

/** One channel on the way to a payee (BOLT-7 says what its numbers mean). */
export interface Hop {
  /** 33 bytes: of the node where the channel begins. */
  readonly node: Uint8Array
  /** 8 bytes. */
  readonly shortChannelId: Uint8Array
  readonly feeBaseMsats: number
  readonly feeMillionths: number
  readonly expiryDeltaBlocks: number
}

/** An invoice that somebody signed. */
export interface SignedInvoice extends Invoice {
  /** 33 bytes: who signed. Whether that is whom the payer means to pay, the payer has to know. */
  readonly payee: Uint8Array
}

/** Longest invoice that is read: no code that a camera reads holds more letters and digits. */
export const invoiceCharsMax = 7_089
/** Where an invoice does not say (BOLT-11). */
export const expirySecondsDefault = 3_600
/** Where an invoice does not say (BOLT-11). */
export const finalExpiryBlocksDefault = 18

/**
 * Features (BOLT-9) that a payer must know of and that this reader does: variable onions, payment secrets, payments in parts,
 * metadata. A payment need not be made in parts because it may be.
 */
const features = { onion: 8, secret: 14, parts: 16, metadata: 48 } as const

/** Why an invoice's features are not to be paid to, or nothing. */
export function featureFault(bits: readonly number[]): string | null {
  const known: readonly number[] = Object.values(features)
  const unknown = bits.find((bit) => bit % 2 === 0 && !known.includes(bit))
  if (unknown !== undefined) return `feature ${unknown} is compulsory and not known`
  const has = (feature: number) => bits.includes(feature) || bits.includes(feature + 1)
  return has(features.parts) && !has(features.secret) ? 'payments in parts need payment secrets' : null
}

/** The features of an invoice of this SDK: what every node of today takes. */
export const invoiceFeatures: readonly number[] = [features.onion, features.secret]

/** What a payer knows when it decides. */
export interface Payable {
  readonly network: Network
  /** Now, in seconds since 1970. */
  readonly nowSeconds: number
  /** The text behind a hash, where the payer was given one. */
  readonly description: string | null
}

/** When an invoice is no longer to be paid: seconds since 1970. */
export function expiresAtSeconds({ createdSeconds, expirySeconds }: Invoice): number {
  return createdSeconds + expirySeconds
}

/**
 * Why an invoice is not to be paid now, or nothing: another network, expired, or of another text than the payer was shown.
 *
 * Funds at risk: an invoice is paid once. Whoever pays it again has paid its payee twice.
 */
export function paymentFault(
  invoice: SignedInvoice,
  { network, nowSeconds, description }: Payable,
): 'expired' | 'other-description' | 'other-network' | null {
  if (invoice.network !== network) return 'other-network'
  if (nowSeconds >= expiresAtSeconds(invoice)) return 'expired'
  if (invoice.description.kind === 'text') return null
  const hash = description === null ? null : sha256(new TextEncoder().encode(description))
  return hash && sameBytes(hash, invoice.description.hash) ? null : 'other-description'
}
