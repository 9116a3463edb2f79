/** Rollups of the OP stack, read from their L1: what was proposed there, and what the signer it names tells. Pure. */

export type { ProposedVerdict, SequencedVerdict } from '../verdict.ts'
export { base, type OpChain, opMainnet } from './chains.ts'
export {
  claimedBlock,
  claimOf,
  type GameClaim,
  gameSlot,
  listedGame,
  messagePasser,
  type ProposalEvidence,
  type ProposedBlock,
  proposedVerdict,
  slotAt,
  statusSlot,
  verifyProposal,
} from './proposal.ts'
export {
  type SignedBlock,
  type UnsafeBlock,
  unsafeDigest,
  unsafePayloadBytesMax,
  unsafeSignerOf,
  unsafeSignerSlot,
  verifyUnsafe,
} from './unsafe.ts'
