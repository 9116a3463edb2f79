import type { ChainId } from '../sdk/units.ts'

/** A value as SQLite keeps it. Blobs come back as `ArrayBuffer`. */
export type SqlValue = ArrayBuffer | string | number | null

/** The part of a Durable Object's SQLite that is used here: synchronous, and one statement a call. */
export interface Sql {
  readonly exec: (
    query: string,
    ...bindings: readonly (SqlValue | Uint8Array)[]
  ) => Iterable<Readonly<Record<string, SqlValue>>>
}

/** The first row, if there is one. */
export function firstOf(
  sql: Sql,
  query: string,
  ...bindings: readonly SqlValue[]
): Readonly<Record<string, SqlValue>> | undefined {
  for (const row of sql.exec(query, ...bindings)) return row
  return undefined
}

/** Whether there is such a table. */
export function hasTable(sql: Sql, name: string): boolean {
  return firstOf(sql, `SELECT 1 AS is_one FROM sqlite_master WHERE type = 'table' AND name = ?`, name) !== undefined
}

/** One row to write, or something else to do to the tables. */
export type Write =
  | {
      /** An `INSERT` with {@link rowsMark} where its rows go. */
      readonly into: string
      /** The values of all columns, in the table's order. */
      readonly values: readonly (SqlValue | Uint8Array)[]
    }
  | { readonly into: null; readonly run: () => void }

/** Stands for the rows in a statement. */
const rowsMark = '$rows'

/** Most parameters of one statement: the platform's bound. */
const bindingsMax = 100

/**
 * Writes rows, as many in a statement as it may bind: what costs is the call, not the row. The rows of one table keep
 * their order, and nothing passes what is no row.
 */
export function writeAll(sql: Sql, writes: readonly Write[]): void {
  const tables = new Map<string, (readonly (SqlValue | Uint8Array)[])[]>()
  const flush = () => {
    for (const [into, rows] of tables) writeRows(sql, into, rows)
    tables.clear()
  }
  for (const write of writes) {
    if (write.into === null) {
      flush()
      write.run()
      continue
    }
    const rows = tables.get(write.into)
    if (rows) rows.push(write.values)
    else tables.set(write.into, [write.values])
  }
  flush()
}

function writeRows(sql: Sql, into: string, rows: readonly (readonly (SqlValue | Uint8Array)[])[]): void {
  const columns = rows[0]?.length ?? 1
  const each = Math.floor(bindingsMax / columns)
  const marks = `, (${', ?'.repeat(columns).slice(2)})`
  for (let from = 0; from < rows.length; from += each) {
    const some = rows.slice(from, from + each)
    sql.exec(into.replace(rowsMark, marks.repeat(some.length).slice(2)), ...some.flat())
  }
}

/** Rows that were written here read back as what they were: nothing else writes to these tables. */
export function fromJson<row>(value: SqlValue | undefined): row {
  return amountsOf(JSON.parse(String(value)))
}

/** JSON with amounts as text: they do not fit its numbers. A replacer would be called for every field. */
export function toJson(row: object): string {
  return JSON.stringify(amountsAsText(row))
}

/** The fields of rows that hold amounts, at the top of each. */
const amounts = ['maxFeePerGas', 'maxPriorityFeePerGas'] as const

/** A row for JSON. */
export function amountsAsText(row: object): object {
  const written: Record<string, unknown> = { ...row }
  for (const name of amounts) if (typeof written[name] === 'bigint') written[name] = String(written[name])
  return written
}

/** A row out of JSON, its amounts as what they were. */
export function amountsOf<row>(read: row): row {
  const found = read as Record<string, unknown>
  for (const name of amounts) if (typeof found[name] === 'string') found[name] = BigInt(found[name])
  return read
}

const faultsMax = 16

/** A short list of what went wrong last, for the operator. */
export function openFaults(sql: Sql): { readonly report: (error: unknown) => void; readonly count: () => number } {
  sql.exec('CREATE TABLE IF NOT EXISTS faults (at INTEGER NOT NULL, text TEXT NOT NULL)')
  return {
    count: () => Number(firstOf(sql, 'SELECT COUNT(*) AS count FROM faults')?.count ?? 0),
    report: (error) => {
      sql.exec('INSERT INTO faults VALUES (?, ?)', Date.now(), error instanceof Error ? `${error.stack}` : `${error}`)
      sql.exec(
        'DELETE FROM faults WHERE rowid NOT IN (SELECT rowid FROM faults ORDER BY rowid DESC LIMIT ?)',
        faultsMax,
      )
    },
  }
}

/** Which chain, and which shard of it, an object is: an alarm does not say, so it is stored when first heard. */
export function openIdentity(sql: Sql): {
  readonly get: () => { readonly chain: ChainId; readonly shard: number } | undefined
  readonly set: (chain: ChainId, shard: number) => void
} {
  sql.exec(
    'CREATE TABLE IF NOT EXISTS identity (id INTEGER PRIMARY KEY, chain INTEGER NOT NULL, shard INTEGER NOT NULL)',
  )
  const read = () => {
    const row = firstOf(sql, 'SELECT chain, shard FROM identity')
    return row && { chain: row.chain as ChainId, shard: row.shard as number }
  }
  let known = read()
  return {
    get: () => known,
    set: (chain, shard) => {
      if (known) return
      sql.exec('INSERT INTO identity VALUES (1, ?, ?)', chain, shard)
      known = read()
    },
  }
}
