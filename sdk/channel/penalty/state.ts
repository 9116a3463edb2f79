import type { SecretStore } from '../../bitcoin/bolt3/index.ts'
import type { Sats } from '../../units.ts'
import type { CommitmentSignatures } from './commitments.ts'
import type { Change, Content } from './content.ts'
import type { Draft, DraftFault, Opening, Side, SideKeys } from './terms.ts'

/**
 * How far an update is. [TW9]
 *
 * - `idle`: both sides hold commitments of `base`.
 * - `proposed`: this side has signed `next` for the other one, and holds `base` itself.
 * - `answered`: this side holds `next`, and the other one has not revoked `base` yet.
 */
export type Exchange =
  | { readonly state: 'idle' }
  | { readonly state: 'proposed' | 'answered'; readonly changes: readonly Change[]; readonly next: Content }

/** What this side and the other one say to each other since both are there. Not stored: a restart begins anew. [TW26] */
export interface Session {
  /** 16 bytes that nobody foresees; `null` before the first greeting. */
  readonly random: Uint8Array | null
  /** The other side has told its position, and it fits. */
  readonly isMet: boolean
  /** The other side wants the turn. */
  readonly isAsked: boolean
  /** The last view of the chain proved the funding. [TW7] */
  readonly isFunded: boolean
}

/** A point of the other side's, and the revocation key that it says goes with it; `null` where it has said none. [TW34] */
export interface PeerPoint {
  readonly point: Uint8Array
  readonly key: Uint8Array | null
}

/** A channel whose first commitments are signed. */
export interface Live {
  readonly own: Side
  readonly opening: Opening
  /** Of the last finished update. The other side has not revoked its commitment of it. */
  readonly base: Content
  readonly exchange: Exchange
  /** The other side's, on this side's newest commitment: the only one that this side may broadcast. [TW11] */
  readonly signatures: CommitmentSignatures
  /** The other side's points of `base` and of the update after it. */
  readonly points: { readonly current: PeerPoint; readonly next: PeerPoint }
  /** The other side's, of every number below that of `base`. */
  readonly secrets: SecretStore
  /** How often the turn was handed over: even, and the opener proposes. [TW8] */
  readonly turn: number
  /** Of HTLCs that the other side offered: what this side could take on the chain. */
  readonly preimages: readonly Uint8Array[]
  /**
   * `backup`: it may be an old state, and nothing of it is broadcast or signed until the other side has shown that it is not. `proven`:
   * it was shown to be the newest. Its commitment may have been broadcast before it was lost, so it is never revoked: the channel
   * ends with it. [TW29]
   */
  readonly origin: 'own' | 'backup' | 'proven'
  readonly session: Session
}

/** A closing with both signatures. */
export interface SignedClosing {
  readonly fee: Sats
  readonly closer: Side
  readonly transaction: Uint8Array
}

/** Why a channel is closed without the other side's help, or can be no more than that. */
export type EndCause = (typeof endCauses)[number]

/** By their number in encodings: only ever added to. `spent`: the chain holds a spend of the funding. */
export const endCauses = ['wish', 'deadline', 'peer-behind', 'spent'] as const

/** Who is done with paying: a fee where this side means to make the closing, `null` where it only signs the other's. [TW30] */
export interface Shutdown {
  readonly own: { readonly fee: Sats | null } | null
  readonly isByPeer: boolean
}

/**
 * One side of one channel.
 *
 * - `offered`: the opener waits for the accepter's keys. `taken`: it has them, and makes the funding transaction.
 *   `signing`: it waits for the signature on its first commitment, before which the funding does not leave.
 * - `accepted`: the accepter waits for the funding's outpoint and the signature on its first commitment.
 * - `declined`: it came to nothing. The coins are free.
 * - `funding`: both first commitments are signed; waits for the chain.
 * - `open`: pays.
 * - `closing`: both are done; each may make a closing that it pays for. `asked` is this side's, unanswered.
 * - `ending`: this side's commitment is broadcast until the chain holds a spend of the funding.
 * - `behind`: this side has lost states. It broadcasts nothing and waits for the other side to close. [TW28]
 */
export type Channel =
  | { readonly phase: 'offered'; readonly own: 'opener'; readonly draft: Draft }
  | { readonly phase: 'taken'; readonly own: 'opener'; readonly draft: Draft; readonly accepterKeys: SideKeys }
  | {
      readonly phase: 'signing'
      readonly own: 'opener'
      readonly draft: Draft
      readonly opening: Opening
    }
  | { readonly phase: 'accepted'; readonly own: 'accepter'; readonly draft: Draft; readonly keys: SideKeys }
  | { readonly phase: 'declined'; readonly own: Side; readonly draft: Draft; readonly fault: DraftFault | 'abandoned' }
  | (Live & { readonly phase: 'funding'; readonly isReady: boolean; readonly isPeerReady: boolean })
  | (Live & { readonly phase: 'open'; readonly shutdown: Shutdown })
  | (Live & {
      readonly phase: 'closing'
      readonly asked: { readonly fee: Sats } | null
      readonly signed: SignedClosing | null
    })
  | (Live & { readonly phase: 'ending'; readonly cause: EndCause })
  | (Live & { readonly phase: 'behind' })

/** Channels with commitments. */
export type LiveChannel = Extract<Channel, Live>

/** A channel that has met nobody yet. */
export const noSession: Session = { random: null, isMet: false, isAsked: false, isFunded: false }

/** True for a channel whose first commitments are signed. */
export function isLive(channel: Channel): channel is LiveChannel {
  return 'base' in channel
}

/** What this side's newest commitment says. */
export function ownContent({ base, exchange }: Live): Content {
  return exchange.state === 'answered' ? exchange.next : base
}

/** What the other side's newest commitment says, as far as this side has signed it. */
export function signedContent({ base, exchange }: Live): Content {
  return exchange.state === 'idle' ? base : exchange.next
}

/** Preimages of the other side's HTLCs that this side knows, whether it has told them or not. [TW20] */
export function knownPreimages({ preimages, exchange }: Live): readonly Uint8Array[] {
  const proposed = exchange.state === 'proposed' ? exchange.changes : []
  return [...preimages, ...proposed.flatMap((change) => (change.type === 'fulfil' ? [change.preimage] : []))]
}

/** Whose turn it is to propose. [TW8] */
export function proposerOf({ turn }: Live): Side {
  return turn % 2 === 0 ? 'opener' : 'accepter'
}

/** The draft of a channel in any phase. */
export function draftOf(channel: Channel): Draft {
  return isLive(channel) ? channel.opening.draft : channel.draft
}
