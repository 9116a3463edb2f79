import type { Fork, Priced } from '../evm/fork.ts'
import { floorGas, gasTables, intrinsicGas } from '../evm/fork.ts'
import {
  type AccessList,
  type Authorization,
  accessListOf,
  authorizationsOf,
  type Pricing,
} from '../evm/transaction.ts'
import { type Address, type Hex, type Wei, wei } from '../units.ts'
import { type BlobPrices, type Block, blobPrices, gasPerBlob } from './block.ts'

/** How a transaction that carries blobs pays (EIP-4844, type 3). */
export interface BlobPricing {
  readonly type: 'eip4844'
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
  readonly accessList: AccessList
  /** Wei for each unit of blob gas. */
  readonly maxFeePerBlobGas: bigint
  /** Versioned hashes, 32 bytes each. */
  readonly blobHashes: readonly Hex[]
}

/** A call from outside: what {@link Machine.call} runs. */
export interface Message {
  readonly from: Address
  /** `null` creates a contract from `data`. */
  readonly to: Address | null
  readonly value: bigint
  readonly data: Uint8Array
  readonly gas: bigint
}

/** A transaction whose signature was judged by whoever found `from`. Any `Prepared` one is such a transaction. */
export interface Transaction extends Message {
  /** `null` can be replayed on any chain (before EIP-155). */
  readonly chainId: number | null
  readonly nonce: number | bigint
  readonly pricing: Pricing | BlobPricing
}

/** Why no block may hold the transaction, or not here and now. Nothing has happened, and no gas is paid. */
export type RefusalCode =
  | 'wrong-chain'
  | 'unsupported-type'
  | 'nonce-too-low'
  | 'nonce-too-high'
  | 'sender-has-code'
  | 'insufficient-funds'
  | 'gas-too-low'
  | 'gas-too-high'
  | 'fee-too-low'
  | 'malformed'
  | 'blobs'

/** What a transaction comes to before state is looked at. */
export interface Terms {
  readonly intrinsic: number
  /** The least it pays (EIP-7623). */
  readonly floor: number
  /** Wei that a unit of gas costs the sender. */
  readonly gasPrice: bigint
  /** The part of it that the miner gets. */
  readonly tip: bigint
  /** The most it can cost beside its value, and what its blobs do cost. */
  readonly costMax: bigint
  readonly blobCost: bigint
  readonly accessList: AccessList
  readonly authorizations: readonly Authorization[]
  readonly blobHashes: readonly Hex[]
}

const none: readonly never[] = []
const uint256Max = (1n << 256n) - 1n
const uint64Max = (1n << 64n) - 1n

/** Judges a transaction by the fork and its block alone. */
export function termsOf(
  transaction: Transaction,
  block: Block,
  rules: Sizes,
  blobBaseFee: bigint,
): Terms | RefusalCode {
  const { pricing, gas, value, chainId } = transaction
  const { fork } = rules
  if (chainId !== null && chainId !== block.chainId) return 'wrong-chain'
  if (pricing.type === 'eip7702' && gasTables[fork].authorization === null) return 'unsupported-type'
  if (value > uint256Max || gas > uint64Max) return 'malformed'
  const [cap, priority] = feesOf(pricing)
  if (priority > cap) return 'malformed'
  if (cap < block.baseFeePerGas) return 'fee-too-low'
  const spare = cap - block.baseFeePerGas
  const tip = 'gasPrice' in pricing || spare < priority ? spare : priority

  const priced = pricedOf(transaction)
  const limits = gasLimits(transaction, priced, block, fork)
  if (typeof limits === 'string') return limits
  const blobs = pricing.type === 'eip4844' ? pricing : null
  if (blobs) {
    const reason = judgeBlobs(blobs, transaction.to, block.blobPrices ?? blobPrices[fork], rules.blobsPerTransactionMax)
    if (reason) return reason
    if (blobs.maxFeePerBlobGas < blobBaseFee) return 'fee-too-low'
  }
  const blobGas = blobs ? gasPerBlob * BigInt(blobs.blobHashes.length) : 0n
  const authorizations = authorizationsOf(priced.pricing)
  if (pricing.type === 'eip7702' && (authorizations.length === 0 || transaction.to === null)) return 'malformed'
  return {
    ...limits,
    gasPrice: block.baseFeePerGas + tip,
    tip,
    costMax: gas * cap + (blobs ? blobGas * blobs.maxFeePerBlobGas : 0n),
    blobCost: blobGas * blobBaseFee,
    accessList: accessListOf(priced.pricing),
    authorizations,
    blobHashes: blobs ? blobs.blobHashes : none,
  }
}

