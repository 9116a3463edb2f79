export { type TowerFault, type TowerPolicy, towerFault, waitsForTower } from './gate.ts'
export {
  decodeRevoked,
  encodeRevoked,
  type JusticePlan,
  justiceFeerates,
  type RevokedState,
  revokedBy,
} from './justice.ts'
export { decodeReceipt, encodeReceipt, receiptBytesMax, signReceipt, type TowerReceipt } from './receipt.ts'
export {
  decodeSealed,
  encodeSealed,
  hintOf,
  type SealedState,
  sealedBytes,
  sealedBytesMax,
  sealedParts,
  sealNonce,
  sealTagBytes,
  stateKey,
  towerFormat,
  towerOutputsMax,
  towerRungsMax,
} from './wire.ts'
