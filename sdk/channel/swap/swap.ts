import { sha256 } from '../../crypto/engine.ts'
import { unreachable } from '../../errors.ts'
import { type Height, type Msats, sameBytes } from '../../units.ts'
import type { TokenLock } from './hashLock.ts'

/** The two sides: who pays bitcoin over the channel for tokens, and who pays tokens for bitcoin. */
export type Swapper = 'coin-payer' | 'token-payer'

/** Bitcoin over a channel against tokens (ERC-20): one hash, two ends. */
export interface SwapTerms {
  /** Of the HTLC that the coin payer offers. */
  readonly amount: Msats
  readonly expiry: Height
  /** That the token payer makes; its hash is the HTLC's. */
  readonly lock: TokenLock
  /** Who knows the preimage from the beginning. It pays first, under the later end, and takes first. */
  readonly chooser: Swapper
}

/**
 * How two clocks may run against each other: Bitcoin counts blocks, the other chain seconds.
 *
 * Funds at risk: whoever swaps under terms that a pace allows, and meets a faster or slower chain than it says, can lose its side.
 */
export interface Pace {
  /** Least and most seconds of a block, on average over any time, */
  readonly blockSecondsMin: number
  readonly blockSecondsMax: number
  /** and the blocks that may come beyond or below that. */
  readonly blocksSlack: number
  /** Blocks that it takes to claim an HTLC on the chain at the worst. */
  readonly claimBlocks: number
  /** Seconds that it takes to have a call in a block of the other chain for good, at the worst. */
  readonly callSeconds: number
}

/** A block in 5 to 20 minutes on average, 12 beyond; 36 blocks for a claim; an hour for a call. */
export const paceDefault: Pace = {
  blockSecondsMin: 300,
  blockSecondsMax: 1_200,
  blocksSlack: 12,
  claimBlocks: 36,
  callSeconds: 3_600,
}

/** Where both chains are. */
export interface SwapClocks {
  readonly tip: Height
  /** Of the newest block of the other chain, final. */
  readonly nowSeconds: number
}

/**
 * What a side knows of a swap. A lock counts as held when that is final, an HTLC when both sides have revoked what was before. `sent`: this
 * side has signed it, and it may be there at any time. A lock that was sent counts as `back` once its end is final without it. [SW6]
 */
export interface SwapFacts extends SwapClocks {
  readonly htlc: 'none' | 'sent' | 'held' | 'paid' | 'back'
  readonly lock: 'none' | 'sent' | 'held' | 'taken' | 'back'
  /** The chooser's own, or what the other one told by taking; `null` while it is not known. */
  readonly preimage: Uint8Array | null
}

/** What a side does next. `wait`: nothing now. `over`: nothing ever again. */
export type SwapAction =
  | 'offer-htlc'
  | 'fulfil-htlc'
  | 'fail-htlc'
  | 'lock'
  | 'take-lock'
  | 'give-back-lock'
  | 'wait'
  | 'over'

/**
 * Why a side must not pay under these terms now, or nothing. [SW2] [SW3]
 *
 * The second one to pay asks whether it can still take when the first one has taken at the last moment; the first one
 * whether the second one still has time for all of it.
 */
export function swapFault(terms: SwapTerms, clocks: SwapClocks, pace: Pace): 'too-late' | 'wrong-order' | null {
  const { expiry, lock, chooser } = terms
  const { tip, nowSeconds } = clocks
  if (chooser === 'coin-payer') {
    // SW2: when the lock has ended, the token payer still has time to take the HTLC, however fast blocks came.
    if (lock.endSeconds <= nowSeconds + 2 * pace.callSeconds) return 'too-late'
    const blocks =
      Math.ceil((lock.endSeconds + pace.callSeconds - nowSeconds) / pace.blockSecondsMin) + pace.blocksSlack
    return tip + blocks + pace.claimBlocks < expiry ? null : 'wrong-order'
  }
  // SW3: when the HTLC is over at the latest, the coin payer still has time to take the lock, however slow blocks came.
  if (expiry <= tip + 2 * pace.claimBlocks) return 'too-late'
  const seconds = (expiry + pace.claimBlocks + pace.blocksSlack - tip) * pace.blockSecondsMax
  return nowSeconds + seconds + 2 * pace.callSeconds < lock.endSeconds ? null : 'wrong-order'
}

/** What a side does next. Pure: the shell asks again with each block of either chain and after each start. Rules [SW...] are in SPEC.md. */
export function swapAction(own: Swapper, terms: SwapTerms, facts: SwapFacts, pace: Pace): SwapAction {
  const { lock, htlc } = facts
  const isDone = (one: string) => one === 'back' || one === 'paid' || one === 'taken'
  if (isDone(lock) && isDone(htlc)) return 'over'
  switch (own) {
    case 'coin-payer':
      return coinPayerAction(terms, facts, pace)
    case 'token-payer':
      return tokenPayerAction(terms, facts, pace)
    default:
      return unreachable(own)
  }
}

function coinPayerAction(terms: SwapTerms, facts: SwapFacts, pace: Pace): SwapAction {
  const { lock, htlc, nowSeconds } = facts
  const { chooser, lock: what } = terms
  if (lock === 'held' && isPreimage(facts.preimage, what)) {
    // SW4: what is told too late is told for nothing. Who learnt it from the other side has nothing to lose by trying.
    const isInTime = nowSeconds + pace.callSeconds < what.endSeconds
    if (chooser === 'coin-payer' ? isInTime && htlc === 'held' : nowSeconds < what.endSeconds) return 'take-lock'
  }
  if (htlc !== 'none') return 'wait'
  const isReady = chooser === 'coin-payer' ? lock === 'none' : lock === 'held'
  return isReady && swapFault(terms, facts, pace) === null ? 'offer-htlc' : 'wait'
}

function tokenPayerAction(terms: SwapTerms, facts: SwapFacts, pace: Pace): SwapAction {
  const { lock, htlc, tip, nowSeconds } = facts
  const { chooser, lock: what, expiry } = terms
  const isPast = nowSeconds >= what.endSeconds
  if (htlc === 'held' && isPreimage(facts.preimage, what)) {
    const isInTime = tip + pace.claimBlocks < expiry
    // SW4
    if (chooser === 'token-payer' ? isInTime && lock === 'held' && !isPast : true) return 'fulfil-htlc'
  }
  if (lock === 'held' && isPast) return 'give-back-lock'
  if (chooser === 'token-payer')
    return lock === 'none' && htlc === 'none' && swapFault(terms, facts, pace) === null ? 'lock' : 'wait'
  if (lock === 'none' && htlc === 'held') return swapFault(terms, facts, pace) === null ? 'lock' : 'fail-htlc'
  // SW5: nothing is locked any more that could tell the preimage.
  return lock === 'back' && htlc === 'held' ? 'fail-htlc' : 'wait'
}

function isPreimage(preimage: Uint8Array | null, { hash }: TokenLock): boolean {
  return preimage !== null && sameBytes(sha256(preimage), hash)
}
