import type { Network } from '../bitcoin/index.ts'
import { accepted, type Decoded, refused } from '../errors.ts'
import { type ChannelId, channelId, fromHex, type Hex, isHex, type Sats, sats, satsMax, toHex } from '../units.ts'
import { messageBytesMax } from './messages.ts'
import { onewayFormat } from './opening.ts'
import { paymentIdBytes } from './update.ts'

/**
 * Our scheme of x402, version 2: what a server asks for a request, how a payer shows that it has paid, and what came of
 * it, as base64 of JSON in three headers. What the fields mean is in docs/till.md.
 */

/** What is asked for one request. */
export interface PaymentOffer {
  readonly network: Network
  readonly price: Sats
  /** Of the payee's terms. */
  readonly payeeKey: Uint8Array
  /** Address of the payee's till, as payers open channels with it; `null` for the origin that the request went to. */
  readonly till: string | null
  /** {@link paymentIdBytes} long. */
  readonly paymentId: Uint8Array
  /** What the server made the id from, 16 bytes. */
  readonly nonce: Uint8Array
  /** Unix time in milliseconds: until then the server gives what was paid for, as often as it is asked. */
  readonly until: number
}

/** What a server answers to a request that is not paid. */
export interface PaymentRequired {
  readonly offer: PaymentOffer
  /** Of the request. */
  readonly url: string
  /** What is sold. */
  readonly description: string | null
  /** Why it is not given, in one sentence. */
  readonly error: string
  /** How long the payee takes this payment. */
  readonly payableSeconds: number
}

/** What a payer shows. */
export interface PaymentProof {
  readonly offer: PaymentOffer
  readonly channel: ChannelId
  /** The update that pays, as it is sent through the box, so that the server need not wait for that; or nothing. */
  readonly message: Uint8Array | null
}

/** What came of a payment. */
export interface PaymentResult {
  readonly network: Network
  /** Paid for: goods come with it. */
  readonly isPaid: boolean
  /** Why not: a fault of the payee, or a word of docs/till.md. */
  readonly reason: string | null
  readonly paymentId: Uint8Array
}

/** Longest header that is read, in characters. */
export const paymentHeaderCharsMax = 12_288
const acceptsMax = 32
const textCharsMax = 2_048

/** Of the blocks that begin the networks, the first half (CAIP-2, namespace `bip122`). */
const networkIds: Readonly<Record<Network, string>> = {
  mainnet: 'bip122:000000000019d6689c085ae165831e93',
  testnet4: 'bip122:00000000da84f2bafbbc53dee25a72ae',
  signet: 'bip122:00000008819873e925422c1ff0f99f7c',
  regtest: 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328',
}

/** The CAIP-2 name of a network. */
export function caip2Of(network: Network): string {
  return networkIds[network]
}

/** The value of `PAYMENT-REQUIRED`. */
export function encodePaymentRequired({ offer, url, description, error, payableSeconds }: PaymentRequired): string {
  const resource = description === null ? { url } : { url, description }
  return encodeJson({ x402Version: 2, error, resource, accepts: [requirementsOf(offer, payableSeconds)] })
}

/** Reads `PAYMENT-REQUIRED`: the offer in our scheme, or `null` where there is none. Never throws. */
export function decodePaymentRequired(header: string): Decoded<PaymentOffer | null> {
  const fields = decodeJson(header)
  if (fields?.x402Version !== 2) return refused('the header is not one of x402 version 2')
  const { accepts } = fields
  if (!Array.isArray(accepts) || accepts.length > acceptsMax) return refused('what is asked for cannot be read')
  const ours = accepts.find((entry) => fieldsOf(entry)?.scheme === onewayFormat)
  return ours === undefined ? accepted(null) : offerFrom(ours)
}

/** The value of `PAYMENT-SIGNATURE`. */
export function encodePaymentSignature({ offer, channel, message }: PaymentProof): string {
  const payload = message ? { channel, message: toHex(message) } : { channel }
  return encodeJson({ x402Version: 2, accepted: requirementsOf(offer, 0), payload })
}

