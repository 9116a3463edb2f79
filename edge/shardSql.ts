import type { Address, TxHash } from '../sdk/units.ts'
import type { Payload } from './chainRows.ts'
import { payloadBytesCachedMax, placesPerWrite, rowsCachedMax } from './limits.ts'
import { type Memo, openMemo, openRowCache, type RowCache } from './rowCache.ts'
import { drop, type Entries, type Entry, isMove, move, openEntries, writeOf } from './shardEntries.ts'
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
  `CREATE TABLE IF NOT EXISTS accounts (sender TEXT PRIMARY KEY, checked_at INTEGER NOT NULL, check_at INTEGER,
    row TEXT NOT NULL)`,
  `CREATE INDEX IF NOT EXISTS accounts_by_check ON accounts (check_at) WHERE check_at IS NOT NULL`,
]

/** What is in memory of the rows, as they are on the disk. */
interface Memory {
  readonly rows: RowCache<ShardRow>
  /** Under which number a hash is stored. */
  readonly ids: Memo<TxHash, number>
  readonly accounts: Memo<Address, ShardAccount>
  readonly payloads: Memo<TxHash, Payload>
  head: ShardHead | undefined
}

/** Opens the store, and makes its tables when they are missing. */
export function openShardStore(sql: Sql, placesMax: number = placesPerWrite): ShardStore {
  for (const statement of schema) sql.exec(statement)
  const entries = openEntries(sql, placesMax)
  const memory: Memory = {
    rows: openRowCache(),
    ids: openMemo(rowsCachedMax),
    accounts: openMemo(rowsCachedMax),
    payloads: openMemo(payloadBytesCachedMax, ({ raw }) => raw.length),
    head: undefined,
  }
  const { rows, ids, accounts, payloads } = memory
  const number = (query: string) => (firstOf(sql, query)?.at ?? null) as number | null
  const known = ({ id, row }: Entry): ShardRow => {
    ids.put(row.hash, id)
    return row
  }
  const row = (hash: TxHash) => rows.one(hash, () => entries.find([hash]).map(known)[0])
  const idOf = (hash: TxHash) => ids.one(hash, () => entries.find([hash])[0]?.id)
  const rowsOf = (sender: Address) => rows.group(sender, () => entries.liveOf([sender]).map(known))
  const clear = () => {
    for (const part of [rows, ids, accounts, payloads]) part.clear()
    memory.head = undefined
  }
  return {
    head: () => {
      const found = memory.head ?? firstOf(sql, 'SELECT row FROM head')
      memory.head ??= found && 'row' in found ? fromJson<ShardHead>(found.row) : { live: 0 }
      return memory.head
    },
    row,
    rowsOf: (sender) => [...rowsOf(sender)].sort((one, other) => one.nonce - other.nonce),
    payload: (hash) =>
      payloads.one(hash, () => {
        const id = idOf(hash)
        return id === undefined ? undefined : entries.payload(id, hash)
      }),
    account: (sender) => accounts.one(sender, () => readAccounts(sql, [sender])[0]),
    due: (now, limit) =>
      entries.due(now, limit).map((entry) => rows.one(entry.row.hash, () => known(entry)) ?? entry.row),
    dueAccounts: (now, limit) => accountsOf(sql, 'check_at <= ? ORDER BY check_at LIMIT ?', now, limit),
    nextDue: () =>
      // With the conditions of the partial indexes: without them each look would read the whole table.
      number(
        `SELECT MIN(at) AS at FROM (SELECT MIN(due_at) AS at FROM entries WHERE due_at IS NOT NULL
         UNION SELECT MIN(check_at) FROM accounts WHERE check_at IS NOT NULL)`,
      ),
    firstEnded: () => number('SELECT MIN(ended_at) AS at FROM entries WHERE ended_at IS NOT NULL'),
    foresee: (items) => foresee(sql, entries, memory, items),
    apply: (changes) => {
      const pen = openPen(sql, entries, { row, idOf, ids })
      for (const change of changes) {
        if ('remove' in change && change.remove !== 'payload') {
          pen.flush()
          removeMany(sql, change)
          clear()
          continue
        }
        pen.write(change)
        note(memory, change)
      }
      pen.flush()
      entries.note()
      // Only now, and by what it came to: what was decided together may say of one row that it came, ended, and came again.
      const last = new Map(changes.filter(isRow).map(({ row }) => [row.hash, row]))
      for (const { hash, stage } of last.values()) if (stage === 'ended') release(memory, hash)
    },
    forget: () => {
      clear()
      entries.forget()
    },
  }
}

/** Fills what is kept in memory for some items and their senders, by one question for each kind of row. */
function foresee(
  sql: Sql,
  entries: Entries,
  { rows, ids, accounts }: Memory,
  items: readonly { readonly hash: TxHash; readonly sender: Address }[],
): void {
  const hashes = items.map(({ hash }) => hash).filter((hash) => !rows.has(hash))
  const byHash = new Map(entries.find(hashes).map((entry) => [entry.row.hash, entry]))
  for (const hash of hashes) {
    const entry = byHash.get(hash)
    rows.one(hash, () => entry?.row)
    ids.one(hash, () => entry?.id)
  }
  const senders = [...new Set(items.map(({ sender }) => sender))]
  const strangers = senders.filter((sender) => !accounts.has(sender))
  const bySender = new Map(readAccounts(sql, strangers).map((account) => [account.sender, account]))
  for (const sender of strangers) accounts.one(sender, () => bySender.get(sender))
  const ungrouped = senders.filter((sender) => !rows.hasGroup(sender))
  const groups = new Map<Address, ShardRow[]>(ungrouped.map((sender) => [sender, []]))
  for (const { id, row } of entries.liveOf(ungrouped)) {
    ids.put(row.hash, id)
    groups.get(row.sender)?.push(row)
  }
  for (const [sender, group] of groups) rows.group(sender, () => group)
}

