import { invariant } from '../../../sdk/errors.ts'
import type { Place } from '../../../sdk/evm/index.ts'
import { buildTrie, type Trie } from '../../../sdk/trie/index.ts'
import type { Address, Hex, Slot } from '../../../sdk/units.ts'
import { type AccountChange, emptyCodeHash, type State } from '../../../sdk/vm/index.ts'
import type { SlotValue } from './engine.ts'

/**
 * The state now, in memory, and what the running block has changed of it.
 *
 * Every commit has a number, higher than the one before; each value remembers the commit that gave it. So whoever ran a
 * transaction on the state after commit `n` can ask whether what it saw is still so.
 */
export interface Store {
  readonly state: State
  /** Takes over what a transaction changed, as commit `sequence`. */
  readonly take: (changes: readonly AccountChange[], sequence: number, seen?: Seen) => readonly AccountWrite[]
  /** Whether the place has the value that was seen. */
  readonly isAsSeen: (place: Place, seen: Seen) => boolean
  /** Whether the account is empty, or not, as it was seen (EIP-161). */
  readonly isEmptinessAsSeen: (address: Address, seen: Seen) => boolean
  readonly accounts: ReadonlyMap<Address, StoredAccount>
  readonly codes: ReadonlyMap<Hex, Uint8Array>
  /** The account to be changed, made when there is none; its present values are remembered for the running block. */
  readonly change: (address: Address) => StoredAccount
  readonly putCode: (hash: Hex, bytes: Uint8Array) => void
  readonly putSlot: (account: StoredAccount, slot: Slot, value: Uint8Array, sequence: number) => void
  readonly remove: (account: StoredAccount, sequence: number) => void
  readonly running: () => BlockChanges
  /** Ends the running block: what it changed, and a new one begins. */
  readonly endBlock: () => BlockChanges
}

/**
 * What a run had before its eyes: the state after commit `since`, and what the commits of its own stretch have left on
 * that. A stretch is what one thread ran in one go, each transaction on what the ones before left; 0 is none.
 */
export interface Seen {
  readonly since: number
  readonly stretch: number
}

export interface StoredAccount {
  readonly address: Address
  /** False for one that is gone, or only about to be. */
  exists: boolean
  nonce: bigint
  balance: bigint
  codeHash: Hex
  hasStorage: boolean
  readonly slots: Map<Slot, StoredSlot>
  /** Slots that hold something. */
  slotCount: number
  /** Its storage after the newest sealed block. */
  storage: Trie
  /** keccak256 of the address, once somebody has worked it out. */
  key: Uint8Array | null
  /** Commits that gave the present values. */
  readonly since: Record<Versioned | 'storage', number>
  /** Stretches that alone gave them, since their beginning; 0 where others had a part in it. */
  readonly by: Record<Versioned, number>
}

export interface StoredSlot {
  value: Uint8Array
  since: number
  /** The stretch that alone gave it, or 0. */
  by: number
  /** keccak256 of the slot, once somebody has worked it out. */
  key: Uint8Array | null
}

type Versioned = 'nonce' | 'balance' | 'code' | 'emptiness'

/** An account as it was after an earlier block. */
export interface PastAccount {
  readonly nonce: bigint
  readonly balance: bigint
  readonly codeHash: Hex
  readonly hasStorage: boolean
  readonly storage: Trie
}

export interface BlockChanges {
  /** Accounts as they were before the block; `null` for none. */
  readonly before: Map<Address, PastAccount | null>
  /** Slots it wrote, by account. */
  readonly slots: Map<Address, Set<Slot>>
  /** Accounts that it emptied of all their slots, and what was in these. */
  readonly cleared: Map<Address, ReadonlyMap<Slot, StoredSlot>>
}

/** What a commit left of an account: values as they are now, `null` where they are as before. */
export interface AccountWrite {
  readonly address: Address
  readonly isDeleted: boolean
  readonly nonce: bigint | null
  readonly balance: bigint | null
  readonly code: AccountChange['code']
  readonly slots: AccountChange['slots']
}

export const emptyTrie: Trie = buildTrie([])

/** What a store is made of. */
interface Tables {
  readonly accounts: Map<Address, StoredAccount>
  readonly codes: Map<Hex, Uint8Array>
  running: BlockChanges
}

export function createStore(): Store {
  const accounts = new Map<Address, StoredAccount>()
  const codes = new Map<Hex, Uint8Array>([[emptyCodeHash, new Uint8Array(0)]])
  const tables: Tables = { accounts, codes, running: noChanges() }
  return {
    accounts,
    codes,
    state: {
      account: (address) => {
        const account = accounts.get(address)
        return account?.exists ? account : undefined
      },
      code: (hash) => {
        const bytes = codes.get(hash)
        invariant(bytes, 'code that an account names is stored')
        return bytes
      },
      storage: (address, slot) => accounts.get(address)?.slots.get(slot)?.value,
    },
    take: (changes, sequence, { since, stretch } = unseen) =>
      changes.map((one) => takeOne(tables, one, { sequence, since, stretch })),
    isAsSeen: (place, seen) => {
      const account = accounts.get(place.address)
      if (!account) return true
      if (place.kind !== 'slot') return isAsSeen(account, place.kind, seen)
      if (account.since.storage > seen.since) return false
      const slot = account.slots.get(place.slot)
      return !slot || slot.since <= seen.since || (slot.by === seen.stretch && seen.stretch !== 0)
    },
    isEmptinessAsSeen: (address, seen) => {
      const account = accounts.get(address)
      return !account || isAsSeen(account, 'emptiness', seen)
    },
    change: (address) => changed(tables, address),
    putCode: (hash, bytes) => codes.set(hash, bytes),
    putSlot: (account, slot, value, sequence) => putSlot(tables, account, { slot, value }, { sequence, ...unseen }),
    remove: (account, sequence) => remove(tables, account, sequence),
    running: () => tables.running,
    endBlock: () => {
      const ended = tables.running
      tables.running = noChanges()
      for (const address of ended.before.keys()) if (!accounts.get(address)?.exists) accounts.delete(address)
      return ended
    },
  }
}

