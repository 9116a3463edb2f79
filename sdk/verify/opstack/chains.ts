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
   * Types of games whose claims are read: those that the portal respects. Type 0 is a fault proof by Cannon, 8 the same with Kona,
   * both of one output root; 4, 7 and 9 are fault proofs of a super root, 5 is one by the word of a named account, 10 one that a
   * validity proof settles; 621 is an output root that came with a proof, of Base alone.
   */
  readonly gameTypes: readonly number[]
  /** The first block that was made by the rules of the OP stack; its time in seconds since 1970. */
  readonly genesis: { readonly number: number; readonly timestamp: number }
  /** From one block to the next. */
  readonly blockSeconds: number
}

/**
 * ethereum-optimism/superchain-registry, `superchain/configs/mainnet/base.toml`; the types in base/contract-deployments, which went
 * from 0 on to 621 (`mainnet/2026-05-21-activate-multiproof`).
 */
export const base: OpChain = {
  name: 'base',
  chainId: 8_453,
  l1ChainId: 1,
  systemConfig: '0x73a79fab69143498ed3712e519a88a918e1f4072' as Address,
  factory: '0x43edb88c4b80fdd2adff2412a7bebf9df42cb40e' as Address,
  gameListPosition: 104n,
  gameTypes: [0, 621],
  genesis: { number: 0, timestamp: 1_686_789_347 },
  blockSeconds: 2,
}

/**
 * ethereum-optimism/superchain-registry, `superchain/configs/mainnet/op.toml`; the types in ethereum-optimism/superchain-ops, whose
 * upgrade 20 goes from 8 on to 9 (`src/tasks/eth/071-U20-op-ink-soneium-uni/config.toml`). Type 5, which it keeps for an emergency,
 * rests on the word of one account and is left out.
 */
export const opMainnet: OpChain = {
  name: 'op-mainnet',
  chainId: 10,
  l1ChainId: 1,
  systemConfig: '0x229047fed2591dbec1ef1118d64f7af3db9eb290' as Address,
  factory: '0xe5965ab5962edc7477c8520243a95517cd252fa9' as Address,
  gameListPosition: 104n,
  gameTypes: [0, 8, 9],
  genesis: { number: 105_235_063, timestamp: 1_686_068_903 },
  blockSeconds: 2,
}
