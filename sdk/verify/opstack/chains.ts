import type { Address } from '../../units.ts'

/** A rollup of the OP stack, as far as its proposals on Ethereum are read. */
export interface OpChain {
  readonly name: string
  readonly chainId: number
  readonly l1ChainId: number
  /** `DisputeGameFactory`, its proxy. */
  readonly factory: Address
  /** Position of the list of all games in the factory's storage (`_disputeGameList`, contracts of version 1.0 and later). */
  readonly gameListPosition: bigint
  /** Types of games whose claims are read: those that the portal respects. */
  readonly gameTypes: readonly number[]
}

/** ethereum-optimism/superchain-registry, `superchain/configs/mainnet/base.toml`. Type 0 is a fault proof by Cannon. */
export const base: OpChain = {
  name: 'base',
  chainId: 8_453,
  l1ChainId: 1,
  factory: '0x43edb88c4b80fdd2adff2412a7bebf9df42cb40e' as Address,
  gameListPosition: 104n,
  gameTypes: [0],
}

/** ethereum-optimism/superchain-registry, `superchain/configs/mainnet/op.toml`. */
export const opMainnet: OpChain = {
  name: 'op-mainnet',
  chainId: 10,
  l1ChainId: 1,
  factory: '0xe5965ab5962edc7477c8520243a95517cd252fa9' as Address,
  gameListPosition: 104n,
  gameTypes: [0],
}
