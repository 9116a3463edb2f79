import type { Outpoint } from '../../bitcoin/index.ts'
import { hmacSha256 } from '../../crypto/engine.ts'
import { accepted, type Decoded, refused, unreachable } from '../../errors.ts'
import { decodeRlp, encodeRlp, quantity, type RlpItem } from '../../rlp.ts'
import { type ChannelId, channelId, fromHex, type Msats, type Sats, toHex } from '../../units.ts'
import { asBytes, asFixed, asList, asName, asNumber, asSats } from '../fields.ts'
import type { Push } from '../hub/push.ts'
import { isTaggedBy, tagged, untagged } from '../tag.ts'
import { asideFrom, asideItem } from './asideCodec.ts'
import { changesFrom, changesItem, signaturesFrom, signaturesItem } from './changesCodec.ts'
import type { CommitmentSignatures } from './commitments.ts'
import { type Change, changeFaults } from './content.ts'
import { type Beside, besideFrom, besideItems, nothingBeside } from './peerCopy.ts'
import { type Draft, type DraftFault, draftFaults, penaltyFormat, type Side, type SideKeys } from './terms.ts'
import { draftFrom, draftItem, keysFrom, keysItem, outpointFrom, outpointItem } from './termsCodec.ts'

/** Where a side stands. The other one sends again what it lacks. [TW25] */
export interface Position {
  /** Of its newest commitment. */
  readonly number: number
  /** How many secrets of the other side it has. */
  readonly revealed: number
  readonly turn: number
  /** An update is in flight. */
  readonly isBusy: boolean
  /** The last of those secrets: it proves to the other side what that one has revealed. 32 bytes, zeros before the first. */
  readonly proof: Uint8Array
  /** Asks for the other side's position, to be answered with these bytes as `echo`. */
  readonly challenge: Uint8Array | null
  readonly echo: Uint8Array | null
}

/** What the sides tell each other. The box that carries it reads none of it. */
export type Message =
  | { readonly type: 'open'; readonly draft: Draft }
  | { readonly type: 'accept'; readonly keys: SideKeys }
  | { readonly type: 'decline'; readonly fault: DraftFault }
  /** The funding's outpoint, and the opener's signature on the accepter's commitment 0. */
  | { readonly type: 'fund'; readonly funding: Outpoint; readonly signature: Uint8Array }
  | { readonly type: 'funded'; readonly signature: Uint8Array }
  | { readonly type: 'ready' }
  /** Proposes an update, signed. */
  | {
      readonly type: 'commit'
      readonly number: number
      readonly changes: readonly Change[]
      readonly signatures: CommitmentSignatures
    }
  /** Takes it: revokes the commitment before, and signs the proposer's. */
  | ({ readonly type: 'answer'; readonly signatures: CommitmentSignatures } & Revocation)
  /** The proposer revokes as well: the update is finished. */
  | ({ readonly type: 'revoke' } & Revocation)
  | { readonly type: 'ask'; readonly turn: number }
  | { readonly type: 'yield'; readonly turn: number }
  | ({ readonly type: 'position' } & Position)
  | { readonly type: 'shutdown' }
  /** Asks to sign a closing of the content of this number, which the sender pays for. */
  | { readonly type: 'closing'; readonly number: number; readonly fee: Sats; readonly signature: Uint8Array }
  | { readonly type: 'closed'; readonly number: number; readonly fee: Sats; readonly signature: Uint8Array }
  /** A message of this number was not taken, and changed nothing. Nothing follows from it. */
  | { readonly type: 'refused'; readonly number: number; readonly fault: Fault }
  /** Of a side that has lost all but the seed, which has no key of the channel yet: beside it, the wish for its copy, and the copy. [TW52] */
  | { readonly type: 'recall' }
  | Aside

/** What is said beside a channel, of payments that go on from it: it changes nothing in it. [TW45] */
export type Aside =
  /** The sender wants what pays this hash. */
  | { readonly type: 'order'; readonly paymentHash: Uint8Array }
  /** How the sender passes on what pays this hash; `null` where it does not. */
  | { readonly type: 'ordered'; readonly paymentHash: Uint8Array; readonly way: Way | null }
  /** A payment that `payee` did not ask for is to come: the parcel is for it. [HB8] */
  | ({ readonly type: 'push'; readonly payee: Uint8Array } & Push)

/** What a hub asks for passing a payment on. */
export interface Way {
  /** 33 bytes: its node key. */
  readonly node: Uint8Array
  /** It keeps so much of a payment. */
  readonly fee: Msats
  /** The HTLC that it pays expires so many blocks before the one that pays it, */
  readonly deltaBlocks: number
  /** and has at least so many left when it is offered. */
  readonly leftBlocks: number
}

