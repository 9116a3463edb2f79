import type { Address } from '../../units.ts'

/** A rollup of the OP stack, as far as its L1 says who orders it and what was proposed. */
export interface OpChain {
  readonly name: string
  readonly chainId: number
  readonly l1ChainId: number
  /** `SystemConfig`, its proxy: names the signer of blocks that are not on the L1 yet. */
  readonly systemConfig: Address
  /** `DisputeGameFactory`, its proxy. */
  readonly factory: Address
  /**
   * Position of the list of all games in the factory's storage: `_disputeGameList` in ethereum-optimism/optimism,
   * `packages/contracts-bedrock/snapshots/storageLayout/DisputeGameFactory.json` (contracts of version 1.0 and later; what they
   * added since stands behind it).
   */
  readonly gameListPosition: bigint
  /**
   * Types of games whose claims are read: those that the portal respects, as far as their claim is one output root. Type 0 is a
   * fault proof by Cannon, 8 the same with Kona. Super roots of several chains (types 4, 5, 7 and 9) are not read.
   */
  readonly gameTypes: readonly number[]
}

/** ethereum-optimism/superchain-registry, `superchain/configs/mainnet/base.toml`. */
export const base: OpChain = {
  name: 'base',
  chainId: 8_453,
  l1ChainId: 1,
  systemConfig: '0x73a79fab69143498ed3712e519a88a918e1f4072' as Address,
  factory: '0x43edb88c4b80fdd2adff2412a7bebf9df42cb40e' as Address,
  gameListPosition: 104n,
  gameTypes: [0],
}

/**
 * ethereum-optimism/superchain-registry, `superchain/configs/mainnet/op.toml`; the type in ethereum-optimism/superchain-ops, whose
 * upgrade 20 goes from 8 on to super roots: from then on no new proposal can be read.
 */
export const opMainnet: OpChain = {
  name: 'op-mainnet',
  chainId: 10,
  l1ChainId: 1,
  systemConfig: '0x229047fed2591dbec1ef1118d64f7af3db9eb290' as Address,
  factory: '0xe5965ab5962edc7477c8520243a95517cd252fa9' as Address,
  gameListPosition: 104n,
  gameTypes: [0, 8],
}
