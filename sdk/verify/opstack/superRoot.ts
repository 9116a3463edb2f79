import { keccak256 } from '../../crypto/hashes.ts'
import { accepted, type Decoded, refused } from '../../errors.ts'
import { toBigInt } from '../../rlp.ts'
import { sameBytes } from '../../units.ts'
import type { OpChain } from './chains.ts'

/**
 * Most chains in one super root: the game derives one in each of the 127 steps before it puts them together (OP stack specs, "Super
 * Fault Dispute Game").
 */
export const superRootChainsMax = 127

/** The output root of one chain, in a super root. */
export interface ChainOutput {
  readonly chainId: bigint
  /** 32 bytes. */
  readonly root: Uint8Array
}

/** What several chains come to at one second. A super root is keccak256 of its encoding. */
export interface SuperOutput {
  /** In seconds since 1970. */
  readonly timestamp: bigint
  /** Chain ids ascend. */
  readonly outputs: readonly ChainOutput[]
}

const version = 1
const [timestampAt, outputsAt, outputSize] = [1, 9, 64]

/**
 * Reads the preimage of a super root: version 1 (1 byte), time (8), and chain id and output root (32 each) of every chain.
 * `Encoding.decodeSuperRootProof` in ethereum-optimism/optimism, `packages/contracts-bedrock/src/libraries/Encoding.sol`; the order
 * in OP stack specs, "Super Fault Dispute Game", which the contracts do not look at. Never throws.
 *
 * Refuses another version, no chain or more than {@link superRootChainsMax}, chains out of order or twice, and bytes too few or many.
 */
export function decodeSuperRoot(bytes: Uint8Array): Decoded<SuperOutput> {
  const count = (bytes.length - outputsAt) / outputSize
  if (bytes[0] !== version) return refused('the super root is of no version that is read')
  if (!Number.isInteger(count) || count < 1) return refused('the super root ends early, or is followed by something')
  if (count > superRootChainsMax) return refused(`the super root is of more than ${superRootChainsMax} chains`)
  const outputs = Array.from({ length: count }, (_, index) => {
    const output = bytes.subarray(outputsAt + index * outputSize)
    return { chainId: toBigInt(output.subarray(0, 32)), root: output.subarray(32, outputSize) }
  })
  const isAscending = outputs.every(({ chainId }, at) => at === 0 || chainId > (outputs[at - 1] as ChainOutput).chainId)
  if (!isAscending) return refused('the chains of the super root are not in order, or one is there twice')
  return accepted({ timestamp: toBigInt(bytes.subarray(timestampAt, outputsAt)), outputs })
}

/**
 * The preimage at the start of some bytes that hash to a super root. What follows it depends on the version of the game, so its
 * length is found by the hash: nothing else can come out of it.
 */
export function superRootIn(bytes: Uint8Array, root: Uint8Array): Decoded<SuperOutput> {
  for (let count = 1; count <= superRootChainsMax; count++) {
    const size = outputsAt + count * outputSize
    if (size > bytes.length) break
    const preimage = bytes.subarray(0, size)
    if (sameBytes(keccak256(preimage), root)) return decodeSuperRoot(preimage)
  }
  return refused('the game does not hold the super root that it claims')
}

/** The output root of a chain; refused where it is not among them. */
export function outputIn({ outputs }: SuperOutput, chainId: number): Decoded<Uint8Array> {
  const output = outputs.find((one) => one.chainId === BigInt(chainId))
  return output ? accepted(output.root) : refused('the super root is not of this chain')
}

/**
 * The newest block that a chain has at a second: blocks are made in steps of one length from its genesis on, without a gap
 * (`TargetBlockNumber` in ethereum-optimism/optimism, `op-node/rollup/types.go`).
 */
export function blockTimeAt(
  { genesis, blockSeconds }: OpChain,
  timestamp: bigint,
): Decoded<{ readonly number: number; readonly timestamp: number }> {
  const since = Number(timestamp) - genesis.timestamp
  // Whoever opens a game may claim any time.
  if (since < 0 || !Number.isSafeInteger(Number(timestamp)))
    return refused('the super root is of a time at which the chain has no block')
  const count = Math.floor(since / blockSeconds)
  return accepted({ number: genesis.number + count, timestamp: genesis.timestamp + count * blockSeconds })
}