/** Ends a commitment. */
export interface Revocation {
  /** Of the commitment that takes its place. */
  readonly number: number
  /** Of the commitment before that. */
  readonly secret: Uint8Array
  /** Of the commitment after it. */
  readonly point: Uint8Array
  /** The revocation key of that commitment: the other side need not derive it. [TW34] */
  readonly key: Uint8Array
}

/** Why something that a side asked for, or was sent, is not done. */
export type Fault = (typeof faults)[number]

/** By their number on the wire: only ever added to. */
export const faults = [
  ...changeFaults,
  'not-open',
  'not-met',
  'funding-unproven',
  'busy',
  'out-of-turn',
  'wrong-number',
  'out-of-order',
  'wrong-signature',
  'wrong-secret',
  'wrong-key',
  'wrong-funding',
  'wrong-side',
  'unproven',
  'from-backup',
  'fee-too-high',
  'done-paying',
  'unknown-preimage',
] as const

/** Longest message: two copies beside a position, and a batch of all changes with as many signatures is a fifth of it. */
export const messageBytesMax = 16_384

/** A message as it came, with the tag that shows who sent it: see {@link isAuthentic}. */
export interface Envelope {
  readonly channel: ChannelId
  readonly from: Side
  readonly message: Message
  readonly beside: Beside
  /** What the tag covers. */
  readonly covered: Uint8Array
  readonly tag: Uint8Array
}

const version = 1
const kinds = [
  ...['open', 'accept', 'decline', 'fund', 'funded', 'ready', 'commit', 'answer', 'revoke', 'ask', 'yield'],
  ...['position', 'shutdown', 'closing', 'closed', 'refused', 'order', 'ordered', 'push', 'recall'],
] as readonly Message['type'][]
const sides: readonly Side[] = ['opener', 'accepter']
/** Longest challenge and echo. */
export const challengeBytes = 16
/** Numbers of updates and turns: one a millisecond for 139 years. */
export const numberMax = 2 ** 42

/**
 * The key of a channel's messages, known to its two sides alone. [TW24]
 *
 * @param sharedSecret - What `sharedSecret` of the engine gives for the opener's funding key and the accepter's node key.
 */
export function linkKeyOf(sharedSecret: Uint8Array, id: ChannelId): Uint8Array {
  return hmacSha256(sharedSecret, new TextEncoder().encode(`lanekit ${penaltyFormat} link ${id}`))
}

/** Bytes of a message, with its tag. Equal messages are equal bytes, so a resend is the same bytes. */
export function encodeMessage(
  {
    channel,
    from,
    message,
    beside = nothingBeside,
  }: Pick<Envelope, 'channel' | 'from' | 'message'> & Partial<Envelope>,
  linkKey: Uint8Array,
): Uint8Array {
  const kind = quantity(kinds.indexOf(message.type))
  const head = [quantity(version), fromHex(channel), quantity(sides.indexOf(from)), kind]
  const covered = encodeRlp([...head, bodyOf(message), ...besideItems(beside)])
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
  const parts = item.ok ? (asList(item.value, 5) ?? asList(item.value, 6)) : undefined
  if (!parts) return refused('the message has the wrong shape')
  if (asNumber(parts[0], version) !== version) return refused('the message has another version')
  const id = asFixed(parts[1], 32)
  const from = asName(parts[2], sides)
  const kind = asName(parts[3], kinds)
  if (!id || !from || !kind) return refused('the message has no known kind, side or channel')
  const [message, beside] = [messageFrom(kind, parts[4]), besideFrom(parts[5])]
  return message && beside
    ? accepted({ channel: channelId(toHex(id)), from, message, beside, ...parted })
    : refused('the message has a malformed body')
}

/** True when one of the channel's sides sent the message. Which one, it says itself: what this side sent is not to be taken. [TW24] */
export function isAuthentic(envelope: Envelope, linkKey: Uint8Array): boolean {
  return isTaggedBy(envelope, linkKey)
}

function bodyOf(message: Message): RlpItem {
  switch (message.type) {
    case 'open':
      return draftItem(message.draft)
    case 'accept':
      return keysItem(message.keys)
    case 'decline':
      return [quantity(draftFaults.indexOf(message.fault))]
    case 'fund':
      return [outpointItem(message.funding), message.signature]
    case 'funded':
      return [message.signature]
    case 'ready':
    case 'shutdown':
    case 'recall':
      return []
    case 'commit':
      return [quantity(message.number), changesItem(message.changes), signaturesItem(message.signatures)]
    case 'answer':
      return [...revocationParts(message), signaturesItem(message.signatures)]
    case 'revoke':
      return revocationParts(message)
    case 'ask':
    case 'yield':
      return [quantity(message.turn)]
    case 'position':
      return positionItem(message)
    case 'closing':
    case 'closed':
      return [quantity(message.number), quantity(message.fee), message.signature]
    case 'refused':
      return [quantity(message.number), quantity(faults.indexOf(message.fault))]
    case 'order':
    case 'ordered':
    case 'push':
      return asideItem(message)
    default:
      return unreachable(message)
  }
}

