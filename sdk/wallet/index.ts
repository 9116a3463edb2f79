export type { OutlayPhase } from './bitcoin/book.ts'
export { type Coins, type CoinsBalance, type CoinsParts, createCoins } from './bitcoin/coins.ts'
export type { InclusionFinder } from './bitcoin/facts.ts'
export type { OutgoingStatus } from './bitcoin/follow.ts'
export type { FeeWish, PaymentPsbt, PaymentQuote, Reservation, SentPayment } from './bitcoin/pay.ts'
export { type CoinsRefusal, type Payment, paymentsMax } from './bitcoin/payments.ts'
export { type LocalBitcoinSigner, mnemonicBitcoinSigner } from './bitcoin/signer.ts'
export { signPsbt } from './bitcoin/spend.ts'
export type { Included } from './blocks.ts'
export type { Fate, View } from './board.ts'
export { createWallet, type Wallet, type WalletParts } from './createWallet.ts'
export { declareFromAccessList, declareFromTrace, type Told } from './declare.ts'
export type {
  AccessListOffer,
  Chain,
  Order,
  OrderRefusal,
  Quote,
  Quoted,
  RefusalCode,
} from './order.ts'
export { historyMax, openIntentsMax, outboxBytesMax } from './outbox.ts'
export { provenReceipt } from './receipt.ts'
export type { Outcome, Progress, Sent, SentTransaction } from './sent.ts'
export { type LocalSigner, mnemonicSigner, secretKeySigner } from './signers.ts'
export { signAuthorization, signMessage, signTransaction, signTypedData } from './signing.ts'
export { createVault, openVault, passwordBytesMax, type Vault, type VaultPorts } from './vault.ts'
