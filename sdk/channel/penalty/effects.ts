import type { Output } from '../../bitcoin/index.ts'
import type { Height, Msats, Sats } from '../../units.ts'
import type { Change, FailReason, Htlc } from './content.ts'
import type { Fault, Message } from './messages.ts'
import type { Channel } from './state.ts'

/** What the chain of most work proves of one channel's funding output. The shell fetches and proves it. [TW7] */
export interface FundingView {
  /** Of the best block. */
  readonly height: Height
  /** Block of the funding output, exact in script and value; `null` while the chain does not hold it. */
  readonly fundedAt: Height | null
  /** The chain holds a transaction that spends it. */
  readonly isSpent: boolean
}

/** Everything that happens to one channel. */
export type Input =
  | { readonly type: 'message'; readonly message: Message }
  /** The way to the other side is open again, or time has passed. `random`: 16 bytes that nobody foresees. [TW26] */
  | { readonly type: 'reconnected'; readonly random: Uint8Array }
  /** The funding transaction was signed, as a `fund` effect asked for; it has not left. */
  | { readonly type: 'funding'; readonly transaction: Uint8Array }
  /** The opener wants no channel any more. */
  | { readonly type: 'abandon' }
  | { readonly type: 'propose'; readonly changes: readonly Change[] }
  /** This side wants to propose, and it is not its turn. */
  | { readonly type: 'ask' }
  /** Hands the turn over. */
  | { readonly type: 'yield' }
  /** A preimage of an HTLC that the other side offered is known. */
  | { readonly type: 'learn'; readonly preimage: Uint8Array }
  /** Wants to close together. `fee`: of a closing that this side makes and pays for; `null` leaves it to the other. */
  | { readonly type: 'close'; readonly fee: Sats | null }
  /** Wants to close alone. */
  | { readonly type: 'force' }
  /** A block came, or a reorganization. */
  | { readonly type: 'chain'; readonly view: FundingView }

/** What becomes true with a stored state, to be stored in the same commit. */
export type Note =
  /** The funding transaction, for `broadcast-funding`: kept until the channel has ended. */
  | { readonly type: 'funding'; readonly transaction: Uint8Array }
  /** A commitment of this number, or a later one, has an output for it: kept until the channel has ended, to punish. [TW22] */
  | { readonly type: 'added'; readonly htlc: Htlc; readonly number: number }
  /** A payment of the other side is final. */
  | { readonly type: 'received'; readonly paymentId: Uint8Array; readonly amount: Msats; readonly number: number }
  /** An HTLC of the other side is final: it may be taken, or given back. */
  | { readonly type: 'offered'; readonly htlc: Htlc }
  /** An HTLC of this side is paid. The preimage may be used from now on. */
  | { readonly type: 'fulfilled'; readonly htlc: Htlc; readonly preimage: Uint8Array }
  /** An HTLC of this side was given back, finally. */
  | { readonly type: 'failed'; readonly htlc: Htlc; readonly reason: FailReason }

export type Effect =
  | { readonly type: 'persist'; readonly channel: Channel; readonly notes: readonly Note[] }
  | { readonly type: 'send'; readonly message: Message }
  /** Make and sign a transaction with this output, do not let it leave, and answer by a `funding` input. */
  | { readonly type: 'fund'; readonly output: Output }
  | { readonly type: 'broadcast'; readonly transaction: Uint8Array }
  /** Broadcast the funding transaction of the `funding` note: the accepter has signed, and the chain does not hold it. */
  | { readonly type: 'broadcast-funding' }
  /** What was asked, or what came, is not done, and nothing has changed. A hint. */
  | { readonly type: 'refused'; readonly fault: Fault }

export interface Step {
  readonly channel: Channel
  readonly effects: readonly Effect[]
}

/** Nothing to be stored has changed. */
export function stay(channel: Channel, ...effects: readonly Effect[]): Step {
  return { channel, effects }
}

/** A changed channel is stored before anything else is done with it. [TW12] */
export function move(channel: Channel, ...then: readonly Effect[]): Step {
  return { channel, effects: [{ type: 'persist', channel, notes: [] }, ...then] }
}

/** As {@link move}, with what becomes true by it. */
export function moveNoting(channel: Channel, notes: readonly Note[], ...then: readonly Effect[]): Step {
  return { channel, effects: [{ type: 'persist', channel, notes }, ...then] }
}

/** What was asked is not done. */
export function refuse(channel: Channel, fault: Fault): Step {
  return stay(channel, { type: 'refused', fault })
}

/** What came is not taken, and the other side is told. [TW23] */
export function decline(channel: Channel, number: number, fault: Fault): Step {
  return stay(channel, { type: 'refused', fault }, send({ type: 'refused', number, fault }))
}

export function send(message: Message): Effect {
  return { type: 'send', message }
}
