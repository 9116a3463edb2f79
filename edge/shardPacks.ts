import { invariant } from '../sdk/errors.ts'
import type { Address, TxHash } from '../sdk/units.ts'
import { packBytesCachedMax, packBytesMax, packRowsMax, packsCachedMax } from './limits.ts'
import type { Payload } from './payload.ts'
import { openMemo } from './rowCache.ts'
import { adopt } from './shardAdopt.ts'
import { linesOf, pageOf, readPage } from './shardJournalPages.ts'
import { endOf, type ShardRow } from './shardRows.ts'
import { firstOf, type Sql, type SqlValue } from './sql.ts'
import { earlier } from './timed.ts'

/** A transaction's row, and the number of the pack that has it. */
export interface Packed {
  readonly id: number
  readonly row: ShardRow
}

/** What becomes of some rows and of their bytes; `null`: they go. Those that are not named stay as they are. */
export interface PackChanges {
  readonly rows: ReadonlyMap<TxHash, ShardRow | null>
  readonly payloads: ReadonlyMap<TxHash, Payload | null>
}

/**
 * A shard's transactions in tables, some of them in each row.
 *
 * What a write costs is its statements and the pages they touch. What comes here together was submitted together, and
 * changes together: so a pack is written as often as one of its transactions alone would be. In which packs a hash is,
 * and a sender's transactions that have not ended, stands in tables of their own.
 */
export interface Packs {
  /** Those that are here, in no order. */
  readonly find: (hashes: readonly TxHash[]) => readonly Packed[]
  /** What has not ended of some senders, in no order. */
  readonly liveOf: (senders: readonly Address[]) => readonly Packed[]
  /** Rows whose time has come, the earliest of the packs that have the earliest. */
  readonly due: (now: number, limit: number) => readonly Packed[]
  readonly endedBefore: (before: number, limit: number) => readonly Packed[]
  readonly endedOf: (sender: Address) => readonly Packed[]
  readonly payload: (id: number, hash: TxHash) => Payload | undefined
  /** Earliest `dueAt`, and earliest end. */
  readonly firstDue: () => number | null
  readonly firstEnded: () => number | null
  /** Takes in rows that are not here, with such bytes as there are. To be called inside a transaction, like the next. */
  readonly add: (rows: readonly ShardRow[], payloads: readonly Payload[]) => readonly Packed[]
  /** @param ids - Of the packs that have what changes. */
  readonly change: (ids: ReadonlySet<number>, changes: PackChanges) => void
  /** Forgets what is in memory. */
  readonly forget: () => void
}

const schema = [
  `CREATE TABLE IF NOT EXISTS packs (id INTEGER PRIMARY KEY, due_at INTEGER, ended_at INTEGER, lines TEXT NOT NULL)`,
  `CREATE INDEX IF NOT EXISTS packs_by_due ON packs (due_at) WHERE due_at IS NOT NULL`,
  `CREATE INDEX IF NOT EXISTS packs_by_end ON packs (ended_at) WHERE ended_at IS NOT NULL`,
  // Apart, so that a change of state does not rewrite them.
  `CREATE TABLE IF NOT EXISTS pack_bytes (id INTEGER PRIMARY KEY, lines TEXT NOT NULL, footprints TEXT NOT NULL,
    bytes BLOB NOT NULL)`,
  // Twelve digits tell hashes apart but for a few, which the rows tell.
  `CREATE TABLE IF NOT EXISTS pack_hashes (head TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (head, id)) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS pack_senders (head TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (head, id)) WITHOUT ROWID`,
]

interface Pack {
  readonly id: number
  readonly rows: readonly ShardRow[]
}

