import type { BackupRow, BoxChange, BoxHead, BoxRows, DepositRow, MessageRow, Side, SideRow } from './channelBoxRows.ts'
import { firstOf, fromJson, type Sql, type SqlValue, toJson } from './sql.ts'

/** A box's rows in SQLite: the step's view, and the way changes are written. */
export interface BoxStore extends BoxRows {
  /** Applies changes in their order. To be called inside a transaction. */
  readonly apply: (changes: readonly BoxChange[]) => void
}

const schema = [
  `CREATE TABLE IF NOT EXISTS head (id INTEGER PRIMARY KEY, row TEXT NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS sides (side TEXT PRIMARY KEY, row TEXT NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS messages (side TEXT NOT NULL, sequence INTEGER NOT NULL, total_bytes INTEGER NOT NULL,
    bytes BLOB NOT NULL, PRIMARY KEY (side, sequence)) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS deposit (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL, row TEXT NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS backups (side TEXT PRIMARY KEY, number INTEGER NOT NULL, bytes BLOB NOT NULL)`,
]

/** Opens the store, and makes its tables when they are missing. */
export function openBoxStore(sql: Sql): BoxStore {
  for (const statement of schema) sql.exec(statement)
  const one = <row>(query: string, ...bindings: SqlValue[]): row | undefined => {
    const found = firstOf(sql, query, ...bindings)
    return found && fromJson<row>(found.row)
  }
  return {
    head: () => one<BoxHead>('SELECT row FROM head'),
    side: (side) => one<SideRow>('SELECT row FROM sides WHERE side = ?', side),
    message: (side, sequence) => {
      const found = firstOf(sql, 'SELECT * FROM messages WHERE side = ? AND sequence = ?', side, sequence)
      return found && messageOf(found)
    },
    messagesAfter: (side, after, limit) => {
      const query = 'SELECT * FROM messages WHERE side = ? AND sequence > ? ORDER BY sequence LIMIT ?'
      return [...sql.exec(query, side, after, limit)].map(messageOf)
    },
    deposit: () => {
      const found = firstOf(sql, 'SELECT bytes, row FROM deposit')
      if (!found) return undefined
      return { ...fromJson<Omit<DepositRow, 'transaction'>>(found.row), transaction: bytesOf(found.bytes) }
    },
    backup: (side): BackupRow | undefined => {
      const found = firstOf(sql, 'SELECT number, bytes FROM backups WHERE side = ?', side)
      return found && { side, number: Number(found.number), bytes: bytesOf(found.bytes) }
    },
    apply: (changes) => {
      for (const change of changes) {
        if ('put' in change) putOne(sql, change)
        else removeOne(sql, change)
      }
    },
  }
}

function messageOf(row: Readonly<Record<string, SqlValue>>): MessageRow {
  const { side, sequence, total_bytes: totalBytes, bytes } = row
  return { side: side as Side, sequence: Number(sequence), totalBytes: Number(totalBytes), bytes: bytesOf(bytes) }
}

function bytesOf(value: SqlValue | undefined): Uint8Array {
  return new Uint8Array(value as ArrayBuffer)
}

function putOne(sql: Sql, change: Extract<BoxChange, { put: unknown }>): void {
  switch (change.put) {
    case 'head':
      sql.exec('INSERT OR REPLACE INTO head VALUES (1, ?)', toJson(change.row))
      return
    case 'side':
      sql.exec('INSERT OR REPLACE INTO sides VALUES (?, ?)', change.row.side, toJson(change.row))
      return
    case 'message': {
      const { side, sequence, totalBytes, bytes } = change.row
      sql.exec('INSERT INTO messages VALUES (?, ?, ?, ?)', side, sequence, totalBytes, bytes)
      return
    }
    case 'backup': {
      const { side, number, bytes } = change.row
      sql.exec('INSERT OR REPLACE INTO backups VALUES (?, ?, ?)', side, number, bytes)
      return
    }
    case 'deposit': {
      const { transaction, ...row } = change.row
      sql.exec('INSERT OR REPLACE INTO deposit VALUES (1, ?, ?)', transaction, toJson(row))
      return
    }
  }
}

function removeOne(sql: Sql, change: Extract<BoxChange, { remove: unknown }>): void {
  switch (change.remove) {
    case 'messages':
      sql.exec('DELETE FROM messages WHERE side = ? AND sequence <= ?', change.side, change.through)
      return
    case 'everything':
      for (const table of ['head', 'sides', 'messages', 'deposit', 'backups']) sql.exec(`DELETE FROM ${table}`)
      return
  }
}
