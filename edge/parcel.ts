import type { Address, TxHash } from '../sdk/units.ts'
import type { Offer } from './chain.ts'
import { joined, type Payload, partsFrom } from './payload.ts'
import type { Item } from './shard.ts'
import { hear, type Told, tell } from './told.ts'

/**
 * Transactions on their way to another object: of each a line, and what is text or bytes already one after the other.
 * Objects of another release refuse what has another shape: nothing of it is stored, and it is sent again.
 */
export interface Parcel<line> {
  readonly lines: Told<readonly line[]>
  /** Of each in turn, how long its footprint and its bytes are. */
  readonly sizes: Told<readonly number[]>
  readonly footprints: string
  readonly bytes: Uint8Array
}

type ItemLine = readonly [
  hash: TxHash,
  sender: Address,
  nonce: number,
  maxFeePerGas: string,
  maxPriorityFeePerGas: string,
]

export type Items = Parcel<ItemLine>

export function packItems(items: readonly Item[]): Items {
  return pack(items, ({ hash, sender, nonce, maxFeePerGas, maxPriorityFeePerGas }) => [
    hash,
    sender,
    nonce,
    String(maxFeePerGas),
    String(maxPriorityFeePerGas),
  ])
}

export function unpackItems(parcel: Items): readonly Item[] {
  return unpack(parcel, ([hash, sender, nonce, maxFee, maxPriority], { raw, footprintJson }) => ({
    hash,
    sender,
    nonce,
    maxFeePerGas: BigInt(maxFee),
    maxPriorityFeePerGas: BigInt(maxPriority),
    raw,
    footprintJson,
  }))
}

type OfferLine = readonly [
  hash: TxHash,
  sender: Address,
  nonce: number,
  base: number,
  sequence: number,
  maxFeePerGas: string,
]

export type Offers = Parcel<OfferLine>

export function packOffers(offers: readonly Offer[]): Offers {
  return pack(offers, ({ hash, sender, nonce, base, sequence, maxFeePerGas }) => [
    hash,
    sender,
    nonce,
    base,
    sequence,
    String(maxFeePerGas),
  ])
}

export function unpackOffers(parcel: Offers): readonly Offer[] {
  return unpack(parcel, ([hash, sender, nonce, base, sequence, maxFee], { raw, footprintJson }) => ({
    hash,
    sender,
    nonce,
    base,
    sequence,
    maxFeePerGas: BigInt(maxFee),
    raw,
    footprintJson,
  }))
}

type Parts = Pick<Payload, 'raw' | 'footprintJson'>

function pack<item extends Parts, line>(items: readonly item[], lineOf: (item: item) => line): Parcel<line> {
  const sizes = items.flatMap(({ raw, footprintJson }) => [footprintJson.length, raw.length])
  return { lines: tell(items.map(lineOf)), sizes: tell(sizes), ...joined(items) }
}

function unpack<item, line>(
  { lines, sizes, footprints, bytes }: Parcel<line>,
  itemOf: (line: line, parts: Parts) => item,
): readonly item[] {
  const lengths = hear(sizes)
  const next = partsFrom(footprints, bytes)
  return hear(lines).map((line, at) => itemOf(line, next(lengths[2 * at] ?? 0, lengths[2 * at + 1] ?? 0)))
}