/** Reads `PAYMENT-SIGNATURE`. Never throws; nothing of it is believed beyond its shape. */
export function decodePaymentSignature(header: string): Decoded<PaymentProof> {
  const fields = decodeJson(header)
  if (fields?.x402Version !== 2) return refused('the header is not one of x402 version 2')
  const offer = offerFrom(fields.accepted)
  if (!offer.ok) return offer
  const { channel, message } = fieldsOf(fields.payload) ?? {}
  if (!isHex(channel, 32)) return refused('the payment names no channel')
  if (message !== undefined && !isHexUpTo(message, messageBytesMax)) return refused('the message is no message')
  const bytes = message === undefined ? null : fromHex(message)
  return accepted({ offer: offer.value, channel: channelId(channel), message: bytes })
}

/** The value of `PAYMENT-RESPONSE`. */
export function encodePaymentResponse({ network, isPaid, reason, paymentId }: PaymentResult): string {
  const common = { success: isPaid, transaction: isPaid ? toHex(paymentId) : '', network: networkIds[network] }
  return encodeJson(reason === null ? common : { ...common, errorReason: reason })
}

/** Reads `PAYMENT-RESPONSE`: whether it was paid, and why not. Never throws. */
export function decodePaymentResponse(header: string): Decoded<Pick<PaymentResult, 'isPaid' | 'reason'>> {
  const { success, errorReason = null } = decodeJson(header) ?? {}
  if (typeof success !== 'boolean') return refused('the header says neither yes nor no')
  if (errorReason !== null && !isWord(errorReason)) return refused('the reason is no word')
  return accepted({ isPaid: success, reason: errorReason })
}

function requirementsOf(offer: PaymentOffer, payableSeconds: number) {
  const { network, price, payeeKey, till, paymentId, nonce, until } = offer
  return {
    scheme: onewayFormat,
    network: networkIds[network],
    amount: String(price),
    asset: 'BTC',
    payTo: toHex(payeeKey),
    maxTimeoutSeconds: payableSeconds,
    extra: { ...(till === null ? {} : { till }), paymentId: toHex(paymentId), nonce: toHex(nonce), until },
  }
}

function offerFrom(json: unknown): Decoded<PaymentOffer> {
  const { scheme, network, amount, asset, payTo, extra } = fieldsOf(json) ?? {}
  if (scheme !== onewayFormat) return refused('the payment is in another scheme')
  const names = Object.keys(networkIds) as Network[]
  const known = names.find((name) => networkIds[name] === network)
  if (!known || asset !== 'BTC') return refused('the payment is on another network')
  const price = typeof amount === 'string' && /^(?:0|[1-9]\d{0,15})$/.test(amount) ? BigInt(amount) : -1n
  const { till = null, paymentId, nonce, until } = fieldsOf(extra) ?? {}
  if (price < 0n || price > satsMax || !isHex(payTo, 33)) return refused('price or payee are malformed')
  if (!isHex(paymentId, paymentIdBytes) || !isHex(nonce, 16)) return refused('the id of the payment is malformed')
  if (till !== null && !isText(till)) return refused('the address of the till is malformed')
  if (typeof until !== 'number' || !Number.isSafeInteger(until) || until < 0) return refused('the time is malformed')
  const ids = { paymentId: fromHex(paymentId), nonce: fromHex(nonce) }
  return accepted({ network: known, price: sats(price), payeeKey: fromHex(payTo), till, until, ...ids })
}

function isHexUpTo(value: unknown, bytesMax: number): value is Hex {
  return isHex(value) && value.length > 2 && value.length <= 2 + 2 * bytesMax
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= textCharsMax
}

function isWord(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z0-9][a-z0-9_-]{0,63}$/.test(value)
}

function fieldsOf(json: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined
  return json as Readonly<Record<string, unknown>>
}

function encodeJson(json: unknown): string {
  let text = ''
  for (const byte of new TextEncoder().encode(JSON.stringify(json))) text += String.fromCharCode(byte)
  return btoa(text)
}

/** The object in a header; nothing for any other text. */
function decodeJson(header: string): Readonly<Record<string, unknown>> | undefined {
  if (header.length > paymentHeaderCharsMax || !/^[A-Za-z0-9+/]*={0,2}$/.test(header)) return undefined
  try {
    const bytes = Uint8Array.from(atob(header), (character) => character.charCodeAt(0))
    return fieldsOf(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))
  } catch {
    return undefined
  }
}
