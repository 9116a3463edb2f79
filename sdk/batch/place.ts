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

/** What happens to each place, by {@link placeKey}, when everything in `access` happens in one transaction. */
export function opsOf({ reads, writes, credits }: Access): ReadonlyMap<string, { place: Place; op: Op }> {
  const ops = new Map<string, { place: Place; op: Op }>()
  for (const place of writes) ops.set(placeKey(place), { place, op: 'write' })
  for (const place of reads) {
    const key = placeKey(place)
    if (!ops.has(key)) ops.set(key, { place, op: 'read' })
  }
  for (const place of credits) {
    const key = placeKey(place)
    const before = ops.get(key)
    if (before === undefined) ops.set(key, { place, op: 'credit' })
    // Whoever reads the sum it adds to depends on the order of all credits, its own included: that is a write.
    else if (before.op === 'read') ops.set(key, { place, op: 'write' })
  }
  return ops
}

/** The same access in its one normal form: each place in one list (write wins), lists in the order of the envelope. */
export function normalise(access: Access): Access {
  const lists: Record<Op, Place[]> = { read: [], write: [], credit: [] }
  const ops = [...opsOf(access)].sort(([one], [other]) => (one < other ? -1 : 1))
  for (const [, { place, op }] of ops) lists[op].push(place)
  return { reads: lists.read, writes: lists.write, credits: lists.credit }
}
