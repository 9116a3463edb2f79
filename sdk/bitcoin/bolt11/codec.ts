import { bech32 } from '@scure/base'
import { currentEngine, sha256 } from '../../crypto/engine.ts'
import { accepted, type Decoded, invariant, refused, SdkError } from '../../errors.ts'
import { fromHex, joinBytes, sameBytes, toHex } from '../../units.ts'
import { decodePrefix, encodePrefix } from './amount.ts'
import {
  bitsFrom,
  bitsWords,
  type Field,
  fallbackFrom,
  fallbackWords,
  fieldBytesMax,
  fieldsOf,
  fieldTypes,
  fieldWords,
  numberFrom,
  routeFrom,
  routeWords,
} from './fields.ts'
import {
  expirySecondsDefault,
  featureFault,
  finalExpiryBlocksDefault,
  type Invoice,
  invoiceCharsMax,
  type SignedInvoice,
} from './invoice.ts'
import { numberWords, paddedBytes, wholeBytes, wordsNumber, wordsOf } from './words.ts'

const timeWords = 7
const signatureWords = 104
const secondsMax = 2 ** 35 - 1
const lightningScheme = /^lightning:/i

/** An invoice, or why there is none. `unknown-feature`: it asks its payer for more than this reader knows of. */
export type DecodedInvoice =
  | { readonly ok: true; readonly value: SignedInvoice }
  | { readonly ok: false; readonly code: 'malformed-invoice' | 'unknown-feature'; readonly reason: string }

/**
 * Reads an invoice and proves who signed it (BOLT-11). Never throws.
 *
 * A `lightning:` in front is let pass, and so are letters that are all upper case. Refuses wrong checksums, amounts that are no
 * whole millisatoshi, fields that are missing or there twice, features that are compulsory and unknown, and signatures
 * that nobody made. Fields of a length that theirs cannot have are passed over, as the examples of BOLT-11 have it.
 *
 * Funds at risk: anybody can sign an invoice. What is proven is that the holder of `payee` made it, and no word of its
 * description. {@link paymentFault} says whether it is to be paid now.
 */
export function decodeInvoice(text: string): DecodedInvoice {
  const read = readInvoice(text)
  if (!read.ok) return { ...read, code: 'malformed-invoice' }
  const fault = featureFault(read.value.features)
  return fault ? { ...refused(fault), code: 'unknown-feature' } : read
}

function readInvoice(text: string): Decoded<SignedInvoice> {
  const bare = text.replace(lightningScheme, '')
  if (bare.length > invoiceCharsMax) return refused('the invoice is too long')
  const parts = bech32.decodeUnsafe(bare, false)
  if (!parts) return refused('the invoice has a wrong checksum or a wrong letter')
  const prefix = decodePrefix(parts.prefix)
  if (!prefix) return refused('the invoice is of no known network, or its amount is none')
  const signedWords = parts.words.length - signatureWords
  if (signedWords < timeWords) return refused('the invoice is too short')
  const signed = parts.words.slice(0, signedWords)
  const fields = fieldsOf(signed.slice(timeWords))
  if (!fields) return refused('a field of the invoice is cut off')
  const read = readFields(fields)
  if (!read.ok) return read
  const { named, ...rest } = read.value
  const signature = paddedBytes(parts.words.slice(signedWords))
  const payee = signerOf(signature, digestOf(parts.prefix, signed), named)
  if (!payee) return refused("the signature is nobody's")
  return accepted({ ...prefix, createdSeconds: wordsNumber(signed.slice(0, timeWords)), ...rest, payee })
}

/**
 * Signs an invoice. Equal invoices and keys give equal text, in lower case; a code for cameras is smaller in upper case.
 *
 * Funds at risk: whoever learns the preimage of `paymentHash` can take a payment on its way. Use one for one invoice.
 *
 * @param secretKey - The payee's node key, 32 bytes.
 * Throws `units/out-of-range` for what an invoice cannot say.
 */
