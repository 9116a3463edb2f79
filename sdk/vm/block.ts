import type { Fork } from '../evm/fork.ts'
import type { Address } from '../units.ts'

/** What a transaction can see of the block it is in. */
export interface Block {
  readonly chainId: number
  readonly number: bigint
  /** In seconds since 1970. */
  readonly timestamp: bigint
  readonly miner: Address
  readonly gasLimit: bigint
  /** In wei (EIP-1559). */
  readonly baseFeePerGas: bigint
  /** The beacon chain's randomness (EIP-4399), 32 bytes. */
  readonly prevRandao: Uint8Array
  /** Blob gas beyond the target that has piled up (EIP-4844). */
  readonly excessBlobGas: bigint
  /** What blobs cost and how many there may be, when it is not what the fork began with (EIP-7892). */
  readonly blobPrices?: BlobPrices
  /** Hash of one of the last 256 blocks, 32 bytes; nothing is zero. Asked synchronously. */
  readonly hashOf: (number: bigint) => Uint8Array | undefined
}

/** Parameters of the market for blobs (EIP-7840). */
export interface BlobPrices {
  /** Blobs a block. */
  readonly target: number
  readonly max: number
  readonly updateFraction: bigint
}

const cancun: BlobPrices = { target: 3, max: 6, updateFraction: 3_338_477n }
const prague: BlobPrices = { target: 6, max: 9, updateFraction: 5_007_716n }

/** Of each fork, and of those that change nothing else (EIP-7892). */
export const blobPrices: Readonly<Record<Fork | 'bpo1' | 'bpo2', BlobPrices>> = {
  cancun,
  prague,
  osaka: prague,
  bpo1: { target: 10, max: 15, updateFraction: 8_346_193n },
  bpo2: { target: 14, max: 21, updateFraction: 11_684_671n },
  amsterdam: { target: 14, max: 21, updateFraction: 11_684_671n },
}

export const gasPerBlob = 131_072n

/** Wei for each unit of blob gas (EIP-4844, `get_base_fee_per_blob_gas`). */
export function blobBaseFee(excessBlobGas: bigint, { updateFraction }: BlobPrices): bigint {
  let sum = 0n
  let term = updateFraction
  for (let step = 1n; term > 0n; step += 1n) {
    sum += term
    term = (term * excessBlobGas) / (updateFraction * step)
  }
  return sum / updateFraction
}
