import {
  adoptedFrom,
  type Beside,
  decodeChannel,
  encodeChannel,
  isFreshWord,
  isLive,
  keptAfter,
  type LiveChannel,
  type Message,
  nothingBeside,
  ownContent,
  type PeerCopy,
  penaltyStep,
  type Side,
} from '../../../sdk/channel/penalty/index.ts'
import { note, type World } from '../world.ts'
import type { SideNode } from './node.ts'

/** What a side does with what the other one left with it. [TW50] */
export type Manner = 'honest' | 'lying' | 'silent'

/** What a side keeps for the other one, and how it stands to its own copy there. */
export interface PeerShelf {
  readonly manner: Manner
  /** In memory, and on the disk. */
  held: PeerCopy | null
  kept: PeerCopy | null
  isAskedBack: boolean
  /** What it has kept once, with its own state of then: for lies. */
  readonly past: { readonly copy: PeerCopy; readonly record: Uint8Array }[]
  /** Of this side's own record: what it was restored from. */
  copied: number
  isFromPeer: boolean
}

export function createShelf(manner: Manner): PeerShelf {
  return { manner, held: null, kept: null, isAskedBack: false, past: [], copied: 0, isFromPeer: false }
}

/** What the disk keeps with a state. */
export function shelve({ shelf, disk }: SideNode): void {
  if (!shelf) return
  if (shelf.held && shelf.held !== shelf.kept && disk.record) shelf.past.push({ copy: shelf.held, record: disk.record })
  shelf.kept = shelf.held
}

/** What a side says beside a message. Nobody but its owner can open a copy: here that is its first byte. */
export function besideOf(node: SideNode, message: Message): Beside {
  const { shelf, copies, channel, disk } = node
  if (!shelf || !copies || !channel || !isLive(channel) || !disk.record) return nothingBeside
  const isPosition = message.type === 'position'
  const isReturned = isPosition && shelf.isAskedBack && shelf.manner !== 'silent'
  if (isPosition) shelf.isAskedBack = false
  const isBackup = channel.origin === 'backup'
  const wish = isPosition && isBackup ? (shelf.isFromPeer ? 'closing' : 'copy') : 'none'
  const copy = channel.origin === 'own' ? sealed(node.side, copies.stored, disk.record) : null
  return { copy, returned: isReturned ? shelf.held : null, wish }
}

export function sealed(side: Side, number: number, record: Uint8Array): PeerCopy {
  return { number, bytes: Uint8Array.of(side === 'opener' ? 1 : 2, ...record) }
}

function opened(side: Side, { bytes }: PeerCopy, isMeant: boolean): LiveChannel | null {
  if (isMeant && bytes[0] !== (side === 'opener' ? 1 : 2)) return null
  const decoded = decodeChannel(bytes.slice(1), 'backup')
  return decoded.ok && isLive(decoded.value) ? decoded.value : null
}

/** Takes note of what came beside a message, and takes what is newer than what this side was restored from. [TW51] */
export function hear(world: World, node: SideNode, beside: Beside): void {
  const { shelf, copies, channel, mutant } = node
  if (!shelf || !copies || !channel) return
  shelf.held = keptAfter(shelf.held, beside)
  if (beside.wish === 'copy') shelf.isAskedBack = true
  const { returned } = beside
  if (!returned || !isLive(channel) || channel.origin !== 'backup') return
  const copy = opened(node.side, returned, mutant?.peerCopy !== 'any')
  const right = copy && adoptedFrom(channel, copy)
  const adopted = mutant?.peerCopy === 'any' && copy ? { ...copy, own: node.side, session: channel.session } : right
  if (!adopted || (returned.number <= shelf.copied && mutant?.peerCopy !== 'any')) return
  note(world, `the ${node.side} takes copy ${returned.number} from the other side`)
  shelf.copied = returned.number
  shelf.isFromPeer = true
  if (mutant?.peerCopy === 'newest') copies.isAlone = false
  copies.number = returned.number
  copies.stored = returned.number
  node.channel = adopted
  node.stored = adopted
  node.disk.record = encodeChannel(adopted)
}

/** True where this message is the fresh wish of a side that can only wait for this one to close. [TW51] */
export function isAskedToClose(node: SideNode, message: Message, { wish }: Beside): 'yes' | 'ask' | 'no' {
  const { channel } = node
  if (wish !== 'closing' || message.type !== 'position' || !channel || !isLive(channel)) return 'no'
  if (channel.origin === 'backup') return 'no'
  return isFreshWord(channel, message) ? 'yes' : 'ask'
}

/** What a liar answers to a side that was restored: where it stood once, and what it kept then, or a record that is not that side's. */
export function lie(
  world: World,
  node: SideNode,
  message: Message,
): { readonly message: Message; readonly beside: Beside } | null {
  const { shelf, secrets, disk } = node
  if (shelf?.manner !== 'lying' || world.isHealed || message.type !== 'position' || !message.challenge) return null
  const fitting = shelf.past.filter(({ record }) => {
    const decoded = decodeChannel(record)
    return decoded.ok && isLive(decoded.value) && ownContent(decoded.value).number <= message.number + 1
  })
  if (fitting.length === 0 || !disk.record) return null
  const { copy, record } = world.random.pick(fitting.slice(-6))
  const old = decodeChannel(record)
  if (!old.ok) return null
  const { effects } = penaltyStep(old.value, { type: 'message', message }, secrets)
  const said = effects.find((effect) => effect.type === 'send' && effect.message.type === 'position')
  if (said?.type !== 'send') return null
  const isForeign = world.random.chance(0.3)
  const returned = isForeign ? sealed(node.side, copy.number + 1_000, disk.record) : copy
  return { message: said.message, beside: { ...nothingBeside, returned } }
}
