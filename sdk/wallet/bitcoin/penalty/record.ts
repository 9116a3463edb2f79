import { asBytes, asFixed, asList, asMsats, asName, asNumber } from '../../../channel/fields.ts'
import {
  type Channel,
  decodeChannel,
  decodeTerms,
  encodeChannel,
  encodeTerms,
  failReasons,
  type Htlc,
  type Note,
  recordBytesMax,
  type Side,
  type Terms,
} from '../../../channel/penalty/index.ts'
import { type Decoded, SdkError } from '../../../errors.ts'
import { decodeRlp, encodeRlp, quantity, type RlpItem } from '../../../rlp.ts'
import { type ChannelId, channelId, fromHex, height, toHex } from '../../../units.ts'
import { channelIndexMax, peerBytesMax } from '../payerRecord.ts'

/** What the wallet's store holds of one two-way channel, all of it in one record. [TW12] */
export interface PenaltyRecord {
  /** Number of the wallet that may write; each that opens the channel raises it, and fences those before. */
  readonly epoch: number
  /** Of the channel's key in the seed. */
  readonly index: number
  readonly own: Side
  /** Where the channel's box is. */
  readonly box: string
  /** Of the accepter: nothing else is taken. */
  readonly terms: Terms
  /** `null` for an invitation that nobody has answered. */
  readonly channel: Channel | null
  /** The opener's funding transaction, or the one that made the accepter's reserve, until the channel has ended. [TW46] */
  readonly funding: Uint8Array | null
  /** Restored from one copy alone, with which a lying peer could be in league: it is never taken for the newest. [TW44] */
  readonly isAlone: boolean
  /** That copy is the one that the other side gave back: it is asked to close. [TW51] */
  readonly isFromPeer: boolean
  /** Number of the copy that it was restored from: nothing below that is gone on from. 0 where it was not restored. [TW43] */
  readonly copied: number
}

/** Where records of two-way channels lie. The name of a channel here is that of its box. */
export const penaltyKeys = {
  channels: 'bitcoin/two-way/',
  channel: (id: ChannelId) => `bitcoin/two-way/${id.slice(2)}`,
  /** What became true with the states of a channel: one key a note, in the commit of its state. */
  notes: (id: ChannelId) => `bitcoin/two-way-notes/${id.slice(2)}/`,
  note: (id: ChannelId, version: number, at: number) =>
    `bitcoin/two-way-notes/${id.slice(2)}/${version.toString(16).padStart(12, '0')}-${at.toString(16).padStart(2, '0')}`,
  /** The other side's own record, sealed, as it left it with this side. [TW50] */
  peerCopy: (id: ChannelId) => `bitcoin/two-way-peer/${id.slice(2)}`,
  /** Revoked states that the tower does not have yet, in the commits that revoked them. [TW40] */
  states: (id: ChannelId) => `bitcoin/two-way-tower/${id.slice(2)}/`,
  state: (id: ChannelId, number: number) =>
    `bitcoin/two-way-tower/${id.slice(2)}/${number.toString(16).padStart(12, '0')}`,
  /** Payments that are asked for, and those that were made, each by its hash. */
  invoices: 'bitcoin/two-way-invoices/',
  invoice: (paymentHash: Uint8Array) => `bitcoin/two-way-invoices/${toHex(paymentHash).slice(2)}`,
  payment: (paymentHash: Uint8Array) => `bitcoin/two-way-payments/${toHex(paymentHash).slice(2)}`,
  /** A payment that was made, by its name. [TW54] */
  sent: (paymentId: Uint8Array) => `bitcoin/two-way-sent/${toHex(paymentId).slice(2)}`,
  /** There for an invitation that was withdrawn. */
  withdrawn: (id: ChannelId) => `bitcoin/two-way-withdrawn/${id.slice(2)}`,
  /** What is passed on between the channels. */
  hub: 'bitcoin/two-way-hub',
  /** Lines of the restored list of channels of which no copy could be read. */
  lost: 'bitcoin/two-way-lost',
  numberOf: (key: string) => Number.parseInt(key.slice(-12), 16),
} as const

