export { type ClaimPath, claimOf, claimWitness, type OutputClaim } from './claims.ts'
export {
  type ClosingShare,
  fundingInputWeightMax,
  type MutualClosing,
  mutualClosingOf,
  mutualClosingWeightMax,
} from './closing.ts'
export {
  type Commitment,
  type CommitmentContent,
  type CommitmentHtlc,
  type CommitmentKeys,
  type CommitmentOutput,
  type CommitmentTerms,
  commitmentNumberOf,
  commitmentOf,
  commitmentWeight,
  funderCost,
  htlcFee,
  isTrimmed,
} from './commitment.ts'
export { type FundingSignature, fundingWitness } from './funding.ts'
export { type HtlcTransaction, htlcInputWeightMax, htlcTransactions, htlcWitness } from './htlc.ts'
export {
  type BalanceKeys,
  commitmentKey,
  commitmentSecretKey,
  type HtlcKeys,
  obscured,
  obscuringFactor,
  ownRevocationKey,
  pointOfSecret,
  revocationKey,
  revocationSecretKey,
} from './keys.ts'
export {
  anchorScript,
  anchorValue,
  type CommitmentFormat,
  delayedScript,
  fundingScriptOf,
  type HtlcScriptTerms,
  offeredHtlcScript,
  receivedHtlcScript,
  toOtherScript,
} from './scripts.ts'
export {
  commitmentNumberMax,
  type KnownSecret,
  revealedSecret,
  type SecretStore,
  secretAt,
  secretBelow,
  secretIndex,
  secretStoreMax,
  withSecret,
} from './secrets.ts'