function messageFrom(type: Message['type'], item: RlpItem | undefined): Message | undefined {
  switch (type) {
    case 'open': {
      const draft = draftFrom(item)
      return draft.ok ? { type, draft: draft.value } : undefined
    }
    case 'accept': {
      const keys = keysFrom(item)
      return keys && { type, keys }
    }
    case 'decline': {
      const fault = asName(asList(item, 1)?.[0], draftFaults)
      return fault && { type, fault }
    }
    case 'fund': {
      const parts = asList(item, 2)
      const [funding, signature] = [outpointFrom(parts?.[0]), asFixed(parts?.[1], 64)]
      return funding && signature && { type, funding, signature }
    }
    case 'funded': {
      const signature = asFixed(asList(item, 1)?.[0], 64)
      return signature && { type, signature }
    }
    case 'ready':
    case 'shutdown':
    case 'recall':
      return asList(item, 0) && { type }
    case 'ask':
    case 'yield': {
      const turn = asNumber(asList(item, 1)?.[0], numberMax)
      return turn === undefined ? undefined : { type, turn }
    }
    case 'refused': {
      const parts = asList(item, 2)
      const number = asNumber(parts?.[0], numberMax)
      const fault = asName(parts?.[1], faults)
      return number === undefined || !fault ? undefined : { type, number, fault }
    }
    case 'order':
    case 'ordered':
    case 'push':
      return asideFrom(type, item)
    default:
      return numberedFrom(type, item)
  }
}

/** The messages that carry the number of an update, or several. */
function numberedFrom(
  type: 'commit' | 'answer' | 'revoke' | 'position' | 'closing' | 'closed',
  item: RlpItem | undefined,
): Message | undefined {
  switch (type) {
    case 'commit': {
      const parts = asList(item, 3)
      const number = asNumber(parts?.[0], numberMax)
      const [changes, signatures] = [changesFrom(parts?.[1]), signaturesFrom(parts?.[2])]
      return number === undefined || !changes || !signatures ? undefined : { type, number, changes, signatures }
    }
    case 'answer': {
      const parts = asList(item, 5)
      const [revocation, signatures] = [revocationFrom(parts), signaturesFrom(parts?.[4])]
      return revocation && signatures && { type, ...revocation, signatures }
    }
    case 'revoke': {
      const revocation = revocationFrom(asList(item, 4))
      return revocation && { type, ...revocation }
    }
    case 'position': {
      const position = positionFrom(item)
      return position && { type, ...position }
    }
    default: {
      const parts = asList(item, 3)
      const [number, fee, signature] = [asNumber(parts?.[0], numberMax), asSats(parts?.[1]), asFixed(parts?.[2], 64)]
      return number === undefined || fee === undefined || !signature ? undefined : { type, number, fee, signature }
    }
  }
}

function revocationParts({ number, secret, point, key }: Revocation): RlpItem[] {
  return [quantity(number), secret, point, key]
}

function revocationFrom(parts: readonly RlpItem[] | undefined): Revocation | undefined {
  const number = asNumber(parts?.[0], numberMax)
  const secret = asFixed(parts?.[1], 32)
  const [point, key] = [asFixed(parts?.[2], 33), asFixed(parts?.[3], 33)]
  return number === undefined || !secret || !point || !key ? undefined : { number, secret, point, key }
}

function positionItem({ number, revealed, turn, isBusy, proof, challenge, echo }: Position): RlpItem {
  const none = new Uint8Array(0)
  const counts = [number, revealed, turn, isBusy ? 1 : 0].map(quantity)
  return [...counts, proof, challenge ?? none, echo ?? none]
}

function positionFrom(item: RlpItem | undefined): Position | undefined {
  const parts = asList(item, 7)
  const [number, revealed, turn] = (parts ?? []).slice(0, 3).map((part) => asNumber(part, numberMax))
  const busy = asNumber(parts?.[3], 1)
  const proof = asFixed(parts?.[4], 32)
  const [challenge, echo] = (parts ?? []).slice(5).map((part) => nonceFrom(part))
  if (number === undefined || revealed === undefined || turn === undefined || busy === undefined) return undefined
  if (!proof || challenge === undefined || echo === undefined) return undefined
  return { number, revealed, turn, isBusy: busy === 1, proof, challenge, echo }
}

function nonceFrom(item: RlpItem | undefined): Uint8Array | null | undefined {
  const bytes = asBytes(item, challengeBytes)
  if (bytes?.length === 0) return null
  return bytes?.length === challengeBytes ? bytes : undefined
}