const version = 3
const invitationVersion = 1
const fundingBytesMax = 100_000
const termsBytesMax = 512
const sides: readonly Side[] = ['opener', 'accepter']

/** The channel that a key of {@link penaltyKeys} names. */
export function idOfPenaltyKey(key: string): ChannelId {
  return channelId(`0x${key.slice(penaltyKeys.channels.length)}`)
}

export function encodePenaltyRecord({
  epoch,
  index,
  own,
  box,
  terms,
  channel,
  funding,
  isAlone,
  isFromPeer,
  copied,
}: PenaltyRecord): Uint8Array {
  return encodeRlp([
    quantity(version),
    quantity(epoch),
    quantity(index),
    quantity(sides.indexOf(own)),
    new TextEncoder().encode(box),
    encodeTerms(terms),
    channel ? encodeChannel(channel) : nothing,
    funding ?? nothing,
    quantity(isFromPeer ? 2 : isAlone ? 1 : 0),
    quantity(copied),
  ])
}

/**
 * Reads what {@link encodePenaltyRecord} wrote. Throws `store/corrupt` for anything else.
 *
 * Funds at risk: of a record that may be old, say so by `backup`. [TW29]
 */
export function penaltyRecordFrom(bytes: Uint8Array, origin: 'own' | 'backup' = 'own'): PenaltyRecord {
  const item = decodeRlp(bytes)
  const parts = item.ok ? asList(item.value, 10) : undefined
  const epoch = asNumber(parts?.[1], Number.MAX_SAFE_INTEGER)
  const index = asNumber(parts?.[2], channelIndexMax)
  const own = asName(parts?.[3], sides)
  const box = asBytes(parts?.[4], peerBytesMax)
  const terms = decodeTerms(asBytes(parts?.[5], termsBytesMax) ?? nothing)
  const state = asBytes(parts?.[6], recordBytesMax)
  const funding = asBytes(parts?.[7], fundingBytesMax)
  const alone = asNumber(parts?.[8], 2)
  const copied = asNumber(parts?.[9], Number.MAX_SAFE_INTEGER)
  const isNumbered = epoch !== undefined && index !== undefined && alone !== undefined && copied !== undefined
  const isWhole = isNumbered && own && box && terms.ok && state && funding
  if (asNumber(parts?.[0], version) !== version || !isWhole) throw corrupt('it does not read as one')
  const channel = state.length > 0 ? decodeChannel(state, origin) : null
  if (channel && !channel.ok) throw corrupt(channel.reason)
  return {
    epoch,
    index,
    own,
    box: new TextDecoder().decode(box),
    terms: terms.value,
    channel: channel?.value ?? null,
    funding: funding.length > 0 ? funding : null,
    isAlone: alone > 0,
    isFromPeer: alone === 2,
    copied,
  }
}

/** Notes that are kept beside the record; the funding is in it. */
export type KeptNote = Exclude<Note, { type: 'funding' }>

const noteTypes = ['added', 'received', 'offered', 'fulfilled', 'failed'] as const satisfies readonly KeptNote['type'][]

export function encodeNote(note: KeptNote): Uint8Array {
  const kind = quantity(noteTypes.indexOf(note.type))
  switch (note.type) {
    case 'added':
      return encodeRlp([kind, htlcItem(note.htlc), quantity(note.number)])
    case 'received':
      return encodeRlp([kind, note.paymentId, quantity(note.amount), quantity(note.number)])
    case 'offered':
      return encodeRlp([kind, htlcItem(note.htlc)])
    case 'fulfilled':
      return encodeRlp([kind, htlcItem(note.htlc), note.preimage])
    case 'failed':
      return encodeRlp([kind, htlcItem(note.htlc), quantity(failReasons.indexOf(note.reason))])
  }
}