/** Opens the tables, makes them when they are missing, and takes over the rows of the layouts before. */
export function openPacks(sql: Sql): Packs {
  for (const statement of schema) sql.exec(statement)
  const [table, bytes] = [openTable(sql), openBytes(sql)]
  const packs: Packs = {
    find: (hashes) => {
      const wanted = new Set(hashes)
      return rowsOf(table.among('pack_hashes', hashes), ({ hash }) => wanted.has(hash))
    },
    liveOf: (senders) => {
      const wanted = new Set(senders)
      const isLive = ({ stage, sender }: ShardRow) => stage !== 'ended' && wanted.has(sender)
      return rowsOf(table.among('pack_senders', senders), isLive)
    },
    due: (now, limit) => firstRows(table.read('due_at <= ? ORDER BY due_at', now), ({ dueAt }) => dueAt, now, limit),
    endedBefore: (before, limit) =>
      firstRows(table.read('ended_at < ? ORDER BY ended_at', before), endOf, before - 1, limit),
    endedOf: (sender) =>
      rowsOf(
        // The sender stands in the text as it is.
        table.read('ended_at IS NOT NULL AND instr(lines, ?)', sender),
        (row) => row.sender === sender && row.stage === 'ended',
      ),
    payload: (id, hash) => bytes.at(id).find((payload) => payload.hash === hash),
    firstDue: () => table.first('due_at'),
    firstEnded: () => table.first('ended_at'),
    add: (rows, payloads) => {
      const byHash = new Map(payloads.map((payload) => [payload.hash, payload]))
      const index = openIndex(sql)
      let id = table.last()
      // By sender, so that one is in few packs.
      const added = partsOf(bySender(rows), byHash).flatMap((part): readonly Packed[] => {
        id += 1
        table.put({ id, rows: part }, [], index)
        const some = part.flatMap(({ hash }) => byHash.get(hash) ?? [])
        if (some.length > 0) bytes.put(id, some)
        return part.map((row) => ({ id, row }))
      })
      index.flush()
      return added
    },
    change: (ids, { rows, payloads }) => {
      const index = openIndex(sql)
      for (const id of ids) {
        const before = table.at(id)?.rows
        invariant(before, 'what is changed in the tables is there')
        const after = before.flatMap((row) => rows.get(row.hash) ?? (rows.has(row.hash) ? [] : row))
        if (before.some(({ hash }) => rows.has(hash))) table.put({ id, rows: after }, before, index)
        const touched = before.map(({ hash }) => hash).filter((hash) => payloads.has(hash))
        if (touched.length === 0) continue
        const others = bytes.at(id).filter(({ hash }) => !payloads.has(hash))
        bytes.put(id, others.concat(touched.flatMap((hash) => payloads.get(hash) ?? [])))
      }
      index.flush()
    },
    forget: () => {
      table.forget()
      bytes.forget()
    },
  }
  adopt(sql, packs.add)
  return packs
}

/** The rows of packs. */
function openTable(sql: Sql) {
  const memo = openMemo<number, Pack>(packsCachedMax)
  function* read(condition: string, ...bindings: readonly SqlValue[]): Iterable<Pack> {
    for (const found of sql.exec(`SELECT id, lines FROM packs WHERE ${condition}`, ...bindings)) yield packOf(found)
  }
  const at = (id: number) => memo.one(id, () => [...read('id = ?', id)][0])
  const number = (query: string) => (firstOf(sql, query)?.number ?? null) as number | null
  return {
    read,
    at,
    among: (index: IndexTable, names: readonly (TxHash | Address)[]): Iterable<Pack> => {
      if (names.length === 0) return []
      const query = `SELECT DISTINCT id FROM ${index} WHERE head IN (SELECT value FROM json_each(?))`
      return [...sql.exec(query, JSON.stringify(names.map(headOf)))].flatMap(({ id }) => at(id as number) ?? [])
    },
    last: () => number('SELECT MAX(id) AS number FROM packs') ?? 0,
    // With the condition of the partial index: without it each look would read the whole table.
    first: (column: 'due_at' | 'ended_at') =>
      number(`SELECT MIN(${column}) AS number FROM packs WHERE ${column} IS NOT NULL`),
    put: ({ id, rows }: Pack, before: readonly ShardRow[], index: Index) => {
      index.note('pack_hashes', id, hashesOf(before), hashesOf(rows))
      index.note('pack_senders', id, sendersOf(before), sendersOf(rows))
      if (rows.length === 0) {
        memo.drop(id)
        sql.exec('DELETE FROM packs WHERE id = ?', id)
        return
      }
      memo.put(id, { id, rows })
      const due = rows.reduce<number | null>((first, { dueAt }) => earlier(first, dueAt), null)
      const ended = rows.reduce<number | null>((first, row) => earlier(first, endOf(row)), null)
      sql.exec('INSERT OR REPLACE INTO packs VALUES (?, ?, ?, ?)', id, due, ended, linesTextOf(rows))
    },
    forget: memo.clear,
  }
}

/** The bytes of packs' transactions, of those that have any. */
function openBytes(sql: Sql) {
  /** What is asked of one pack is asked of each of its transactions in turn. */
  const memo = openMemo<number, readonly Payload[]>(packBytesCachedMax)
  const read = (id: number): readonly Payload[] => {
    const found = firstOf(sql, 'SELECT lines, footprints, bytes FROM pack_bytes WHERE id = ?', id)
    return found ? linesOf(readPage(found)).flatMap((line) => (line.kind === 'payload' ? line.row : [])) : []
  }
  return {
    at: (id: number): readonly Payload[] => memo.one(id, () => read(id)) ?? [],
    forget: memo.clear,
    put: (id: number, payloads: readonly Payload[]) => {
      memo.drop(id)
      if (payloads.length === 0) {
        sql.exec('DELETE FROM pack_bytes WHERE id = ?', id)
        return
      }
      const { lines, footprints, bytes } = pageOf(payloads.map((row) => ({ kind: 'payload', row })))
      sql.exec('INSERT OR REPLACE INTO pack_bytes VALUES (?, ?, ?, ?)', id, lines, footprints, bytes)
    },
  }
}

