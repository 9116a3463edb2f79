import type { BatchId } from '../sdk/units.ts'
import { firstOf, fromJson, type Sql, toJson } from './sql.ts'
import type { CallRow, WatchRow, WebhookChange, WebhookHead, WebhookRows } from './webhookRows.ts'

/** A webhook's rows in SQLite: the step's view, and the way changes are written. */
export interface WebhookStore extends WebhookRows {
  /** Applies changes in their order. To be called inside a transaction. */
  readonly apply: (changes: readonly WebhookChange[]) => void
}

const schema = [
  `CREATE TABLE IF NOT EXISTS head (id INTEGER PRIMARY KEY, row TEXT NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS watches (batch TEXT PRIMARY KEY, due_at INTEGER NOT NULL, row TEXT NOT NULL) WITHOUT ROWID`,
  `CREATE INDEX IF NOT EXISTS watches_by_due ON watches (due_at)`,
  `CREATE TABLE IF NOT EXISTS calls (id TEXT PRIMARY KEY, due_at INTEGER NOT NULL, dead INTEGER NOT NULL, row TEXT NOT NULL)
    WITHOUT ROWID`,
  `CREATE INDEX IF NOT EXISTS calls_by_due ON calls (due_at)`,
  `CREATE INDEX IF NOT EXISTS calls_by_death ON calls (dead, due_at)`,
]

/** Opens the store, and makes its tables when they are missing. */
export function openWebhookStore(sql: Sql): WebhookStore {
  for (const statement of schema) sql.exec(statement)
  const all = <row>(query: string, ...bindings: (string | number)[]): row[] =>
    [...sql.exec(query, ...bindings)].map(({ row }) => fromJson<row>(row))
  const count = (query: string) => Number(firstOf(sql, query)?.count)
  return {
    head: () => all<WebhookHead>('SELECT row FROM head')[0],
    watch: (batch: BatchId) => all<WatchRow>('SELECT row FROM watches WHERE batch = ?', batch)[0],
    dueWatches: (now, limit) =>
      all<WatchRow>('SELECT row FROM watches WHERE due_at <= ? ORDER BY due_at LIMIT ?', now, limit),
    call: (id) => all<CallRow>('SELECT row FROM calls WHERE id = ?', id)[0],
    dueCalls: (now, limit) =>
      all<CallRow>('SELECT row FROM calls WHERE due_at <= ? ORDER BY due_at LIMIT ?', now, limit),
    dead: (limit) => all<CallRow>('SELECT row FROM calls WHERE dead = 1 ORDER BY due_at LIMIT ?', limit),
    counts: () => ({
      watched: count('SELECT COUNT(*) AS count FROM watches'),
      waiting: count('SELECT COUNT(*) AS count FROM calls WHERE dead = 0'),
      dead: count('SELECT COUNT(*) AS count FROM calls WHERE dead = 1'),
    }),
    nextDue: () => {
      const found = firstOf(
        sql,
        'SELECT MIN(at) AS at FROM (SELECT MIN(due_at) AS at FROM watches UNION SELECT MIN(due_at) FROM calls)',
      )
      return (found?.at ?? null) as number | null
    },
    apply: (changes) => {
      for (const change of changes) applyOne(sql, change)
    },
  }
}

function applyOne(sql: Sql, change: WebhookChange): void {
  if ('remove' in change) {
    if (change.remove === 'watch') sql.exec('DELETE FROM watches WHERE batch = ?', change.batch)
    else if (change.remove === 'call') sql.exec('DELETE FROM calls WHERE id = ?', change.id)
    else for (const table of ['head', 'watches', 'calls']) sql.exec(`DELETE FROM ${table}`)
  } else if (change.put === 'head') sql.exec('INSERT OR REPLACE INTO head VALUES (1, ?)', toJson(change.row))
  else if (change.put === 'watch') {
    const { batch, dueAt } = change.row
    sql.exec('INSERT OR REPLACE INTO watches VALUES (?, ?, ?)', batch, dueAt, toJson(change.row))
  } else {
    const { id, dueAt, isDead } = change.row
    sql.exec('INSERT OR REPLACE INTO calls VALUES (?, ?, ?, ?)', id, dueAt, Number(isDead), toJson(change.row))
  }
}
