import { asFixed, asList, asNumber, asSats } from '../channel/fields.ts'
import { decodePayee, type Mark, type Opening, type Payee, paymentIdBytes } from '../channel/index.ts'
import { updateNumberMax } from '../channel/update.ts'
import { SdkError } from '../errors.ts'
import { decodeRlp, encodeRlp, quantity, type RlpItem } from '../rlp.ts'
import { type ChannelId, channelId, fromHex, type Sats, toHex } from '../units.ts'

/** What is asked for one payment id. */
export interface Quote {
  readonly price: Sats
  /** Unix time in milliseconds; not paid for by then, it is forgotten. */
  readonly expiresAt: number
}

/** A payment that was charged: once for its id, whoever pays again. [OW12] */
export interface Payment {
  readonly channelId: ChannelId
  /** Of the update that paid. */
  readonly number: number
  readonly price: Sats
  /** The channel's total with this payment. */
  readonly paid: Sats
}

/** What channels that have ended for good came to. */
export interface Totals {
  readonly channels: number
  readonly paid: Sats
  readonly spent: Sats
  /** What the chain gave the payee. */
  readonly settled: Sats
}

/** Where the till's records lie. */
export const keys = {
  channels: 'till/channels/',
  quotes: 'till/quotes/',
  payments: 'till/payments/',
  totals: 'till/totals',
  channel: (id: ChannelId) => `till/channels/${id.slice(2)}`,
  /** Channels that have ended for good. */
  archived: (id: ChannelId) => `till/archive/${id.slice(2)}`,
  deposit: (id: ChannelId) => `till/deposits/${id.slice(2)}`,
  /** Which channel has an outpoint. [OW7] */
  funding: ({ funding }: Opening) => `till/fundings/${funding.txid}:${funding.index}`,
  quote: (paymentId: Uint8Array) => `till/quotes/${nameOf(paymentId)}`,
  payment: (paymentId: Uint8Array) => `till/payments/${nameOf(paymentId)}`,
} as const

/** The channel that a key of `channels` names. */
export function idOfKey(key: string): ChannelId {
  return channelId(`0x${key.slice(keys.channels.length)}`)
}

/** The payment id that a key of `payments` names. */
export function paymentIdOfKey(key: string): Uint8Array {
  return fromHex(`0x${key.slice(keys.payments.length)}`)
}

export function encodeQuote({ price, expiresAt }: Quote): Uint8Array {
  return encodeRecord(quantity(price), quantity(expiresAt))
}

export function encodePayment({ channelId: id, number, price, paid }: Payment): Uint8Array {
  return encodeRecord(fromHex(id), quantity(number), quantity(price), quantity(paid))
}

/** What a deposited closing pays. */
export function encodeDeposited({ number, paid }: Mark): Uint8Array {
  return encodeRecord(quantity(number), quantity(paid))
}

export function encodeTotals({ channels, paid, spent, settled }: Totals): Uint8Array {
  return encodeRecord(quantity(channels), quantity(paid), quantity(spent), quantity(settled))
}

/** These read what the functions above wrote, and throw `store/corrupt` for anything else. */
export function quoteFrom(bytes: Uint8Array): Quote {
  const parts = partsOf(bytes, 2)
  const price = asSats(parts?.[0])
  const expiresAt = asNumber(parts?.[1], Number.MAX_SAFE_INTEGER)
  if (price === undefined || expiresAt === undefined) throw corrupt('A quote')
  return { price, expiresAt }
}

export function paymentFrom(bytes: Uint8Array): Payment {
  const parts = partsOf(bytes, 4)
  const id = asFixed(parts?.[0], 32)
  const number = asNumber(parts?.[1], updateNumberMax)
  const price = asSats(parts?.[2])
  const paid = asSats(parts?.[3])
  if (!id || number === undefined || price === undefined || paid === undefined) throw corrupt('A payment')
  return { channelId: channelId(toHex(id)), number, price, paid }
}

export function depositedFrom(bytes: Uint8Array): Mark {
  const parts = partsOf(bytes, 2)
  const number = asNumber(parts?.[0], updateNumberMax)
  const paid = asSats(parts?.[1])
  if (number === undefined || paid === undefined) throw corrupt('What is deposited')
  return { number, paid }
}

export function totalsFrom(bytes: Uint8Array): Totals {
  const parts = partsOf(bytes, 4)
  const channels = asNumber(parts?.[0], Number.MAX_SAFE_INTEGER)
  const [paid, spent, settled] = [parts?.[1], parts?.[2], parts?.[3]].map(asSats)
  if (channels === undefined || paid === undefined || spent === undefined || settled === undefined)
    throw corrupt('The totals')
  return { channels, paid, spent, settled }
}

export function payeeFrom(bytes: Uint8Array): Payee {
  const channel = decodePayee(bytes)
  if (!channel.ok) throw corrupt('A channel', channel.reason)
  return channel.value
}

const version = 1

function encodeRecord(...parts: readonly RlpItem[]): Uint8Array {
  return encodeRlp([quantity(version), ...parts])
}

function partsOf(bytes: Uint8Array, length: number): readonly RlpItem[] | undefined {
  const item = decodeRlp(bytes)
  const parts = item.ok ? asList(item.value, length + 1) : undefined
  return parts && asNumber(parts[0], version) === version ? parts.slice(1) : undefined
}

function corrupt(what: string, reason = 'it does not read as one'): SdkError {
  return new SdkError('store/corrupt', `${what} in the store is damaged: ${reason}.`, {
    notes: ['The till does not go on with what it cannot read. Restore the store, or remove the record by hand.'],
  })
}

function nameOf(paymentId: Uint8Array): string {
  if (paymentId.length !== paymentIdBytes)
    throw new SdkError('units/malformed', `A payment id has ${paymentIdBytes} bytes.`)
  return toHex(paymentId).slice(2)
}
