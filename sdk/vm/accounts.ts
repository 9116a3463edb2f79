import type { Place } from '../evm/place.ts'
import { type Address, fromHex, type Hex, toHex } from '../units.ts'
import { type Code, cachedCode, noCode } from './code.ts'
import type { Execution } from './execution.ts'
import { emptyCodeHash } from './state.ts'
import { bytesOf, createWord, readShort, type Words } from './word.ts'

/**
 * An account as one transaction sees it. Entries stay from one transaction to the next, so that addresses need to be
 * looked up in binary only; `turn` says for which transaction the rest holds.
 */
export interface AccountEntry {
  readonly address: Address
  readonly word: Words
  /** Number of the precompiled contract that stands here; 0 for none. */
  readonly precompile: number
  /** Salts the hash of this account's slots. */
  readonly salt: number
  /** As records name them, the same objects every time. */
  readonly places: Readonly<Record<'nonce' | 'balance' | 'code', Place>>
  turn: number
  baseNonce: bigint
  baseBalance: bigint
  baseCodeHash: Hex
  baseExists: boolean
  hasStorage: boolean
  nonce: bigint
  balance: bigint
  /** `null` until somebody asks: the hash may be all that is needed. */
  code: Code | null
  codeHash: Hex
  isWarm: boolean
  /** It may be an empty account that must go (EIP-161). */
  isTouched: boolean
  /** Created by this transaction: its slots are empty whatever the state says, and it can be destroyed (EIP-6780). */
  isCreated: boolean
  isDestroyed: boolean
  /** What of the state before this transaction had an influence: {@link seenNonce} and so on. */
  seen: number
}

export const seenNonce = 1
export const seenBalance = 2
export const seenCode = 4
/** Only whether the account was empty. */
export const seenEmptiness = 8

export interface AccountTable {
  readonly entries: AccountEntry[]
  /** Entries that were asked for by address. */
  readonly names: Map<Address, AccountEntry>
  /** Open addressing: index into `entries`, plus 1. */
  index: Int32Array
  readonly precompileOf: (address: Address) => number
  readonly seed: number
}

/** Entries kept between transactions. */
const entriesMax = 65_536
const startSize = 1_024

export function createAccountTable(precompileOf: AccountTable['precompileOf'], seed: number): AccountTable {
  return { entries: [], names: new Map(), index: new Int32Array(startSize), precompileOf, seed }
}

/** Forgets the entries when there are many; between transactions only. */
export function trimAccounts(table: AccountTable): boolean {
  if (table.entries.length <= entriesMax) return false
  table.entries.length = 0
  table.names.clear()
  table.index = new Int32Array(startSize)
  return true
}

/** The account whose address is the low 20 bytes of a word. */
export function accountAt(execution: Execution, words: Words, at: number): AccountEntry {
  const entry = find(execution.accounts, words, at)
  if (entry.turn !== execution.turn) load(execution, entry)
  return entry
}

const wanted = /* @__PURE__ */ createWord()

export function accountOf(execution: Execution, address: Address): AccountEntry {
  const { names } = execution.accounts
  let entry = names.get(address)
  if (entry === undefined) {
    readShort(fromHex(address), wanted, 0)
    entry = find(execution.accounts, wanted, 0)
    names.set(address, entry)
  }
  if (entry.turn !== execution.turn) load(execution, entry)
  return entry
}

/** The account's code. */
export function readCode(execution: Execution, entry: AccountEntry): Code {
  entry.seen |= seenCode
  return loadCode(execution, entry)
}

/** An account that is no different from one that does not exist (EIP-161). */
export function isEmpty(entry: AccountEntry): boolean {
  entry.seen |= seenEmptiness
  return entry.nonce === 0n && entry.balance === 0n && entry.codeHash === emptyCodeHash
}

function loadCode(execution: Execution, entry: AccountEntry): Code {
  entry.code ??= cachedCode(execution.codes, entry.codeHash, execution.state.code)
  return entry.code
}

function load(execution: Execution, entry: AccountEntry): void {
  const account = execution.state.account(entry.address)
  entry.turn = execution.turn
  entry.baseExists = account !== undefined
  entry.nonce = entry.baseNonce = account ? account.nonce : 0n
  entry.balance = entry.baseBalance = account ? account.balance : 0n
  entry.codeHash = entry.baseCodeHash = account ? account.codeHash : emptyCodeHash
  entry.code = entry.codeHash === emptyCodeHash ? noCode : null
  entry.hasStorage = account?.hasStorage === true
  entry.isWarm = entry.precompile !== 0
  entry.isTouched = entry.isCreated = entry.isDestroyed = false
  entry.seen = 0
  execution.touched.push(entry)
}

function find(table: AccountTable, words: Words, at: number): AccountEntry {
  const mask = table.index.length - 1
  let place = hashOf(words, at, table.seed) & mask
  for (;;) {
    const index = table.index[place] as number
    if (index === 0) return insert(table, words, at, place)
    const entry = table.entries[index - 1] as AccountEntry
    if (isSame(entry.word, words, at)) return entry
    place = (place + 1) & mask
  }
}

function insert(table: AccountTable, words: Words, at: number, place: number): AccountEntry {
  const word = createWord()
  for (let limb = 0; limb < 5; limb++) word[limb] = words[at + limb] as number
  const address = addressOf(word)
  const salt = hashOf(word, 0, ~table.seed)
  const entry = createEntry({ address, word, salt, precompile: table.precompileOf(address) })
  table.entries.push(entry)
  table.index[place] = table.entries.length
  if (2 * table.entries.length > table.index.length) grow(table)
  return entry
}

function createEntry(fixed: Pick<AccountEntry, 'address' | 'word' | 'salt' | 'precompile'>): AccountEntry {
  const { address } = fixed
  return {
    ...fixed,
    places: {
      nonce: { kind: 'nonce', address },
      balance: { kind: 'balance', address },
      code: { kind: 'code', address },
    },
    turn: 0,
    baseNonce: 0n,
    baseBalance: 0n,
    baseCodeHash: emptyCodeHash,
    baseExists: false,
    hasStorage: false,
    nonce: 0n,
    balance: 0n,
    code: noCode,
    codeHash: emptyCodeHash,
    isWarm: false,
    isTouched: false,
    isCreated: false,
    isDestroyed: false,
    seen: 0,
  }
}

function grow(table: AccountTable): void {
  const index = new Int32Array(2 * table.index.length)
  const mask = index.length - 1
  for (const [at, entry] of table.entries.entries()) {
    let place = hashOf(entry.word, 0, table.seed) & mask
    while (index[place] !== 0) place = (place + 1) & mask
    index[place] = at + 1
  }
  table.index = index
}

function hashOf(words: Words, at: number, seed: number): number {
  let hash = seed
  for (let limb = 0; limb < 5; limb++) {
    hash = Math.imul(hash ^ (words[at + limb] as number), 0x9e3779b1)
    hash ^= hash >>> 15
  }
  return hash
}

function isSame(one: Words, other: Words, at: number): boolean {
  return (
    (((one[0] as number) ^ (other[at] as number)) |
      ((one[1] as number) ^ (other[at + 1] as number)) |
      ((one[2] as number) ^ (other[at + 2] as number)) |
      ((one[3] as number) ^ (other[at + 3] as number)) |
      ((one[4] as number) ^ (other[at + 4] as number))) ===
    0
  )
}

/** The low 20 bytes of a word as an address. */
function addressOf(word: Words): Address {
  return toHex(bytesOf(word, 0).subarray(12)) as Address
}
