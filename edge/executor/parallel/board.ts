import { type Address, fromHex, type Slot } from '../../../sdk/units.ts'

/**
 * A shard of the state in shared memory: one thread writes, any may read.
 *
 * A record names an account or a slot, and heads a chain of cells: its values, the newest first, each with the number of the
 * commit that gave it. Values never change where they stand. Who reads fixes the number of the last commit once, and
 * follows chains down to it: so a reader sees one state, whatever is written meanwhile, and a commit that spans shards
 * becomes visible by a single store ({@link committedAt}), in all of them or in none.
 */
export interface Board {
  readonly memory: SharedArrayBuffer
  readonly words: Int32Array
  readonly bytes: Uint8Array
  readonly view: DataView
}

/** Words of control memory, beside all boards: the last commit that is visible. */
export const committedAt = 0
/** Before every commit: the state then is empty, and whoever has read that has read nothing that is still so. */
export const nothingCommitted = -1
export const controlWords = 16

/** Records are found by chains from these many heads, behind the word that says how much is in use. */
export const usedAt = 0
const bucketsAt = 16
const bucketCount = 1 << 16
export const firstRecord = bucketsAt + bucketCount

/** A record: next of its chain, newest cell, number, owner (a slot's account record; 0 for an account), key. */
export const record = { next: 0, cell: 1, number: 2, owner: 3, key: 4, accountWords: 9, slotWords: 12 } as const
/** A cell: commit, the older cell, then an account's flags, code, nonce and balance, or a slot's word. */
export const cell = {
  since: 0,
  older: 1,
  flags: 2,
  code: 3,
  nonce: 4,
  balance: 6,
  accountWords: 14,
  value: 2,
  slotWords: 10,
} as const
export const flagExists = 1
export const flagHasStorage = 2
/** Code: its hash, its length, its bytes. */
export const code = { hash: 0, size: 8, bytes: 9 } as const

export function boardOn(memory: SharedArrayBuffer): Board {
  return { memory, words: new Int32Array(memory), bytes: new Uint8Array(memory), view: new DataView(memory) }
}

/** Pages nobody has written cost nothing, so a board may be given more than it needs. */
export function createBoard(byteCount: number): Board {
  const board = boardOn(new SharedArrayBuffer(byteCount))
  board.words[usedAt] = firstRecord
  return board
}

/** The shard of an account among so many, by the hash of its address. */
export function shardOf(address: Address, shards: number): number {
  if (shards === 1) return 0
  let hash = 0x811c9dc5
  for (let at = 2; at < address.length; at++) hash = Math.imul(hash ^ address.charCodeAt(at), 0x01000193)
  return ((hash ^ (hash >>> 15)) >>> 0) % shards
}

const key = new Int32Array(8)
const keyBytes = new Uint8Array(key.buffer)

/** The account's record; 0 when it has none. */
export function findAccount(board: Board, address: Address): number {
  keyBytes.set(fromHex(address))
  return find(board, 0, 5)
}

/** The record of a slot of the account with this record; 0 when it has none. */
export function findSlot(board: Board, account: number, slot: Slot): number {
  keyBytes.set(fromHex(slot))
  return find(board, account, 8)
}

function find({ words }: Board, owner: number, limbs: number): number {
  let at = Atomics.load(words, bucketsAt + bucketOf(owner, limbs))
  while (at !== 0 && !isNamed(words, at, owner, limbs)) at = words[at + record.next] as number
  return at
}

function isNamed(words: Int32Array, at: number, owner: number, limbs: number): boolean {
  if (words[at + record.owner] !== owner) return false
  for (let limb = 0; limb < limbs; limb++) if (words[at + record.key + limb] !== key[limb]) return false
  return true
}

function bucketOf(owner: number, limbs: number): number {
  let hash = owner
  for (let limb = 0; limb < limbs; limb++) {
    hash = Math.imul(hash ^ (key[limb] as number), 0x9e3779b1)
    hash ^= hash >>> 15
  }
  return hash & (bucketCount - 1)
}

/** Writes a record for an account that has none. The caller has made sure of the room. */
export function addAccount(board: Board, address: Address, number: number): number {
  keyBytes.set(fromHex(address))
  return add(board, { owner: 0, limbs: 5, size: record.accountWords, number })
}

/** Writes a record for a slot that has none. */
export function addSlot(board: Board, account: number, slot: Slot, number: number): number {
  keyBytes.set(fromHex(slot))
  return add(board, { owner: account, limbs: 8, size: record.slotWords, number })
}

interface NewRecord {
  readonly owner: number
  readonly limbs: number
  readonly size: number
  readonly number: number
}

function add({ words }: Board, { owner, limbs, size, number }: NewRecord): number {
  const at = words[usedAt] as number
  words[usedAt] = at + size
  const bucket = bucketsAt + bucketOf(owner, limbs)
  words[at + record.next] = words[bucket] as number
  words[at + record.cell] = 0
  words[at + record.number] = number
  words[at + record.owner] = owner
  words.set(limbs === 8 ? key : key.subarray(0, limbs), at + record.key)
  Atomics.store(words, bucket, at) // Whole before anybody finds it.
  return at
}

/** The newest cell of a record that is not younger than commit `until`; 0 when there is none. */
export function cellAt({ words }: Board, recordAt: number, until: number): number {
  let at = Atomics.load(words, recordAt + record.cell)
  while (at !== 0 && (words[at + cell.since] as number) > until) at = words[at + cell.older] as number
  return at
}

/** Every record of a board. Only while nobody writes. */
export function* recordsOf({ words }: Board): Iterable<number> {
  for (let bucket = bucketsAt; bucket < firstRecord; bucket++)
    for (let at = words[bucket] as number; at !== 0; at = words[at + record.next] as number) yield at
}