function readAccounts(sql: Sql, senders: readonly Address[]): readonly ShardAccount[] {
  if (senders.length === 0) return []
  return accountsOf(sql, 'sender IN (SELECT value FROM json_each(?))', JSON.stringify(senders))
}

function accountsOf(sql: Sql, condition: string, ...bindings: readonly SqlValue[]): readonly ShardAccount[] {
  const found = sql.exec(`SELECT row FROM accounts WHERE ${condition}`, ...bindings)
  return [...found].map(({ row }) => fromJson<ShardAccount>(row))
}

/** What is on the disk from now on is in memory, too. */
function note(memory: Memory, change: ShardChange): void {
  if ('remove' in change) {
    if (change.remove === 'payload') memory.payloads.drop(change.hash)
  } else if (change.put === 'row') memory.rows.put(change.row, change.row.stage !== 'ended')
  else if (change.put === 'payload') memory.payloads.put(change.row.hash, change.row)
  else if (change.put === 'account') memory.accounts.put(change.row.sender, change.row)
  else memory.head = change.row
}

function isRow(change: ShardChange): change is Extract<ShardChange, { put: 'row' }> {
  return 'put' in change && change.put === 'row'
}

function release({ rows, ids }: Memory, hash: TxHash): void {
  rows.forget(hash)
  ids.drop(hash)
}

/** Collects changes, so that many are one statement. What changes twice changes in order. */
interface Pen {
  readonly write: (change: Exclude<ShardChange, { remove: 'old' | 'sender' }>) => void
  readonly flush: () => void
}

interface Directory {
  readonly row: (hash: TxHash) => ShardRow | undefined
  readonly idOf: (hash: TxHash) => number | undefined
  readonly ids: Memo<TxHash, number>
}

function openPen(sql: Sql, entries: Entries, { row, idOf, ids }: Directory): Pen {
  let writes: Write[] = []
  /** By stage and times: rows that only come to these. */
  const moves = new Map<string, { readonly ids: number[]; readonly to: ShardRow }>()
  const rowsTouched = new Set<TxHash>()
  const bytesTouched = new Set<TxHash>()
  const flush = () => {
    writeAll(sql, writes)
    for (const { ids, to } of moves.values()) move(sql, ids, to)
    writes = []
    moves.clear()
    rowsTouched.clear()
    bytesTouched.clear()
  }
  const touch = (touched: Set<TxHash>, hash: TxHash) => {
    // Before anything is asked of the tables: they would not know of what is still to be written.
    if (touched.has(hash)) flush()
    touched.add(hash)
  }
  const numberOf = (hash: TxHash): number => {
    const known = idOf(hash)
    if (known !== undefined) return known
    const id = entries.arrive(hash)
    ids.put(hash, id)
    return id
  }
  const writeRow = (next: ShardRow) => {
    touch(rowsTouched, next.hash)
    const before = row(next.hash)
    const id = numberOf(next.hash)
    if (!before || !isMove(next, before)) {
      writes.push(writeOf({ id, row: next }, before))
      return
    }
    const key = `${next.stage} ${next.since} ${next.dueAt}`
    const same = moves.get(key)
    if (same) same.ids.push(id)
    else moves.set(key, { ids: [id], to: next })
  }
  return {
    flush,
    write: (change) => {
      if ('remove' in change) {
        touch(bytesTouched, change.hash)
        const id = idOf(change.hash)
        if (id !== undefined) writes.push({ into: 'DELETE FROM entry_bytes WHERE id IN (VALUES $rows)', values: [id] })
      } else if (change.put === 'row') writeRow(change.row)
      else if (change.put === 'payload') {
        touch(bytesTouched, change.row.hash)
        const { hash, raw, footprint } = change.row
        const values = [numberOf(hash), raw, toJson(footprint)]
        writes.push({ into: 'INSERT OR REPLACE INTO entry_bytes VALUES $rows', values })
      } else writes.push(plainWrite(change))
    },
  }
}

function plainWrite(change: Extract<ShardChange, { put: 'head' | 'account' }>): Write {
  if (change.put === 'head')
    return { into: 'INSERT OR REPLACE INTO head VALUES $rows', values: [1, toJson(change.row)] }
  const { sender, checkedAt, checkAt } = change.row
  const values = [sender, checkedAt, checkAt, toJson(change.row)]
  return { into: 'INSERT OR REPLACE INTO accounts VALUES $rows', values }
}

/** Nothing of a sender's that has not ended. */
const idle =
  'NOT EXISTS (SELECT 1 FROM entries WHERE ended_at IS NULL AND substr(sender, 3, 12) = substr(a.sender, 3, 12) AND sender = a.sender)'

function removeMany(sql: Sql, change: Extract<ShardChange, { remove: 'old' | 'sender' }>): void {
  if (change.remove === 'sender') {
    const { sender } = change
    drop(sql, 'ended_at IS NOT NULL AND due_at IS NULL AND sender = ?', sender)
    sql.exec(`DELETE FROM accounts AS a WHERE sender = ? AND ${idle}`, sender)
    return
  }
  const { before, limit } = change
  drop(sql, 'ended_at < ? ORDER BY ended_at LIMIT ?', before, limit)
  sql.exec(
    `DELETE FROM accounts WHERE sender IN (SELECT sender FROM accounts a WHERE checked_at < ? AND ${idle} LIMIT ?)`,
    before,
    limit,
  )
}
