export {
  type AccessListChoice,
  type AccessListQuote,
  attachAccessList,
  type ColdTouch,
  chooseAccessList,
  coldTouches,
  type PricedList,
  quoteAccessList,
  type RunTotals,
} from './accessList.ts'
export {
  type AuthorizationWish,
  authorityOf,
  authorizationHash,
  authorizationPayload,
  delegateOf,
  delegationCode,
} from './authorization.ts'
export { blockHashOf, decodeHeader, encodeHeader, type Header, headerBytesMax } from './block.ts'
export { headerFromJson, receiptFromJson } from './blockJson.ts'
export { decodeTransaction, seal, signingHash, signingPayload, transactionBytesMax, transactionHash } from './codec.ts'
export {
  type CallDraft,
  call,
  type DelegationDraft,
  type Draft,
  delegate,
  deploy,
  draft,
  type Facts,
  type Fees,
  type LegacyDraft,
  legacy,
  prepare,
  send,
  type Token,
  transfer,
  type Wishes,
} from './draft.ts'
export {
  checkUnderFork,
  type Fork,
  floorGas,
  fork,
  type GasTable,
  gasTables,
  intrinsicGas,
  isPrecompile,
  listGas,
  type Priced,
} from './fork.ts'
export { messageHash, messagePayload, typedDataHash, typedDataPayload } from './message.ts'
export type { Place } from './place.ts'
export {
  bloomOf,
  decodeReceipt,
  encodeReceipt,
  type Log,
  type Outcome,
  type PostState,
  type Receipt,
  receiptBytesMax,
} from './receipt.ts'
export { type Bump, bump, bumpPercentMin, cancellation } from './replacement.ts'
export { accountOf, createdAddress, recoverAccount, senderOf } from './sender.ts'
export { decodeSenderToken, encodeSenderToken, type SenderGrant, senderTokenText } from './senderToken.ts'
export {
  type AccessList,
  type AccessListEntry,
  type Authorization,
  accessListOf,
  authorizationsOf,
  type Call,
  type Prepared,
  type Pricing,
  type Signed,
} from './transaction.ts'
export { transactionFromJson } from './transactionJson.ts'
export {
  decodeTypedData,
  type TypedData,
  type TypedField,
  type TypedStruct,
  type TypedValue,
  typedDataCharactersMax,
  typedDataDepthMax,
  typedDataFieldsMax,
  typedDataTypesMax,
  typedDataValuesMax,
} from './typedData.ts'
export { decodeWithdrawal, type Withdrawal, withdrawalFromJson } from './withdrawal.ts'
