import type { Address, TxHash } from '../sdk/units.ts'
import type { Payload } from './payload.ts'
import { endOf, type ShardRow } from './shardRows.ts'
import { firstOf, fromJson, type Sql, type SqlValue, toJson, type Write, writeAll } from './sql.ts'

/** A transaction's row and the number under which it is stored. */
export interface Entry {
  readonly id: number
  readonly row: ShardRow
}

/**
 * A shard's transactions in tables, each under the number of its arrival there.
 *
 * What a write costs is the pages it touches. What arrives together stands together so, and changes together; in the order
 * of hashes, each row would have a page of its own. Where a hash is found stands in a table that is written many rows at
 * once, in order.
 */
export interface Entries {
  /** Those that are here, in no order. */
  readonly find: (hashes: readonly TxHash[]) => readonly Entry[]
  /** What has not ended of some senders, in no order. */
  readonly liveOf: (senders: readonly Address[]) => readonly Entry[]
  readonly due: (now: number, limit: number) => readonly Entry[]
  readonly payload: (id: number, hash: TxHash) => Payload | undefined
  /** Takes in rows that are not here, with such bytes as there are. To be called inside a transaction. */
  readonly add: (rows: readonly ShardRow[], payloads: readonly Payload[]) => readonly Entry[]
}

const schema = [
  `CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY, hash TEXT NOT NULL, sender TEXT NOT NULL, ended_at INTEGER,
    due_at INTEGER, stage TEXT NOT NULL, since INTEGER NOT NULL, row TEXT NOT NULL)`,
  `CREATE INDEX IF NOT EXISTS entries_by_sender ON entries (substr(sender, 3, 12)) WHERE ended_at IS NULL`,
  `CREATE INDEX IF NOT EXISTS entries_by_due ON entries (due_at) WHERE due_at IS NOT NULL`,
  `CREATE INDEX IF NOT EXISTS entries_by_end ON entries (ended_at) WHERE ended_at IS NOT NULL`,
  `CREATE TABLE IF NOT EXISTS entry_bytes (id INTEGER PRIMARY KEY, raw BLOB NOT NULL, footprint TEXT NOT NULL)`,
  // Twelve digits tell hashes apart but for a few, which the row tells.
  `CREATE TABLE IF NOT EXISTS places (head TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (head, id)) WITHOUT ROWID`,
]

/** Opens the tables, makes them when they are missing, and takes over the rows of the layouts before. */
export function openEntries(sql: Sql): Entries {
  for (const statement of schema) sql.exec(statement)
  adopt(sql)
  const read = (condition: string, ...bindings: readonly SqlValue[]): Entry[] =>
    [
      ...sql.exec(`SELECT id, hash, sender, due_at, stage, since, row FROM entries WHERE ${condition}`, ...bindings),
    ].map(entryOf)
  return {
    find: (hashes) => {
      if (hashes.length === 0) return []
      const places = `SELECT id FROM places WHERE head ${among}`
      const ids = [...sql.exec(places, JSON.stringify(hashes.map(headOf)))].map(({ id }) => id)
      if (ids.length === 0) return []
      const wanted = new Set(hashes)
      return read(`id ${among}`, JSON.stringify(ids)).filter(({ row }) => wanted.has(row.hash))
    },
    liveOf: (senders) => {
      if (senders.length === 0) return []
      const wanted = new Set(senders)
      const live = read(`ended_at IS NULL AND substr(sender, 3, 12) ${among}`, JSON.stringify(senders.map(headOf)))
      return live.filter(({ row }) => wanted.has(row.sender))
    },
    due: (now, limit) => read('due_at <= ? ORDER BY due_at LIMIT ?', now, limit),
    payload: (id, hash) => {
      const found = firstOf(sql, 'SELECT raw, footprint FROM entry_bytes WHERE id = ?', id)
      return found && { hash, raw: new Uint8Array(found.raw as ArrayBuffer), footprintJson: String(found.footprint) }
    },
    add: (rows, payloads) => {
      const last = Number(firstOf(sql, 'SELECT MAX(id) AS id FROM entries')?.id ?? 0)
      // By sender, so that the pages of that index, too, are touched one after the other: a large transaction writes out
      // a page that it left, and again when it comes back.
      const added = [...rows].sort(bySender).map((row, at): Entry => ({ id: last + 1 + at, row }))
      const byHash = new Map(payloads.map((payload) => [payload.hash, payload]))
      const bytes = added.flatMap(({ id, row }) => {
        const payload = byHash.get(row.hash)
        return payload ? [bytesOf(id, payload)] : []
      })
      writeAll(sql, [...added.map((entry) => writeOf(entry, undefined)), ...bytes])
      place(sql, last)
      return added
    },
  }
}

