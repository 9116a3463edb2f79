import { invariant } from '../sdk/errors.ts'
import type { Address, TxHash } from '../sdk/units.ts'
import { packBytesMax, packKeptMax, packRowsMax, packsCachedMax } from './limits.ts'
import type { Payload } from './payload.ts'
import { openMemo } from './rowCache.ts'
import { adopt } from './shardAdopt.ts'
import { openBytes } from './shardBytes.ts'
import { type IndexTable, openIndex, type PackIndex } from './shardIndex.ts'
import { linesOf, pageOf } from './shardJournalPages.ts'
import { bySender, endOf, type ShardRow } from './shardRows.ts'
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

/** Rows that are in no pack yet. */
export interface Fresh {
  readonly rows: readonly ShardRow[]
  /** Such bytes as there are of them. */
  readonly payloads: readonly Payload[]
  /** Packs whose bytes are here already. */
  readonly kept: ReadonlyMap<number, Kept>
}

interface Kept {
  /** Those whose bytes are wanted still. */
  readonly rows: readonly ShardRow[]
  readonly isWhole: boolean
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
  readonly payloads: (id: number) => readonly Payload[]
  /** Earliest `dueAt`, and earliest end. */
  readonly firstDue: () => number | null
  readonly firstEnded: () => number | null
  /**
   * Stores the bytes of packs whose rows come later, and stand elsewhere until then. To be called inside a transaction,
   * like the next.
   *
   * @returns The packs' numbers.
   */
  readonly keep: (payloads: readonly Payload[]) => Iterable<number>
  /** Takes in rows that are not here. */
  readonly add: (fresh: Fresh) => readonly Packed[]
  /** @param ids - Of the packs that have what changes. */
  readonly change: (ids: ReadonlySet<number>, changes: PackChanges) => void
  /** Forgets what is in memory. */
  readonly forget: () => void
}

const schema = [
  `CREATE TABLE IF NOT EXISTS packs (id INTEGER PRIMARY KEY, due_at INTEGER, ended_at INTEGER, lines TEXT NOT NULL)`,
  `CREATE INDEX IF NOT EXISTS packs_by_due ON packs (due_at) WHERE due_at IS NOT NULL`,
  `CREATE INDEX IF NOT EXISTS packs_by_end ON packs (ended_at) WHERE ended_at IS NOT NULL`,
]

interface Pack {
  readonly id: number
  readonly rows: readonly ShardRow[]
}

