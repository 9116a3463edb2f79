import type { Place } from '../evm/place.ts'
import type { Address, Hex, Slot } from '../units.ts'
import { type AccountEntry, seenBalance, seenCode, seenEmptiness, seenNonce } from './accounts.ts'
import { noCode } from './code.ts'
import type { Execution } from './execution.ts'
import { cellLimbs, originalAt, placeOf, valueAt } from './slots.ts'
import { emptyCodeHash } from './state.ts'
import { bytesOf, isEqual } from './word.ts'

/**
 * What a transaction touched, whatever became of its frames. A place stands in one list at the most: one that was
 * written may also have been read. The same transaction on a state that is equal in `reads`, `writes` and `emptiness`
 * does the same.
 */
export interface TouchedPlaces {
  readonly reads: readonly Place[]
  /** Places whose value is another one now. */
  readonly writes: readonly Place[]
  /** Balances that only grew, and were not looked at. */
  readonly credits: readonly Place[]
  /** Accounts of which it mattered whether they were empty (EIP-161), and whether they were before. */
  readonly emptiness: readonly { readonly address: Address; readonly isEmpty: boolean }[]
}

/** What a transaction leaves of an account: only what it changed. */
export interface AccountChange {
  readonly address: Address
  /** The account is gone, with all its storage; nothing else is said then. */
  readonly isDeleted: boolean
  readonly nonce: bigint | null
  /** The new balance; `null` when it is as it was, or only `credit` is known to be added. */
  readonly balance: bigint | null
  readonly credit: bigint
  readonly code: { readonly hash: Hex; readonly bytes: Uint8Array } | null
  /** New values, 32 bytes. */
  readonly slots: readonly { readonly slot: Slot; readonly value: Uint8Array }[]
}

/** Reads what was touched and changed off the tables, when nothing more can happen. */
export function recordOf(execution: Execution): {
  readonly access: TouchedPlaces
  readonly changes: readonly AccountChange[]
} {
  const lists = { reads: [], writes: [], credits: [], emptiness: [] }
  const slots = recordSlots(execution, lists)
  const changes: AccountChange[] = []
  for (const entry of execution.touched) {
    const change = recordAccount(entry, lists, slots.get(entry))
    if (change) changes.push(change)
  }
  return { access: lists, changes }
}

interface Lists {
  readonly reads: Place[]
  readonly writes: Place[]
  readonly credits: Place[]
  readonly emptiness: { readonly address: Address; readonly isEmpty: boolean }[]
}

type SlotChanges = AccountChange['slots'][number][]

function recordSlots({ slots, touchedSlots }: Execution, { reads, writes }: Lists): Map<AccountEntry, SlotChanges> {
  const { cells } = slots
  const changed = new Map<AccountEntry, SlotChanges>()
  for (const slot of touchedSlots) {
    const owner = slots.owners[slot] as AccountEntry
    const cell = slot * cellLimbs
    const place = placeOf(slots, slot)
    if (owner.isDestroyed || isEqual(cells, cell + originalAt, cells, cell + valueAt)) {
      reads.push(place)
      continue
    }
    writes.push(place)
    const change = { slot: place.slot, value: bytesOf(cells, cell + valueAt) }
    const known = changed.get(owner)
    if (known) known.push(change)
    else changed.set(owner, [change])
  }
  return changed
}

function recordAccount(entry: AccountEntry, lists: Lists, slots: SlotChanges | undefined): AccountChange | undefined {
  const { address, seen, places } = entry
  const isGone = entry.isDestroyed || (entry.isTouched && isEmptyNow(entry))
  const nonce = entry.nonce !== entry.baseNonce
  const balance = entry.balance !== entry.baseBalance
  const code = entry.codeHash !== entry.baseCodeHash
  const isCredit = balance && !isGone && (seen & seenBalance) === 0
  if (isCredit) lists.credits.push(places.balance)
  list(lists, places.nonce, nonce, seen & seenNonce)
  list(lists, places.balance, balance && !isCredit, isCredit ? 0 : seen & seenBalance)
  list(lists, places.code, code, seen & seenCode)
  if (seen & seenEmptiness) lists.emptiness.push({ address, isEmpty: wasEmpty(entry) })
  if (isGone) return entry.baseExists ? { address, isDeleted: true, ...unchanged } : undefined
  if (!nonce && !balance && !code && !slots) return undefined
  return {
    address,
    isDeleted: false,
    nonce: nonce ? entry.nonce : null,
    balance: balance && !isCredit ? entry.balance : null,
    credit: isCredit ? entry.balance - entry.baseBalance : 0n,
    code: code ? codeChange(entry) : null,
    slots: slots ?? [],
  }
}

const unchanged = { nonce: null, balance: null, credit: 0n, code: null, slots: [] } as const

function codeChange({ code, codeHash }: AccountEntry): AccountChange['code'] {
  const { bytes, size } = code ?? noCode
  return { hash: codeHash, bytes: bytes.subarray(0, size) }
}

function list({ reads, writes }: Lists, place: Place, isWritten: boolean, isRead: number): void {
  if (isWritten) writes.push(place)
  else if (isRead !== 0) reads.push(place)
}

function isEmptyNow({ nonce, balance, codeHash }: AccountEntry): boolean {
  return nonce === 0n && balance === 0n && codeHash === emptyCodeHash
}

function wasEmpty({ baseNonce, baseBalance, baseCodeHash }: AccountEntry): boolean {
  return baseNonce === 0n && baseBalance === 0n && baseCodeHash === emptyCodeHash
}
