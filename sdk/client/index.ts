export {
  type AgreedAnchor,
  type BitcoinClient,
  type BitcoinClientParts,
  type ConfirmedTransaction,
  createBitcoinClient,
  headersMaxDefault,
  type ProvenSpend,
} from './bitcoinClient.ts'
export { feerateDefault, feerateMax, feerateMin, feerateTargetBlocks } from './feerate.ts'
export { storedHeadersMax } from './headerStore.ts'
export { createMailbox, type Mailbox, type MailboxParts } from './mailbox.ts'
export type { NodeFault } from './panel.ts'
export { postsMax, postTriesMax } from './poster.ts'
export { acknowledgedEvery, acknowledgedIdleMs, type Take } from './reader.ts'
export { createTowerClient, type TowerClient, type TowerClientParts } from './tower.ts'
export { type FilterConflict, filterBlocksMax, type MadeOutput, type Spentness } from './unspent.ts'