/** Reads what {@link encodeNote} wrote. Throws `store/corrupt` for anything else. */
export function noteFrom(bytes: Uint8Array): KeptNote {
  const item = decodeRlp(bytes)
  const parts = item.ok && !(item.value instanceof Uint8Array) ? item.value : []
  const note = noteOf(asName(parts[0], noteTypes), parts.slice(1))
  if (!note) throw corrupt('a note of it does not read as one')
  return note
}

function noteOf(type: KeptNote['type'] | undefined, parts: readonly RlpItem[]): KeptNote | undefined {
  if (type === 'received') {
    const [paymentId, amount] = [asFixed(parts[0], 16), asMsats(parts[1])]
    const number = asNumber(parts[2], Number.MAX_SAFE_INTEGER)
    return paymentId && amount !== undefined && number !== undefined ? { type, paymentId, amount, number } : undefined
  }
  const htlc = htlcFrom(parts[0])
  if (!htlc) return undefined
  const number = asNumber(parts[1], Number.MAX_SAFE_INTEGER)
  const preimage = asFixed(parts[1], 32)
  const reason = asName(parts[1], failReasons)
  switch (type) {
    case 'added':
      return number === undefined ? undefined : { type, htlc, number }
    case 'offered':
      return { type, htlc }
    case 'fulfilled':
      return preimage && { type, htlc, preimage }
    case 'failed':
      return reason && { type, htlc, reason }
    default:
      return undefined
  }
}

function htlcItem({ by, id, amount, paymentHash, expiry }: Htlc): RlpItem {
  return [quantity(sides.indexOf(by)), quantity(id), quantity(amount), paymentHash, quantity(expiry)]
}

function htlcFrom(item: RlpItem | undefined): Htlc | undefined {
  const parts = asList(item, 5)
  const by = asName(parts?.[0], sides)
  const id = asNumber(parts?.[1], 2 ** 32 - 1)
  const amount = asMsats(parts?.[2])
  const paymentHash = asFixed(parts?.[3], 32)
  const expiry = asNumber(parts?.[4], 499_999_999)
  const isWhole = by && id !== undefined && amount !== undefined && paymentHash && expiry !== undefined
  return isWhole ? { by, id, amount, paymentHash, expiry: height(expiry) } : undefined
}

const nothing = /* @__PURE__ */ new Uint8Array(0)

function corrupt(reason: string): SdkError {
  return new SdkError('store/corrupt', `A two-way channel in the wallet's store is damaged: ${reason}.`, {
    notes: ['Broadcast nothing of it: restore its backup, and wait for the other side to close.'],
  })
}

/** What an invitation holds: enough for one opener to make one channel. */
export interface Invitation {
  /** Of the box, 32 bytes: whoever has it can answer, the first one counts. */
  readonly id: ChannelId
  /** URL of the edge that has the box. */
  readonly box: string
  readonly terms: Terms
}

/** An invitation as bytes, to be handed to the opener by any way. */
export function encodeInvitation({ id, box, terms }: Invitation): Uint8Array {
  return encodeRlp([quantity(invitationVersion), fromHex(id), new TextEncoder().encode(box), encodeTerms(terms)])
}

/** Reads an invitation. Never throws. */
export function decodeInvitation(bytes: Uint8Array): Decoded<Invitation> {
  const item = decodeRlp(bytes)
  const parts = item.ok ? asList(item.value, 4) : undefined
  const name = asFixed(parts?.[1], 32)
  const box = asBytes(parts?.[2], peerBytesMax)
  const terms = decodeTerms(asBytes(parts?.[3], termsBytesMax) ?? nothing)
  if (asNumber(parts?.[0], invitationVersion) !== invitationVersion || !name || !box || !terms.ok)
    return { ok: false, reason: 'the invitation does not read as one' }
  return { ok: true, value: { id: channelId(toHex(name)), box: new TextDecoder().decode(box), terms: terms.value } }
}
