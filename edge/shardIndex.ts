import { invariant } from '../sdk/errors.ts'
import type { Address, TxHash } from '../sdk/units.ts'
import { hasTable, type Sql } from './sql.ts'

/** What packs are found by: each hash, and each sender of what has not ended. */
export type IndexTable = 'hash_heads' | 'sender_heads'

/**
 * In which packs a name is.
 *
 * Names come in no order, so each goes to another page of its table, and of all that a shard writes these are the most
 * pages: a name is a number of four bytes here, which tells names apart but for a few. The rows tell those.
 */
export interface PackIndex {
  /** Packs that may have some of these. */
  readonly find: (table: IndexTable, names: readonly (TxHash | Address)[]) => ReadonlySet<number>
  /** Takes in what a pack had and has, which {@link flush} writes. */
  readonly note: (
    table: IndexTable,
    id: number,
    before: readonly (TxHash | Address)[],
    after: readonly (TxHash | Address)[],
  ) => void
  /** By one statement for each table and in order: a page is written once then. To be called inside a transaction. */
  readonly flush: () => void
  /** Forgets what was not written. */
  readonly forget: () => void
}

const tables = ['hash_heads', 'sender_heads'] as const

/** Opens the tables, and makes them when they are missing. */
export function openIndex(sql: Sql): PackIndex {
  for (const table of tables)
    sql.exec(`CREATE TABLE IF NOT EXISTS ${table} (head INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (head, id))
      WITHOUT ROWID`)
  adoptText(sql)
  const found: Readonly<Record<IndexTable, string[]>> = { hash_heads: [], sender_heads: [] }
  const lost: typeof found = { hash_heads: [], sender_heads: [] }
  const forget = () => {
    for (const table of tables) found[table].length = lost[table].length = 0
  }
  return {
    find: (table, names) => {
      if (names.length === 0) return new Set()
      const query = `SELECT places.id FROM json_each(?) CROSS JOIN ${table} places ON head = value`
      return new Set([...sql.exec(query, `[${names.map(headOf)}]`)].map(({ id }) => id as number))
    },
    note: (table, id, before, after) => {
      invariant(id < idsMax, 'a shard has fewer packs than their numbers have digits')
      const end = String(id).padStart(idDigits, '0')
      // Of heads, not of names: one that goes may leave another with its head behind.
      const [had, has] = [new Set(before.map(headOf)), new Set(after.map(headOf))]
      for (const head of has) if (!had.has(head)) found[table].push(head + end)
      for (const head of had) if (!has.has(head)) lost[table].push(head + end)
    },
    flush: () => {
      const split = `SELECT value / ${idsMax}, value % ${idsMax} FROM json_each(?)`
      for (const table of tables) {
        if (lost[table].length > 0) sql.exec(`DELETE FROM ${table} WHERE (head, id) IN (${split})`, `[${lost[table]}]`)
        if (found[table].length > 0) sql.exec(`INSERT OR IGNORE INTO ${table} ${split}`, `[${found[table].sort()}]`)
      }
      forget()
    },
    forget,
  }
}

/** Digits of a name that are its head. */
const headDigits = 7
/** Added to each, so that all have as many digits and sort as text. */
const headBase = 16 ** headDigits
const idDigits = 10
/** More packs than a shard makes in years. */
const idsMax = 10 ** idDigits

/** As the digits of a number: with those of a pack behind, it is more than JavaScript's can hold, and less than SQLite's. */
function headOf(name: TxHash | Address): string {
  return String(headBase + Number.parseInt(name.slice(2, 2 + headDigits), 16))
}

/** The head of a name, in SQL. `from`: where its digits begin, counted from 1. */
export function headInSql(name: string, from: number): string {
  const digits = Array.from({ length: headDigits }, (_, at) => {
    const worth = 16 ** (headDigits - 1 - at)
    return `(instr('0123456789abcdef', substr(${name}, ${from + at}, 1)) - 1) * ${worth}`
  })
  return `(${headBase} + ${digits.join(' + ')})`
}

/** Takes over the tables before, in which heads were text. */
function adoptText(sql: Sql): void {
  for (const [before, table] of [
    ['pack_hashes', 'hash_heads'],
    ['pack_senders', 'sender_heads'],
  ] as const) {
    if (!hasTable(sql, before)) continue
    sql.exec(`INSERT OR IGNORE INTO ${table} SELECT ${headInSql('head', 1)}, id FROM ${before}`)
    sql.exec(`DROP TABLE ${before}`)
  }
}
