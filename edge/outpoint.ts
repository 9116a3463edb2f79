import { accepted, type Decoded, refused } from '../sdk/errors.ts'
import type { Outpoint } from './channelBoxRows.ts'

/**
 * Reads what a signed Bitcoin transaction with exactly one input spends (BIP-144). Never throws.
 *
 * Walks through all of it, so that a damaged one is refused while its owner is there; judges neither script,
 * signature nor amount.
 */
export function readOutpoint(bytes: Uint8Array): Decoded<Outpoint> {
  let at = 0
  let isCut = false
  const take = (size: number): Uint8Array => {
    const part = bytes.subarray(at, at + size)
    at += size
    if (part.length < size) isCut = true
    return part
  }
  const littleEndian = (size: number) => take(size).reduceRight((value, byte) => value * 256 + byte, 0)
  const count = (): number => {
    const first = littleEndian(1)
    return first < 0xfd ? first : littleEndian(2 ** (first - 0xfc))
  }
  take(4) // Version.
  const isSegwit = littleEndian(1) === 0 && littleEndian(1) === 1
  if (!isSegwit || count() !== 1) return refused('it is not a signed segwit transaction with one input')
  const hash = take(32)
  const index = littleEndian(4)
  take(count())
  take(4) // Sequence.
  for (let left = count(); left > 0 && !isCut; left--) {
    take(8) // Amount.
    take(count())
  }
  const items = count()
  for (let left = items; left > 0 && !isCut; left--) take(count())
  take(4) // Locktime.
  if (isCut || at !== bytes.length) return refused('it is cut short or bytes follow it')
  if (items === 0) return refused('its input is not signed')
  const txid = Array.from(hash)
    .reverse()
    .map((byte) => byte.toString(16).padStart(2, '0'))
  return accepted({ txid: txid.join(''), index })
}
