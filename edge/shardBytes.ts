import { packBytesCachedMax } from './limits.ts'
import type { Payload } from './payload.ts'
import { openMemo } from './rowCache.ts'
import { linesOf, pageOf, readPage } from './shardJournalPages.ts'
import { firstOf, type Sql } from './sql.ts'

/** The bytes of packs' transactions, of those that have any. They are written once, and again when some of them go. */
export interface PackBytes {
  readonly at: (id: number) => readonly Payload[]
  /** To be called inside a transaction. */
  readonly put: (id: number, payloads: readonly Payload[]) => void
  readonly lastId: () => number
  /** Forgets what is in memory. */
  readonly forget: () => void
}

// Apart from the rows, so that a change of state does not rewrite them.
const schema = `CREATE TABLE IF NOT EXISTS pack_bytes (id INTEGER PRIMARY KEY, lines TEXT NOT NULL, footprints TEXT NOT NULL,
  bytes BLOB NOT NULL)`

/** Opens the table, and makes it when it is missing. */
export function openBytes(sql: Sql): PackBytes {
  sql.exec(schema)
  /** What is asked of one pack is asked of each of its transactions, in turn or among those of a few others. */
  const memo = openMemo<number, readonly Payload[]>(packBytesCachedMax)
  const read = (id: number): readonly Payload[] => {
    const found = firstOf(sql, 'SELECT lines, footprints, bytes FROM pack_bytes WHERE id = ?', id)
    return found ? linesOf(readPage(found)).flatMap((line) => (line.kind === 'payload' ? line.row : [])) : []
  }
  return {
    at: (id) => memo.one(id, () => read(id)) ?? [],
    put: (id, payloads) => {
      memo.put(id, payloads)
      if (payloads.length === 0) {
        sql.exec('DELETE FROM pack_bytes WHERE id = ?', id)
        return
      }
      const { lines, footprints, bytes } = pageOf(payloads.map((row) => ({ kind: 'payload', row })))
      sql.exec('INSERT OR REPLACE INTO pack_bytes VALUES (?, ?, ?, ?)', id, lines, footprints, bytes)
    },
    lastId: () => (firstOf(sql, 'SELECT MAX(id) AS id FROM pack_bytes')?.id ?? 0) as number,
    forget: memo.clear,
  }
}
