import { type DraftFault, draftOf, isLive, limitsOf, ownContent, spendableOf } from '../../../channel/penalty/index.ts'
import {
  type ChannelId,
  type Height,
  type Msats,
  msats,
  type Sats,
  sats,
  type Txid,
  wholeSats,
} from '../../../units.ts'
import { type ChannelWords, type Progress, twoWayWords } from '../words.ts'
import type { PenaltyDesk } from './desk.ts'

/**
 * Where a two-way channel stands.
 *
 * - `invited`: nobody has answered the invitation yet. `withdrawn`: nobody can any more. `opening`: both agree on it, and no coin has left.
 * - `declined`: it came to nothing; the coins are free.
 * - `funding`: the funding waits for its confirmations.
 * - `open`: pays. `closing`: pays no more, and waits for both to sign and for the chain.
 * - `ending`: a side went to the chain, and what is this side's is being taken there.
 * - `behind`: this side has lost states, and waits for the other one to close.
 * - `unsure`: restored from a backup that may be old, and signs nothing until the other side has shown that it is not.
 * - `restored`: from a backup, and the newest state as the other side says. It pays no more: close it together, or alone.
 * - `closed`: all that was this side's has been taken, under enough blocks.
 */
export type TwoWayPhase =
  | 'invited'
  | 'withdrawn'
  | 'opening'
  | 'declined'
  | 'funding'
  | 'open'
  | 'closing'
  | 'ending'
  | 'behind'
  | 'unsure'
  | 'restored'
  | 'closed'

/** One two-way channel in plain facts, as of the last look at the chain. */
export interface TwoWayChannel extends ChannelWords {
  readonly kind: 'two-way'
  /** Of its box. */
  readonly id: ChannelId
  readonly own: 'opener' | 'accepter'
  readonly phase: TwoWayPhase
  /** 0 before somebody has answered the invitation. */
  readonly capacity: Sats
  /** What is this side's by the newest state, and what it can pay of it now. */
  readonly balance: Msats
  readonly spendable: Msats
  /** Most that can be paid now, in whole satoshis. */
  readonly remaining: Sats
  /** Payments on their way, each with a hash and an end. */
  readonly htlcs: number
  /** Coins in blocks that are kept beside the channel for fees, as of the last block that was looked at. [TW46] */
  readonly reserve: Sats
  /** Blocks on the funding; 0 while no block holds it, or nothing was seen of the chain yet. */
  readonly confirmations: number
  readonly confirmationsMin: number
  /**
   * Blocks that the phase waits for: on the funding, on the end, or until what is this side's can be taken. `null` where it waits
   * for none, or no block is there yet.
   */
  readonly progress: Progress | null
  /** Blocks within which this wallet, or a tower, has to look at the chain. */
  readonly delayBlocks: number
  readonly height: Height | null
  readonly fundingTxid: Txid | null
  /** How many updates there were. */
  readonly updates: number
  /** Why it came to nothing, where that is known. */
  readonly fault: DraftFault | 'abandoned' | null
  /** An update waits for the other side. */
  readonly isPending: boolean
  /** What could not be reached last, in words for people; it is tried again by itself. */
  readonly trouble: string | null
  /**
   * What the other side gave back to a channel that came from a backup, beside the copy it came from: `older` alone proves nothing, with the phase
   * `behind` it does. `null` where it gave nothing back. [TW51]
   */
  readonly peerCopy: PenaltyDesk['peerCopy']
  /** Another tab or device has taken the channel over: open the wallet again to take it back. */
  readonly isElsewhere: boolean
}

/** What a desk knows of its channel, in plain facts. */
export function describeTwoWay(desk: PenaltyDesk): TwoWayChannel {
  const { id, known, sighting, trouble, isElsewhere } = desk
  const { channel, own, terms } = known
  const live = channel && isLive(channel) ? channel : null
  const phase = phaseOf(desk)
  const view = sighting?.view ?? null
  const depth = view?.fundedAt == null ? 0 : Math.max(0, view.height - view.fundedAt + 1)
  const spendable = live && phase === 'open' ? spendableOf(limitsOf(live.opening.draft), live.base, own) : msats(0n)
  const facts = {
    kind: 'two-way' as const,
    id,
    own,
    phase,
    capacity: channel ? draftOf(channel).capacity : sats(0n),
    balance: live ? ownContent(live).balance[own] : msats(0n),
    spendable,
    remaining: wholeSats(spendable),
    htlcs: live?.base.htlcs.length ?? 0,
    reserve: desk.reserve,
    confirmations: depth,
    confirmationsMin: terms.confirmationsMin,
    progress: progressOf(desk, phase),
    delayBlocks: terms.delayBlocks,
    height: view?.height ?? null,
    fundingTxid: live?.opening.funding.txid ?? null,
    updates: live ? ownContent(live).number : 0,
    fault: channel?.phase === 'declined' ? channel.fault : null,
    isPending: live !== null && live.exchange.state !== 'idle',
    trouble: trouble?.message ?? null,
    peerCopy: desk.peerCopy,
    isElsewhere,
  }
  return { ...facts, ...twoWayWords(facts) }
}

/** True for a channel of which nothing more is to be done here or expected. */
export function isOver(desk: PenaltyDesk): boolean {
  const phase = phaseOf(desk)
  return phase === 'declined' || phase === 'withdrawn' || phase === 'closed'
}

/** True while a look at the chain may find something to do: what is over may have to give back its reserve, or to watch a cheater. [TW46] [TW47] */
export function isLookedAfter(desk: PenaltyDesk): boolean {
  return !isOver(desk) || desk.reserve > 0n || desk.resolution?.isWatching === true
}

function phaseOf({ known, resolution, isWithdrawn }: PenaltyDesk): TwoWayPhase {
  const { channel } = known
  if (!channel) return isWithdrawn ? 'withdrawn' : 'invited'
  if (channel.phase === 'declined') return 'declined'
  if (!isLive(channel)) return 'opening'
  if (resolution?.isResolved) return 'closed'
  if (channel.phase !== 'behind' && channel.origin === 'backup') return 'unsure'
  if (channel.phase === 'open' && channel.origin === 'proven') return 'restored'
  return channel.phase
}

function progressOf({ sighting, resolution, known }: PenaltyDesk, phase: TwoWayPhase): Progress | null {
  if (!sighting) return null
  const { view, spend } = sighting
  const { confirmationsMin } = known.terms
  const deep = (at: number) => ({ have: Math.min(view.height - at + 1, confirmationsMin), need: confirmationsMin })
  if (phase === 'funding') return view.fundedAt === null ? null : deep(view.fundedAt)
  if (!spend || !['closing', 'ending', 'behind'].includes(phase)) return null
  // A claim that has to wait is worked on when its block comes.
  const due = Math.max(...(resolution?.claims ?? []).map(({ from }) => from), 0)
  if (due <= view.height + 1) return deep(spend.height)
  return { have: view.height + 1 - spend.height, need: due - spend.height }
}
