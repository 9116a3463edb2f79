import type { Address, Slot } from '../units.ts'
import type { Footprint, Place } from './access.ts'

/** What a transaction does to a place, as the low two bits of an entry. Everything but read-read and credit-credit conflicts. */
export const opRead = 0
export const opWrite = 1
export const opCredit = 2

/**
 * The footprints of many transactions as numbers, which is what a planner reads.
 *
 * Transaction `i` owns `entries[offsets[i]]` up to `entries[offsets[i + 1]]`, each `id << 2 | op`. Ids count places
 * from 0 in the order they are first seen. A place listed twice by one transaction counts with both ops.
 */
export interface Keys {
  readonly count: number
  readonly placeCount: number
  readonly entries: Int32Array
  readonly offsets: Int32Array
  /** Expected gas of each transaction. */
  readonly gas: Float64Array
  /** 1 where the access is unknown: that transaction conflicts with all others. */
  readonly unknown: Uint8Array
}

/** Keys that remember their places. */
export interface PlaceKeys extends Keys {
  /** Place of each id. */
  readonly places: readonly Place[]
}

/** Ids of one account's places, + 1 (0: none yet). */
interface AccountIds {
  nonce: number
  balance: number
  code: number
  slots: Map<Slot, number> | undefined
}

/**
 * Numbers the places of footprints.
 *
 * Goes by maps of text, not by open addressing as `internBinary` does: the runtime seeds its own string hashes, so no seed is
 * asked of callers, and texts out of one envelope are shared objects whose hash is computed once.
 */
export function intern(footprints: readonly Footprint[]): PlaceKeys {
  const count = footprints.length
  const offsets = new Int32Array(count + 1)
  const gas = new Float64Array(count)
  const unknown = new Uint8Array(count)
  footprints.forEach((footprint, index) => {
    const { reads, writes, credits } = footprint
    offsets[index + 1] = (offsets[index] as number) + reads.length + writes.length + credits.length
    gas[index] = footprint.gas
    unknown[index] = footprint.source === 'unknown' ? 1 : 0
  })
  const entries = new Int32Array(offsets[count] as number)
  const places: Place[] = []
  const accounts = new Map<Address, AccountIds>()
  let next = 0
  const enter = (list: readonly Place[], op: number) => {
    for (const place of list) entries[next++] = (idOf(accounts, places, place) << 2) | op
  }
  for (const { reads, writes, credits } of footprints) {
    enter(reads, opRead)
    enter(writes, opWrite)
    enter(credits, opCredit)
  }
  return { count, placeCount: places.length, entries, offsets, gas, unknown, places }
}

function idOf(accounts: Map<Address, AccountIds>, places: Place[], place: Place): number {
  let ids = accounts.get(place.address)
  if (ids === undefined) {
    ids = { nonce: 0, balance: 0, code: 0, slots: undefined }
    accounts.set(place.address, ids)
  }
  if (place.kind !== 'slot') {
    ids[place.kind] ||= places.push(place)
    return ids[place.kind] - 1
  }
  ids.slots ??= new Map()
  const known = ids.slots.get(place.slot)
  if (known !== undefined) return known
  const id = places.push(place) - 1
  ids.slots.set(place.slot, id)
  return id
}
