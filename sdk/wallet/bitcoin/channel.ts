import { closingHeight, type OpeningFault, remainingOf } from '../../channel/index.ts'
import type { ChannelId, Height, Sats, Txid } from '../../units.ts'
import type { PayerDesk } from './payerDesk.ts'
import type { TwoWayChannel } from './penalty/describe.ts'
import { type ChannelWords, oneWayWords, type Progress } from './words.ts'

/** A channel of either kind, in plain facts and in words. */
export type Channel = OneWayChannel | TwoWayChannel

/** One channel that pays one payee, in plain facts, as of the last look at the chain. */
export interface OneWayChannel extends ChannelWords {
  readonly kind: 'one-way'
  readonly id: ChannelId
  /** The payee's address. */
  readonly peer: string
  /**
   * - `offered`: the payee was asked, no coin has left.
   * - `declined`: it never will; the coins are free again.
   * - `funding`: the funding waits for its confirmations, or for the payee to see them.
   * - `open`: pays.
   * - `closing`: pays no more, and waits for the closing's confirmations.
   * - `refunding`: has expired, and everything comes back.
   * - `closed`: ended, and proven.
   */
  readonly phase: 'offered' | 'declined' | 'funding' | 'open' | 'closing' | 'refunding' | 'closed'
  readonly capacity: Sats
  /** Signed away in all, payments on their way included. */
  readonly paid: Sats
  /** What the payee says it has charged; the rest of `paid` is credit. */
  readonly spent: Sats
  /** Most that can still be bought. */
  readonly remaining: Sats
  /** Set aside for the transaction that ends the channel. */
  readonly closeFee: Sats
  /** Blocks on the funding; 0 while no block holds it, or nothing was seen of the chain yet. */
  readonly confirmations: number
  /** From so many on the payee takes payments. */
  readonly confirmationsMin: number
  /** Blocks that the phase waits for; `null` where it waits for none, or no block is there yet. */
  readonly progress: Progress | null
  /** From this height on the payer takes back what is left, whatever the payee does. */
  readonly expiry: Height
  /** From this height on the payee takes no payment, and closes. */
  readonly closesAt: Height
  /** Of the chain; `null` before the first look. */
  readonly height: Height | null
  readonly fundingTxid: Txid
  /** True while a payment waits for its answer. */
  readonly pending: boolean
  readonly ending: {
    readonly txid: Txid
    readonly confirmations: number
    readonly toPayee: Sats
    readonly toPayer: Sats
  } | null
  /** Why the payee declined. */
  readonly fault: OpeningFault | null
  /** What could not be reached last, in words for people; it is tried again by itself. */
  readonly trouble: string | null
  /** Another tab or device has taken the channel over: open the wallet again to take it back. */
  readonly isElsewhere: boolean
}

/** What a desk knows of its channel, in plain facts. */
export function describe({ id, known, view, trouble, isElsewhere }: PayerDesk): OneWayChannel {
  const { channel, peer } = known
  const { opening, phase, signed, spent, pending } = channel
  const depthOf = (at: Height | null) => (at === null || !view ? 0 : Math.max(0, view.height - at + 1))
  const { confirmationsMin } = opening.terms
  const seenAt =
    phase === 'funding' ? view?.fundedAt : phase === 'closing' || phase === 'refunding' ? view?.spend?.height : null
  const facts = {
    kind: 'one-way' as const,
    id,
    peer,
    phase,
    capacity: opening.capacity,
    paid: signed.paid,
    spent,
    remaining: remainingOf(channel),
    closeFee: opening.terms.closeFee,
    confirmations: depthOf(view?.fundedAt ?? null),
    confirmationsMin,
    progress: seenAt == null ? null : { have: Math.min(depthOf(seenAt), confirmationsMin), need: confirmationsMin },
    expiry: opening.expiry,
    closesAt: closingHeight(opening),
    height: view?.height ?? null,
    fundingTxid: opening.funding.txid,
    pending: pending !== null,
    ending: phase === 'closed' ? endingOf(channel.ending, depthOf(channel.ending.height)) : null,
    fault: phase === 'declined' ? channel.fault : null,
    trouble: trouble?.message ?? null,
    isElsewhere,
  }
  return { ...facts, ...oneWayWords(facts) }
}

function endingOf(
  { txid, toPayee, toPayer }: { readonly txid: Txid; readonly toPayee: Sats; readonly toPayer: Sats },
  confirmations: number,
): OneWayChannel['ending'] {
  return { txid, confirmations, toPayee, toPayer }
}