const unseen: Seen = { since: 0, stretch: 0 }

interface Commit extends Seen {
  readonly sequence: number
}

function isAsSeen({ since, by }: StoredAccount, what: Versioned, seen: Seen): boolean {
  return since[what] <= seen.since || (by[what] === seen.stretch && seen.stretch !== 0)
}

/** Notes who gave a value of which everything that mattered was seen before. */
function note({ since, by }: StoredAccount, what: Versioned, { sequence, stretch }: Commit): void {
  since[what] = sequence
  by[what] = stretch
}

function changed({ accounts, running }: Tables, address: Address): StoredAccount {
  let account = accounts.get(address)
  if (!account) {
    account = newAccount(address)
    accounts.set(address, account)
  }
  if (!running.before.has(address)) running.before.set(address, account.exists ? pastOf(account) : null)
  return account
}

function putSlot({ running }: Tables, account: StoredAccount, { slot, value }: SlotValue, commit: Commit): void {
  const { sequence, stretch } = commit
  const written = running.slots.get(account.address)
  if (written) written.add(slot)
  else running.slots.set(account.address, new Set([slot]))
  const known = account.slots.get(slot)
  const wasSet = known !== undefined && isSet(known.value)
  if (known) {
    known.value = value
    known.since = sequence
    known.by = stretch
  } else account.slots.set(slot, { value, since: sequence, by: stretch, key: null })
  account.slotCount += Number(isSet(value)) - Number(wasSet)
  account.hasStorage = account.slotCount > 0
}

function remove({ running }: Tables, account: StoredAccount, sequence: number): void {
  if (!running.cleared.has(account.address)) running.cleared.set(account.address, new Map(account.slots))
  account.exists = account.hasStorage = false
  account.nonce = account.balance = 0n
  account.codeHash = emptyCodeHash
  account.slots.clear()
  account.slotCount = 0
  const { since, by } = account
  since.nonce = since.balance = since.code = since.emptiness = since.storage = sequence
  by.nonce = by.balance = by.code = by.emptiness = 0
}

function takeOne(tables: Tables, one: AccountChange, commit: Commit): AccountWrite {
  const account = changed(tables, one.address)
  if (one.isDeleted) {
    const balance = account.balance > 0n ? 0n : null
    remove(tables, account, commit.sequence)
    return { ...one, balance }
  }
  const wasEmpty = isEmpty(account)
  account.exists = true
  if (one.nonce !== null) {
    account.nonce = one.nonce
    note(account, 'nonce', commit)
  }
  const balance = one.balance ?? (one.credit > 0n ? account.balance + one.credit : null)
  if (balance !== null) {
    // A credit looked at nothing, so what others have added may be in the sum.
    const isShared = one.balance === null && !isAsSeen(account, 'balance', commit)
    account.balance = balance
    note(account, 'balance', isShared ? { ...commit, stretch: 0 } : commit)
  }
  if (one.code) {
    tables.codes.set(one.code.hash, one.code.bytes)
    account.codeHash = one.code.hash
    note(account, 'code', commit)
  }
  for (const place of one.slots) putSlot(tables, account, place, commit)
  if (wasEmpty !== isEmpty(account)) note(account, 'emptiness', commit)
  const { address, nonce, code, slots } = one
  return { address, isDeleted: false, nonce, balance, code, slots }
}

function newAccount(address: Address): StoredAccount {
  return {
    address,
    exists: false,
    nonce: 0n,
    balance: 0n,
    codeHash: emptyCodeHash,
    hasStorage: false,
    slots: new Map(),
    slotCount: 0,
    storage: emptyTrie,
    key: null,
    since: { nonce: 0, balance: 0, code: 0, emptiness: 0, storage: 0 },
    by: { nonce: 0, balance: 0, code: 0, emptiness: 0 },
  }
}

function pastOf({ nonce, balance, codeHash, hasStorage, storage }: StoredAccount): PastAccount {
  return { nonce, balance, codeHash, hasStorage, storage }
}

function noChanges(): BlockChanges {
  return { before: new Map(), slots: new Map(), cleared: new Map() }
}

/** No different from an account that does not exist (EIP-161). */
function isEmpty({ nonce, balance, codeHash }: StoredAccount): boolean {
  return nonce === 0n && balance === 0n && codeHash === emptyCodeHash
}

/** Whether a word is other than zero. */
export function isSet(value: Uint8Array): boolean {
  for (let at = 0; at < value.length; at++) if (value[at] !== 0) return true
  return false
}
