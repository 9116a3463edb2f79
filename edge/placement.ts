import { keccak256 } from '../sdk/crypto/index.ts'
import { type Address, type ChainId, fromHex } from '../sdk/units.ts'
import { shardsPerChain } from './limits.ts'

/** Layout of the objects. Another one is another set of names, and the old objects drain. */
const layout = 'v1'

/** The shard that owns a sender's nonces: the same one for all its transactions on all days. */
export function shardOf(sender: Address): number {
  const [a = 0, b = 0] = keccak256(fromHex(sender))
  return (a * 256 + b) % shardsPerChain
}

export function shardName(chain: ChainId, shard: number): string {
  return `${chain}:${layout}:${shard}`
}

export function chainName(chain: ChainId): string {
  return `${chain}:${layout}`
}

/** The webhook of those who hold a key of this name. */
export function webhookName(chain: ChainId, key: string): string {
  return `${chain}:${layout}:${key}`
}
