import {
  decodeAddress,
  dustLimit,
  type Network,
  type NoSelection,
  networks,
  type Output,
  scriptKind,
} from '../../bitcoin/index.ts'
import type { Feerate, Sats } from '../../units.ts'

/** Most payments of one transaction: what `selectCoins` takes, less one for the change. */
export const paymentsMax = 999

/** Whom to pay, and how much: an address, or an output script where none has been written. */
export type Payment =
  | { readonly address: string; readonly value: Sats }
  | { readonly script: Uint8Array; readonly value: Sats }

/** Why nothing was signed, stored or sent. `detail` is a sentence for people; the rest is for programs. */
export type CoinsRefusal = { readonly ok: false; readonly detail: string } & (
  | {
      /** Payment `index` names nobody; `wrong-network`: somebody elsewhere; `unknown-form`: whom anybody could be. */
      readonly code: 'malformed-address' | 'wrong-network' | 'unknown-form'
      readonly index: number
    }
  /** Payment `index` is less than nodes relay. */
  | { readonly code: 'dust'; readonly index: number; readonly min: Sats }
  | { readonly code: 'insufficient'; readonly missing: bigint }
  | { readonly code: 'fee-too-low'; readonly min: Feerate }
  | { readonly code: 'fee-too-high'; readonly max: Feerate }
  | {
      readonly code:
        | 'no-payments'
        | 'too-many-payments'
        /** More coins are needed than one transaction holds: gather them first. */
        | 'too-many-coins'
        | 'too-heavy'
        /** Too much is on its way already. */
        | 'outbox-full'
        /** This wallet holds no keys: sign a PSBT elsewhere. */
        | 'watch-only'
        | 'unknown-transaction'
        | 'already-confirmed'
        /** No output of ours could pay for it. */
        | 'nothing-to-lift'
        /** It spends a coin that is set aside for something else. */
        | 'coin-taken'
        | 'malformed-psbt'
        | 'unsigned'
    }
)

/**
 * The outputs that payments stand for, in their order.
 *
 * Funds at risk: refuses segwit versions that have no rules yet, since anyone could take what is sent there, and scripts
 * of no standard form.
 */
export function outputsOf(
  payments: readonly Payment[],
  network: Network,
): { readonly ok: true; readonly outputs: readonly Output[] } | CoinsRefusal {
  if (payments.length === 0) return nobody
  if (payments.length > paymentsMax) return tooMany
  const outputs: Output[] = []
  for (const [index, payment] of payments.entries()) {
    const output = outputOf(payment, network, index)
    if ('code' in output) return output
    if (output.value < dustLimit(output.script)) return dust(index, output)
    outputs.push(output)
  }
  return { ok: true, outputs }
}

/** What a selection of coins for these outputs refused, in the words of a wallet. */
export function refusedSelection(
  no: NoSelection | { readonly ok: false; readonly reason: 'too-many-descendants' },
  outputs: readonly Output[] = [],
): CoinsRefusal {
  switch (no.reason) {
    case 'insufficient':
      return { ok: false, code: 'insufficient', missing: no.missing, detail: `${no.missing} sat are missing.` }
    case 'dust':
      return dust(no.index, outputs[no.index] as Output)
    case 'no-outputs':
      return nobody
    case 'too-many-outputs':
      return tooMany
    case 'too-many-coins':
      return { ok: false, code: 'too-many-coins', detail: 'It takes more coins than one transaction holds.' }
    case 'too-many-descendants':
      return { ok: false, code: 'nothing-to-lift', detail: 'Too much hangs on the transaction already.' }
    default:
      return { ok: false, code: 'too-heavy', detail: 'The transaction would be heavier than nodes relay.' }
  }
}

const nobody: CoinsRefusal = { ok: false, code: 'no-payments', detail: 'Nobody is to be paid.' }

const tooMany: CoinsRefusal = {
  ok: false,
  code: 'too-many-payments',
  detail: `One transaction pays at most ${paymentsMax} at once.`,
}

function outputOf(payment: Payment, network: Network, index: number): Output | CoinsRefusal {
  const { value } = payment
  if ('script' in payment) return isStandard(payment.script) ? { script: payment.script, value } : unknownForm(index)
  const decoded = decodeAddress(payment.address, network)
  if (decoded.ok) return isStandard(decoded.value) ? { script: decoded.value, value } : unknownForm(index)
  const elsewhere = Object.keys(networks).some((other) => decodeAddress(payment.address, other as Network).ok)
  return elsewhere
    ? { ok: false, code: 'wrong-network', index, detail: `The address of payment ${index} is of another network.` }
    : { ok: false, code: 'malformed-address', index, detail: `Payment ${index}: ${decoded.reason}.` }
}

function dust(index: number, { script }: Output): CoinsRefusal {
  const min = dustLimit(script)
  return {
    ok: false,
    code: 'dust',
    index,
    min,
    detail: `Payment ${index} is less than ${min} sat, which nobody relays.`,
  }
}

function isStandard(script: Uint8Array): boolean {
  return !['witness', 'data', 'other'].includes(scriptKind(script))
}

function unknownForm(index: number): CoinsRefusal {
  return { ok: false, code: 'unknown-form', index, detail: `Payment ${index} goes to a form that has no rules yet.` }
}