export function signInvoice(invoice: Invoice, secretKey: Uint8Array): string {
  const unsigned = unsignedInvoice(invoice)
  return withSignature(unsigned, currentEngine().sign(unsigned.digest, secretKey))
}

/** An invoice that waits for its signature, where the key is elsewhere. */
export interface UnsignedInvoice {
  readonly prefix: string
  /** All that is signed, five bits each. */
  readonly words: readonly number[]
  /** 32 bytes: what the payee's node key signs. */
  readonly digest: Uint8Array
}

/** An invoice up to its signature. Throws `units/out-of-range` for what an invoice cannot say. */
export function unsignedInvoice(invoice: Invoice): UnsignedInvoice {
  const prefix = encodePrefix(invoice)
  const words = [...numberWords(ranged(invoice.createdSeconds, secondsMax), timeWords), ...writeFields(invoice)]
  return { prefix, words, digest: digestOf(prefix, words) }
}

/** The text of an invoice that `payee`, 33 bytes, has signed: r and s (low), 64 bytes. Throws `units/malformed` for another signature. */
export function sealInvoice(unsigned: UnsignedInvoice, signature: Uint8Array, payee: Uint8Array): string {
  for (const parity of [0, 1]) {
    const whole = joinBytes(signature.subarray(0, 64), [parity])
    const signer = signerOf(whole, unsigned.digest, null)
    if (signer && sameBytes(signer, payee)) return withSignature(unsigned, whole)
  }
  throw new SdkError('units/malformed', 'The signature of an invoice is not of its payee.')
}

function withSignature({ prefix, words }: UnsignedInvoice, signature: Uint8Array): string {
  const text = bech32.encode(prefix, [...words, ...wordsOf(signature)], false)
  const decoded = decodeInvoice(text)
  if (!decoded.ok) throw new SdkError('units/out-of-range', `No invoice says this: ${decoded.reason}.`)
  return text
}

function digestOf(prefix: string, words: readonly number[]): Uint8Array {
  return sha256(joinBytes(new TextEncoder().encode(prefix), paddedBytes(words)))
}

/** By the key that the invoice names, or by recovery, where a high S counts as well (BOLT-11). */
function signerOf(signature: Uint8Array, digest: Uint8Array, named: Uint8Array | null): Uint8Array | undefined {
  const engine = currentEngine()
  const parity = signature[64] as number
  if (parity > 3) return undefined
  if (named) return engine.verify(signature.subarray(0, 64), digest, named) ? named : undefined
  // Recovery ids 2 and 3 are of points that nobody has a key for but by chance, one in 2^127.
  const found = engine.recover(lowS(signature), digest)
  return found && joinBytes([2 + ((found[64] as number) & 1)], found.subarray(1, 33))
}

const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

/** The same signature with the lesser of its two S, which is of the other parity. */
function lowS(signature: Uint8Array): Uint8Array {
  const s = BigInt(toHex(signature.subarray(32, 64)))
  if (s <= order / 2n || s >= order) return signature
  const low = fromHex(`0x${(order - s).toString(16).padStart(64, '0')}`)
  return joinBytes(signature.subarray(0, 32), low, [(signature[64] as number) ^ 1])
}

type FieldValues = Omit<Invoice, 'network' | 'amount' | 'createdSeconds'>

interface ReadFields extends FieldValues {
  readonly named: Uint8Array | null
}

