import type { Address, TxHash } from '../sdk/units.ts'

/** What a row is found by. */
interface Row {
  readonly hash: TxHash
  readonly sender: Address
}

/**
 * Rows of one table in memory, as they are on the disk: an object is the only one that writes to its tables, so what it
 * has read or written once it need not read again. A step asks for the same rows several times, and what costs is not
 * the disk but making objects of its text.
 *
 * Bounded: what came first is forgotten first, a group as a whole, and read again when it is asked for.
 */
export interface RowCache<row extends Row> {
  readonly one: (hash: TxHash, read: () => row | undefined) => row | undefined
  /** Whether it is known without reading, also that there is no such row. */
  readonly has: (hash: TxHash) => boolean
  readonly hasGroup: (sender: Address) => boolean
  /** All rows of a sender's group, in no order. */
  readonly group: (sender: Address, read: () => readonly row[]) => readonly row[]
  /** @param isInGroup - Whether its sender's group has it from now on. */
  readonly put: (row: row, isInGroup: boolean) => void
  /** Keeps a row no longer that is gone, or has ended: few ask for one of these again, and there is no end to them. */
  readonly forget: (hash: TxHash) => void
  readonly clear: () => void
}

/** @param most - Rows; and groups, which may be empty. */
export function openRowCache<row extends Row>(most: number): RowCache<row> {
  /** `null`: there is none. */
  const rows = new Map<TxHash, row | null>()
  /** More room than is asked for: what was taken from the front of a map is stepped over until it is built anew. */
  const spare = Math.floor(most / 8)
  const groups = new Map<Address, Map<TxHash, row>>()
  const clear = () => {
    rows.clear()
    groups.clear()
  }
  /** For rows, and groups. A row of a group is always among the rows, so a group goes with the first of its rows. */
  const makeRoom = (count: number, groupCount: number) => {
    if (rows.size + count > most) forgetFirst(most - count - spare)
    if (groups.size + groupCount <= most) return
    for (const sender of groups.keys()) {
      groups.delete(sender)
      if (groups.size + groupCount <= most) break
    }
  }
  const forgetFirst = (left: number) => {
    for (const [hash, row] of rows) {
      if (rows.size <= left) break
      const group = row ? groups.get(row.sender) : undefined
      rows.delete(hash)
      if (!row || !group?.has(hash)) continue
      groups.delete(row.sender)
      for (const other of group.keys()) rows.delete(other)
    }
  }
  return {
    one: (hash, read) => {
      const known = rows.get(hash)
      if (known !== undefined) return known ?? undefined
      const row = read()
      makeRoom(1, 0)
      rows.set(hash, row ?? null)
      return row
    },
    has: (hash) => rows.has(hash),
    hasGroup: (sender) => groups.has(sender),
    group: (sender, read) => {
      const known = groups.get(sender)
      if (known) return [...known.values()]
      const group = read()
      makeRoom(group.length, 1)
      for (const row of group) rows.set(row.hash, row)
      groups.set(sender, new Map(group.map((row) => [row.hash, row])))
      return group
    },
    put: (row, isInGroup) => {
      const before = rows.get(row.hash)
      if (before) groups.get(before.sender)?.delete(row.hash)
      makeRoom(1, 0)
      rows.set(row.hash, row)
      if (isInGroup) groups.get(row.sender)?.set(row.hash, row)
    },
    forget: (hash) => {
      const before = rows.get(hash)
      if (before) groups.get(before.sender)?.delete(hash)
      rows.delete(hash)
    },
    clear,
  }
}

/** Values by their key, as they are on the disk, up to a bound; beyond it everything is forgotten, and read again. */
export interface Memo<key, value> {
  readonly one: (key: key, read: () => value | undefined) => value | undefined
  readonly has: (key: key) => boolean
  readonly put: (key: key, value: value) => void
  readonly drop: (key: key) => void
  readonly clear: () => void
}

export function openMemo<key, value>(sizeMax: number): Memo<key, value> {
  /** `null`: there is none. */
  const values = new Map<key, value | null>()
  const put = (key: key, value: value | null) => {
    if (values.size >= sizeMax && !values.has(key)) values.clear()
    values.set(key, value)
  }
  return {
    one: (key, read) => {
      const known = values.get(key)
      if (known !== undefined) return known ?? undefined
      const value = read()
      put(key, value ?? null)
      return value
    },
    has: (key) => values.has(key),
    put,
    drop: (key) => {
      values.delete(key)
    },
    clear: () => values.clear(),
  }
}
