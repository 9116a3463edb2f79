/** Rollups of the OP stack, read from their L1: what was proposed there, and what the signer it names tells. Pure. */

export type { ProposedVerdict, SequencedVerdict } from '../verdict.ts'
export { base, type OpChain, opMainnet } from './chains.ts'
export {
  claimOf,
  type GameClaim,
  type GameStatus,
  gameSlot,
  type ListedGame,
  listedGame,
  slotAt,
  statusSlot,
} from './game.ts'
export {
  claimedBlock,
  messagePasser,
  type ProposalEvidence,
  type ProposedBlock,
  proposedVerdict,
  verifyProposal,
} from './proposal.ts'
export {
  blockTimeAt,
  type ChainOutput,
  decodeSuperRoot,
  outputIn,
  type SuperOutput,
  superRootChainsMax,
  superRootIn,
} from './superRoot.ts'
export {
  type SignedBlock,
  type UnsafeBlock,
  unsafeDigest,
  unsafePayloadBytesMax,
  unsafeSignerOf,
  unsafeSignerSlot,
  verifyUnsafe,
} from './unsafe.ts'