/** Opens the tables, makes them when they are missing, and takes over the rows of the layouts before. */
export function openPacks(sql: Sql): Packs {
  for (const statement of schema) sql.exec(statement)
  const index = openIndex(sql)
  const [table, bytes] = [openTable(sql, index), openBytes(sql)]
  let lastId: number | undefined
  const nextId = () => {
    lastId = 1 + (lastId ?? Math.max(table.lastId(), bytes.lastId()))
    return lastId
  }
  const packs: Packs = {
    find: (hashes) => {
      const wanted = new Set(hashes)
      return rowsOf(table.among('hash_heads', hashes), ({ hash }) => wanted.has(hash))
    },
    liveOf: (senders) => {
      const wanted = new Set(senders)
      const isLive = ({ stage, sender }: ShardRow) => stage !== 'ended' && wanted.has(sender)
      return rowsOf(table.among('sender_heads', senders), isLive)
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
    payloads: bytes.at,
    firstDue: () => table.first('due_at'),
    firstEnded: () => table.first('ended_at'),
    *keep(payloads) {
      for (const part of partsOf(payloads, packKeptMax, sizeOf)) {
        const id = nextId()
        bytes.put(id, part)
        yield id
      }
    },
    add: ({ rows, payloads, kept }) => {
      const byHash = new Map(payloads.map((payload) => [payload.hash, payload]))
      const sizeOfRow = ({ hash }: ShardRow) => sizeOf(byHash.get(hash))
      const packed: Pack[] = []
      for (const [id, { rows, isWhole }] of kept) {
        if (!isWhole)
          bytes.put(
            id,
            bytes.at(id).filter(({ hash }) => rows.some((row) => row.hash === hash)),
          )
        if (rows.length > 0) packed.push({ id, rows })
      }
      // By sender, so that one is in few packs.
      for (const part of partsOf([...bySender(rows).values()].flat(), packRowsMax, sizeOfRow)) {
        const id = nextId()
        packed.push({ id, rows: part })
        const some = part.flatMap(({ hash }) => byHash.get(hash) ?? [])
        if (some.length > 0) bytes.put(id, some)
      }
      for (const pack of packed) table.put(pack, [])
      index.flush()
      return packed.flatMap(({ id, rows }) => rows.map((row) => ({ id, row })))
    },
    change: (ids, { rows, payloads }) => {
      for (const id of ids) {
        const before = table.at(id)?.rows
        invariant(before, 'what is changed in the tables is there')
        const after = before.flatMap((row) => rows.get(row.hash) ?? (rows.has(row.hash) ? [] : row))
        if (before.some(({ hash }) => rows.has(hash))) table.put({ id, rows: after }, before)
        const touched = before.map(({ hash }) => hash).filter((hash) => payloads.has(hash))
        if (touched.length === 0) continue
        const others = bytes.at(id).filter(({ hash }) => !payloads.has(hash))
        bytes.put(id, others.concat(touched.flatMap((hash) => payloads.get(hash) ?? [])))
      }
      index.flush()
    },
    forget: () => {
      for (const part of [table, bytes, index]) part.forget()
      lastId = undefined
    },
  }
  adopt(sql, packs.add)
  return packs
}

/** The rows of packs. */
function openTable(sql: Sql, index: PackIndex) {
  const memo = openMemo<number, Pack>(packsCachedMax)
  function* read(condition: string, ...bindings: readonly SqlValue[]): Iterable<Pack> {
    for (const found of sql.exec(`SELECT id, lines FROM packs WHERE ${condition}`, ...bindings)) yield packOf(found)
  }
  const at = (id: number) => memo.one(id, () => [...read('id = ?', id)][0])
  const number = (query: string) => (firstOf(sql, query)?.number ?? null) as number | null
  return {
    read,
    at,
    among: (table: IndexTable, names: readonly (TxHash | Address)[]): Iterable<Pack> =>
      [...index.find(table, names)].flatMap((id) => at(id) ?? []),
    lastId: () => number('SELECT MAX(id) AS number FROM packs') ?? 0,
    // With the condition of the partial index: without it each look would read the whole table.
    first: (column: 'due_at' | 'ended_at') =>
      number(`SELECT MIN(${column}) AS number FROM packs WHERE ${column} IS NOT NULL`),
    put: ({ id, rows }: Pack, before: readonly ShardRow[]) => {
      index.note('hash_heads', id, hashesOf(before), hashesOf(rows))
      index.note('sender_heads', id, sendersOf(before), sendersOf(rows))
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

function hashesOf(rows: readonly ShardRow[]): readonly TxHash[] {
  return rows.map(({ hash }) => hash)
}

/** Of what has not ended. */
function sendersOf(rows: readonly ShardRow[]): readonly Address[] {
  return rows.flatMap(({ stage, sender }) => (stage === 'ended' ? [] : sender))
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

/** Divides a list into what packs may hold, in its order and about evenly. */
function partsOf<one>(list: readonly one[], most: number, sizeOf: (one: one) => number): readonly (readonly one[])[] {
  const countMax = Math.ceil(list.length / Math.ceil(list.length / most))
  const parts: one[][] = []
  let size = 0
  for (const one of list) {
    const more = sizeOf(one)
    const last = parts.at(-1)
    if (last && last.length < countMax && size + more <= packBytesMax) {
      last.push(one)
      size += more
    } else {
      parts.push([one])
      size = more
    }
  }
  return parts
}

function sizeOf(payload: Payload | undefined): number {
  return payload ? payload.raw.length + payload.footprintJson.length : 0
}
