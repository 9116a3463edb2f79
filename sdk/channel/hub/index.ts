export { type CopiedForwards, forwardsOver, withCopies } from './copies.ts'
export {
  emptyHub,
  type Forward,
  forwardsPerChannelMax,
  type Hub,
  type HubInput,
  type HubTerms,
  hubChanges,
  hubPreimages,
  hubStep,
  hubWantsTurn,
  isWaitingFor,
  type Order,
  ordersMax,
} from './hub.ts'
export { answerHtlc, type Expected } from './payee.ts'
export { keyOfPush, openPush, openPushWith, type Push, parcelBytes, sealPush } from './push.ts'
export { decodeHub, encodeHub, forwardsFrom, forwardsItem } from './records.ts'
