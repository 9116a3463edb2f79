/** Chains above Ethereum: by the word of a known sequencer, and by what was proposed on verified L1. */

export { base, type OpChain, opMainnet } from '../../verify/opstack/index.ts'
export { createProposedClient, gamesMax, type ProposedClient, type ProposedClientParts } from './proposedClient.ts'
export { createSequencedClient, type SequencedClient, type SequencedClientParts } from './sequencedClient.ts'
export type { Equivocation } from './signedHeads.ts'
export {
  createUnsafeClient,
  type UnsafeClient,
  type UnsafeClientParts,
  unsafeAgeSecondsMax,
  unsafeAheadSecondsMax,
} from './unsafeClient.ts'
