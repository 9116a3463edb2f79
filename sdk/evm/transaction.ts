import type { Signature } from '../crypto/engine.ts'
import type { Address, ChainId, Slot, TxHash, Wei } from '../units.ts'

/** One entry of an access list (EIP-2930): an account and the slots of it that will be touched. */
export interface AccessListEntry {
  readonly address: Address
  readonly slots: readonly Slot[]
}
export type AccessList = readonly AccessListEntry[]

/** An account's signed wish to run another account's code (EIP-7702). */
export interface Authorization {
  /** 0 means any chain. */
  readonly chainId: number
  /** Account whose code is to run. */
  readonly delegate: Address
  readonly nonce: bigint
  readonly signature: Signature
}

/** What a transaction does, whoever signs and whatever it costs. */
export interface Call {
  readonly chainId: ChainId
  readonly from: Address
  /** `null` creates a contract from `data`. */
  readonly to: Address | null
  readonly value: Wei
  readonly data: Uint8Array
}

/** How gas is paid, by transaction type: 0 (EIP-155), 1 (EIP-2930), 2 (EIP-1559), 4 (EIP-7702). */
export type Pricing =
  | { readonly type: 'legacy'; readonly gasPrice: Wei }
  | { readonly type: 'eip2930'; readonly gasPrice: Wei; readonly accessList: AccessList }
  | {
      readonly type: 'eip1559'
      readonly maxFeePerGas: Wei
      readonly maxPriorityFeePerGas: Wei
      readonly accessList: AccessList
    }
  | {
      readonly type: 'eip7702'
      readonly maxFeePerGas: Wei
      readonly maxPriorityFeePerGas: Wei
      readonly accessList: AccessList
      /** At least one. */
      readonly authorizations: readonly Authorization[]
    }

/** Every field that is signed over. Nothing left to ask. */
export interface Prepared extends Call {
  readonly stage: 'prepared'
  readonly nonce: number
  readonly gas: bigint
  readonly pricing: Pricing
}

/** Bytes that a node takes. `hash` is fixed from here on. */
export interface Signed {
  readonly stage: 'signed'
  readonly hash: TxHash
  readonly bytes: Uint8Array
  readonly prepared: Prepared
}

/** The list a transaction carries; a legacy one carries none. */
export function accessListOf(pricing: Pricing): AccessList {
  return pricing.type === 'legacy' ? [] : pricing.accessList
}

/** The authorizations a transaction carries; only type 4 carries any. */
export function authorizationsOf(pricing: Pricing): readonly Authorization[] {
  return pricing.type === 'eip7702' ? pricing.authorizations : []
}
