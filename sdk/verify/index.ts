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
} from './ethereum/block.ts'
export type { Anchor, Claim, Level, Verdict, Verified } from './verdict.ts'
