export type { Access, AccessSource, BatchTransaction, Declaration, Footprint, Place } from './access.ts'
export { type BinaryKeys, internBinary } from './binaryKeys.ts'
export { checkPlan } from './check.ts'
export { type Explanation, explain, explainWait, type SharedPlace, sentence, type WaitReason } from './explain.ts'
export { declare, footprint, gasMax, undeclared } from './footprint.ts'
export { type HotAdvice, type HotPlaces, hotPlaces, hotPlacesMax, hotSentence } from './hot.ts'
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
export {
  type AccountRule,
  type PlaceRule,
  ruleArgumentsMax,
  ruleIndexMax,
  ruleOffsetMax,
  type SlotRule,
  type Source,
  type TemplateCall,
} from './rule.ts'
export { type Schedule, schedule, workersMax } from './schedule.ts'
export { type Arrangement, arrange, unknownsPerSenderMax } from './tail.ts'
export {
  applyTemplate,
  type CodeHashes,
  learnTemplate,
  type Observation,
  type Template,
  type TemplateEntry,
  templateEntriesMax,
  templateKey,
  templateObservationsMax,
} from './template.ts'
export { createTemplateBook, type TemplateBook, templateRunsMin, templatesMax } from './templateBook.ts'
export { decodeTemplates, encodeTemplates, templateBytesMax } from './templateCodec.ts'
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
