import { draftOf, isLive, type LiveChannel, limitsOf, ownContent, spendableOf } from '../../../channel/penalty/index.ts'
import { type ChannelId, type Height, type Msats, msats, type Sats, sats, type Txid } from '../../../units.ts'
import type { PenaltyDesk } from './desk.ts'

/**
 * Where a two-way channel stands.
 *
 * - `invited`: nobody has answered the invitation yet. `opening`: both agree on it, and no coin has left.
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
export interface TwoWayChannel {
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
  /** Blocks on the funding; 0 while no block holds it, or nothing was seen of the chain yet. */
  readonly confirmations: number
  readonly confirmationsMin: number
  readonly height: Height | null
  readonly fundingTxid: Txid | null
  /** How many updates there were. */
  readonly updates: number
  /** An update waits for the other side. */
  readonly isPending: boolean
  /** What a person should know who closes the laptop now. */
  readonly awayAdvice: string
  /** What could not be reached last, in words for people; it is tried again by itself. */
  readonly trouble: string | null
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
  return {
    kind: 'two-way',
    id,
    own,
    phase,
    capacity: channel ? draftOf(channel).capacity : sats(0n),
    balance: live ? ownContent(live).balance[own] : msats(0n),
    spendable: live && phase === 'open' ? spendableOf(limitsOf(live.opening.draft), live.base, own) : msats(0n),
    confirmations: depth,
    confirmationsMin: terms.confirmationsMin,
    height: view?.height ?? null,
    fundingTxid: live?.opening.funding.txid ?? null,
    updates: live ? ownContent(live).number : 0,
    isPending: live !== null && live.exchange.state !== 'idle',
    awayAdvice: adviceOf(phase, live),
    trouble: trouble?.message ?? null,
    isElsewhere,
  }
}

/** True for a channel of which nothing more is to be done here or expected. */
export function isOver(desk: PenaltyDesk): boolean {
  const phase = phaseOf(desk)
  return phase === 'declined' || phase === 'closed'
}

function phaseOf({ known, resolution }: PenaltyDesk): TwoWayPhase {
  const { channel } = known
  if (!channel) return 'invited'
  if (channel.phase === 'declined') return 'declined'
  if (!isLive(channel)) return 'opening'
  if (resolution?.isResolved) return 'closed'
  if (channel.phase !== 'behind' && channel.origin === 'backup') return 'unsure'
  if (channel.phase === 'open' && channel.origin === 'proven') return 'restored'
  return channel.phase
}

function adviceOf(phase: TwoWayPhase, live: LiveChannel | null): string {
  const blocks = live?.opening.draft.terms.delayBlocks ?? 0
  const htlcs = live?.base.htlcs.length ?? 0
  const back = `Come back within ${blocks} blocks, or let a watchtower look: an old state could be broadcast meanwhile.`
  switch (phase) {
    case 'invited':
    case 'opening':
    case 'declined':
      return 'Nothing is at stake. The channel goes on opening when you are back.'
    case 'funding':
    case 'unsure':
    case 'restored':
      return back
    case 'open':
      return htlcs > 0 ? `${htlcs} payments are on their way and run out at a block height. ${back}` : back
    case 'closing':
      return `The closing may need another broadcast. ${back}`
    case 'ending':
      return `Your coins are being taken on the chain, which needs this wallet again. ${back}`
    case 'behind':
      return 'The other side has to close. Your balance waits there for your seed alone.'
    case 'closed':
      return 'Everything that was yours is back in the wallet.'
  }
}
