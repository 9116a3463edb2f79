export { type Claim, type EndFacts, type FoundSpend, type Resolution, resolve } from './claims.ts'
export { type ArchivedHtlc, type Classified, type ClosedOutput, classify, type OutputRole } from './classify.ts'
export {
  type ChannelHtlc,
  type CommitmentSignatures,
  commitmentFor,
  htlcTransactionsOf,
  isSignedCommitment,
  type SideCommitment,
} from './commitments.ts'
export {
  type Change,
  type Changed,
  type ChangeFault,
  type Content,
  changesMax,
  channelDustLimit,
  contentAfter,
  costOf,
  dustOf,
  type FailReason,
  failReasons,
  firstContent,
  type Htlc,
  paymentIdBytes,
  spendableOf,
  sumOf,
} from './content.ts'
export type { Effect, FundingView, Input, Note, Step } from './effects.ts'
export { ownNewest, ownTransaction } from './ending.ts'
export {
  type Aside,
  challengeBytes,
  decodeMessage,
  type Envelope,
  encodeMessage,
  type Fault,
  isAuthentic,
  linkKeyOf,
  type Message,
  messageBytesMax,
  type Position,
  type Revocation,
  type Way,
} from './messages.ts'
export { channelIdOf, draftFault, fundingOutput } from './opening.ts'
export {
  adoptedFrom,
  type Beside,
  keptAfter,
  nothingBeside,
  type PeerCopy,
  peerCopyBytesMax,
  type Wish,
} from './peerCopy.ts'
export { isFreshWord } from './position.ts'
export { type Pursuit, pursueClaims, pursueCommitment } from './pursue.ts'
export { decodeChannel, encodeChannel, recordBytesMax } from './records.ts'
export { type ChannelSecrets, channelSecrets, sideKeysOf } from './secrets.ts'
export { acceptChannel, openChannel } from './setup.ts'
export {
  type Channel,
  draftOf,
  type EndCause,
  type Exchange,
  isLive,
  type Live,
  type LiveChannel,
  ownContent,
  proposerOf,
  type Session,
  type Shutdown,
  type SignedClosing,
  signedContent,
} from './state.ts'
export { penaltyStep } from './step.ts'
export {
  blocksLeft,
  type CoinSpend,
  claimFee,
  claimsPerTransactionMax,
  type FeeCoin,
  planAnchorChild,
  sealCoinSpend,
} from './sweep.ts'
export {
  type Draft,
  type DraftFault,
  feeratePerKwMin,
  htlcsMaxMax,
  keysOfSide,
  type Limits,
  limitsOf,
  type Opening,
  otherSide,
  penaltyFormat,
  type Side,
  type SideKeys,
  type Terms,
} from './terms.ts'
export { decodeTerms, encodeTerms } from './termsCodec.ts'
