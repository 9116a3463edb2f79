/** A Bitcoin wallet: coins, and channels that pay without a block. An entry of its own: it shares no code with the EVM wallet. */

export type { OutlayPhase } from './book.ts'
export type { Channel, OneWayChannel } from './channel.ts'
export type {
  ChannelFront,
  CloseWish,
  NamedRequest,
  NamedWish,
  Opened,
  Pay,
  PaymentRequest,
  PayOutcome,
  QuotedChannel,
  Received,
  RequestPayment,
} from './channelFront.ts'
export { answerMsDefault, channelsMax, type OneWayOutcome, type PayOptions, waitingMax } from './channels.ts'
export { type Coins, type CoinsBalance, type CoinsParts, createCoins } from './coins.ts'
export {
  type BitcoinBalance,
  type BitcoinWallet,
  type BitcoinWalletParts,
  type Boxes,
  createBitcoinWallet,
  pollMsDefault,
} from './createBitcoinWallet.ts'
export type { InclusionFinder } from './facts.ts'
export type { OutgoingStatus } from './follow.ts'
export {
  type ChannelQuote,
  type ChannelRefusal,
  type ChannelWish,
  expiryBlocksDefault,
  type OneWayQuote,
  type OneWayWish,
} from './opening.ts'
export type { FeeWish, PaymentPsbt, PaymentQuote, Reservation, SentPayment } from './pay.ts'
export {
  keptMax,
  type PayingChannel,
  type PayingFetchOptions,
  type PayingOutcome,
  type PayingWallet,
  payingFetch,
} from './payingFetch.ts'
export { type CoinsRefusal, type Payment, paymentsMax } from './payments.ts'
export type { BackupSetting } from './penalty/backup.ts'
export { type Receipt, type TwoWayChannels, twoWayChannelsMax } from './penalty/channels.ts'
export type { TwoWayChannel, TwoWayPhase } from './penalty/describe.ts'
export type { Withdrawn } from './penalty/invitation.ts'
export {
  feeMaxDefault,
  type InvoiceFault,
  type InvoiceOutcome,
  type InvoicePayOptions,
  type InvoiceQuote,
  type QuotedPayment,
} from './penalty/invoicePaying.ts'
export { invoicesMax, pushesMax, type ReceivedPush } from './penalty/invoices.ts'
export {
  evictableCapacityMax,
  type InvitationWish,
  type TwoWayQuote,
  type TwoWayWish,
  termsDefault,
} from './penalty/opening.ts'
export { expiryBlocksMax, htlcWaitMsDefault, type TwoWayPayments } from './penalty/paying.ts'
export type { HtlcOutcome, PaymentFailure, PaymentRefusal } from './penalty/payments.ts'
export { decodeInvitation, encodeInvitation, type Invitation } from './penalty/record.ts'
export { type InvoiceRequest, type InvoiceWish, invoiceSecondsDefault } from './penalty/request.ts'
export { feeReserve, type ReserveMode } from './penalty/reserve.ts'
export type { RestoredChannel } from './penalty/restore.ts'
export type { SwapLockSide, SwapWish, TwoWaySwaps } from './penalty/swapping.ts'
export { type TowerSetting, towerFreshSecondsDefault, towerLookSecondsDefault } from './penalty/tower.ts'
export { type TwoWayOutcome, wishesMax } from './penalty/wishes.ts'
export { type RefundWish, refundFromSeed, refundKeysDefault } from './refund.ts'
export { type LocalBitcoinSigner, mnemonicBitcoinSigner } from './signer.ts'
export { signPsbt } from './spend.ts'
export type { ChannelWords, Progress } from './words.ts'
