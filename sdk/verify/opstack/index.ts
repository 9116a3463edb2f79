/** Rollups of the OP stack, read from their L1: what was proposed there, by proof. Pure. */

export type { ProposedVerdict } from '../verdict.ts'
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
