import { invariant } from '../../../sdk/errors.ts'
import type { Place } from '../../../sdk/evm/index.ts'
import { type Address, fromHex, type Hex, type Slot } from '../../../sdk/units.ts'
import { emptyCodeHash } from '../../../sdk/vm/index.ts'
import {
  addAccount,
  addSlot,
  type Board,
  cell,
  code,
  committedAt,
  flagExists,
  flagHasStorage,
  nothingCommitted,
  record,
  shardOf,
  usedAt,
} from './board.ts'
import { wordsFor } from './cursor.ts'
import type { Names } from './outcomeWire.ts'
import type { AccountWrite, Store, StoredAccount } from './store.ts'

/** Keeps the boards as the store is, commit by commit. One thread has it. */
export interface BoardWriter {
  /** Writes what a commit left into the shards it concerns, then makes it visible in all of them at once. */
  readonly publish: (writes: readonly AccountWrite[], sequence: number) => void
  /** Gives back what no reader can reach any more. Only while nobody reads. */
  readonly tidy: () => void
  /** Writes all of a store, as commit `sequence`; none of it is visible where there is no room for all. */
  readonly publishAll: (sequence: number) => void
  /** False since something had no room: from then on the boards stand still, and whoever reads them reads the past. */
  readonly isWhole: () => boolean
  readonly names: Names
}

/** What the writer knows of an account that has a record. */
interface Seat {
  readonly board: Board
  readonly at: number
  readonly places: Record<'nonce' | 'balance' | 'code', Place>
  readonly slots: Map<Slot, number>
}

interface Works {
  readonly boards: readonly Board[]
  readonly store: Store
  readonly seats: Map<Address, Seat>
  /** By number, from 1: accounts' seats and slots' places. */
  readonly named: (Seat | Place)[]
  readonly codes: Map<Hex, number>[]
  /** Records that got a cell since the last tidying, and cells to be used again, by size. */
  readonly touched: { readonly board: Board; readonly at: number; readonly size: number }[]
  readonly free: Map<Board, Record<number, number[]>>
}

export interface BoardWriterOptions {
  readonly boards: readonly Board[]
  readonly control: Int32Array
  readonly store: Store
  /** Called after each shard has its part of a commit, before the commit is visible: what a crash there leaves is tested. */
  readonly onPart?: (shard: number) => void
}

export function createBoardWriter({ boards, control, store, onPart }: BoardWriterOptions): BoardWriter {
  const works: Works = {
    boards,
    store,
    seats: new Map(),
    named: [{ kind: 'nonce', address: '0x' as Address }],
    codes: boards.map(() => new Map()),
    touched: [],
    free: new Map(boards.map((board) => [board, { [cell.accountWords]: [], [cell.slotWords]: [] }])),
  }
  let isWhole = true
  const put = (writes: readonly AccountWrite[], sequence: number) => {
    isWhole &&= hasRoom(works, writes)
    if (!isWhole) return
    // The parts of a commit go out in the order of their shards, whoever wrote them first.
    for (const [shard, board] of boards.entries()) {
      const parts =
        boards.length === 1 ? writes : writes.filter(({ address }) => shardOf(address, boards.length) === shard)
      for (const part of parts) writeAccount(works, board, part, sequence)
      if (parts.length > 0) onPart?.(shard)
    }
  }
  const show = (sequence: number) => {
    if (isWhole) Atomics.store(control, committedAt, sequence)
  }
  Atomics.store(control, committedAt, nothingCommitted)
  return {
    publish: (writes, sequence) => {
      put(writes, sequence)
      show(sequence)
    },
    publishAll: (sequence) => {
      for (const account of store.accounts.values()) put([everythingOf(account)], sequence)
      show(sequence)
    },
    tidy: () => tidy(works),
    isWhole: () => isWhole,
    names: namesOf(works),
  }
}

function everythingOf({ address, nonce, balance, slots }: StoredAccount): AccountWrite {
  const values = [...slots].map(([slot, { value }]) => ({ slot, value }))
  return { address, isDeleted: false, nonce, balance, code: null, slots: values }
}

/** Whether every shard has room for its part: new records and cells, as if nothing were there to be used again. */
function hasRoom(works: Works, writes: readonly AccountWrite[]): boolean {
  const { boards } = works
  const wanted = boards.map(() => 0)
  for (const write of writes) {
    const shard = shardOf(write.address, boards.length)
    wanted[shard] = (wanted[shard] as number) + wordsOf(works, write)
  }
  return boards.every(({ words }, shard) => (words[usedAt] as number) + (wanted[shard] as number) <= words.length)
}

/** Words that a write takes at the most: a record and a cell for the account and each slot, and code. */
function wordsOf({ store, seats }: Works, { address, slots, isDeleted }: AccountWrite): number {
  const slotCount = slots.length + (isDeleted ? (seats.get(address)?.slots.size ?? 0) : 0)
  const codeHash = store.accounts.get(address)?.codeHash ?? emptyCodeHash
  const codeWords = code.bytes + wordsFor(store.codes.get(codeHash)?.length ?? 0)
  return record.accountWords + cell.accountWords + codeWords + slotCount * (record.slotWords + cell.slotWords)
}

