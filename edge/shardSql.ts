import { invariant } from '../sdk/errors.ts'
import type { Address, TxHash } from '../sdk/units.ts'
import { journalBytesMax, rowsCachedMax, youngMax } from './limits.ts'
import type { Payload } from './payload.ts'
import { type Memo, openMemo, openRowCache, type RowCache } from './rowCache.ts'
import { headInSql } from './shardIndex.ts'
import { type Journal, type JournalChange, openJournal } from './shardJournal.ts'
import { openPacks, type Packed, type Packs } from './shardPacks.ts'
import type { ShardAccount, ShardChange, ShardHead, ShardRow, ShardRows } from './shardRows.ts'
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
  /** Hashes the tables have not. What comes to them makes this out of date. */
  readonly absent: Set<TxHash>
  /** In which pack a hash is. */
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
 * @param keptMin - Transactions that get a place of their own for their bytes when they come together.
 */
export function openShardStore(sql: Sql, most: JournalBounds = {}, keptMin?: number): ShardStore {
  for (const statement of schema) sql.exec(statement)
  const packs = openPacks(sql)
  const journal = openJournal(sql, packs, keptMin)
  const memory: Memory = {
    rows: openRowCache(rowsCachedMax),
    absent: new Set(),
    ids: openMemo(rowsCachedMax),
    accounts: openMemo(rowsCachedMax),
    head: undefined,
    times: undefined,
  }
  const { rows, absent, ids, accounts } = memory
  const known = ({ id, row }: Packed): ShardRow => {
    ids.put(row.hash, id)
    return row
  }
  /** Of the tables alone. */
  const old: Directory = {
    row: (hash) => (absent.has(hash) ? undefined : rows.one(hash, () => packs.find([hash]).map(known)[0])),
    idOf: (hash) => ids.one(hash, () => packs.find([hash])[0]?.id),
    account: (sender) => accounts.one(sender, () => readAccounts(sql, [sender])[0]),
  }
  const clear = () => {
    for (const part of [rows, absent, ids, accounts]) part.clear()
    packs.forget()
    memory.head = undefined
    memory.times = undefined
  }
  const times = () => {
    memory.times ??= {
      due: packs.firstDue(),
      check: firstCheck(sql),
      ended: packs.firstEnded(),
    }
    return memory.times
  }
  return {
    head: () => {
      const newest = journal.head()
      if (newest) return newest
      const found = memory.head ?? firstOf(sql, 'SELECT row FROM head')
      memory.head ??= found && 'row' in found ? fromJson<ShardHead>(found.row) : { live: 0 }
      return memory.head
    },
    row: (hash) => journal.row(hash) ?? old.row(hash),
    rowsOf: (sender) => {
      const all = rows.group(sender, () => packs.liveOf([sender]).map(known)).concat(journal.rowsOf(sender))
      return all.length > 1 ? all.sort(byNonce) : all
    },
    payload: (hash) => {
      if (journal.row(hash)) return journal.payload(hash)
      const id = old.idOf(hash)
      return id === undefined ? undefined : packs.payload(id, hash)
    },
    account: (sender) => journal.account(sender) ?? old.account(sender),
    due: (now, limit) =>
      packs
        .due(now, limit)
        .map((one) => rows.one(one.row.hash, () => known(one)) ?? one.row)
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
    foresee: (items) => foresee(sql, { packs, journal, memory }, items),
    apply: (changes) => apply(sql, { packs, journal, memory, old, clear, most }, changes),
    forget: () => {
      clear()
      journal.reload()
    },
  }
}

function firstCheck(sql: Sql): number | null {
  return firstOf(sql, 'SELECT MIN(check_at) AS at FROM accounts WHERE check_at IS NOT NULL')?.at as number | null
}

interface JournalBounds {
  readonly count?: number
  readonly bytes?: number
}

/** Where a row and its pack are found in the tables, and what they have of a sender. */
interface Directory {
  readonly row: (hash: TxHash) => ShardRow | undefined
  readonly idOf: (hash: TxHash) => number | undefined
  readonly account: (sender: Address) => ShardAccount | undefined
}

interface Parts {
  readonly packs: Packs
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
  const { packs, journal, memory } = parts
  const pen = openPen(sql, packs, old.idOf)
  // Before, not after: of what came last, something changes soon. While something is due, too: then a little is waited for.
  const fullness = Math.max(journal.count() / count, journal.bytes() / bytes)
  if (fullness >= (journal.nextDue() === null ? settledFrom : 1)) settle(sql, parts)
  for (const change of changes) {
    if ('remove' in change && change.remove !== 'payload') {
      pen.flush()
      settle(sql, parts)
      removeMany(sql, packs, change)
      clear()
    } else if (isOld(change, journal, old)) {
      pen.write(change)
      note(memory, change)
      memory.times = undefined
    } else journal.put(change)
  }
  pen.flush()
  journal.write()
  // Only now, and by what it came to: what was decided together may say of one row that it came, ended, and came again.
  const last = new Map<TxHash, ShardRow>()
  for (const change of changes) if (isRow(change)) last.set(change.row.hash, change.row)
  for (const { hash, stage } of last.values()) if (stage === 'ended') release(memory, hash)
}

