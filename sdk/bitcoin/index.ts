export { hardened } from '../crypto/hdKey.ts'
export {
  type Account,
  accountOf,
  accountOutput,
  type Chain,
  isOurs,
  type KeyPath,
  multisigAccount,
  singleKeyAccount,
} from './account.ts'
export { type AccountKey, type DerivedKey, decodeAccountKey, type KeyOrigin } from './accountKey.ts'
export { decodeAddress, encodeAddress } from './address.ts'
export { childFee, replacedMax, selectChild, selectReplacement, type Unconfirmed } from './bump.ts'
export {
  type DescribedOutput,
  type Descriptor,
  decodeDescriptor,
  descriptorCharsMax,
  encodeDescriptor,
  inputWeightMax,
  multisigDescriptor,
  outputAt,
} from './descriptor.ts'
export {
  chooseFeerate,
  dustLimit,
  type FeeEstimates,
  type FeeRule,
  feeOf,
  outputWeight,
  satsPerVbyte,
  transactionWeight,
  transactionWeightMax,
  vsizeOf,
} from './fees.ts'
export { type Network, type NetworkParams, networks } from './network.ts'
export {
  combinePsbts,
  createPsbt,
  decodePsbt,
  type Psbt,
  psbtBytesMax,
  psbtPartsMax,
  type Spend,
  type SpendInput,
  type SpendOutput,
} from './psbt.ts'
export { type PsbtReview, reviewPsbt } from './review.ts'
export {
  type Balance,
  balanceOf,
  beginScan,
  type Coin,
  coinbaseMaturity,
  freshPath,
  gapLimitDefault,
  gapLimitMax,
  isMature,
  isScanDone,
  type Scan,
  type ScanStep,
  type ScriptFacts,
  scannedCoins,
  scanScriptsMax,
  scanStep,
  type WantedScript,
} from './scan.ts'
export { isPayout, p2wpkh, p2wsh, type ScriptKind, scriptKind } from './script.ts'
export {
  type Closing,
  type ClosingTemplate,
  type ClosingTerms,
  closeFeeOf,
  closingOf,
  closingTemplate,
  closingWeightMax,
  decodeFundingScript,
  encodeFundingScript,
  type FundingTerms,
  fundingOutputScript,
  type Refund,
  type RefundTerms,
  refundOf,
  refundWeightMax,
  type SealedSpend,
  sealClosing,
  sealRefund,
} from './scripts.ts'
export {
  type Candidate,
  type NoSelection,
  outputsMax,
  type Selection,
  type SelectionWish,
  selectAll,
  selectCoins,
  selectedCoinsMax,
} from './select.ts'
export {
  applySignatures,
  finalizePsbt,
  type InputSignature,
  type SignedTransaction,
  type SigningRequest,
  signingRequests,
} from './signing.ts'
export { p2tr, taprootTweak } from './taproot.ts'
export {
  type BitcoinTransaction,
  compareOutpoints,
  compareOutputs,
  decodeTransaction,
  encodeTransaction,
  type Input,
  type Outpoint,
  type Output,
  outpointKey,
  sequenceReplaceable,
  transactionBytesMax,
  txidBytes,
  txidOf,
  type UnsignedTransaction,
} from './transaction.ts'
