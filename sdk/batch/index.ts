export type { Access, AccessSource, BatchTransaction, Declaration, Footprint, Place } from './access.ts'
export { type BinaryKeys, internBinary } from './binaryKeys.ts'
export { checkPlan } from './check.ts'
export { type Explanation, explain, explainWait, type SharedPlace, sentence, type WaitReason } from './explain.ts'
export { declare, footprint, gasMax, undeclared } from './footprint.ts'
export {
  intern,
  type Keys,
  opCredit,
  opRead,
  opWrite,
  type PlaceKeys,
} from './keys.ts'
export { normalise, type Op, placeKey } from './place.ts'
export { type Plan, plan, planKeys, runMax, type Waits, waitsOf } from './plan.ts'
export { type Schedule, schedule, workersMax } from './schedule.ts'
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
