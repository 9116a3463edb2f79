import { dustLimit, isPayout, type Network, type Outpoint, txidBytes, txidOf } from '../bitcoin/index.ts'
import { currentEngine, sha256 } from '../crypto/engine.ts'
import { accepted, type Decoded, refused } from '../errors.ts'
import { decodeRlp, encodeRlp, quantity, type RlpItem } from '../rlp.ts'
import { type ChannelId, channelId, type Height, height, type Sats, sameBytes, sats, toHex } from '../units.ts'
import { asBytes, asFixed, asList, asName, asNumber, asSats } from './fields.ts'

/** The format of this room's channels. Part of every identity, so that two formats never share one. */
export const onewayFormat = 'oneway-cltv/1'

/** What a payee asks of every payer. [OW5] */
export interface Terms {
  readonly network: Network
  /** 33 bytes, compressed. */
  readonly payeeKey: Uint8Array
  /** Where the payee is paid. */
  readonly payeeScript: Uint8Array
  /**
   * Fee of every closing, fixed now, paid by the payer.
   *
   * Funds at risk: too little does not confirm before the expiry; the payee then adds to it by CPFP from its own output.
   */
  readonly closeFee: Sats
  /** Depth at which the payee believes the funding, and either side the ending. At least 1. */
  readonly confirmationsMin: number
  readonly capacityMin: Sats
  readonly capacityMax: Sats
  /** Distance of the expiry from the height at opening. More than `marginBlocks`. */
  readonly expiryBlocksMin: number
  readonly expiryBlocksMax: number
  /** The payee closes this long before the expiry. At least 1. */
  readonly marginBlocks: number
}

/** A channel's fixed facts: the payee's terms and the payer's answer. [OW5] */
export interface Opening {
  readonly terms: Terms
  /** 33 bytes, compressed, of this channel alone. */
  readonly payerKey: Uint8Array
  /** Where the payer's rest goes. */
  readonly payerScript: Uint8Array
  readonly capacity: Sats
  /** From this height on the payer may take everything back. */
  readonly expiry: Height
  readonly funding: Outpoint
}

/** Why an opening is not taken. `funding-taken`: another channel has the outpoint. `busy`: try again later. */
export type OpeningFault = (typeof openingFaults)[number]

/** By their number on the wire: only ever added to. */
export const openingFaults = [
  'other-terms',
  'malformed-opening',
  'capacity-out-of-range',
  'expiry-out-of-range',
  'funding-taken',
  'busy',
] as const

/** Identity of a channel: SHA-256 of format and opening. [OW6] */
export function channelIdOf(opening: Opening): ChannelId {
  const known = ids.get(opening)
  if (known) return known
  const id = channelId(toHex(sha256(encodeRlp([new TextEncoder().encode(onewayFormat), openingItem(opening)]))))
  ids.set(opening, id)
  return id
}

/** An opening never changes, and its identity is asked for at every payment. */
const ids = /* @__PURE__ */ new WeakMap<Opening, ChannelId>()

/** Most that can ever be paid: the rest of the capacity after the closing's fee. [OW10] */
export function payableMax({ capacity, terms }: Opening): Sats {
  return sats(capacity - terms.closeFee)
}

/** Least that an update pays: less could not be enforced. [OW10] */
export function payableMin({ terms }: Opening): Sats {
  return dustLimit(terms.payeeScript)
}

/**
 * Judges an opening as the payee does before it takes it, and the payer before it offers it.
 *
 * @param own - The terms the payee gave.
 * @param now - The present height.
 * @returns Nothing when it may be taken. [OW7]
 */
export function openingFault(opening: Opening, own: Terms, now: Height): OpeningFault | null {
  const { terms, capacity, expiry } = opening
  if (!sameBytes(encodeTerms(terms), encodeTerms(own))) return 'other-terms'
  if (malformation(opening)) return 'malformed-opening'
  if (capacity < terms.capacityMin || capacity > terms.capacityMax) return 'capacity-out-of-range'
  const distance = expiry - now
  if (distance < terms.expiryBlocksMin || distance > terms.expiryBlocksMax) return 'expiry-out-of-range'
  return null
}

/** An opening as it is sent and stored. */
export function encodeOpening(opening: Opening): Uint8Array {
  return encodeRlp(openingItem(opening))
}

/** Reads an opening, and refuses one that could not be closed, refunded or paid from. Never throws. */
export function decodeOpening(bytes: Uint8Array): Decoded<Opening> {
  const item = decodeRlp(bytes)
  return item.ok ? openingFrom(item.value) : item
}

/** Terms as they are sent. */
export function encodeTerms(terms: Terms): Uint8Array {
  return encodeRlp(termsItem(terms))
}

/** Reads terms, and refuses those that contradict themselves. Never throws. */
export function decodeTerms(bytes: Uint8Array): Decoded<Terms> {
  const item = decodeRlp(bytes)
  const terms = item.ok ? termsFrom(item.value) : item
  if (!terms.ok) return terms
  const fault = termsMalformation(terms.value)
  return fault ? refused(fault) : terms
}