function readFields(fields: readonly Field[]): Decoded<ReadFields> {
  const all = (type: number) => fields.filter((field) => field.type === type).map(({ words }) => words)
  const fixed = (type: number, size: number) => {
    const length = Math.ceil((size * 8) / 5)
    return all(type)
      .filter((words) => words.length === length)
      .map(wholeBytes)
  }
  const singles = {
    hash: fixed(fieldTypes.paymentHash, 32),
    secret: fixed(fieldTypes.paymentSecret, 32),
    named: fixed(fieldTypes.payee, 33),
    text: all(fieldTypes.description).map((words) => textFrom(wholeBytes(words))),
    textHash: fixed(fieldTypes.descriptionHash, 32),
    expiry: all(fieldTypes.expiry).map(numberFrom),
    finalExpiry: all(fieldTypes.finalExpiry).map(numberFrom),
    metadata: all(fieldTypes.metadata).map(wholeBytes),
    features: all(fieldTypes.features).map(bitsFrom),
  }
  for (const [name, values] of Object.entries(singles)) {
    if (values.length > 1) return refused(`the field ${name} is there twice`)
    if (values.length === 1 && values[0] === undefined) return refused(`the field ${name} is malformed`)
  }
  const [hash, secret, text, textHash] = [singles.hash[0], singles.secret[0], singles.text[0], singles.textHash[0]]
  if (!hash || !secret) return refused('the payment hash or the payment secret is missing')
  if ((text === undefined) === (textHash === undefined)) return refused('one description is needed, as text or as hash')
  const features = singles.features[0] ?? []
  const routes = all(fieldTypes.route).map(routeFrom)
  if (!routes.every((route) => route !== undefined)) return refused('a route is malformed')
  return accepted({
    paymentHash: hash,
    paymentSecret: secret,
    description: textHash ? { kind: 'hash', hash: textHash } : { kind: 'text', text: text as string },
    expirySeconds: singles.expiry[0] ?? expirySecondsDefault,
    finalExpiryBlocks: singles.finalExpiry[0] ?? finalExpiryBlocksDefault,
    fallbacks: all(fieldTypes.fallback)
      .map(fallbackFrom)
      .filter((script) => script !== undefined),
    routes,
    metadata: singles.metadata[0] ?? null,
    features,
    named: singles.named[0] ?? null,
  })
}

function writeFields(invoice: Invoice): readonly number[] {
  const { description, expirySeconds, finalExpiryBlocks, fallbacks, routes, metadata, features } = invoice
  const { paymentHash, paymentSecret } = invoice
  invariant(paymentHash.length === 32 && paymentSecret.length === 32, 'payment hash and secret have 32 bytes')
  const fields: (readonly [type: number, words: readonly number[]])[] = [
    [fieldTypes.paymentSecret, wordsOf(paymentSecret)],
    [fieldTypes.paymentHash, wordsOf(paymentHash)],
    description.kind === 'text'
      ? [fieldTypes.description, bytesField(new TextEncoder().encode(description.text))]
      : [fieldTypes.descriptionHash, wordsOf(description.hash)],
  ]
  if (metadata) fields.push([fieldTypes.metadata, bytesField(metadata)])
  if (expirySeconds !== expirySecondsDefault)
    fields.push([fieldTypes.expiry, numberWords(ranged(expirySeconds, secondsMax))])
  if (finalExpiryBlocks !== finalExpiryBlocksDefault)
    fields.push([fieldTypes.finalExpiry, numberWords(ranged(finalExpiryBlocks, secondsMax))])
  for (const script of fallbacks) {
    const words = fallbackWords(script)
    if (!words) throw new SdkError('units/out-of-range', 'A fallback is a script that has no address.')
    fields.push([fieldTypes.fallback, words])
  }
  for (const route of routes) fields.push([fieldTypes.route, routeWords(route)])
  if (features.length > 0) fields.push([fieldTypes.features, bitsWords(features)])
  return fields.flatMap(([type, words]) => fieldWords({ type, words }))
}

function bytesField(bytes: Uint8Array): readonly number[] {
  if (bytes.length > fieldBytesMax)
    throw new SdkError('units/out-of-range', `A field of an invoice has at most ${fieldBytesMax} bytes.`)
  return wordsOf(bytes)
}

function textFrom(bytes: Uint8Array | undefined): string | undefined {
  if (!bytes) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined // Bytes that are no UTF-8.
  }
}

function ranged(value: number, max: number): number {
  if (!Number.isInteger(value) || value < 0 || value > max)
    throw new SdkError('units/out-of-range', `${value} is not a whole number from 0 to ${max}.`)
  return value
}
