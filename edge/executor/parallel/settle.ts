import { encodeRlp, quantity } from '../../../sdk/rlp.ts'
import { secureKey, type Trie } from '../../../sdk/trie/index.ts'
import { fromHex, type Slot } from '../../../sdk/units.ts'
import type { StateChange } from './engine.ts'
import { type BlockChanges, emptyTrie, isSet, type Store, type StoredAccount, type StoredSlot } from './store.ts'

const noSlots: ReadonlySet<Slot> = new Set()

/**
 * Brings the tries up to the store: the storage of each changed account, and the trie of all accounts.
 *
 * @param trie - Of all accounts, before the block.
 */
export function settleTries(store: Store, trie: Trie): Trie {
  const { before, slots, cleared } = store.running()
  let settled = trie
  for (const address of before.keys()) {
    const account = store.accounts.get(address) as StoredAccount
    if (cleared.has(address)) account.storage = emptyTrie
    account.storage = settleStorage(account, slots.get(address) ?? noSlots)
    account.key ??= secureKey(fromHex(address))
    settled = account.exists ? settled.with(account.key, leafOf(account)) : settled.without(account.key)
  }
  return settled
}

function settleStorage(account: StoredAccount, slots: ReadonlySet<Slot>): Trie {
  let { storage } = account
  for (const slot of slots) {
    const stored = account.slots.get(slot)
    if (!stored) continue // Written, and cleared after that.
    const key = slotKey(slot, stored)
    if (isSet(stored.value)) storage = storage.with(key, encodeRlp(trimmed(stored.value)))
    else {
      storage = storage.without(key)
      account.slots.delete(slot)
    }
  }
  return storage
}

function slotKey(slot: Slot, stored: StoredSlot): Uint8Array {
  stored.key ??= secureKey(fromHex(slot))
  return stored.key
}

/** The account as the state trie holds it (Yellow Paper, section 4.1). */
function leafOf({ nonce, balance, storage, codeHash }: StoredAccount): Uint8Array {
  return encodeRlp([quantity(nonce), quantity(balance), storage.root, fromHex(codeHash)])
}

/** A word without its leading zeros, as tries hold it. */
export function trimmed(value: Uint8Array): Uint8Array {
  let first = 0
  while (first < value.length && value[first] === 0) first += 1
  return value.subarray(first)
}

/** The word of a trie's value; nothing is zero. */
export function wordOf(encoded: Uint8Array | undefined): Uint8Array {
  const word = new Uint8Array(32)
  // One byte below 0x80 stands for itself, up to 32 bytes follow their length.
  const bytes = encoded && encoded.length > 1 ? encoded.subarray(1) : encoded
  if (bytes) word.set(bytes, 32 - bytes.length)
  return word
}

/** What the running block has changed, as a log keeps it: accounts and slots ascend. */
export function changesOf(store: Store, { before, slots, cleared }: BlockChanges): readonly StateChange[] {
  return [...before.keys()].sort().map((address) => {
    const account = store.accounts.get(address) as StoredAccount
    const { exists, nonce, balance, codeHash } = account
    const isNewCode = exists && codeHash !== before.get(address)?.codeHash
    return {
      address,
      account: exists ? { nonce, balance, codeHash } : null,
      code: isNewCode ? (store.codes.get(codeHash) ?? null) : null,
      isCleared: cleared.has(address),
      slots: exists ? valuesOf(account, slots.get(address) ?? noSlots) : [],
    }
  })
}

const zero = new Uint8Array(32)

function valuesOf(account: StoredAccount, slots: ReadonlySet<Slot>): StateChange['slots'] {
  return [...slots].sort().map((slot) => ({ slot, value: account.slots.get(slot)?.value ?? zero }))
}

/** Takes over what {@link changesOf} gave. */
export function applyChanges(store: Store, changes: readonly StateChange[], sequence: number): void {
  for (const { address, account: now, code, isCleared, slots } of changes) {
    const account = store.change(address)
    if (isCleared || now === null) store.remove(account, sequence)
    if (now === null) continue
    account.exists = true
    account.nonce = now.nonce
    account.balance = now.balance
    account.codeHash = now.codeHash
    if (code) store.putCode(now.codeHash, code)
    for (const { slot, value } of slots) store.putSlot(account, slot, value, sequence)
    const { since } = account
    since.nonce = since.balance = since.code = since.emptiness = sequence
  }
}

/** Puts back what the running block has changed, as if it had never begun. */
export function undoBlock(store: Store, sequence: number): void {
  const { before, slots, cleared } = store.running()
  for (const [address, past] of before) {
    const account = store.change(address)
    if (past === null) {
      store.remove(account, sequence)
      account.storage = emptyTrie
      continue
    }
    const { nonce, balance, codeHash, storage } = past
    Object.assign(account, { exists: true, nonce, balance, codeHash, storage })
    for (const [slot, { value }] of cleared.get(address) ?? []) store.putSlot(account, slot, value, sequence)
    for (const slot of slots.get(address) ?? noSlots)
      store.putSlot(account, slot, wordOf(storage.get(secureKey(fromHex(slot)))), sequence)
  }
  store.endBlock()
}