/** What of the fork's rules a transaction is judged by here. */
interface Sizes {
  readonly fork: Fork
  readonly initcodeBytesMax: number
  readonly blobsPerTransactionMax: number
}

/** The terms of a call that pays for nothing. Only its size and gas are judged. */
export function callTerms(message: Message, fork: Fork): Terms | RefusalCode {
  const pricing: Pricing = { type: 'legacy', gasPrice: wei(0n) }
  const priced = pricedOf({ ...message, pricing })
  if (message.to === null && message.data.length > gasTables[fork].initcodeBytesMax) return 'malformed'
  const intrinsic = Number(intrinsicGas(priced, fork))
  if (message.gas < BigInt(intrinsic)) return 'gas-too-low'
  return {
    intrinsic,
    floor: 0,
    gasPrice: 0n,
    tip: 0n,
    costMax: 0n,
    blobCost: 0n,
    accessList: none,
    authorizations: none,
    blobHashes: none,
  }
}

function gasLimits(
  { gas, to, data }: Transaction,
  priced: Priced,
  block: Block,
  fork: Fork,
): { readonly intrinsic: number; readonly floor: number } | RefusalCode {
  const { initcodeBytesMax, gasLimitMax, intrinsicGasMax } = gasTables[fork]
  if (to === null && data.length > initcodeBytesMax) return 'malformed'
  if (gas > block.gasLimit || (gasLimitMax !== null && gas > gasLimitMax)) return 'gas-too-high'
  const intrinsic = intrinsicGas(priced, fork)
  const floor = floorGas(priced, fork)
  if (gas < intrinsic || gas < floor) return 'gas-too-low'
  if (intrinsicGasMax !== null && (intrinsic > intrinsicGasMax || floor > intrinsicGasMax)) return 'gas-too-high'
  return { intrinsic: Number(intrinsic), floor: Number(floor) }
}

/** The most a unit of gas may cost, and the most of that for the miner. */
function feesOf(pricing: Transaction['pricing']): readonly [cap: bigint, priority: bigint] {
  if ('gasPrice' in pricing) return [pricing.gasPrice, pricing.gasPrice]
  return [pricing.maxFeePerGas, pricing.maxPriorityFeePerGas]
}

/** Blobs change nothing in what the rest of a transaction costs. */
function pricedOf(transaction: Pick<Transaction, 'from' | 'to' | 'value' | 'data' | 'pricing'>): Priced {
  const { from, to, value, data, pricing } = transaction
  if (pricing.type !== 'eip4844') return { from, to, value: value as Wei, data, pricing }
  const { accessList } = pricing
  const fee = wei(0n)
  const plain: Pricing = { type: 'eip1559', maxFeePerGas: fee, maxPriorityFeePerGas: fee, accessList }
  return { from, to, value: value as Wei, data, pricing: plain }
}

function judgeBlobs(
  { blobHashes }: BlobPricing,
  to: Address | null,
  prices: BlobPrices,
  perTransactionMax: number,
): RefusalCode | undefined {
  const count = blobHashes.length
  if (to === null || count === 0 || count > Math.min(prices.max, perTransactionMax)) return 'blobs'
  return blobHashes.every((hash) => hash.startsWith('0x01')) ? undefined : 'blobs'
}
