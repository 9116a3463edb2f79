import { SdkError } from './errors.ts'

declare const brand: unique symbol
type Brand<base, name extends string> = base & { readonly [brand]: name }

/** Bytes written as text: `0x` and an even number of lower or upper case digits. For JSON boundaries only. */
export type Hex = `0x${string}`

/** Amount of ether in wei, 0 to 2^256 - 1. */
export type Wei = Brand<bigint, 'Wei'>
/** Amount of bitcoin in satoshi, 0 to 21 million coins. */
export type Sats = Brand<bigint, 'Sats'>
/** Amount of bitcoin in thousandths of a satoshi, as Lightning counts it. */
export type Msats = Brand<bigint, 'Msats'>
/** EVM chain id (EIP-155), 1 to 2^53 - 1. */
export type ChainId = Brand<number, 'ChainId'>
/** EVM account, 20 bytes, lower case, so that equal accounts are equal strings. */
export type Address = Brand<Hex, 'Address'>
/** keccak256 of a signed transaction: its identity everywhere. */
export type TxHash = Brand<Hex, 'TxHash'>
/** keccak256 of a block header. */
export type BlockHash = Brand<Hex, 'BlockHash'>
/** Storage slot of a contract, 32 bytes, lower case. */
export type Slot = Brand<Hex, 'Slot'>
/** Digest of a batch envelope: keccak256 of its binary form. */
export type BatchId = Brand<Hex, 'BatchId'>
/** Identity of a Bitcoin transaction as everyone prints it: 64 lower-case digits, its bytes reversed. */
export type Txid = Brand<string, 'Txid'>
/** Height of a Bitcoin block, 0 to 499,999,999: from there on nLockTime counts seconds (BIP-65). */
export type Height = Brand<number, 'Height'>
/** Identity of a payment channel: SHA-256 of its opening, 32 bytes, lower case. */
export type ChannelId = Brand<Hex, 'ChannelId'>
/** Price of block space in sat per 1,000 virtual bytes, whole: fine enough for a tenth of a sat per vbyte. */
export type Feerate = Brand<number, 'Feerate'>

const weiMax = (1n << 256n) - 1n
/** All the coins there can be, in satoshi. */
export const satsMax = 2_100_000_000_000_000n
const heightMax = 499_999_999
/** 10,000 sat per vbyte: ten times the dearest hour Bitcoin has seen. */
const feerateMax = 10_000_000

/** Arithmetic drops the brand; the way back runs through this range check. Throws `units/out-of-range`. */
export function wei(value: bigint): Wei {
  return ranged(value, weiMax, 'wei') as Wei
}

/** Arithmetic drops the brand; the way back runs through this range check. Throws `units/out-of-range`. */
export function sats(value: bigint): Sats {
  return ranged(value, satsMax, 'sat') as Sats
}

/** Arithmetic drops the brand; the way back runs through this range check. Throws `units/out-of-range`. */
export function msats(value: bigint): Msats {
  return ranged(value, 1_000n * satsMax, 'msat') as Msats
}

/** The whole satoshis in an amount, as outputs have them: rounded down. */
export function wholeSats(amount: Msats): Sats {
  return (amount / 1_000n) as Sats
}

/** An amount in the finer unit. */
export function inMsats(amount: Sats): Msats {
  return (amount * 1_000n) as Msats
}

/** Throws `units/out-of-range` unless `value` is a whole number from 1 to 2^53 - 1. */
export function chainId(value: number): ChainId {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new SdkError('units/out-of-range', `${value} is not a chain id (a whole number from 1).`)
  return value as ChainId
}

/**
 * Reads an account from text in any case; a mixed-case checksum (ERC-55) is not judged here.
 * Throws `units/malformed`.
 */
export function address(text: string): Address {
  return fixedHex(text, 20, 'an address') as Address
}

/** Reads a transaction hash. Throws `units/malformed`. */
export function txHash(text: string): TxHash {
  return fixedHex(text, 32, 'a transaction hash') as TxHash
}

/** Reads a block hash. Throws `units/malformed`. */
export function blockHash(text: string): BlockHash {
  return fixedHex(text, 32, 'a block hash') as BlockHash
}

/** Reads a storage slot, padded to 32 bytes. Throws `units/malformed`. */
export function slot(text: string): Slot {
  return fixedHex(text, 32, 'a storage slot') as Slot
}

