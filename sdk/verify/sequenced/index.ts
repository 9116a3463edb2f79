/** Blocks of a chain that one known sequencer orders, signed by it. Pure. */

export { sequencedDigest } from '../../evm/sequenced.ts'
export type { SequencedVerdict } from '../verdict.ts'
export { isEquivocation, type SequencedBlock, type SignedHeader, verifySequenced } from './block.ts'
