import { openPayee, openPayer, type Payee, type Payer } from '../../../sdk/channel/index.ts'
import { height, sats } from '../../../sdk/units.ts'
import { ending, fundingTransaction, opening, signed, update } from './fixtures.ts'

const spent = sats(12n)
const mark = { number: 1, paid: sats(400n) }
const ask = { number: 1, fee: sats(200n), signature: signed(sats(400n), sats(200n)) }
const fresh = openPayee(opening, height(106))
const paid: Payee = { ...fresh, best: update(1, 400n), spent }
const closing = { fee: sats(300n), transaction: Uint8Array.of(2, 0, 0, 0) }
const offered = openPayer(opening, fundingTransaction)
const answered: Payer = { ...offered, phase: 'open', signed: mark, best: mark, spent }

/** A payee's channel in every phase, with and without what a phase may lack. */
export const payees: readonly Payee[] = [
  fresh,
  paid,
  { ...fresh, phase: 'closing', closing: null },
  { ...paid, phase: 'closing', closing },
  { ...fresh, phase: 'closed', closing: null, ending },
  { ...paid, phase: 'closed', closing, ending },
]

/** A payer's. */
export const payers: readonly Payer[] = [
  offered,
  { ...offered, phase: 'declined', fault: 'busy' },
  { ...offered, phase: 'funding' },
  answered,
  { ...answered, signed: { number: 2, paid: sats(500n) }, pending: update(2, 500n) },
  { ...answered, phase: 'closing', ask: null },
  { ...answered, phase: 'closing', ask },
  { ...answered, phase: 'refunding', transaction: Uint8Array.of(2, 0, 0, 0) },
  { ...answered, phase: 'closed', ending },
]
