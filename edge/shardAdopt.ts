import type { Payload } from './payload.ts'
import type { Fresh } from './shardPacks.ts'
import type { ShardRow } from './shardRows.ts'
import { fromJson, hasTable, type Sql, type SqlValue } from './sql.ts'

/** Tables that a shard had before, and how they are read. */
interface Layout {
  /** The one of its rows, and all of its tables. */
  readonly rows: string
  readonly tables: readonly string[]
  /** Rows after a key, in its order, with such bytes as there are. */
  readonly query: string
  readonly firstKey: SqlValue
  readonly rowOf: (found: Found) => ShardRow
}

type Found = Readonly<Record<string, SqlValue>>

const layouts: readonly Layout[] = [
  {
    rows: 'rows',
    tables: ['rows', 'payloads'],
    query: `SELECT hash AS key, hash, row, raw, footprint FROM rows LEFT JOIN payloads USING (hash)
      WHERE hash > ? ORDER BY hash LIMIT ?`,
    firstKey: '',
    rowOf: ({ row }) => fromJson<ShardRow>(row),
  },
  {
    rows: 'entries',
    tables: ['entries', 'entry_bytes', 'places', 'places_end'],
    query: `SELECT id AS key, hash, sender, due_at, stage, since, row, raw, footprint FROM entries LEFT JOIN entry_bytes
      USING (id) WHERE id > ? ORDER BY id LIMIT ?`,
    firstKey: 0,
    rowOf: ({ hash, sender, stage, since, due_at: dueAt, row }) =>
      ({ hash, sender, stage, since, dueAt, ...fromJson<object>(row) }) as ShardRow,
  },
]

/** Rows that are read at once. */
const rowsAtOnce = 1_000

/**
 * Takes over the rows of the layouts before. An object that starts does it in one transaction: the platform makes one of
 * all that is written without waiting.
 *
 * @param add - Stores them.
 */
export function adopt(sql: Sql, add: (fresh: Fresh) => unknown): void {
  for (const { rows, tables, query, firstKey, rowOf } of layouts) {
    if (!hasTable(sql, rows)) continue
    for (let after = firstKey; ; ) {
      const found = [...sql.exec(query, after, rowsAtOnce)]
      add({ rows: found.map(rowOf), payloads: found.flatMap(payloadOf), kept: new Map() })
      const last = found.at(-1)
      if (!last) break
      after = last.key ?? null
    }
    for (const table of tables) sql.exec(`DROP TABLE IF EXISTS ${table}`)
  }
}

function payloadOf({ hash, raw, footprint }: Found): readonly Payload[] {
  if (raw === null) return []
  return [
    {
      hash: hash as Payload['hash'],
      raw: new Uint8Array(raw as ArrayBuffer),
      footprintJson: String(footprint),
    },
  ]
}
