import type { Declaration } from '../batch/index.ts'
import type { ErrorCode } from '../errors.ts'
import type { AccessList, Draft, Fees, Fork, PricedList } from '../evm/index.ts'
import type { Clock, EvmNode, NodeCall, Random, Relay, Signer, Store } from '../ports.ts'
import type { Address, ChainId, Wei } from '../units.ts'

/** The chain a wallet works on, and the rules it runs under. */
export interface Chain {
  readonly id: ChainId
  readonly fork: Fork
}

/** Everything a wallet asks of the world. */
export interface World {
  readonly keys: Signer
  readonly store: Store
  readonly relay: Relay
  readonly evm: EvmNode
  readonly chain: Chain
  readonly clock: Clock
  readonly random: Random
}

/** A draft, and what its author fixes instead of leaving it to the wallet. */
export type Order = Draft & {
  /** Gas limit. Needed where a draft only works after an earlier one of the same call has run. */
  readonly gas?: bigint
  /** Refused unless it is the account's next nonce. */
  readonly nonce?: number
  /** What the transaction will touch, declared by hand (`declare`). */
  readonly declaration?: Declaration
  readonly fees?: Fees
}

/** Why an order was refused before anything was signed. */
export type RefusalCode = Extract<
  ErrorCode,
  | 'wallet/fee-too-low'
  | 'wallet/insufficient-funds'
  | 'wallet/nonce-gap'
  | 'wallet/nonce-taken'
  | 'wallet/outbox-full'
  | 'wallet/too-late'
  | 'wallet/too-large'
  | 'wallet/unknown-transaction'
  | 'wallet/would-revert'
  | 'wallet/wrong-chain'
  | 'keys/unknown-account'
  | 'evm/malformed-transaction'
>

/** An expected no. Nothing was signed, stored or sent. */
export interface OrderRefusal {
  /** Place of the order in the call. */
  readonly index: number
  readonly code: RefusalCode
  readonly detail: string
}

/** What an access list would do to one transaction. Differences are gas used with the list minus gas used without. */
export interface AccessListOffer {
  /** What the draft's choice attaches. */
  readonly chosen: PricedList
  /** Everything the run touched cold. */
  readonly full: PricedList
  /** The sub-list that saves most; empty when none saves. */
  readonly best: PricedList
  /** True when the node ran the call with each list and without; else the differences are at the least favourable. */
  readonly isExact: boolean
}

/** One order with everything filled in but its nonce: what a person is shown before signing. */
export interface Quote {
  readonly index: number
  readonly order: Order
  readonly from: Address
  /** Gas limit, the chosen list's price included. */
  readonly gas: bigint
  readonly fees: Fees
  /** Value plus gas at the highest price. */
  readonly costMax: Wei
  readonly accessList: AccessListOffer
  readonly declaration: Declaration
}

export type Quoted =
  | { readonly ok: true; readonly quote: Quote }
  | { readonly ok: false; readonly refusal: OrderRefusal }

/** The call behind an order, as a node prices it. */
export function callOf(order: Order, from: Address, accessList: AccessList): NodeCall {
  const { to, value, data } = order
  return {
    from,
    to,
    value,
    data,
    ...(accessList.length > 0 ? { accessList } : {}),
    ...(order.type === 'eip7702' ? { authorizations: order.authorizations } : {}),
  }
}

/** The most a unit of gas may cost, in wei. */
export function feeCapOf(fees: Fees): Wei {
  return 'gasPrice' in fees ? fees.gasPrice : fees.maxFeePerGas
}

/** A refusal of one order. */
export function refusal(index: number, code: RefusalCode, detail: string): OrderRefusal {
  return { index, code, detail }
}
