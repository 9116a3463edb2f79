import type { Address, Hex, Slot } from '../units.ts'

/** What the state holds of one account. An account that does not exist is nothing, not zeros. */
export interface Account {
  readonly nonce: bigint
  /** In wei. */
  readonly balance: bigint
  /** keccak256 of its code, lower case; {@link emptyCodeHash} for none. */
  readonly codeHash: Hex
  /** Whether any slot is set: an address where one is takes no new contract (EIP-7610). */
  readonly hasStorage?: boolean
}

/**
 * The state before a transaction, asked synchronously and at most once a transaction for each account and slot.
 *
 * It may throw: the error passes through whoever runs the machine, and the machine stays usable. So a caller
 * that has to fetch what is missing throws, fetches, and runs again.
 */
export interface State {
  readonly account: (address: Address) => Account | undefined
  /** Code of this hash, which an account of this state named. */
  readonly code: (hash: Hex) => Uint8Array
  /** The 32 bytes in a slot; nothing is zero. */
  readonly storage: (address: Address, slot: Slot) => Uint8Array | undefined
}

/** keccak256 of no bytes: the code hash of an account without code. */
export const emptyCodeHash: Hex = '0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470'
