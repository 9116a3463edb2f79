import { asBytes, asList, asNumber } from '../../../channel/fields.ts'
import {
  type Beside,
  isLive,
  keptAfter,
  type Message,
  nothingBeside,
  type PeerCopy,
  peerCopyBytesMax,
} from '../../../channel/penalty/index.ts'
import type { Store, StoreWrite } from '../../../ports.ts'
import { decodeRlp, encodeRlp, quantity } from '../../../rlp.ts'
import type { ChannelId } from '../../../units.ts'
import { copyNumber, isOwnState, sealedCopy } from './backup.ts'
import { encodeCopy } from './copy.ts'
import type { PenaltyDesk } from './desk.ts'
import { penaltyKeys } from './record.ts'

/** What the other side left with this one. [TW50] */
export interface Held {
  readonly copy: PeerCopy | null
  /** Of its key in the store; 0 where there is none. */
  readonly version: number
  readonly isStored: boolean
}

/** What the store holds of the other side's; what came since, and is newer, is to be stored yet. */
export async function readHeld(store: Store, id: ChannelId, since: PeerCopy | null = null): Promise<Held> {
  const stored = await store.get(penaltyKeys.peerCopy(id))
  const known = stored ? heldFrom(stored.bytes) : null
  const copy = since ? keptAfter(known, { ...nothingBeside, copy: since }) : known
  return { copy, version: stored?.version ?? 0, isStored: copy === known }
}

/** What the commit of a state stores of the other side's besides. [TW50] */
export function heldWrites({ id, held }: Pick<PenaltyDesk, 'id' | 'held'>): readonly StoreWrite[] {
  if (held.isStored || !held.copy) return []
  return [{ key: penaltyKeys.peerCopy(id), expected: held.version, bytes: encodeHeld(held.copy) }]
}

/** As stored by {@link heldWrites}. */
export function heldStored(held: Held): Held {
  return held.isStored || !held.copy ? held : { ...held, version: held.version + 1, isStored: true }
}

/**
 * What goes beside a message: this side's newest state, once a state and with each greeting; what the other side left, where it wants that
 * back; and the wish for its own, of a side that came from a backup. [TW50] [TW51]
 */
export async function besideOf(desk: PenaltyDesk, message: Message): Promise<Beside> {
  const { copies, world, known, held, version, epoch } = desk
  const { backup } = world
  const isPosition = message.type === 'position'
  const returned = isPosition && desk.isAskedBack ? held.copy : null
  if (isPosition) desk.isAskedBack = false
  const { channel } = known
  if (!backup || !copies || version === null || !channel || !isLive(channel)) return { ...nothingBeside, returned }
  const isBackup = isPosition && channel.origin === 'backup'
  const wish = isBackup ? (known.isFromPeer ? 'closing' : 'copy') : 'none'
  const number = copyNumber(epoch, version)
  const isDue = copies.toldPeer < number || (isPosition && message.challenge !== null)
  const forwards = desk.payments.passed(desk)
  if (!isDue || !isOwnState(known) || !forwards) return { copy: null, returned, wish }
  copies.toldPeer = number
  const plain = encodeCopy(desk.id, { record: known, forwards })
  const { bytes } = await sealedCopy(copies, backup.cipher, { number, plain })
  return { copy: bytes.length <= peerCopyBytesMax ? { number, bytes } : null, returned, wish }
}

/** Takes note of what came beside a message. It is stored with the state that the message makes. */
export function hearBeside(desk: PenaltyDesk, beside: Beside): void {
  if (beside.wish !== 'none') desk.isAskedBack = true
  const copy = keptAfter(desk.held.copy, beside)
  if (copy !== desk.held.copy) desk.held = { ...desk.held, copy, isStored: false }
}

function encodeHeld({ number, bytes }: PeerCopy): Uint8Array {
  return encodeRlp([quantity(number), bytes])
}

/** Nothing where it does not read as one: it is the other side's, and nothing of this one's hangs on it. */
function heldFrom(stored: Uint8Array): PeerCopy | null {
  const item = decodeRlp(stored)
  const parts = item.ok ? asList(item.value, 2) : undefined
  const number = asNumber(parts?.[0], Number.MAX_SAFE_INTEGER)
  const bytes = asBytes(parts?.[1], peerCopyBytesMax)
  return number === undefined || !bytes ? null : { number, bytes }
}
