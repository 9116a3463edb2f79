/**
 * Ethereum's light client: committees that sign, blocks that follow from a checkpoint, and proofs under them. Pure: it
 * asks nobody, and reads no clock.
 */

export type { BeaconVerdict, CheckpointAnchor } from '../verdict.ts'
export {
  type BlockFacts,
  type ProvenReceipt,
  type ProvenTransaction,
  proveReceipt,
  proveTransaction,
  type ReceiptProof,
  type TransactionProof,
  type VerifiedBlock,
  verifyBlock,
  verifyReceiptProof,
  verifyTransactionProof,
} from './block.ts'
export {
  type AccountEvidence,
  type CallEvidence,
  type CallRun,
  callPlacesMax,
  type MissingPlace,
  type ProvenCall,
  runCall,
  type SlotEvidence,
} from './call.ts'
export { isBetterUpdate } from './choice.ts'
export { type Evidence, type Shown, verifyEvidence } from './evidence.ts'
export {
  type Bootstrap,
  type Committee,
  decodeBootstrap,
  decodeUpdate,
  type ExecutionPoint,
  type LightHeader,
  type LightMessage,
  type LightUpdate,
  lightMessageBytesMax,
  lightMessageFromJson,
} from './lightData.ts'
export {
  type LogBlock,
  type LogFilter,
  logBlocksMax,
  logChoicesMax,
  mayHaveLogs,
  type ProvenLog,
  verifyLogs,
  verifyReceipts,
} from './logs.ts'
export { decodeUpdateList } from './messages.ts'
export {
  type BeaconNetwork,
  type BlobStep,
  evmRulesAt,
  type ForkStart,
  hoodi,
  mainnet,
  mainnetPreset,
  minimalPreset,
  type Preset,
  periodAt,
  sepolia,
  slotAt,
  timeOf,
} from './network.ts'
export {
  anchorAt,
  blockOf,
  decodeProofReceipt,
  encodeProofReceipt,
  type HeadEvidence,
  type ProofReceipt,
  type ReceiptAnchor,
  receiptBytesMax,
  verifyReceipt,
} from './receipt.ts'
export { decodeLightChain, encodeLightChain } from './snapshot.ts'
export {
  codeBytesMax,
  type ProvenAccount,
  tokenBalanceSlot,
  verifyAccount,
  verifyCode,
  verifySlot,
} from './state.ts'
export {
  advance,
  hasTwoThirds,
  headAgeSecondsMaxDefault,
  isSigned,
  isStale,
  type LightChain,
  startLightChain,
  updatesMax,
} from './sync.ts'
export {
  historyContract,
  historySlot,
  historyWindow,
  type LookBack,
  lookBack,
  type Standing,
  type TrustedBlock,
  trustBlock,
  verdictOn,
} from './trusted.ts'
