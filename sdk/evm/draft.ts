import type { Abi, ContractFunctionName } from 'viem'
import { type EncodeFunctionDataParameters, encodeFunctionData } from 'viem/utils'
import { SdkError } from '../errors.ts'
import { quantity } from '../rlp.ts'
import { type Address, type ChainId, fromHex, type Wei, wei } from '../units.ts'
import type { AccessListChoice } from './accessList.ts'
import { checkUnderFork, type Fork } from './fork.ts'
import type { AccessList, Authorization, Prepared, Pricing } from './transaction.ts'
import { malformation } from './validity.ts'

interface Wish {
  readonly stage: 'draft'
  /** `null`: the wallet's first account. */
  readonly from: Address | null
  readonly value: Wei
  readonly data: Uint8Array
}

/** A call at base fee and tip (`eip1559`), or at one price with room for an access list (`eip2930`). */
export interface CallDraft extends Wish {
  readonly type: 'eip1559' | 'eip2930'
  /** `null` creates a contract from `data`. */
  readonly to: Address | null
  readonly accessList: AccessListChoice
}

/** A call of the first type, for chains that know no other. */
export interface LegacyDraft extends Wish {
  readonly type: 'legacy'
  readonly to: Address | null
  readonly accessList: 'never'
}

/** A call before which accounts begin to run other accounts' code (EIP-7702). */
export interface DelegationDraft extends Wish {
  readonly type: 'eip7702'
  readonly to: Address
  readonly accessList: AccessListChoice
  /** Signed by the accounts that delegate. At least one. */
  readonly authorizations: readonly Authorization[]
}

/** What a person wants done. Chain, nonce, fees and gas are not decided yet. */
export type Draft = CallDraft | LegacyDraft | DelegationDraft

/** An ERC-20 token; amounts of it are in base units (10^-decimals). */
export interface Token {
  readonly address: Address
  readonly decimals: number
  readonly symbol: string
}

/** What a draft says, as far as it differs from the usual. */
export type Wishes = { readonly to: Address | null } & Partial<Omit<CallDraft, 'stage' | 'to'>>

/** A draft. Left out: the first account sends no value and no data, type 2, with an access list when it pays. */
export function draft({ to, ...wishes }: Wishes): CallDraft {
  const usual = { from: null, value: wei(0n), data: new Uint8Array(0), accessList: 'auto', type: 'eip1559' } as const
  return { stage: 'draft', to, ...usual, ...wishes }
}

/** Sends ether to an account. */
export function send(to: Address, value: Wei): CallDraft {
  return draft({ to, value })
}

/** Sends `amount` base units of an ERC-20 token (`transfer(address,uint256)`). Throws `units/out-of-range`. */
export function transfer(token: Token, to: Address, amount: bigint): CallDraft {
  const data = new Uint8Array(68)
  data.set([0xa9, 0x05, 0x9c, 0xbb])
  data.set(fromHex(to), 16)
  const digits = quantity(uint256(amount))
  data.set(digits, 68 - digits.length)
  return draft({ to: token.address, data })
}

/** Creates a contract from initcode, its constructor's arguments appended. */
export function deploy(initcode: Uint8Array, value: Wei = wei(0n)): CallDraft {
  return draft({ to: null, data: initcode, value })
}

/**
 * Calls a function of a contract, typed by its ABI.
 * Throws `evm/malformed-transaction` when the arguments do not fit the ABI.
 */
export function call<
  const abi extends Abi | readonly unknown[],
  name extends ContractFunctionName<abi> | undefined = undefined,
>(target: EncodeFunctionDataParameters<abi, name> & { readonly to: Address; readonly value?: Wei }): CallDraft {
  const { to, value = wei(0n) } = target
  return draft({ to, value, data: encodeCall(target) })
}

/**
 * Puts signed authorizations on chain, and calls `to` in the same transaction.
 *
 * Funds at risk: from then on the delegate's code decides over each authority's account, until it delegates again.
 * Code that sets itself up in a first call must not leave that call to anyone else: make it `data` here.
 */
export function delegate(wishes: {
  readonly to: Address
  readonly authorizations: readonly [Authorization, ...Authorization[]]
  readonly data?: Uint8Array
  readonly value?: Wei
}): DelegationDraft {
  const { to, authorizations, ...rest } = wishes
  return { ...draft({ to, ...rest }), type: 'eip7702', to, authorizations }
}

/** The same call as a legacy transaction, which carries no access list. */
export function legacy(wish: CallDraft): LegacyDraft {
  return { ...wish, type: 'legacy', accessList: 'never' }
}

/** What gas costs: one price, or a cap with a tip within it. */
export type Fees = { readonly gasPrice: Wei } | { readonly maxFeePerGas: Wei; readonly maxPriorityFeePerGas: Wei }

/** What the chain, the account and the choice of a list decide about a draft. */
export interface Facts {
  readonly chainId: ChainId
  readonly fork: Fork
  readonly from: Address
  readonly nonce: number
  readonly gas: bigint
  readonly fees: Fees
  /** The chosen list ({@link chooseAccessList}); empty when the draft says `never`. */
  readonly accessList: AccessList
}

/**
 * Fills in everything that is signed over.
 *
 * Throws `evm/malformed-transaction` when draft and facts contradict each other (another sender, fees of the other
 * kind, a list that was not wanted), when no chain would take the result, or when the fork would not: a gas limit
 * below intrinsic gas or above the cap, initcode too long, authorizations too early.
 */
export function prepare(draft: Draft, facts: Facts): Prepared {
  const { to, value, data } = draft
  const { chainId, from, nonce, gas, fork } = facts
  if (draft.from !== null && draft.from !== from) throw malformed(`the draft is from ${draft.from}, not ${from}`)
  if (draft.accessList === 'never' && facts.accessList.length > 0) throw malformed('the draft wants no access list')
  const pricing = pricingOf(draft, facts)
  const prepared: Prepared = { stage: 'prepared', chainId, from, to, value, data, nonce, gas, pricing }
  const reason = malformation(prepared)
  if (reason) throw malformed(reason)
  const check = checkUnderFork(prepared, fork)
  if (!check.ok) throw malformed(check.reason)
  return prepared
}

function pricingOf(draft: Draft, { fees, accessList }: Facts): Pricing {
  const { type } = draft
  if (type === 'legacy' || type === 'eip2930') {
    if (!('gasPrice' in fees)) throw malformed(`a transaction of type ${type} has one gas price`)
    const { gasPrice } = fees
    return type === 'legacy' ? { type, gasPrice } : { type, gasPrice, accessList }
  }
  if ('gasPrice' in fees) throw malformed(`a transaction of type ${type} has a fee cap and a priority fee`)
  const { maxFeePerGas, maxPriorityFeePerGas } = fees
  const market = { maxFeePerGas, maxPriorityFeePerGas, accessList }
  return draft.type === 'eip7702'
    ? { type: 'eip7702', ...market, authorizations: draft.authorizations }
    : { type: 'eip1559', ...market }
}

function encodeCall(target: object): Uint8Array {
  try {
    return fromHex(encodeFunctionData(target as EncodeFunctionDataParameters))
  } catch (cause) {
    throw new SdkError('evm/malformed-transaction', 'The arguments do not fit the ABI.', { cause })
  }
}

function uint256(amount: bigint): bigint {
  if (amount < 0n || amount >> 256n) throw new SdkError('units/out-of-range', `${amount} is not within 256 bits.`)
  return amount
}

function malformed(reason: string): SdkError {
  return new SdkError('evm/malformed-transaction', `The transaction cannot be prepared: ${reason}.`)
}
