import type { Access, Place } from './access.ts'

/** What one transaction does to one place. */
export type Op = 'read' | 'write' | 'credit'

/**
 * The place as text. Equal places give equal text, and sorted texts stand in the order of the envelope:
 * accounts first (nonce, balance, code of each), then slots.
 */
export function placeKey(place: Place): string {
  switch (place.kind) {
    case 'slot':
      return `1${place.address}${place.slot}`
    case 'nonce':
      return `0${place.address}0`
    case 'balance':
      return `0${place.address}1`
    case 'code':
      return `0${place.address}2`
  }
}

/** Uses of one place by one transaction, as bits to be joined; {@link opOf} says what they come to. */
export const marks = { reads: 1, writes: 2, credits: 4 } as const

/** What joined {@link marks} come to: write wins over all. */
export function opOf(joined: number): Op {
  if (joined === marks.reads) return 'read'
  if (joined === marks.credits) return 'credit'
  // Read and credited is written too: whoever reads the sum it adds to depends on the order of all credits.
  return 'write'
}

/** What happens to each place, by {@link placeKey}, when everything in `access` happens in one transaction. */
export function opsOf(access: Access): ReadonlyMap<string, { readonly place: Place; readonly op: Op }> {
  const uses = new Map<string, { place: Place; joined: number; op: Op }>()
  for (const list of ['reads', 'writes', 'credits'] as const) {
    for (const place of access[list]) {
      const key = placeKey(place)
      const joined = (uses.get(key)?.joined ?? 0) | marks[list]
      uses.set(key, { place, joined, op: opOf(joined) })
    }
  }
  return uses
}

/** The same access in its one normal form: each place in one list, lists in the order of the envelope. */
export function normalise(access: Access): Access {
  const lists: Record<Op, Place[]> = { read: [], write: [], credit: [] }
  const ops = [...opsOf(access)].sort(([one], [other]) => (one < other ? -1 : 1))
  for (const [, { place, op }] of ops) lists[op].push(place)
  return { reads: lists.read, writes: lists.write, credits: lists.credit }
}