/** Reads a batch id. Throws `units/malformed`. */
export function batchId(text: string): BatchId {
  return fixedHex(text, 32, 'a batch id') as BatchId
}

/** Reads the identity of a payment channel. Throws `units/malformed`. */
export function channelId(text: string): ChannelId {
  return fixedHex(text, 32, 'a channel id') as ChannelId
}

/** Reads the printed identity of a Bitcoin transaction. Throws `units/malformed`. */
export function txid(text: string): Txid {
  if (!/^[0-9a-fA-F]{64}$/.test(text)) throw new SdkError('units/malformed', 'The text is not a txid (64 digits).')
  return text.toLowerCase() as Txid
}

/** Throws `units/out-of-range` unless `value` is a whole number from 0 to 499,999,999. */
export function height(value: number): Height {
  return whole(value, heightMax, 'a height') as Height
}

/** Throws `units/out-of-range` unless `satsPerKvbyte` is a whole number from 0 to 10 million. */
export function feerate(satsPerKvbyte: number): Feerate {
  return whole(satsPerKvbyte, feerateMax, 'a feerate in sat per 1,000 vbytes') as Feerate
}

/** True for `0x` followed by exactly `size` bytes. */
export function isHex(text: unknown, size?: number): text is Hex {
  if (typeof text !== 'string' || !/^0x(?:[0-9a-fA-F]{2})*$/.test(text)) return false
  return size === undefined || text.length === 2 + 2 * size
}

/** Bytes to lower-case text. */
export function toHex(bytes: Uint8Array): Hex {
  let text = hexPart(bytes, 0)
  for (let from = hexPartBytes; from < bytes.length; from += hexPartBytes) text += hexPart(bytes, from)
  return text as Hex
}

/** Bytes whose text is made in one piece: text put together from small ones is slow to make, and slower to look up. */
const hexPartBytes = 512

function hexPart(bytes: Uint8Array, from: number): string {
  const to = Math.min(from + hexPartBytes, bytes.length)
  const lead = from === 0 ? hexLead : noLead
  const codes = new Array<number>(lead.length + 2 * (to - from))
  let end = 0
  for (const code of lead) codes[end++] = code
  for (let at = from; at < to; at++) {
    const byte = bytes[at] as number
    codes[end++] = digitCodes[byte >> 4] as number
    codes[end++] = digitCodes[byte & 15] as number
  }
  return String.fromCharCode.apply(null, codes)
}

const digitCodes: readonly number[] = /* @__PURE__ */ Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0))
const hexLead: readonly number[] = [0x30, 0x78]
const noLead: readonly number[] = []

/** Text to bytes. Throws `units/malformed`; validate outside text with {@link isHex} first. */
export function fromHex(text: Hex): Uint8Array<ArrayBuffer> {
  if (!isHex(text)) throw new SdkError('units/malformed', 'The text is not 0x and whole bytes in hexadecimal.')
  const bytes = new Uint8Array((text.length - 2) / 2)
  for (let at = 0; at < bytes.length; at++)
    bytes[at] = (digitOf(text.charCodeAt(2 + 2 * at)) << 4) | digitOf(text.charCodeAt(3 + 2 * at))
  return bytes
}

/** Value of a hexadecimal digit, given as its character code. */
function digitOf(code: number): number {
  return code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57
}

/** True when both hold the same bytes. Takes longer the more they share: not for secrets. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false
  return true
}

/** Bytes, and lists of them, one after the other in fresh bytes. */
export function joinBytes(...pieces: readonly ArrayLike<number>[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    joined.set(piece, at)
    at += piece.length
  }
  return joined
}

function ranged(value: bigint, max: bigint, unit: string): bigint {
  if (value < 0n || value > max) throw new SdkError('units/out-of-range', `${value} ${unit} is outside 0..${max}.`)
  return value
}

function whole(value: number, max: number, what: string): number {
  if (!Number.isSafeInteger(value) || value < 0 || value > max)
    throw new SdkError('units/out-of-range', `${value} is not ${what} (a whole number from 0 to ${max}).`)
  return value
}

function fixedHex(text: string, size: number, what: string): Hex {
  if (!isHex(text, size)) throw new SdkError('units/malformed', `The text is not ${what} (0x and ${size} bytes).`)
  return text.toLowerCase() as Hex
}
