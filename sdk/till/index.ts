export type { Income } from './books.ts'
export type { Deposit, TillChain, TillLink, TillSigner, TillSignRequest, TillWorld } from './ports.ts'
export type { Quote } from './records.ts'
export { localTillSigner } from './signer.ts'
export {
  channelsMax,
  createTill,
  finalBlocks,
  fundingBlocksMax,
  type Neglect,
  quoteMsDefault,
  quotesMax,
  type Taken,
  type Till,
  type TillOptions,
  viewMsDefault,
  waitingMax,
} from './till.ts'
