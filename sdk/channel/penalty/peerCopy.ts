import { quantity, type RlpItem } from '../../rlp.ts'
import { asBytes, asList, asName, asNumber, asOptional } from '../fields.ts'
import { type Channel, isLive, type LiveChannel } from './state.ts'

/** A side's record, sealed: the other side keeps it, and can read nothing of it. [TW50] */
export interface PeerCopy {
  /** Only rises, as the side goes on. */
  readonly number: number
  readonly bytes: Uint8Array
}

/** What a message has beside it: it changes nothing in the channel. As `peer_storage` and `peer_storage_retrieval` of BOLT-1. [TW50] */
export interface Beside {
  /** The sender's: to be kept in place of every one of a lower number. */
  readonly copy: PeerCopy | null
  /** The reader's own, as it was left with the sender. */
  readonly returned: PeerCopy | null
  readonly wish: Wish
}

/** Of a side that comes from a backup: `copy` wants back what it left; `closing` cannot go on from that, and wants the other one to close. [TW51] */
export type Wish = (typeof wishes)[number]

/** By their number on the wire: only ever added to. */
const wishes = ['none', 'copy', 'closing'] as const

/** What most messages have beside them. */
export const nothingBeside: Beside = { copy: null, returned: null, wish: 'none' }

/** Longest copy: a record of a full channel, and what a hub passes on over it. A position carries two of them. */
export const peerCopyBytesMax = 7_680

/** What a message has beside it as an item of its own, or no item for nothing. */
export function besideItems({ copy, returned, wish }: Beside): readonly RlpItem[] {
  if (!copy && !returned && wish === 'none') return []
  return [[copyItem(copy), copyItem(returned), quantity(wishes.indexOf(wish))]]
}

/** Reads what {@link besideItems} wrote; nothing when it is malformed. */
export function besideFrom(item: RlpItem | undefined): Beside | undefined {
  if (item === undefined) return nothingBeside
  const parts = asList(item, 3)
  const [copy, returned] = [asOptional(parts?.[0], copyFrom), asOptional(parts?.[1], copyFrom)]
  const wish = asName(parts?.[2], wishes)
  if (copy === undefined || returned === undefined || !wish) return undefined
  return copy || returned || wish !== 'none' ? { copy, returned, wish } : undefined
}

/** TW50: the copy of the higher number is kept, whichever comes last. */
export function keptAfter(kept: PeerCopy | null, { copy }: Beside): PeerCopy | null {
  return copy && (!kept || copy.number > kept.number) ? copy : kept
}

/**
 * The channel of a side that came from a backup, once it has read a copy of a higher number, or nothing where it goes on from no copy: it is
 * a backup as before, since the other side may have kept a newer one back. [TW51]
 */
export function adoptedFrom(channel: LiveChannel, copy: Channel): LiveChannel | null {
  if (channel.origin !== 'backup' || !isLive(copy) || copy.own !== channel.own) return null
  const session = { ...channel.session, isMet: false, isAsked: false }
  const next: LiveChannel = { ...copy, origin: 'backup', session }
  if (channel.phase !== 'behind') return next
  // TW28: what it has learned is for its claims. It says and broadcasts nothing, as before.
  const { own, opening, base, exchange, signatures, points, secrets, turn, preimages, origin } = next
  const live = { own, opening, base, exchange, signatures, points, secrets, turn, preimages, origin, session }
  return { ...live, phase: 'behind' }
}

function copyItem(copy: PeerCopy | null): RlpItem {
  return copy ? [quantity(copy.number), copy.bytes] : []
}

function copyFrom(item: RlpItem | undefined): PeerCopy | undefined {
  const parts = asList(item, 2)
  const number = asNumber(parts?.[0], Number.MAX_SAFE_INTEGER)
  const bytes = asBytes(parts?.[1], peerCopyBytesMax)
  return number === undefined || !bytes || bytes.length === 0 ? undefined : { number, bytes }
}
