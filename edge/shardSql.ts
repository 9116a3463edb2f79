import { invariant } from '../sdk/errors.ts'
import type { Address, TxHash } from '../sdk/units.ts'
import { journalBytesMax, rowsCachedMax, youngMax } from './limits.ts'
import { type Memo, openMemo, openRowCache, type RowCache } from './rowCache.ts'
import { bytesOf, drop, type Entries, type Entry, move, openEntries, writeOf } from './shardEntries.ts'
import { type Journal, type JournalChange, openJournal } from './shardJournal.ts'
import {
  isMove,
  type ShardAccount,
  type ShardChange,
  type ShardHead,
  type ShardRow,
  type ShardRows,
} from './shardRows.ts'
import { firstOf, fromJson, type Sql, type SqlValue, toJson, type Write, writeAll } from './sql.ts'
import { earlier } from './timed.ts'

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

/** What is in memory of the tables, as they are on the disk. */
interface Memory {
  readonly rows: RowCache<ShardRow>
  /** Under which number a hash is stored. */
  readonly ids: Memo<TxHash, number>
  readonly accounts: Memo<Address, ShardAccount>
  head: ShardHead | undefined
  /** The earliest times of all; they are asked for after every step, and most steps leave the tables alone. */
  times: Readonly<Record<'due' | 'check' | 'ended', number | null>> | undefined
}

/**
 * Opens the store, and makes its tables when they are missing.
 *
 * @param most - Transactions and senders of which the journal alone tells, and its bytes.
 */
export function openShardStore(sql: Sql, most: JournalBounds = {}): ShardStore {
  for (const statement of schema) sql.exec(statement)
  const entries = openEntries(sql)
  const journal = openJournal(sql)
  const memory: Memory = {
    rows: openRowCache(rowsCachedMax),
    ids: openMemo(rowsCachedMax),
    accounts: openMemo(rowsCachedMax),
    head: undefined,
    times: undefined,
  }
  const { rows, ids, accounts } = memory
  const number = (query: string) => (firstOf(sql, query)?.at ?? null) as number | null
  const known = ({ id, row }: Entry): ShardRow => {
    ids.put(row.hash, id)
    return row
  }
  /** Of the tables alone. */
  const old: Directory = {
    row: (hash) => rows.one(hash, () => entries.find([hash]).map(known)[0]),
    idOf: (hash) => ids.one(hash, () => entries.find([hash])[0]?.id),
    account: (sender) => accounts.one(sender, () => readAccounts(sql, [sender])[0]),
  }
  const clear = () => {
    for (const part of [rows, ids, accounts]) part.clear()
    memory.head = undefined
    memory.times = undefined
  }
  const times = () => {
    memory.times ??= {
      // With the conditions of the partial indexes: without them each look would read the whole table.
      due: number('SELECT MIN(due_at) AS at FROM entries WHERE due_at IS NOT NULL'),
      check: number('SELECT MIN(check_at) AS at FROM accounts WHERE check_at IS NOT NULL'),
      ended: number('SELECT MIN(ended_at) AS at FROM entries WHERE ended_at IS NOT NULL'),
    }
    return memory.times
  }
  return {
    head: () => {
      const found = memory.head ?? firstOf(sql, 'SELECT row FROM head')
      memory.head ??= found && 'row' in found ? fromJson<ShardHead>(found.row) : { live: 0 }
      return memory.head
    },
    row: (hash) => journal.row(hash) ?? old.row(hash),
    rowsOf: (sender) =>
      [...rows.group(sender, () => entries.liveOf([sender]).map(known)), ...journal.rowsOf(sender)].sort(byNonce),
    payload: (hash) => {
      if (journal.row(hash)) return journal.payload(hash)
      const id = old.idOf(hash)
      return id === undefined ? undefined : entries.payload(id, hash)
    },
    account: (sender) => journal.account(sender) ?? old.account(sender),
    due: (now, limit) =>
      entries
        .due(now, limit)
        .map((entry) => rows.one(entry.row.hash, () => known(entry)) ?? entry.row)
        .concat(journal.due(now))
        .sort((one, other) => (one.dueAt ?? 0) - (other.dueAt ?? 0))
        .slice(0, limit),
    dueAccounts: (now, limit) =>
      accountsOf(sql, 'check_at <= ? ORDER BY check_at LIMIT ?', now, limit)
        .concat(journal.dueAccounts(now))
        .sort((one, other) => (one.checkAt ?? 0) - (other.checkAt ?? 0))
        .slice(0, limit),
    nextDue: () => earlier(journal.nextDue(), times().due),
    nextCheck: () => earlier(journal.nextCheck(), times().check),
    firstEnded: () => earlier(journal.firstEnded(), times().ended),
    foresee: (items) => foresee(sql, { entries, journal, memory }, items),
    apply: (changes) => apply(sql, { entries, journal, memory, old, clear, most }, changes),
    forget: () => {
      clear()
      journal.reload()
    },
  }
}

interface JournalBounds {
  readonly count?: number
  readonly bytes?: number
}

/** Where a row and its number are found in the tables, and what they have of a sender. */
interface Directory {
  readonly row: (hash: TxHash) => ShardRow | undefined
  readonly idOf: (hash: TxHash) => number | undefined
  readonly account: (sender: Address) => ShardAccount | undefined
}

interface Parts {
  readonly entries: Entries
  readonly journal: Journal
  readonly memory: Memory
}

