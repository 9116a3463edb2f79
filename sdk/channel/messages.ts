import { hmacSha256 } from '../crypto/engine.ts'
import { accepted, type Decoded, refused, unreachable } from '../errors.ts'
import { decodeRlp, encodeRlp, quantity, type RlpItem } from '../rlp.ts'
import { type ChannelId, channelId, fromHex, type Sats, toHex } from '../units.ts'
import { asFixed, asList, asName, asNumber, asOptional, asSats } from './fields.ts'
import {
  channelIdOf,
  type Opening,
  type OpeningFault,
  onewayFormat,
  openingFaults,
  openingFrom,
  openingItem,
} from './opening.ts'
import { isTaggedBy, tagged, untagged } from './tag.ts'
import { type Fault, faults, paymentIdBytes, type Update, updateNumberMax } from './update.ts'

/** What a payer tells. The box that carries it reads none of it. */
export type PayerMessage =
  /** Offers a channel, or asks how it stands: the answer is a standing, or a decline. [OW23] */
  | { readonly type: 'open'; readonly opening: Opening }
  /** Pays: the answer is an ack or a refusal. */
  | { readonly type: 'update'; readonly update: Update }
  /** Asks to close with the update of this number (0: none) at another fee; answered by a standing or a refusal. [OW19] */
  | {
      readonly type: 'close'
      readonly channelId: ChannelId
      readonly number: number
      readonly fee: Sats
      /** 64 bytes: r, s (low). */
      readonly signature: Uint8Array
    }

/** What a payee answers. */
export type PayeeMessage =
  | { readonly type: 'declined'; readonly channelId: ChannelId; readonly fault: OpeningFault }
  | (Standing & { readonly type: 'standing'; readonly status: Status })
  /** The update of this number and amount is stored, and its payment made. */
  | {
      readonly type: 'ack'
      readonly channelId: ChannelId
      readonly number: number
      readonly paid: Sats
      readonly spent: Sats
    }
  /** The update or close of this number is not taken. [OW24] */
  | (Standing & { readonly type: 'refused'; readonly number: number; readonly fault: Fault })

export type Message = PayerMessage | PayeeMessage

/** What the payee holds and has charged. */
export interface Standing {
  readonly channelId: ChannelId
  readonly best: Update | null
  readonly spent: Sats
}

/** `waiting`: taken, the funding is not deep enough. `open`: takes updates. `closing`: takes none any more. */
export type Status = (typeof statuses)[number]

/** By their number on the wire: only ever added to. */
export const statuses = ['waiting', 'open', 'closing'] as const

/** Longest message. */
export const messageBytesMax = 2_048

/** A message as it came, with the tag that shows who sent it: see {@link isAuthentic}. */
export interface Envelope {
  readonly message: Message
  /** What the tag covers. */
  readonly covered: Uint8Array
  readonly tag: Uint8Array
}

const version = 1
const kinds = ['open', 'update', 'close', 'declined', 'standing', 'ack', 'refused'] as const

/**
 * The key of a channel's messages, known to its two sides alone. [OW26]
 *
 * @param sharedSecret - What `sharedSecret` of the engine gives for one side's channel key and the other's public one.
 */
export function linkKeyOf(sharedSecret: Uint8Array, id: ChannelId): Uint8Array {
  return hmacSha256(sharedSecret, new TextEncoder().encode(`lanekit ${onewayFormat} link ${id}`))
}

/** Bytes of a message, with its tag. Equal messages are equal bytes, so a resend is the same bytes. */
export function encodeMessage(message: Message, linkKey: Uint8Array): Uint8Array {
  const kind = quantity(kinds.indexOf(message.type))
  const covered = encodeRlp([quantity(version), kind, fromHex(channelOf(message)), bodyOf(message)])
  return tagged(covered, linkKey)
}

/**
 * Reads a message. Never throws.
 *
 * Funds at risk: it says nothing of who sent it. Ask {@link isAuthentic} before acting on it.
 */
export function decodeMessage(bytes: Uint8Array): Decoded<Envelope> {
  if (bytes.length > messageBytesMax) return refused('the message is too long')
  const parted = untagged(bytes)
  if (!parted) return refused('the message is too short')
  const item = decodeRlp(parted.covered)
  const parts = item.ok ? asList(item.value, 4) : undefined
  if (!parts) return refused('the message has the wrong shape')
  if (asNumber(parts[0], version) !== version) return refused('the message has another version')
  const kind = asName(parts[1], kinds)
  const id = asFixed(parts[2], 32)
  if (!kind || !id) return refused('the message has no known kind or no channel')
  const message = messageFrom(kind, channelId(toHex(id)), parts[3])
  return message ? accepted({ message, ...parted }) : refused('the message has a malformed body')
}

