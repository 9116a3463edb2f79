export { type LocalBitcoinSigner, mnemonicBitcoinSigner } from './bitcoin/signer.ts'
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
