export type { Income } from './books.ts'
export { type BoxesOptions, mailboxLink, openBoxes, type TillBoxes } from './boxes.ts'
export {
  bodyBytesDefault,
  type PaidEnv,
  type PaidOptions,
  type PaidPayment,
  paid,
  redeemMsDefault,
  validMsDefault,
  waitersMax,
  waitMsDefault,
} from './paid.ts'
export type { Deposit, TillChain, TillLink, TillSigner, TillSignRequest, TillWorld } from './ports.ts'
export { type TillProblemCode, tillProblemCodes } from './problems.ts'
export type { Payment, Quote } from './records.ts'
export { type TillRoutesOptions, tillRoutes } from './routes.ts'
export {
  announcedMax,
  announceMs,
  pollMsDefault,
  type RunTillOptions,
  readersMax,
  runTill,
  type TillEnd,
  type TillNeglect,
  type TillProgram,
} from './runTill.ts'
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