/** True when the other side of the channel sent the message, or this one did. [OW26] */
export function isAuthentic(envelope: Envelope, linkKey: Uint8Array): boolean {
  return isTaggedBy(envelope, linkKey)
}

/** The channel that a message is about. */
export function channelOf(message: Message): ChannelId {
  if (message.type === 'open') return channelIdOf(message.opening)
  return message.type === 'update' ? message.update.channelId : message.channelId
}

/** True for what only a payer says. */
export function isFromPayer(message: Message): message is PayerMessage {
  return message.type === 'open' || message.type === 'update' || message.type === 'close'
}

/** An update as an item of a larger encoding, which says the channel. */
export function updateItem({ number, paid, paymentId, signature }: Update): RlpItem {
  return [quantity(number), quantity(paid), paymentId, signature]
}

/** Reads an update of a channel from an item of a larger encoding; nothing when it is malformed. */
export function updateFrom(id: ChannelId, item: RlpItem | undefined): Update | undefined {
  const parts = asList(item, 4)
  const number = asNumber(parts?.[0], updateNumberMax)
  const paid = asSats(parts?.[1])
  const paymentId = asFixed(parts?.[2], paymentIdBytes)
  const signature = asFixed(parts?.[3], 64)
  if (!number || paid === undefined || !paymentId || !signature) return undefined
  return { channelId: id, number, paid, paymentId, signature }
}

function bodyOf(message: Message): RlpItem {
  switch (message.type) {
    case 'open':
      return openingItem(message.opening)
    case 'update':
      return updateItem(message.update)
    case 'close':
      return [quantity(message.number), quantity(message.fee), message.signature]
    case 'declined':
      return [quantity(openingFaults.indexOf(message.fault))]
    case 'standing':
      return [quantity(statuses.indexOf(message.status)), ...standingParts(message)]
    case 'ack':
      return [quantity(message.number), quantity(message.paid), quantity(message.spent)]
    case 'refused':
      return [quantity(faults.indexOf(message.fault)), quantity(message.number), ...standingParts(message)]
    default:
      return unreachable(message)
  }
}

function messageFrom(kind: Message['type'], id: ChannelId, body: RlpItem | undefined): Message | undefined {
  switch (kind) {
    case 'open': {
      const opening = openingFrom(body)
      return opening.ok && channelIdOf(opening.value) === id ? { type: 'open', opening: opening.value } : undefined
    }
    case 'update': {
      const update = updateFrom(id, body)
      return update && { type: 'update', update }
    }
    case 'close': {
      const [first, second, third] = asList(body, 3) ?? []
      const number = asNumber(first, updateNumberMax)
      const fee = asSats(second)
      const signature = asFixed(third, 64)
      if (number === undefined || fee === undefined || !signature) return undefined
      return { type: 'close', channelId: id, number, fee, signature }
    }
    case 'declined': {
      const fault = asName(asList(body, 1)?.[0], openingFaults)
      return fault && { type: 'declined', channelId: id, fault }
    }
    case 'standing': {
      const [first, best, spent] = asList(body, 3) ?? []
      const status = asName(first, statuses)
      const standing = standingFrom(id, best, spent)
      return status && standing && { type: 'standing', status, ...standing }
    }
    case 'ack': {
      const [first, second, third] = asList(body, 3) ?? []
      const number = asNumber(first, updateNumberMax)
      const paid = asSats(second)
      const spent = asSats(third)
      if (!number || paid === undefined || spent === undefined) return undefined
      return { type: 'ack', channelId: id, number, paid, spent }
    }
    case 'refused': {
      const [first, second, best, spent] = asList(body, 4) ?? []
      const fault = asName(first, faults)
      const number = asNumber(second, updateNumberMax)
      const standing = standingFrom(id, best, spent)
      if (!fault || number === undefined || !standing) return undefined
      return { type: 'refused', number, fault, ...standing }
    }
    default:
      return unreachable(kind)
  }
}

function standingParts({ best, spent }: Standing): RlpItem[] {
  return [best ? updateItem(best) : [], quantity(spent)]
}

function standingFrom(id: ChannelId, bestPart?: RlpItem, spentPart?: RlpItem): Standing | undefined {
  const best = asOptional(bestPart, (item) => updateFrom(id, item))
  const spent = asSats(spentPart)
  return best === undefined || spent === undefined ? undefined : { channelId: id, best, spent }
}
