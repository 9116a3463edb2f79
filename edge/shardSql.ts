import type { Address, TxHash } from '../sdk/units.ts'
import type { Payload } from './chainRows.ts'
import { openRowCache } from './rowCache.ts'
import type { ShardAccount, ShardChange, ShardHead, ShardRow, ShardRows } from './shardRows.ts'
import { firstOf, fromJson, type Sql, type SqlValue, toJson } from './sql.ts'

/** A shard's rows in SQLite: the step's view, and the way changes are written. */
export interface ShardStore extends ShardRows {
  /** Applies changes in their order. To be called inside a transaction. */
  readonly apply: (changes: readonly ShardChange[]) => void
  /** Forgets what is in memory, so that it is read again. */
  readonly forget: () => void
}

const schema = [
  `CREATE TABLE IF NOT EXISTS head (id INTEGER PRIMARY KEY, row TEXT NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS rows (hash TEXT PRIMARY KEY, sender TEXT NOT NULL, nonce INTEGER NOT NULL,
    stage TEXT NOT NULL, since INTEGER NOT NULL, due_at INTEGER, row TEXT NOT NULL) WITHOUT ROWID`,
  `CREATE INDEX IF NOT EXISTS rows_by_sender ON rows (sender, nonce) WHERE stage <> 'ended'`,
  `CREATE INDEX IF NOT EXISTS rows_by_due ON rows (due_at) WHERE due_at IS NOT NULL`,
  `CREATE INDEX IF NOT EXISTS rows_by_end ON rows (since) WHERE stage = 'ended'`,
  `CREATE TABLE IF NOT EXISTS payloads (hash TEXT PRIMARY KEY, raw BLOB NOT NULL, footprint TEXT NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS accounts (sender TEXT PRIMARY KEY, checked_at INTEGER NOT NULL, check_at INTEGER,
    row TEXT NOT NULL)`,
  `CREATE INDEX IF NOT EXISTS accounts_by_check ON accounts (check_at) WHERE check_at IS NOT NULL`,
]

/** Opens the store, and makes its tables when they are missing. */
export function openShardStore(sql: Sql): ShardStore {
  for (const statement of schema) sql.exec(statement)
  const all = <row>(query: string, ...bindings: SqlValue[]): row[] =>
    [...sql.exec(query, ...bindings)].map(({ row }) => fromJson<row>(row))
  const one = <row>(query: string, ...bindings: SqlValue[]): row | undefined => {
    const found = firstOf(sql, query, ...bindings)
    return found && fromJson<row>(found.row)
  }
  const number = (query: string) => (firstOf(sql, query)?.at ?? null) as number | null
  const cache = openRowCache<ShardRow>()
  const row = (hash: TxHash) => cache.one(hash, () => one<ShardRow>('SELECT row FROM rows WHERE hash = ?', hash))
  const rowsOf = (sender: Address) =>
    cache.group(sender, () => all<ShardRow>(`SELECT row FROM rows WHERE sender = ? AND stage <> 'ended'`, sender))
  return {
    head: () => one<ShardHead>('SELECT row FROM head') ?? { live: 0 },
    row,
    rowsOf: (sender) => [...rowsOf(sender)].sort((one, other) => one.nonce - other.nonce),
    payload: (hash) => readPayload(sql, hash),
    account: (sender) => one<ShardAccount>('SELECT row FROM accounts WHERE sender = ?', sender),
    due: (now, limit) =>
      [...sql.exec('SELECT hash FROM rows WHERE due_at <= ? ORDER BY due_at LIMIT ?', now, limit)].flatMap(
        ({ hash }) => row(hash as TxHash) ?? [],
      ),
    dueAccounts: (now, limit) =>
      all<ShardAccount>('SELECT row FROM accounts WHERE check_at <= ? ORDER BY check_at LIMIT ?', now, limit),
    nextDue: () =>
      // With the conditions of the partial indexes: without them each look would read the whole table.
      number(
        `SELECT MIN(at) AS at FROM (SELECT MIN(due_at) AS at FROM rows WHERE due_at IS NOT NULL
         UNION SELECT MIN(check_at) FROM accounts WHERE check_at IS NOT NULL)`,
      ),
    firstEnded: () => number(`SELECT MIN(since) AS at FROM rows WHERE stage = 'ended'`),
    apply: (changes) => {
      for (const change of changes) {
        if ('put' in change) putOne(sql, change)
        else removeOne(sql, change)
        if ('put' in change && change.put === 'row') cache.put(change.row, change.row.stage !== 'ended')
        if ('remove' in change && change.remove === 'old') cache.clear()
      }
    },
    forget: cache.clear,
  }
}

function readPayload(sql: Sql, hash: TxHash): Payload | undefined {
  const found = firstOf(sql, 'SELECT raw, footprint FROM payloads WHERE hash = ?', hash)
  if (!found) return undefined
  return { hash, raw: new Uint8Array(found.raw as ArrayBuffer), footprint: fromJson(found.footprint) }
}

function putOne(sql: Sql, change: Extract<ShardChange, { put: unknown }>): void {
  switch (change.put) {
    case 'head':
      sql.exec('INSERT OR REPLACE INTO head VALUES (1, ?)', toJson(change.row))
      return
    case 'row': {
      const { hash, sender, nonce, stage, since, dueAt } = change.row
      const row = toJson(change.row)
      sql.exec(
        'INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?, ?, ?)',
        hash,
        sender,
        nonce,
        stage,
        since,
        dueAt,
        row,
      )
      return
    }
    case 'payload': {
      const { hash, raw, footprint } = change.row
      sql.exec('INSERT OR REPLACE INTO payloads VALUES (?, ?, ?)', hash, raw, toJson(footprint))
      return
    }
    case 'account': {
      const { sender, checkedAt, checkAt } = change.row
      sql.exec('INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?)', sender, checkedAt, checkAt, toJson(change.row))
      return
    }
  }
}

function removeOne(sql: Sql, change: Extract<ShardChange, { remove: unknown }>): void {
  switch (change.remove) {
    case 'payload':
      sql.exec('DELETE FROM payloads WHERE hash = ?', change.hash)
      return
    case 'old': {
      const { before, limit } = change
      sql.exec(
        `DELETE FROM payloads WHERE hash IN (SELECT hash FROM rows WHERE stage = 'ended' AND since < ? ORDER BY since LIMIT ?)`,
        before,
        limit,
      )
      sql.exec(
        `DELETE FROM rows WHERE hash IN (SELECT hash FROM rows WHERE stage = 'ended' AND since < ? ORDER BY since LIMIT ?)`,
        before,
        limit,
      )
      sql.exec(
        `DELETE FROM accounts WHERE sender IN (SELECT sender FROM accounts a WHERE checked_at < ?
         AND NOT EXISTS (SELECT 1 FROM rows WHERE sender = a.sender) LIMIT ?)`,
        before,
        limit,
      )
      return
    }
  }
}
