import type { Place } from '../evm/place.ts'
import type { Address } from '../units.ts'

export type { Place } from '../evm/place.ts'

/**
 * What a transaction touches. A place stands in one of the three at the most; a place that is written may
 * also be read, and stands in `writes` alone.
 *
 * `credits` are balance increases that commute: two of them need no order. A credit to an account that was
 * empty is a write, since what a value call costs depends on that (EIP-161).
 */
export interface Access {
  readonly reads: readonly Place[]
  readonly writes: readonly Place[]
  readonly credits: readonly Place[]
}

/** How the declaration came about. `unknown` declares nothing and conflicts with everything. */
export type AccessSource = 'trace' | 'template' | 'declared' | 'unknown'

/** What a sender says a transaction will touch, beside it in the envelope. Cheap when right, never trusted. */
export interface Declaration extends Access {
  readonly source: AccessSource
  /** Gas it is expected to use; weighs the plan. */
  readonly gas: number
}

/** One transaction as it travels: signed bytes, and what they are expected to touch. */
export interface BatchTransaction {
  readonly raw: Uint8Array
  readonly declaration: Declaration
}

/** The places of one transaction, implied ones included: the sender's, the recipient's, the authorities'. */
export interface Footprint extends Declaration {
  readonly sender: Address
}
