/** The front door: a wallet, the drafts it takes, and the types of what it answers. */

export type { AccessSource, Declaration, Place } from './batch/index.ts'
export { declare } from './batch/index.ts'
export { type Decoded, type ErrorCode, InvariantError, SdkError } from './errors.ts'
export {
  type AccessListChoice,
  call,
  type Draft,
  delegate,
  deploy,
  draft,
  type Fees,
  type Fork,
  legacy,
  send,
  type Token,
  transfer,
} from './evm/index.ts'
export type { Cipher, Clock, EvmNode, NodeRefusal, Random, Relay, Signer, Store } from './ports.ts'
export {
  type Address,
  address,
  type BatchId,
  type BlockHash,
  type ChainId,
  chainId,
  type Hex,
  type Sats,
  sats,
  type TxHash,
  txHash,
  type Wei,
  wei,
} from './units.ts'
export type { Level, Verdict, Verified } from './verify/index.ts'
export {
  type AccessListOffer,
  type Chain,
  createVault,
  createWallet,
  type Included,
  mnemonicSigner,
  type Order,
  type OrderRefusal,
  type Outcome,
  openVault,
  type Progress,
  type Quote,
  type Quoted,
  type RefusalCode,
  type Sent,
  type SentTransaction,
  secretKeySigner,
  type Vault,
  type Wallet,
  type WalletParts,
} from './wallet/index.ts'
