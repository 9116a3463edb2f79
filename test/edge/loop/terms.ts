import { createHash } from 'node:crypto'
import { sats } from '../../../sdk/units.ts'

/** What merchant, shopper and their judge agree on. */
export const paymentsCount = 24
export const price = sats(20n)
/** Published keys of a test chain: whoever uses them gives their coins away. */
export const merchantSecret = new Uint8Array(32).fill(0x5a)
export const shopperMnemonic =
  'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about'

/** The name of the payment at this place, the same after every restart. */
export function paymentId(at: number): Uint8Array {
  return new Uint8Array(createHash('sha256').update(`payment ${at}`).digest().subarray(0, 16))
}

/** What a process of the loop is told, as its arguments. */
export interface LoopOrder {
  readonly folder: string
  readonly esplora: string
  readonly edge: string
  /** Where the merchant serves, and where it answers what it has stored. */
  readonly port: number
  readonly booksPort: number
}

export function orderOf(argument: string | undefined): LoopOrder {
  return JSON.parse(argument ?? '') as LoopOrder
}