const among = 'IN (SELECT value FROM json_each(?))'

function headOf(name: TxHash | Address): string {
  return name.slice(2, 14)
}

/** Notes where the rows after a number are found. In order, so that each page is written once. */
function place(sql: Sql, after: number): void {
  sql.exec(
    'INSERT OR IGNORE INTO places SELECT substr(hash, 3, 12) AS head, id FROM entries WHERE id > ? ORDER BY head',
    after,
  )
}

/** Takes over what stood otherwise: in the order of its hashes, or with its newest rows not in `places`. */
function adopt(sql: Sql): void {
  if (hasTable(sql, 'places_end')) {
    place(sql, Number(firstOf(sql, 'SELECT id FROM places_end')?.id ?? 0))
    sql.exec('DROP TABLE places_end')
  }
  if (hasTable(sql, 'rows')) adoptByHash(sql)
}

function bySender(one: ShardRow, other: ShardRow): number {
  return one.sender < other.sender ? -1 : Number(one.sender > other.sender)
}

function hasTable(sql: Sql, name: string): boolean {
  return firstOf(sql, `SELECT 1 AS is_one FROM sqlite_master WHERE type = 'table' AND name = ?`, name) !== undefined
}

function adoptByHash(sql: Sql): void {
  sql.exec(
    `INSERT INTO entries SELECT NULL, hash, sender, CASE stage WHEN 'ended' THEN since END, due_at,
      json_extract(row, '$.stage'), since, json_remove(row, '$.hash', '$.sender', '$.stage', '$.since', '$.dueAt')
     FROM rows ORDER BY since`,
  )
  sql.exec(
    'INSERT INTO entry_bytes SELECT e.id, p.raw, p.footprint FROM entries e JOIN payloads p ON p.hash = e.hash ORDER BY e.id',
  )
  sql.exec('DROP TABLE rows')
  sql.exec('DROP TABLE payloads')
  place(sql, 0)
}

function entryOf(found: Readonly<Record<string, SqlValue>>): Entry {
  const { id, hash, sender, due_at: dueAt, stage, since, row } = found
  return { id: id as number, row: { hash, sender, stage, since, dueAt, ...fromJson<object>(row) } as ShardRow }
}

const into = 'INSERT INTO entries VALUES $rows'
const moving = 'due_at = excluded.due_at, stage = excluded.stage, since = excluded.since, row = excluded.row'

/** Writes a row, whatever was there before. */
export function writeOf({ id, row }: Entry, before: ShardRow | undefined): Write {
  const { hash, sender, stage, since, dueAt, ...rest } = row
  const values = [id, hash, sender, endOf(row), dueAt, stage, since, toJson(rest)]
  if (!before) return { into, values }
  // Naming a column rewrites each index that has it, also where it does not change.
  const isSmall = before.sender === sender && endOf(before) === endOf(row)
  const more = isSmall ? '' : ', sender = excluded.sender, ended_at = excluded.ended_at'
  return { into: `${into} ON CONFLICT (id) DO UPDATE SET ${moving}${more}`, values }
}

/** Writes a transaction's bytes, whatever was there before. */
export function bytesOf(id: number, { raw, footprintJson }: Payload): Write {
  return { into: 'INSERT OR REPLACE INTO entry_bytes VALUES $rows', values: [id, raw, footprintJson] }
}

/** Moves many rows to one stage, of which nothing else has changed. */
export function move(sql: Sql, ids: readonly number[], { stage, since, dueAt }: ShardRow): void {
  sql.exec(
    `UPDATE entries SET stage = ?, since = ?, due_at = ? WHERE id ${among}`,
    ...[stage, since, dueAt, JSON.stringify(ids)],
  )
}

/** Deletes rows, their bytes, and where they are found. */
export function drop(sql: Sql, condition: string, ...bindings: readonly SqlValue[]): void {
  const ids = [...sql.exec(`SELECT id FROM entries WHERE ${condition}`, ...bindings)].map(({ id }) => id)
  if (ids.length === 0) return
  const gone = JSON.stringify(ids)
  sql.exec(
    `DELETE FROM places WHERE (head, id) IN (SELECT substr(hash, 3, 12), id FROM entries WHERE id ${among})`,
    gone,
  )
  sql.exec(`DELETE FROM entry_bytes WHERE id ${among}`, gone)
  sql.exec(`DELETE FROM entries WHERE id ${among}`, gone)
}
