export {
  type ClosingSignatures,
  closingDigest,
  closingFee,
  closingTransaction,
  fundingOutput,
  isSignedClosing,
  refund,
} from './closing.ts'
export {
  channelOf,
  decodeMessage,
  type Envelope,
  encodeMessage,
  isAuthentic,
  isFromPayer,
  linkKeyOf,
  type Message,
  messageBytesMax,
  type PayeeMessage,
  type PayerMessage,
  type Standing,
  type Status,
} from './messages.ts'
export {
  channelIdOf,
  decodeOpening,
  decodeTerms,
  encodeOpening,
  encodeTerms,
  type Opening,
  type OpeningFault,
  onewayFormat,
  openingFault,
  payableMax,
  payableMin,
  type Terms,
} from './opening.ts'
export {
  bestClosing,
  creditOf,
  openPayee,
  type Payee,
  type PayeeEffect,
  type PayeeEvent,
  type PayeeStep,
  payeeStep,
  type SignedClosing,
} from './payee.ts'
export {
  type CloseAsk,
  nextClose,
  nextUpdate,
  openPayer,
  type Payer,
  type PayerEffect,
  type PayerEvent,
  type PayerFault,
  type PayerStep,
  payerStep,
  remainingOf,
  type UnsignedUpdate,
} from './payer.ts'
export { decodePayee, decodePayer, encodePayee, encodePayer, fundingBytesMax } from './records.ts'
export { type Fault, isSameUpdate, isSignedByPayer, type Mark, paymentIdBytes, type Update } from './update.ts'
export { type ChainView, closingHeight, depositHeight, type Ending, endingOf, isFunded, type Spend } from './view.ts'
