import type { Address, Slot } from '../units.ts'

/** A place in the state that a transaction can touch: an account's nonce, balance or code, or one storage slot. */
export type Place =
  | { readonly kind: 'nonce' | 'balance' | 'code'; readonly address: Address }
  | { readonly kind: 'slot'; readonly address: Address; readonly slot: Slot }
