/**
 * Ethereum's light client: committees that sign, blocks that follow from a checkpoint, and proofs under them. Pure: it
 * asks nobody, and reads no clock.
 */
export { isBetterUpdate } from './choice.ts'
export {
  type Bootstrap,
  type Committee,
  decodeBootstrap,
  decodeUpdate,
  type ExecutionPoint,
  type LightHeader,
  type LightMessage,
  type LightUpdate,
  lightMessageBytesMax,
  lightMessageFromJson,
} from './lightData.ts'
export { decodeUpdateList } from './messages.ts'
export {
  type BeaconNetwork,
  type ForkStart,
  hoodi,
  mainnet,
  mainnetPreset,
  minimalPreset,
  type Preset,
  periodAt,
  sepolia,
  slotAt,
  timeOf,
} from './network.ts'
export {
  advance,
  headAgeSecondsMaxDefault,
  isStale,
  type LightChain,
  startLightChain,
  updatesMax,
} from './sync.ts'
