/**
 * A synchronous EVM for Cancun, Prague and Osaka: no promise, no input or output, no clock. It runs wherever this SDK does.
 *
 * ```ts
 * const machine = createMachine({ fork: 'osaka', precompiles: await loadPrecompiles([8]) })
 * const outcome = machine.execute(transaction, block, state)
 * if (outcome.kind === 'executed') apply(outcome.changes)
 * ```
 *
 * What it does not cover is listed in ARCHITECTURE.md, "The machine".
 */
export { type BlobPrices, type Block, blobBaseFee, blobPrices } from './block.ts'
export type { Executed, Needs, Outcome, Refused } from './execute.ts'
export type { Failure } from './frame.ts'
export { createMachine, type Machine, type MachineOptions, type SystemCall, systemContracts } from './machine.ts'
export {
  callOnPart,
  guessedPiecesMax,
  type PartRun,
  pieceKey,
  type StatePart,
  type StatePiece,
} from './part.ts'
export type { Precompile, Precompiles } from './precompiles.ts'
export type { AccountChange, TouchedPlaces } from './record.ts'
export { type Account, emptyCodeHash, type State } from './state.ts'
export type { BlobPricing, Message, RefusalCode, Transaction } from './transaction.ts'
