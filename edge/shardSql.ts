import type { Address, TxHash } from '../sdk/units.ts'
import type { Payload } from './chainRows.ts'
import { payloadBytesCachedMax, rowsCachedMax } from './limits.ts'
import { type Memo, openMemo, openRowCache, type RowCache } from './rowCache.ts'
import type { ShardAccount, ShardChange, ShardHead, ShardRow, ShardRows } from './shardRows.ts'
import { firstOf, fromJson, type Sql, type SqlValue, toJson, type Write, writeAll } from './sql.ts'

/** A shard's rows in SQLite: the step's view, and the way changes are written. */
export interface ShardStore extends ShardRows {
  /** Reads at once what a step will ask of these one by one. */
  readonly foresee: (items: readonly { readonly hash: TxHash; readonly sender: Address }[]) => void
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
  const accounts = openMemo<Address, ShardAccount>(rowsCachedMax)
  const payloads = openMemo<TxHash, Payload>(payloadBytesCachedMax, ({ raw }) => raw.length)
  let head: ShardHead | undefined
  const row = (hash: TxHash) => cache.one(hash, () => one<ShardRow>('SELECT row FROM rows WHERE hash = ?', hash))
  const rowsOf = (sender: Address) =>
    cache.group(sender, () => all<ShardRow>(`SELECT row FROM rows WHERE sender = ? AND stage <> 'ended'`, sender))
  const clear = () => {
    cache.clear()
    accounts.clear()
    payloads.clear()
    head = undefined
  }
  /** What is on the disk from now on is in memory, too. */
  const note = (change: ShardChange) => {
    if ('remove' in change) {
      if (change.remove !== 'payload') clear()
      else payloads.drop(change.hash)
    } else if (change.put === 'row') cache.put(change.row, change.row.stage !== 'ended')
    else if (change.put === 'payload') payloads.put(change.row.hash, change.row)
    else if (change.put === 'account') accounts.put(change.row.sender, change.row)
    else head = change.row
  }
  return {
    head: () => {
      head ??= one<ShardHead>('SELECT row FROM head') ?? { live: 0 }
      return head
    },
    row,
    rowsOf: (sender) => [...rowsOf(sender)].sort((one, other) => one.nonce - other.nonce),
    payload: (hash) => payloads.one(hash, () => readPayload(sql, hash)),
    account: (sender) =>
      accounts.one(sender, () => one<ShardAccount>('SELECT row FROM accounts WHERE sender = ?', sender)),
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
    foresee: (items) => foresee(sql, { cache, accounts }, items),
    apply: (changes) => {
      const writes = changes.map((change): Write => {
        if ('remove' in change) return { into: null, run: () => removeOne(sql, change) }
        return writeOf(change, change.put === 'row' ? row(change.row.hash) : undefined)
      })
      writeAll(sql, writes)
      for (const change of changes) note(change)
    },
    forget: clear,
  }
}

/** Fills what is kept in memory for some items and their senders, by one question for each kind of row. */
function foresee(
  sql: Sql,
  { cache, accounts }: { readonly cache: RowCache<ShardRow>; readonly accounts: Memo<Address, ShardAccount> },
  items: readonly { readonly hash: TxHash; readonly sender: Address }[],
): void {
  const read = <row>(query: string, keys: readonly string[]): row[] => {
    if (keys.length === 0) return []
    const found = sql.exec(`${query} IN (SELECT value FROM json_each(?))`, JSON.stringify(keys))
    return [...found].map(({ row }) => fromJson<row>(row))
  }
  const hashes = items.map(({ hash }) => hash).filter((hash) => !cache.has(hash))
  const rows = read<ShardRow>('SELECT row FROM rows WHERE hash', hashes)
  const byHash = new Map(rows.map((row) => [row.hash, row]))
  for (const hash of hashes) cache.one(hash, () => byHash.get(hash))
  const senders = [...new Set(items.map(({ sender }) => sender))]
  const strangers = senders.filter((sender) => !accounts.has(sender))
  const found = read<ShardAccount>('SELECT row FROM accounts WHERE sender', strangers)
  const bySender = new Map(found.map((account) => [account.sender, account]))
  for (const sender of strangers) accounts.one(sender, () => bySender.get(sender))
  const ungrouped = senders.filter((sender) => !cache.hasGroup(sender))
  const groups = new Map<Address, ShardRow[]>(ungrouped.map((sender) => [sender, []]))
  for (const row of read<ShardRow>(`SELECT row FROM rows WHERE stage <> 'ended' AND sender`, ungrouped))
    groups.get(row.sender)?.push(row)
  for (const [sender, group] of groups) cache.group(sender, () => group)
}

function readPayload(sql: Sql, hash: TxHash): Payload | undefined {
  const found = firstOf(sql, 'SELECT raw, footprint FROM payloads WHERE hash = ?', hash)
  if (!found) return undefined
  return { hash, raw: new Uint8Array(found.raw as ArrayBuffer), footprint: fromJson(found.footprint) }
}

/** Writes a row that is there, where neither its end nor the time of its stage has changed. */
const moveRow = `INSERT INTO rows VALUES $rows
  ON CONFLICT (hash) DO UPDATE SET due_at = excluded.due_at, row = excluded.row`

/** @param before - The row as it is on the disk. */
function writeOf(change: Extract<ShardChange, { put: unknown }>, before: ShardRow | undefined): Write {
  switch (change.put) {
    case 'head':
      return { into: 'INSERT OR REPLACE INTO head VALUES $rows', values: [1, toJson(change.row)] }
    case 'row': {
      const { hash, sender, nonce, stage, since, dueAt } = change.row
      const values = [hash, sender, nonce, stage === 'ended' ? stage : 'live', since, dueAt, toJson(change.row)]
      // Naming a column rewrites each index that has it, also where it does not change.
      const isSmall = before && before.since === since && (before.stage === 'ended') === (stage === 'ended')
      return { into: isSmall ? moveRow : 'INSERT OR REPLACE INTO rows VALUES $rows', values }
    }
    case 'payload': {
      const { hash, raw, footprint } = change.row
      return { into: 'INSERT OR REPLACE INTO payloads VALUES $rows', values: [hash, raw, toJson(footprint)] }
    }
    case 'account': {
      const { sender, checkedAt, checkAt } = change.row
      return {
        into: 'INSERT OR REPLACE INTO accounts VALUES $rows',
        values: [sender, checkedAt, checkAt, toJson(change.row)],
      }
    }
  }
}

function removeOne(sql: Sql, change: Extract<ShardChange, { remove: unknown }>): void {
  switch (change.remove) {
    case 'payload':
      sql.exec('DELETE FROM payloads WHERE hash = ?', change.hash)
      return
    case 'sender': {
      const { sender } = change
      const over = `stage = 'ended' AND due_at IS NULL AND sender = ?`
      sql.exec(`DELETE FROM payloads WHERE hash IN (SELECT hash FROM rows WHERE ${over})`, sender)
      sql.exec(`DELETE FROM rows WHERE ${over}`, sender)
      sql.exec('DELETE FROM accounts WHERE sender = ?1 AND NOT EXISTS (SELECT 1 FROM rows WHERE sender = ?1)', sender)
      return
    }
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
