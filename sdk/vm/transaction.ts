import { gasTables } from '../evm/fork.ts'
import type { AccessList, Authorization, Pricing } from '../evm/transaction.ts'
import type { Address, Hex } from '../units.ts'
import { type BlobPrices, type Block, blobPrices, gasPerBlob } from './block.ts'
import type { Rules } from './rules.ts'
import type { StartGas } from './startGas.ts'

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
export interface Terms extends StartGas {
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
  rules: Rules,
  blobBaseFee: bigint,
): Terms | RefusalCode {
  const { pricing, gas, value, chainId } = transaction
  if (chainId !== null && chainId !== block.chainId) return 'wrong-chain'
  if (pricing.type === 'eip7702' && !rules.hasDelegations) return 'unsupported-type'
  if (value > uint256Max || gas > uint64Max) return 'malformed'
  const isFixed = 'gasPrice' in pricing
  const cap: bigint = isFixed ? pricing.gasPrice : pricing.maxFeePerGas
  const priority: bigint = isFixed ? pricing.gasPrice : pricing.maxPriorityFeePerGas
  if (priority > cap) return 'malformed'
  if (cap < block.baseFeePerGas) return 'fee-too-low'
  const spare = cap - block.baseFeePerGas
  const tip = isFixed || spare < priority ? spare : priority

  const accessList = pricing.type === 'legacy' ? none : pricing.accessList
  const authorizations = pricing.type === 'eip7702' ? pricing.authorizations : none
  if (pricing.type === 'eip7702' && (authorizations.length === 0 || transaction.to === null)) return 'malformed'
  const start = rules.startGas(transaction, accessList, authorizations.length)
  const misfit = judgeGas(transaction, start, block, rules)
  if (misfit) return misfit
  const blobs = pricing.type === 'eip4844' ? pricing : null
  const blobMisfit = blobs && judgeBlobs(blobs, transaction.to, block, rules)
  if (blobMisfit) return blobMisfit
  if (blobs && blobs.maxFeePerBlobGas < blobBaseFee) return 'fee-too-low'
  const blobGas = blobs ? gasPerBlob * BigInt(blobs.blobHashes.length) : 0n
  return {
    intrinsic: start.intrinsic,
    floor: start.floor,
    gasPrice: block.baseFeePerGas + tip,
    tip,
    costMax: gas * cap + (blobs ? blobGas * blobs.maxFeePerBlobGas : 0n),
    blobCost: blobGas * blobBaseFee,
    accessList,
    authorizations,
    blobHashes: blobs ? blobs.blobHashes : none,
  }
}

/** The terms of a call that pays for nothing. Only its size and gas are judged. */
export function callTerms(message: Message, rules: Rules): Terms | RefusalCode {
  if (message.to === null && message.data.length > rules.initcodeBytesMax) return 'malformed'
  const { intrinsic } = rules.startGas(message, none, 0)
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

function judgeGas(
  { gas, to, data }: Message,
  { intrinsic, floor }: StartGas,
  block: Block,
  { fork, initcodeBytesMax }: Rules,
): RefusalCode | undefined {
  const { gasLimitMax, intrinsicGasMax } = gasTables[fork]
  if (to === null && data.length > initcodeBytesMax) return 'malformed'
  if (gas > block.gasLimit || (gasLimitMax !== null && gas > gasLimitMax)) return 'gas-too-high'
  const least = intrinsic > floor ? intrinsic : floor
  if (gas < least) return 'gas-too-low'
  return intrinsicGasMax !== null && least > intrinsicGasMax ? 'gas-too-high' : undefined
}

function judgeBlobs(
  { blobHashes }: BlobPricing,
  to: Address | null,
  block: Block,
  { fork, blobsPerTransactionMax }: Rules,
): RefusalCode | undefined {
  const count = blobHashes.length
  const prices: BlobPrices = block.blobPrices ?? blobPrices[fork]
  if (to === null || count === 0 || count > Math.min(prices.max, blobsPerTransactionMax)) return 'blobs'
  return blobHashes.every((hash) => hash.startsWith('0x01')) ? undefined : 'blobs'
}