/** How full the journal is when it is moved to the tables as soon as nothing of it is due. */
const settledFrom = 0.75

/** Whether a change is of what the tables have: the journal tells of the rest. */
function isOld(change: JournalChange, journal: Journal, old: Directory): change is TableChange {
  if ('put' in change && change.put === 'head') return false
  if ('put' in change && change.put === 'account')
    return !journal.account(change.row.sender) && old.account(change.row.sender) !== undefined
  const { hash } = 'put' in change ? change.row : change
  return !journal.row(hash) && old.row(hash) !== undefined
}

/** Moves everything from the journal to the tables. */
function settle(sql: Sql, { packs, journal, memory }: Parts): void {
  const { rows, absent, ids, accounts } = memory
  memory.times = undefined
  const young = journal.all()
  for (const { id, row } of packs.add(young)) {
    absent.delete(row.hash)
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
  const head = journal.head()
  if (head) sql.exec('INSERT OR REPLACE INTO head VALUES (1, ?)', toJson(head))
  memory.head = head ?? memory.head
  journal.clear()
}

/** Fills what is kept in memory for some items and their senders, by one question for each kind of row. */
function foresee(
  sql: Sql,
  { packs, journal, memory: { rows, absent, ids, accounts } }: Parts,
  items: readonly { readonly hash: TxHash; readonly sender: Address }[],
): void {
  const hashes = items.map(({ hash }) => hash).filter((hash) => !rows.has(hash) && !journal.row(hash))
  if (absent.size > rowsCachedMax) absent.clear()
  for (const hash of hashes) absent.add(hash)
  for (const { id, row } of packs.find(hashes)) {
    absent.delete(row.hash)
    rows.one(row.hash, () => row)
    ids.put(row.hash, id)
  }
  const senders = [...new Set(items.map(({ sender }) => sender))]
  const strangers = senders.filter((sender) => !accounts.has(sender) && !journal.account(sender))
  const bySender = new Map(readAccounts(sql, strangers).map((account) => [account.sender, account]))
  for (const sender of strangers) accounts.one(sender, () => bySender.get(sender))
  const ungrouped = senders.filter((sender) => !rows.hasGroup(sender))
  const groups = new Map<Address, ShardRow[]>(ungrouped.map((sender) => [sender, []]))
  for (const { id, row } of packs.liveOf(ungrouped)) {
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
function note({ rows, accounts }: Memory, change: TableChange): void {
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

/** A change of what the tables have. */
type TableChange = Exclude<JournalChange, { put: 'head' }>

/** Collects changes of the tables, so that each pack is written once, as the last of them leaves it. */
interface Pen {
  readonly write: (change: TableChange) => void
  readonly flush: () => void
}

function openPen(sql: Sql, packs: Packs, idOf: Directory['idOf']): Pen {
  const ids = new Set<number>()
  const rows = new Map<TxHash, ShardRow>()
  const payloads = new Map<TxHash, Payload | null>()
  const accounts = new Map<Address, ShardAccount>()
  const touch = (hash: TxHash): TxHash => {
    const id = idOf(hash)
    invariant(id !== undefined, 'what is changed in the tables is there')
    ids.add(id)
    return hash
  }
  return {
    write: (change) => {
      if ('remove' in change) payloads.set(touch(change.hash), null)
      else if (change.put === 'row') rows.set(touch(change.row.hash), change.row)
      else if (change.put === 'payload') payloads.set(touch(change.row.hash), change.row)
      else accounts.set(change.row.sender, change.row)
    },
    flush: () => {
      packs.change(ids, { rows, payloads })
      writeAll(sql, [...accounts.values()].map(accountWrite))
      for (const part of [ids, rows, payloads, accounts]) part.clear()
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

function removeMany(sql: Sql, packs: Packs, change: Extract<ShardChange, { remove: 'old' | 'sender' }>): void {
  const remove = (gone: readonly Packed[]) => {
    const none = new Map(gone.map(({ row }) => [row.hash, null]))
    packs.change(new Set(gone.map(({ id }) => id)), { rows: none, payloads: none })
  }
  if (change.remove === 'sender') {
    const { sender } = change
    remove(packs.endedOf(sender).filter(({ row }) => row.dueAt === null))
    if (packs.liveOf([sender]).length === 0) sql.exec('DELETE FROM accounts WHERE sender = ?', sender)
    return
  }
  const { before, limit } = change
  remove(packs.endedBefore(before, limit))
  // Of two senders with one head, an account is kept for as long as either has something that has not ended.
  sql.exec(
    `DELETE FROM accounts WHERE sender IN (SELECT sender FROM accounts a WHERE checked_at < ?
     AND NOT EXISTS (SELECT 1 FROM sender_heads WHERE head = ${headInSql('a.sender', 3)}) LIMIT ?)`,
    before,
    limit,
  )
}