/** The opening as an item of a larger encoding. */
export function openingItem(opening: Opening): RlpItem {
  const { terms, payerKey, payerScript, capacity, expiry, funding } = opening
  const outpoint = [txidBytes(funding.txid), quantity(funding.index)]
  return [termsItem(terms), payerKey, payerScript, quantity(capacity), quantity(expiry), outpoint]
}

/** Reads an opening from an item of a larger encoding, as strictly as {@link decodeOpening}. Never throws. */
export function openingFrom(item: RlpItem | undefined): Decoded<Opening> {
  const parts = asList(item, 6)
  if (!parts) return refused('the opening has the wrong shape')
  const [termsPart, key, script, capacityPart, expiryPart, outpoint] = parts
  const terms = termsFrom(termsPart)
  if (!terms.ok) return terms
  const [txidPart, indexPart] = asList(outpoint, 2) ?? []
  const payerKey = asFixed(key, 33)
  const payerScript = asBytes(script)
  const capacity = asSats(capacityPart)
  const expiry = asNumber(expiryPart, countMax)
  const txid = asFixed(txidPart, 32)
  const index = asNumber(indexPart, 0xffff_ffff)
  if (!payerKey || !payerScript || capacity === undefined || expiry === undefined || !txid || index === undefined)
    return refused('a field of the opening is malformed')
  const funding = { txid: txidOf(txid), index }
  const opening = { terms: terms.value, payerKey, payerScript, capacity, expiry: height(expiry), funding }
  const fault = malformation(opening)
  return fault ? refused(fault) : accepted(opening)
}

/** By their number in encodings: only ever added to. */
const networkNames: readonly Network[] = ['mainnet', 'testnet4', 'signet', 'regtest']

/** Beyond it nLockTime counts seconds. */
const countMax = 499_999_999

function termsItem(terms: Terms): RlpItem {
  return [
    quantity(networkNames.indexOf(terms.network)),
    terms.payeeKey,
    terms.payeeScript,
    quantity(terms.closeFee),
    quantity(terms.confirmationsMin),
    quantity(terms.capacityMin),
    quantity(terms.capacityMax),
    quantity(terms.expiryBlocksMin),
    quantity(terms.expiryBlocksMax),
    quantity(terms.marginBlocks),
  ]
}

function termsFrom(item: RlpItem | undefined): Decoded<Terms> {
  const parts = asList(item, 10)
  if (!parts) return refused('the terms have the wrong shape')
  const network = asName(parts[0], networkNames)
  const payeeKey = asFixed(parts[1], 33)
  const payeeScript = asBytes(parts[2])
  const [closeFee, capacityMin, capacityMax] = [parts[3], parts[5], parts[6]].map(asSats)
  const counts = [parts[4], parts[7], parts[8], parts[9]].map((count) => asNumber(count, countMax))
  const [confirmationsMin, expiryBlocksMin, expiryBlocksMax, marginBlocks] = counts
  if (!network || !payeeKey || !payeeScript) return refused('a field of the terms is malformed')
  if (closeFee === undefined || capacityMin === undefined || capacityMax === undefined)
    return refused('an amount of the terms is malformed')
  if (confirmationsMin === undefined || marginBlocks === undefined) return refused('a count of the terms is malformed')
  if (expiryBlocksMin === undefined || expiryBlocksMax === undefined)
    return refused('a range of the terms is malformed')
  const ranges = { capacityMin, capacityMax, expiryBlocksMin, expiryBlocksMax }
  return accepted({ network, payeeKey, payeeScript, closeFee, confirmationsMin, ...ranges, marginBlocks })
}

function termsMalformation(terms: Terms): string | null {
  const { payeeKey, payeeScript, confirmationsMin, marginBlocks, expiryBlocksMin, expiryBlocksMax } = terms
  if (!currentEngine().isPublicKey(payeeKey)) return "the payee's key is no point"
  if (!isPayout(payeeScript)) return "the payee's script is not standard"
  if (confirmationsMin < 1) return 'the funding would be believed without a block'
  if (marginBlocks < 1 || expiryBlocksMin <= marginBlocks) return 'the margin leaves no time to close or to pay'
  if (expiryBlocksMin > expiryBlocksMax || terms.capacityMin > terms.capacityMax) return 'a range of the terms is empty'
  return null
}

function malformation({ terms, payerKey, payerScript, capacity, expiry }: Opening): string | null {
  if (!currentEngine().isPublicKey(payerKey)) return "the payer's key is no point"
  if (sameBytes(payerKey, terms.payeeKey)) return 'both sides have one key'
  if (!isPayout(payerScript)) return "the payer's script is not standard"
  if (sameBytes(payerScript, terms.payeeScript)) return 'both sides have one script'
  if (expiry < 1) return 'the channel expires before it begins'
  if (capacity < terms.closeFee + dustLimit(terms.payeeScript)) return 'the capacity leaves nothing to pay with'
  return termsMalformation(terms)
}