function headOf(name: TxHash | Address): string {
  return name.slice(2, 2 + headChars)
}

const headChars = 12

function hashesOf(rows: readonly ShardRow[]): readonly string[] {
  return rows.map(({ hash }) => headOf(hash))
}

/** Of what has not ended. */
function sendersOf(rows: readonly ShardRow[]): readonly string[] {
  const senders = new Set<Address>()
  for (const { stage, sender } of rows) if (stage !== 'ended') senders.add(sender)
  return [...senders].map(headOf)
}

function packOf({ id, lines }: Readonly<Record<string, SqlValue>>): Pack {
  const page = { lines: String(lines), footprints: '', bytes: new Uint8Array() }
  return { id: id as number, rows: linesOf(page).flatMap((line) => (line.kind === 'row' ? line.row : [])) }
}

function linesTextOf(rows: readonly ShardRow[]): string {
  return pageOf(rows.map((row) => ({ kind: 'row', row }))).lines
}

function rowsOf(packs: Iterable<Pack>, isWanted: (row: ShardRow) => boolean): readonly Packed[] {
  return [...packs].flatMap(({ id, rows }) => rows.filter(isWanted).map((row) => ({ id, row })))
}

/** Rows whose time has come, the earliest first. Of the packs, which come by their earliest row, no more are read than it takes. */
function firstRows(
  packs: Iterable<Pack>,
  timeOf: (row: ShardRow) => number | null,
  through: number,
  limit: number,
): readonly Packed[] {
  const time = (row: ShardRow) => timeOf(row) ?? Number.POSITIVE_INFINITY
  const found: Packed[] = []
  for (const pack of packs) {
    if (found.length >= limit) break
    found.push(...rowsOf([pack], (row) => time(row) <= through))
  }
  return found.sort((one, other) => time(one.row) - time(other.row)).slice(0, limit)
}

/** Those of one sender beside each other. */
function bySender(rows: readonly ShardRow[]): readonly ShardRow[] {
  const groups = new Map<Address, ShardRow[]>()
  for (const row of rows) {
    const group = groups.get(row.sender)
    if (group) group.push(row)
    else groups.set(row.sender, [row])
  }
  return [...groups.values()].flat()
}

/** Divides rows into what packs may hold, in their order. */
function partsOf(rows: readonly ShardRow[], payloads: ReadonlyMap<TxHash, Payload>): readonly (readonly ShardRow[])[] {
  const parts: ShardRow[][] = []
  let size = 0
  for (const row of rows) {
    const payload = payloads.get(row.hash)
    const more = payload ? payload.raw.length + payload.footprintJson.length : 0
    const last = parts.at(-1)
    if (last && last.length < packRowsMax && size + more <= packBytesMax) {
      last.push(row)
      size += more
    } else {
      parts.push([row])
      size = more
    }
  }
  return parts
}

type IndexTable = 'pack_hashes' | 'pack_senders'

/** Collects where packs are found, so that a table gets it by one statement and in order: each of its pages is written once then. */
interface Index {
  readonly note: (table: IndexTable, id: number, before: readonly string[], after: readonly string[]) => void
  readonly flush: () => void
}

function openIndex(sql: Sql): Index {
  const found: Readonly<Record<IndexTable, string[]>> = { pack_hashes: [], pack_senders: [] }
  const lost: typeof found = { pack_hashes: [], pack_senders: [] }
  return {
    note: (table, id, before, after) => {
      for (const head of after) if (!before.includes(head)) found[table].push(head + id)
      for (const head of before) if (!after.includes(head)) lost[table].push(head + id)
    },
    flush: () => {
      const split = `SELECT substr(value, 1, ${headChars}), CAST(substr(value, ${headChars + 1}) AS INTEGER) FROM json_each(?)`
      for (const table of ['pack_hashes', 'pack_senders'] as const) {
        if (lost[table].length > 0)
          sql.exec(`DELETE FROM ${table} WHERE (head, id) IN (${split})`, JSON.stringify(lost[table]))
        if (found[table].length > 0)
          sql.exec(`INSERT OR IGNORE INTO ${table} ${split}`, JSON.stringify(found[table].sort()))
      }
    },
  }
}