function writeAccount(works: Works, board: Board, write: AccountWrite, sequence: number): void {
  const account = works.store.accounts.get(write.address)
  invariant(account, 'what is published is in the store')
  const seat = seatOf(works, board, write.address)
  if (isAnother(seat, account, write)) writeAccountCell(works, seat, account, sequence)
  for (const { slot, value } of write.slots) writeSlotCell(works, seat, slot, value, sequence)
  if (!write.isDeleted) return
  for (const slot of seat.slots.keys()) writeSlotCell(works, seat, slot, zero, sequence)
}

const zero = new Uint8Array(32)

function seatOf(works: Works, board: Board, address: Address): Seat {
  const known = works.seats.get(address)
  if (known) return known
  const number = works.named.length
  const seat: Seat = {
    board,
    at: addAccount(board, address, number),
    places: {
      nonce: { kind: 'nonce', address },
      balance: { kind: 'balance', address },
      code: { kind: 'code', address },
    },
    slots: new Map(),
  }
  works.named.push(seat)
  works.seats.set(address, seat)
  return seat
}

/** Whether the account itself is another one now, and not only what stands in its slots. */
function isAnother({ board, at }: Seat, account: StoredAccount, write: AccountWrite): boolean {
  const { words } = board
  const newest = words[at + record.cell] as number
  if (newest === 0 || write.isDeleted || write.code !== null) return true
  return write.nonce !== null || write.balance !== null || words[newest + cell.flags] !== flagsOf(account)
}

function flagsOf({ exists, hasStorage }: StoredAccount): number {
  return (exists ? flagExists : 0) | (hasStorage ? flagHasStorage : 0)
}

function writeAccountCell(works: Works, { board, at }: Seat, account: StoredAccount, sequence: number): void {
  const { nonce, balance, codeHash } = account
  const { words, view } = board
  const next = newCell(works, board, at, cell.accountWords)
  words[next + cell.since] = sequence
  words[next + cell.flags] = flagsOf(account)
  words[next + cell.code] = codeHash === emptyCodeHash ? 0 : codeOf(works, board, codeHash)
  view.setBigUint64(4 * (next + cell.nonce), nonce)
  const limbs = 4 * (next + cell.balance)
  let rest = balance
  for (let limb = 0; limb < 4; limb++) {
    view.setBigUint64(limbs + 8 * limb, BigInt.asUintN(64, rest))
    rest = rest === 0n ? rest : rest >> 64n
  }
  Atomics.store(words, at + record.cell, next)
}

function writeSlotCell(works: Works, seat: Seat, slot: Slot, value: Uint8Array, sequence: number): void {
  const { board, slots, places } = seat
  let at = slots.get(slot)
  if (at === undefined) {
    at = addSlot(board, seat.at, slot, works.named.length)
    slots.set(slot, at)
    works.named.push({ kind: 'slot', address: places.nonce.address, slot })
  }
  const next = newCell(works, board, at, cell.slotWords)
  board.words[next + cell.since] = sequence
  board.bytes.set(value, 4 * (next + cell.value))
  Atomics.store(board.words, at + record.cell, next)
}

/** A cell before the newest of a record, not yet its head. */
function newCell({ free, touched }: Works, board: Board, at: number, size: number): number {
  const { words } = board
  let next = free.get(board)?.[size]?.pop()
  if (next === undefined) {
    next = words[usedAt] as number
    words[usedAt] = next + size
  }
  words[next + cell.older] = words[at + record.cell] as number
  touched.push({ board, at, size })
  return next
}

function codeOf({ codes, boards, store }: Works, board: Board, hash: Hex): number {
  const known = codes[boards.indexOf(board)] as Map<Hex, number>
  const stored = known.get(hash)
  if (stored !== undefined) return stored
  const bytes = store.codes.get(hash)
  invariant(bytes, 'code that an account names is stored')
  const { words } = board
  const at = words[usedAt] as number
  words[usedAt] = at + code.bytes + wordsFor(bytes.length)
  board.bytes.set(fromHex(hash), 4 * at)
  words[at + code.size] = bytes.length
  board.bytes.set(bytes, 4 * (at + code.bytes))
  known.set(hash, at)
  return at
}

/** Behind the newest cell of each record nothing is needed any more. */
function tidy({ touched, free }: Works): void {
  for (const { board, at, size } of touched) {
    const { words } = board
    const newest = words[at + record.cell] as number
    for (let older = words[newest + cell.older] as number; older !== 0; older = words[older + cell.older] as number)
      free.get(board)?.[size]?.push(older)
    words[newest + cell.older] = 0
  }
  touched.length = 0
}

function namesOf({ named }: Works): Names {
  const placeOf = (number: number) => named[number] as Place & { readonly kind: 'slot' }
  return {
    account: (number) => (named[number] as Seat).places.nonce.address,
    slot: placeOf,
    place: (kind, number) => (kind === 'slot' ? placeOf(number) : (named[number] as Seat).places[kind]),
  }
}
