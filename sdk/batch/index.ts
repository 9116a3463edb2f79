export type { Access, AccessSource, BatchTransaction, Declaration, Footprint, Place } from './access.ts'
export { declare, footprint, gasMax, undeclared } from './footprint.ts'
export { normalise, type Op, placeKey } from './place.ts'
export {
  type Batch,
  batchBytesMax,
  batchIdOf,
  batchTransactionsMax,
  type DecodedBatch,
  decodeBatch,
  decodeBatchJson,
  type EnvelopeFault,
  type EnvelopeRefusal,
  encodeBatch,
  encodeBatchJson,
  forkLengthMax,
  type ReceivedBatch,
  transactionBytesMax,
  transactionPlacesMax,
} from './wire.ts'
