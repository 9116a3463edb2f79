/** Chains of CometBFT: blocks that two thirds of a validator set committed. Pure: it asks nobody, and reads no clock. */
export {
  type BlockId,
  type CometHeader,
  type Commit,
  type CommitVote,
  headerHash,
  type LightBlock,
  type Moment,
  type Validator,
  validatorAddress,
  validatorsHash,
  validatorsMax,
} from './block.ts'
export { lightBlockFromJson, momentFromText } from './json.ts'
export { type Skipping, skip, startSkipping } from './skipping.ts'
export {
  type CometStep,
  type CometTrust,
  committedVerdict,
  isTrusted,
  trustCometBlock,
  verifyCometBlock,
} from './verify.ts'
