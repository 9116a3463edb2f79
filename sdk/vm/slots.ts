import type { Place } from '../evm/place.ts'
import { type Slot, toHex } from '../units.ts'
import type { AccountEntry } from './accounts.ts'
import type { Execution } from './execution.ts'
import { bytesOf, clear, copy, isEqual, readShort, type Words } from './word.ts'

/**
 * Storage slots as one transaction sees them, by number. Like accounts they stay from one transaction to the next;
 * `turns` says for which one the values of a slot hold.
 */
export interface SlotTable {
  count: number
  /** Open addressing: number of a slot, plus 1. */
  index: Int32Array
  /** Three words a slot: its key, its value before the transaction, its value now. */
  cells: Int32Array
  readonly owners: AccountEntry[]
  /** Made when somebody asks, and then the same object every time. */
  readonly places: (SlotPlace | undefined)[]
  readonly turns: number[]
  /** The transaction in which a slot was last warm. */
  readonly warmTurns: number[]
  readonly seed: number
}

type SlotPlace = Place & { readonly kind: 'slot' }

export const cellLimbs = 24
/** Where in its cell a slot has its value before the transaction, and its value now. */
export const originalAt = 8
export const valueAt = 16
/** Slots kept between transactions. */
const slotsMax = 65_536
const startSize = 2_048

export function createSlotTable(seed: number): SlotTable {
  return {
    count: 0,
    index: new Int32Array(startSize),
    cells: new Int32Array((startSize / 2) * cellLimbs),
    owners: [],
    places: [],
    turns: [],
    warmTurns: [],
    seed,
  }
}

/** Forgets the slots when there are many, or their accounts are gone; between transactions only. */
export function trimSlots(table: SlotTable, accountsAreGone: boolean): void {
  if (table.count <= slotsMax && !accountsAreGone) return
  table.count = 0
  table.index = new Int32Array(startSize)
  table.cells = new Int32Array((startSize / 2) * cellLimbs)
  table.owners.length = table.places.length = table.turns.length = table.warmTurns.length = 0
}

/** Number of the slot of `owner` that a word names, loaded. */
export function slotAt(execution: Execution, owner: AccountEntry, words: Words, at: number): number {
  const { slots } = execution
  const slot = findSlot(slots, owner, words, at)
  if (slots.turns[slot] !== execution.turn) load(execution, slot)
  return slot
}

/** The slot, as the state and records name it. */
export function placeOf(table: SlotTable, slot: number): SlotPlace {
  const known = table.places[slot]
  if (known !== undefined) return known
  const { address } = table.owners[slot] as AccountEntry
  const place: SlotPlace = { kind: 'slot', address, slot: toHex(bytesOf(table.cells, slot * cellLimbs)) as Slot }
  table.places[slot] = place
  return place
}

function load(execution: Execution, slot: number): void {
  const { slots, state } = execution
  const { cells } = slots
  const owner = slots.owners[slot] as AccountEntry
  const at = slot * cellLimbs
  const bytes = owner.isCreated ? undefined : state.storage(owner.address, placeOf(slots, slot).slot)
  if (bytes === undefined) clear(cells, at + originalAt)
  else readShort(bytes, cells, at + originalAt)
  copy(cells, at + originalAt, cells, at + valueAt)
  slots.turns[slot] = execution.turn
  execution.touchedSlots.push(slot)
}

/** Number of a slot, loaded or not. */
export function findSlot(table: SlotTable, owner: AccountEntry, words: Words, at: number): number {
  const mask = table.index.length - 1
  let place = hashOf(words, at, owner.salt ^ table.seed) & mask
  for (;;) {
    const slot = (table.index[place] as number) - 1
    if (slot < 0) return insert(table, owner, words, at, place)
    if (table.owners[slot] === owner && isEqual(table.cells, slot * cellLimbs, words, at)) return slot
    place = (place + 1) & mask
  }
}

function insert(table: SlotTable, owner: AccountEntry, words: Words, at: number, place: number): number {
  const slot = table.count
  if ((slot + 1) * cellLimbs > table.cells.length) {
    const cells = new Int32Array(2 * table.cells.length)
    cells.set(table.cells)
    table.cells = cells
  }
  copy(words, at, table.cells, slot * cellLimbs)
  table.owners.push(owner)
  table.places.push(undefined)
  table.turns.push(0)
  table.warmTurns.push(0)
  table.count = slot + 1
  table.index[place] = slot + 1
  if (2 * table.count > table.index.length) grow(table)
  return slot
}

function grow(table: SlotTable): void {
  const index = new Int32Array(2 * table.index.length)
  const mask = index.length - 1
  for (let slot = 0; slot < table.count; slot++) {
    const { salt } = table.owners[slot] as AccountEntry
    let place = hashOf(table.cells, slot * cellLimbs, salt ^ table.seed) & mask
    while (index[place] !== 0) place = (place + 1) & mask
    index[place] = slot + 1
  }
  table.index = index
}

function hashOf(words: Words, at: number, seed: number): number {
  let hash = seed
  for (let limb = 0; limb < 8; limb++) {
    hash = Math.imul(hash ^ (words[at + limb] as number), 0x9e3779b1)
    hash ^= hash >>> 15
  }
  return hash
}
