import {
  type Closing,
  type ClosingTemplate,
  closeFeeOf,
  closingOf,
  closingTemplate,
  encodeFundingScript,
  fundingOutputScript,
  type Output,
  type Refund,
  refundOf,
  sealClosing,
} from '../bitcoin/index.ts'
import { currentEngine } from '../crypto/engine.ts'
import { type Decoded, invariant } from '../errors.ts'
import type { Feerate, Sats } from '../units.ts'
import type { Opening } from './opening.ts'

/** A closing's fee, and both signatures on it. */
export interface ClosingSignatures {
  readonly fee: Sats
  /** 64 bytes: r, s (low). */
  readonly payerSignature: Uint8Array
  readonly payeeSignature: Uint8Array
}

/** The output that the payer has to fund. [OW1] */
export function fundingOutput(opening: Omit<Opening, 'funding'>): Output {
  return { script: fundingOutputScript(fundingScript(opening)), value: opening.capacity }
}

/** What both sides sign for a closing that pays `paid` at `fee`: 32 bytes; nothing where the capacity does not allow it. [OW2] */
export function closingDigest(opening: Opening, paid: Sats, fee: Sats): Uint8Array | undefined {
  return closing(opening, paid, fee)?.digest
}

/** True when both signatures are on the closing that pays `paid`. */
export function isSignedClosing(opening: Opening, paid: Sats, signed: ClosingSignatures): boolean {
  const { fee, payerSignature, payeeSignature } = signed
  const { verify } = currentEngine()
  const digest = closingDigest(opening, paid, fee)
  if (!digest || payerSignature.length !== 64 || payeeSignature.length !== 64) return false
  return verify(payerSignature, digest, opening.payerKey) && verify(payeeSignature, digest, opening.terms.payeeKey)
}

/**
 * The closing, fully signed, its signatures not checked here. `signed` is for amounts that the capacity allows.
 *
 * Funds at risk: whoever holds it can end the channel with these amounts.
 */
export function closingTransaction(opening: Opening, paid: Sats, signed: ClosingSignatures): Uint8Array {
  const unsigned = closing(opening, paid, signed.fee)
  invariant(unsigned, 'OW10: a closing within the bounds can be made')
  return sealClosing(unsigned, { payer: signed.payerSignature, payee: signed.payeeSignature }).bytes
}

/** The fee of a closing at `feerate`. [OW19] */
export function closingFee(opening: Omit<Opening, 'funding'>, feerate: Feerate): Sats {
  const { payerScript, terms } = opening
  return closeFeeOf({ fundingScript: fundingScript(opening), payerScript, payeeScript: terms.payeeScript }, feerate)
}

/** The refund at `feerate`, to be signed by the payer. Refuses where the fee leaves dust. [OW4] */
export function refund(opening: Opening, feerate: Feerate): Decoded<Refund> {
  const { funding, capacity, payerScript } = opening
  return refundOf({ funding, capacity, fundingScript: fundingScript(opening), payerScript, feerate })
}

/** Templates of openings in use: only amounts change between updates, so the rest is made once. */
const templates = /* @__PURE__ */ new WeakMap<Opening, ClosingTemplate>()

function closing(opening: Opening, paid: Sats, closeFee: Sats): Closing | undefined {
  const template = templateOf(opening)
  const made = closingOf(closeFee === template.closeFee ? template : { ...template, closeFee }, paid)
  return made.ok ? made.value : undefined
}

function templateOf(opening: Opening): ClosingTemplate {
  const known = templates.get(opening)
  if (known) return known
  const { funding, capacity, payerScript, terms } = opening
  const { payeeScript, closeFee } = terms
  const made = closingTemplate({
    funding,
    capacity,
    payerScript,
    payeeScript,
    closeFee,
    fundingScript: fundingScript(opening),
  })
  invariant(made.ok, 'OW7: an opening that was decoded or judged has a template')
  templates.set(opening, made.value)
  return made.value
}

function fundingScript({ payerKey, terms, expiry }: Omit<Opening, 'funding'>): Uint8Array {
  return encodeFundingScript({ payer: payerKey, payee: terms.payeeKey, expiry })
}
