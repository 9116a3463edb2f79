export type { MinedIn } from './blocks.ts'
export type { Machines } from './calls.ts'
export { agreedCheckpoint, type CheckpointQuorum } from './checkpoint.ts'
export type { Conflict } from './conflict.ts'
export {
  createEthereumClient,
  type EthereumCall,
  type EthereumClient,
  type EthereumClientParts,
  type ProvenPayment,
} from './ethereumClient.ts'
export { type Followed, type HeadUpdate, headLagSecondsMax } from './lightBook.ts'
export type { Answer, BlockChoice, BlockUnder } from './reader.ts'
