import type { Footprint } from '../../../sdk/batch/index.ts'
import { type Fork, isPrecompile } from '../../../sdk/evm/index.ts'
import type { Address } from '../../../sdk/units.ts'
import type { TouchedPlaces } from '../../../sdk/vm/index.ts'
import { shardOf } from './board.ts'

/** Accounts that belong to no shard: whoever gets the fees, and precompiled contracts. */
export interface Shared {
  readonly shards: number
  readonly feeRecipient: Address
  readonly fork: Fork
}

/** Shards a transaction has declared, as bits; 0: it has declared nothing, so all of them, or there is only one. */
export function declaredShards(footprint: Footprint, shards: number): number {
  if (shards === 1 || footprint.source === 'unknown') return 0
  let bits = 1 << shardOf(footprint.sender, shards)
  for (const list of [footprint.reads, footprint.writes, footprint.credits])
    for (const { address } of list) bits |= 1 << shardOf(address, shards)
  return bits
}

/** Shards it has touched, as bits. */
export function touchedShards(access: TouchedPlaces, { shards, feeRecipient, fork }: Shared): number {
  let bits = 0
  for (const list of [access.reads, access.writes, access.credits, access.emptiness])
    for (const { address } of list)
      if (address !== feeRecipient && !isPrecompile(address, fork)) bits |= 1 << shardOf(address, shards)
  return bits
}

/** The shard, where it is only one; -1 for several. */
export function onlyShard(bits: number): number {
  return bits !== 0 && (bits & (bits - 1)) === 0 ? 31 - Math.clz32(bits) : -1
}
