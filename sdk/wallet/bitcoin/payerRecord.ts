import { asBytes, asList, asNumber } from '../../channel/fields.ts'
import { decodePayer, encodePayer, fundingBytesMax, type Payer } from '../../channel/index.ts'
import { invariant, SdkError } from '../../errors.ts'
import type { Store, StoreWrite } from '../../ports.ts'
import { decodeRlp, encodeRlp, quantity } from '../../rlp.ts'
import { type ChannelId, channelId } from '../../units.ts'

/** What the wallet's store holds of one channel. */
export interface PayerRecord {
  /** Number of the wallet that may write; each that opens the channel raises it, and fences those before. */
  readonly epoch: number
  /** Of the channel's key in the seed. */
  readonly index: number
  /** The payee's address, as `Peers` takes it. */
  readonly peer: string
  readonly channel: Payer
}

/** Where the payer's records lie. */
export const payerKeys = {
  channels: 'bitcoin/channels/',
  channel: (id: ChannelId) => `bitcoin/channels/${id.slice(2)}`,
  /** How many channel keys are used up. */
  count: 'bitcoin/channel-count',
} as const

/** Longest address of a payee. */
export const peerBytesMax = 2_048
/** Most channels that one seed ever opens; a limit of the search for a refund's key as well. */
export const channelIndexMax = 100_000
const epochMax = Number.MAX_SAFE_INTEGER
const version = 1

/** The channel that a key of {@link payerKeys} names. */
export function idOfPayerKey(key: string): ChannelId {
  return channelId(`0x${key.slice(payerKeys.channels.length)}`)
}

export function encodePayerRecord({ epoch, index, peer, channel }: PayerRecord): Uint8Array {
  const address = new TextEncoder().encode(peer)
  return encodeRlp([quantity(version), quantity(epoch), quantity(index), address, encodePayer(channel)])
}

/** Reads what {@link encodePayerRecord} wrote. Throws `store/corrupt` for anything else. */
export function payerRecordFrom(bytes: Uint8Array): PayerRecord {
  const item = decodeRlp(bytes)
  const parts = item.ok ? asList(item.value, 5) : undefined
  const epoch = asNumber(parts?.[1], epochMax)
  const index = asNumber(parts?.[2], channelIndexMax)
  const address = asBytes(parts?.[3], peerBytesMax)
  const payer = asBytes(parts?.[4], 2 * fundingBytesMax)
  if (asNumber(parts?.[0], version) !== version || epoch === undefined || index === undefined || !address || !payer)
    throw corrupt('it does not read as one')
  const channel = decodePayer(payer)
  if (!channel.ok) throw corrupt(channel.reason)
  return { epoch, index, peer: new TextDecoder().decode(address), channel: channel.value }
}

/** A key of the seed that no channel of either kind has, and the write that uses it up. */
export async function nextChannelIndex(store: Store): Promise<{ readonly index: number; readonly write: StoreWrite }> {
  const count = await store.get(payerKeys.count)
  const index = count ? countFrom(count.bytes) : 0
  invariant(index < channelIndexMax, 'a seed has keys for its channels')
  return { index, write: { key: payerKeys.count, expected: count?.version ?? 0, bytes: encodeCount(index + 1) } }
}

/** How many channel keys are used up, as {@link encodeCount} wrote it. */
export function countFrom(bytes: Uint8Array): number {
  const item = decodeRlp(bytes)
  const count = item.ok ? asNumber(item.value, channelIndexMax) : undefined
  if (count === undefined) throw corrupt('the count of channel keys does not read as one')
  return count
}

export function encodeCount(count: number): Uint8Array {
  return encodeRlp(quantity(count))
}

function corrupt(reason: string): SdkError {
  return new SdkError('store/corrupt', `A channel in the wallet's store is damaged: ${reason}.`, {
    notes: ['Nothing is lost: after its expiry the channel is refunded from the seed and its funding script.'],
  })
}
