import type { Place } from '../../../sdk/evm/index.ts'
import type { Address, Slot } from '../../../sdk/units.ts'
import type { AccountChange, Executed, TouchedPlaces } from '../../../sdk/vm/index.ts'
import {
  type Cursor,
  putAddress,
  putBig,
  putBytes,
  putFixed,
  putList,
  putSlot,
  putWord,
  takeAddress,
  takeBig,
  takeBytes,
  takeFixed,
  takeList,
  takeSlot,
  takeWord,
  wordsFor,
} from './cursor.ts'

/** The number of an account or slot in shared memory, by which threads speak of it; 0 where it has none. */
export interface Numbers {
  readonly account: (address: Address) => number
  readonly slot: (address: Address, slot: Slot) => number
}

/** Names of what {@link Numbers} gives. */
export interface Names {
  readonly account: (number: number) => Address
  readonly slot: (number: number) => { readonly address: Address; readonly slot: Slot }
  /** The place of this kind: equal places are one object, which saves making them. */
  readonly place: (kind: Place['kind'], number: number) => Place
}

const kinds = ['nonce', 'balance', 'code', 'slot'] as const
const failures: readonly Executed['failure'][] = [
  null,
  'reverted',
  'out of gas',
  'stack too short',
  'stack too long',
  'no such instruction',
  'no such jump',
  'change in a static call',
  'read beyond the returned data',
  'initcode too long',
  'code too long',
  'code begins with 0xef',
  'account exists',
  'precompiled contract failed',
]

/** Words that an outcome takes at the most. */
export function outcomeWords({ access, changes, logs, output }: Executed): number {
  const places = access.reads.length + access.writes.length + access.credits.length + access.emptiness.length
  let words = 64 + wordsFor(output.length) + 16 * places
  for (const { topics, data } of logs) words += 16 + 8 * topics.length + wordsFor(data.length)
  for (const { code, slots } of changes) words += 48 + wordsFor(code?.bytes.length ?? 0) + 24 * slots.length
  return words
}

/** Writes an outcome for another thread. */
export function putOutcome(cursor: Cursor, outcome: Executed, numbers: Numbers): void {
  const { failure, gasUsed, totals, logs, output, created, access, changes } = outcome
  putWord(cursor, failures.indexOf(failure))
  putBig(cursor, gasUsed)
  putBig(cursor, totals.gas)
  putBig(cursor, totals.refund)
  putBytes(cursor, output)
  putWord(cursor, created === null ? 0 : 1)
  if (created !== null) putAddress(cursor, created)
  putList(cursor, logs, ({ address, topics, data }) => {
    putAccount(cursor, address, numbers)
    putList(cursor, topics, (topic) => putFixed(cursor, topic))
    putBytes(cursor, data)
  })
  for (const list of [access.reads, access.writes, access.credits])
    putList(cursor, list, (place) => putPlace(cursor, place, numbers))
  putList(cursor, access.emptiness, ({ address, isEmpty }) => {
    putWord(cursor, isEmpty ? 1 : 0)
    putAccount(cursor, address, numbers)
  })
  putList(cursor, changes, (change) => putChange(cursor, change, numbers))
}

/** Reads what {@link putOutcome} wrote. */
export function takeOutcome(cursor: Cursor, names: Names): Executed {
  const failure = failures[takeWord(cursor)] ?? null
  const gasUsed = takeBig(cursor)
  const totals = { gas: takeBig(cursor), refund: takeBig(cursor) }
  const output = takeBytes(cursor)
  const created = takeWord(cursor) === 0 ? null : takeAddress(cursor)
  const logs = takeList(cursor, () => ({
    address: takeAccount(cursor, names),
    topics: takeList(cursor, () => takeFixed(cursor, 32)),
    data: takeBytes(cursor),
  }))
  const access: TouchedPlaces = {
    reads: takeList(cursor, () => takePlace(cursor, names)),
    writes: takeList(cursor, () => takePlace(cursor, names)),
    credits: takeList(cursor, () => takePlace(cursor, names)),
    emptiness: takeList(cursor, () => {
      const isEmpty = takeWord(cursor) === 1
      return { address: takeAccount(cursor, names), isEmpty }
    }),
  }
  const changes = takeList(cursor, () => takeChange(cursor, names))
  const status = failure === null ? 'succeeded' : 'failed'
  return { kind: 'executed', status, failure, gasUsed, totals, logs, output, created, access, changes }
}

function putAccount(cursor: Cursor, address: Address, numbers: Numbers): void {
  const number = numbers.account(address)
  putWord(cursor, number)
  if (number === 0) putAddress(cursor, address)
}

function takeAccount(cursor: Cursor, names: Names): Address {
  const number = takeWord(cursor)
  return number === 0 ? takeAddress(cursor) : names.account(number)
}

function putPlace(cursor: Cursor, place: Place, numbers: Numbers): void {
  putWord(cursor, kinds.indexOf(place.kind))
  if (place.kind === 'slot') putSlotOf(cursor, place.address, place.slot, numbers)
  else putAccount(cursor, place.address, numbers)
}

function takePlace(cursor: Cursor, names: Names): Place {
  const kind = kinds[takeWord(cursor)] as Place['kind']
  const number = takeWord(cursor)
  if (number !== 0) return names.place(kind, number)
  if (kind !== 'slot') return { kind, address: takeAddress(cursor) }
  return { kind, address: takeAccount(cursor, names), slot: takeSlot(cursor) }
}

function putSlotOf(cursor: Cursor, address: Address, slot: Slot, numbers: Numbers): void {
  const number = numbers.slot(address, slot)
  putWord(cursor, number)
  if (number !== 0) return
  putAccount(cursor, address, numbers)
  putSlot(cursor, slot)
}

const hasNonce = 1
const hasBalance = 2
const hasCode = 4
const isGone = 8

function putChange(cursor: Cursor, change: AccountChange, numbers: Numbers): void {
  const { address, isDeleted, nonce, balance, credit, code, slots } = change
  putAccount(cursor, address, numbers)
  const flags = (nonce === null ? 0 : hasNonce) | (balance === null ? 0 : hasBalance) | (code ? hasCode : 0)
  putWord(cursor, flags | (isDeleted ? isGone : 0))
  if (nonce !== null) putBig(cursor, nonce)
  if (balance !== null) putBig(cursor, balance)
  putBig(cursor, credit)
  if (code) {
    putSlot(cursor, code.hash)
    putBytes(cursor, code.bytes)
  }
  putList(cursor, slots, ({ slot, value }) => {
    const number = numbers.slot(address, slot)
    putWord(cursor, number)
    if (number === 0) putSlot(cursor, slot)
    putFixed(cursor, value)
  })
}

function takeChange(cursor: Cursor, names: Names): AccountChange {
  const address = takeAccount(cursor, names)
  const flags = takeWord(cursor)
  const nonce = flags & hasNonce ? takeBig(cursor) : null
  const balance = flags & hasBalance ? takeBig(cursor) : null
  const credit = takeBig(cursor)
  const code = flags & hasCode ? { hash: takeSlot(cursor), bytes: takeBytes(cursor) } : null
  const slots = takeList(cursor, () => {
    const number = takeWord(cursor)
    const slot = number === 0 ? takeSlot(cursor) : names.slot(number).slot
    return { slot, value: takeFixed(cursor, 32) }
  })
  return { address, isDeleted: (flags & isGone) !== 0, nonce, balance, credit, code, slots }
}