function apply(
  sql: Sql,
  {
    old,
    clear,
    most: { count = youngMax, bytes = journalBytesMax },
    ...parts
  }: Parts & {
    readonly old: Directory
    readonly clear: () => void
    readonly most: JournalBounds
  },
  changes: readonly ShardChange[],
): void {
  const { journal, memory } = parts
  const pen = openPen(sql, old)
  // Before, not after: of what came last, something changes soon.
  if (journal.count() >= count || journal.bytes() >= bytes) settle(sql, parts)
  for (const change of changes) {
    if ('remove' in change && change.remove !== 'payload') {
      pen.flush()
      settle(sql, parts)
      removeMany(sql, change)
      clear()
    } else if ('put' in change && change.put === 'head') {
      pen.write(change)
      memory.head = change.row
    } else if (isOld(change, journal, old)) {
      pen.write(change)
      note(memory, change)
      memory.times = undefined
    } else journal.put(change)
  }
  pen.flush()
  journal.write()
  // Only now, and by what it came to: what was decided together may say of one row that it came, ended, and came again.
  const last = new Map(changes.filter(isRow).map(({ row }) => [row.hash, row]))
  for (const { hash, stage } of last.values()) if (stage === 'ended') release(memory, hash)
}

/** Whether a change is of what the tables have: the journal tells of the rest. */
function isOld(change: JournalChange, journal: Journal, old: Directory): boolean {
  if ('put' in change && change.put === 'account')
    return !journal.account(change.row.sender) && old.account(change.row.sender) !== undefined
  const { hash } = 'put' in change ? change.row : change
  return !journal.row(hash) && old.row(hash) !== undefined
}

/** Moves everything from the journal to the tables. */
function settle(sql: Sql, { entries, journal, memory }: Parts): void {
  const { rows, ids, accounts } = memory
  memory.times = undefined
  const young = journal.all()
  for (const { id, row } of entries.add(young.rows, young.payloads)) {
    if (row.stage === 'ended') {
      rows.forget(row.hash)
      ids.drop(row.hash)
      continue
    }
    rows.put(row, true)
    ids.put(row.hash, id)
  }
  writeAll(sql, [...young.accounts].sort(bySender).map(accountWrite))
  for (const account of young.accounts) accounts.put(account.sender, account)
  journal.clear()
}

/** Fills what is kept in memory for some items and their senders, by one question for each kind of row. */
function foresee(
  sql: Sql,
  { entries, journal, memory: { rows, ids, accounts } }: Parts,
  items: readonly { readonly hash: TxHash; readonly sender: Address }[],
): void {
  const hashes = items.map(({ hash }) => hash).filter((hash) => !rows.has(hash) && !journal.row(hash))
  const byHash = new Map(entries.find(hashes).map((entry) => [entry.row.hash, entry]))
  for (const hash of hashes) {
    const entry = byHash.get(hash)
    rows.one(hash, () => entry?.row)
    if (entry) ids.put(hash, entry.id)
  }
  const senders = [...new Set(items.map(({ sender }) => sender))]
  const strangers = senders.filter((sender) => !accounts.has(sender) && !journal.account(sender))
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
function note({ rows, accounts }: Memory, change: JournalChange): void {
  if ('remove' in change) return
  if (change.put === 'row') rows.put(change.row, change.row.stage !== 'ended')
  else if (change.put === 'account') accounts.put(change.row.sender, change.row)
}

function isRow(change: ShardChange): change is Extract<ShardChange, { put: 'row' }> {
  return 'put' in change && change.put === 'row'
}

function release({ rows, ids }: Memory, hash: TxHash): void {
  rows.forget(hash)
  ids.drop(hash)
}

/** Collects changes of the tables, so that many are one statement. What changes twice changes in order. */
interface Pen {
  readonly write: (change: JournalChange | Extract<ShardChange, { put: 'head' }>) => void
  readonly flush: () => void
}

function openPen(sql: Sql, { row, idOf }: Directory): Pen {
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
  /** The number of a row that is in the tables, once nothing else is still to be written to the same place. */
  const touch = (touched: Set<TxHash>, hash: TxHash): number => {
    if (touched.has(hash)) flush()
    touched.add(hash)
    const id = idOf(hash)
    invariant(id !== undefined, 'what is changed in the tables is there')
    return id
  }
  const writeRow = (next: ShardRow) => {
    const id = touch(rowsTouched, next.hash)
    const before = row(next.hash)
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
        const values = [touch(bytesTouched, change.hash)]
        writes.push({ into: 'DELETE FROM entry_bytes WHERE id IN (VALUES $rows)', values })
      } else if (change.put === 'row') writeRow(change.row)
      else if (change.put === 'payload') writes.push(bytesOf(touch(bytesTouched, change.row.hash), change.row))
      else if (change.put === 'account') writes.push(accountWrite(change.row))
      else writes.push({ into: 'INSERT OR REPLACE INTO head VALUES $rows', values: [1, toJson(change.row)] })
    },
  }
}

function accountWrite(row: ShardAccount): Write {
  const values = [row.sender, row.checkedAt, row.checkAt, toJson(row)]
  return { into: 'INSERT OR REPLACE INTO accounts VALUES $rows', values }
}

function bySender(one: { readonly sender: Address }, other: { readonly sender: Address }): number {
  return one.sender < other.sender ? -1 : Number(one.sender > other.sender)
}

function byNonce(one: ShardRow, other: ShardRow): number {
  return one.nonce - other.nonce
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
