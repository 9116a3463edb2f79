export {
  giveBackCall,
  lockCall,
  lockId,
  stateCall,
  type TokenLock,
  takeCall,
  takenTopics,
} from './hashLock.ts'
export { hashLockCode } from './hashLockCode.ts'
export {
  type Pace,
  paceDefault,
  type SwapAction,
  type SwapClocks,
  type SwapFacts,
  type Swapper,
  type SwapTerms,
  swapAction,
  swapFault,
} from './swap.ts'
