import { currentEngine, sha256 } from '../../crypto/engine.ts'
import { accepted, type Decoded, refused } from '../../errors.ts'
import { decodeRlp, encodeRlp, quantity } from '../../rlp.ts'
import { fromHex, type Hex, toHex } from '../../units.ts'
import { asFixed, asList, asNumber } from '../fields.ts'
import { towerFormat } from './wire.ts'

/** A tower's word, which it signs: what it keeps of one channel, and when it last looked. */
export interface TowerReceipt {
  /** 32 bytes that name the channel at the tower. */
  readonly tower: Hex
  /** What it watches: 64 digits as everyone prints them. */
  readonly funding: { readonly txid: string; readonly index: number }
  /** It keeps every revoked state from this one on, */
  readonly first: number
  /** up to the one before this. So the highest number that it keeps is one less, and none where both are equal. */
  readonly next: number
  /** Highest block that it was told of; 0 before its first look. */
  readonly height: number
  /** When at least two sources last told it of the chain; seconds since 1970, 0 before. */
  readonly lookedAtSeconds: number
  /** When it said all this. */
  readonly atSeconds: number
}

/** Longest encoding of a receipt. */
export const receiptBytesMax = 128

/** Writes a receipt. */
export function encodeReceipt(receipt: TowerReceipt): Uint8Array {
  const { tower, funding, first, next, height, lookedAtSeconds, atSeconds } = receipt
  const numbers = [funding.index, first, next, height, lookedAtSeconds, atSeconds].map(quantity)
  return encodeRlp([fromHex(tower), fromHex(`0x${funding.txid}`), ...numbers])
}

/** Signs a receipt: 64 bytes, ECDSA, low S. Equal receipts give equal signatures. */
export function signReceipt(receipt: TowerReceipt, secretKey: Uint8Array): Uint8Array {
  return currentEngine()
    .sign(digestOf(encodeReceipt(receipt)), secretKey)
    .slice(0, 64)
}

/**
 * Reads a receipt that a tower of this key signed. Never throws.
 *
 * @param key - The tower's, 33 bytes. Pinned: from whoever runs the tower, not from the answer that is judged.
 */
export function decodeReceipt(bytes: Uint8Array, signature: Uint8Array, key: Uint8Array): Decoded<TowerReceipt> {
  if (bytes.length > receiptBytesMax) return refused('the receipt is too long')
  const rlp = decodeRlp(bytes)
  if (!rlp.ok) return rlp
  const items = asList(rlp.value, 8)
  const tower = asFixed(items?.[0], 32)
  const txid = asFixed(items?.[1], 32)
  const numbers = items?.slice(2).map((item) => asNumber(item, Number.MAX_SAFE_INTEGER)) ?? []
  const [index, first, next, height, lookedAtSeconds, atSeconds] = numbers
  if (!tower || !txid || index === undefined || first === undefined || next === undefined)
    return refused('the receipt is not of its shape')
  if (height === undefined || lookedAtSeconds === undefined || atSeconds === undefined || next < first)
    return refused('the receipt is not of its shape')
  if (signature.length !== 64 || !currentEngine().verify(signature, digestOf(bytes), key))
    return refused('the receipt is not signed by this tower')
  const funding = { txid: toHex(txid).slice(2), index }
  return accepted({ tower: toHex(tower), funding, first, next, height, lookedAtSeconds, atSeconds })
}

function digestOf(bytes: Uint8Array): Uint8Array {
  const tag = new TextEncoder().encode(`${towerFormat} receipt`)
  return sha256(Uint8Array.of(...sha256(tag), ...bytes))
}
