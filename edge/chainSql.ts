import type { RelayEvent, TxStatus } from '../sdk/ports.ts'
import type { Address, BatchId, BlockHash, TxHash } from '../sdk/units.ts'
import {
  type ChainAccount,
  type ChainChange,
  type ChainHead,
  type ChainRows,
  type EventRow,
  firstHead,
  type MemberRow,
  type OutboxRow,
  type PlanRow,
  type TxRow,
  type WindowRow,
} from './chainRows.ts'
import { chainRowsCachedMax, plansKept } from './limits.ts'
import type { Payload } from './payload.ts'
import { openRowCache } from './rowCache.ts'
import { firstOf, fromJson, type Sql, type SqlValue, toJson, type Write, writeAll } from './sql.ts'

/** The chain object's rows in SQLite: the step's view, what readers ask for, and the way changes are written. */
export interface ChainStore extends ChainRows {
  /** Applies changes in their order. To be called inside a transaction. */
  readonly apply: (changes: readonly ChainChange[]) => void
  /** Forgets what is in memory, so that it is read again. */
  readonly forget: () => void
  readonly members: (batch: BatchId) => readonly MemberRow[]
  /** Transactions that have not ended, by arrival. */
  readonly openAfter: (arrival: number, limit: number) => readonly TxRow[]
  /** Batches that a transaction is of. */
  readonly batchesOf: (hash: TxHash) => readonly BatchId[]
  readonly isMember: (sender: Address, hash: TxHash) => boolean
  /** Events of a batch's transactions after a sequence. */
  readonly eventsOf: (batch: BatchId, after: number, limit: number) => readonly RelayEvent[]
  readonly windows: (after: number, limit: number) => readonly WindowRow[]
  readonly window: (number: number) => WindowRow | undefined
  readonly plan: (window: number) => PlanRow | undefined
}

const schema = [
  `CREATE TABLE IF NOT EXISTS head (id INTEGER PRIMARY KEY, row TEXT NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS txs (hash TEXT PRIMARY KEY, sender TEXT NOT NULL, nonce INTEGER NOT NULL,
    state TEXT NOT NULL, arrival INTEGER NOT NULL, due_at INTEGER, block INTEGER, row TEXT NOT NULL) WITHOUT ROWID`,
  `CREATE INDEX IF NOT EXISTS txs_by_sender ON txs (sender, nonce, arrival)`,
  `CREATE INDEX IF NOT EXISTS txs_by_arrival ON txs (arrival) WHERE state = 'queued'`,
  `CREATE INDEX IF NOT EXISTS txs_by_due ON txs (due_at) WHERE due_at IS NOT NULL`,
  `CREATE INDEX IF NOT EXISTS txs_by_block ON txs (block) WHERE block IS NOT NULL`,
  `CREATE TABLE IF NOT EXISTS payloads (hash TEXT PRIMARY KEY, raw BLOB NOT NULL, footprint TEXT NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS accounts (sender TEXT PRIMARY KEY, next INTEGER NOT NULL, at INTEGER NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS events (sequence INTEGER PRIMARY KEY, hash TEXT NOT NULL, at INTEGER NOT NULL,
    status TEXT NOT NULL)`,
  `CREATE INDEX IF NOT EXISTS events_by_hash ON events (hash, sequence)`,
  `CREATE TABLE IF NOT EXISTS outbox (hash TEXT PRIMARY KEY, due_at INTEGER NOT NULL, sequence INTEGER NOT NULL,
    row TEXT NOT NULL)`,
  `CREATE INDEX IF NOT EXISTS outbox_by_due ON outbox (due_at, sequence)`,
  `CREATE TABLE IF NOT EXISTS blocks (number INTEGER PRIMARY KEY, hash TEXT NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS windows (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, row TEXT NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS plans (number INTEGER PRIMARY KEY, row TEXT NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS members (batch TEXT NOT NULL, hash TEXT NOT NULL, position INTEGER NOT NULL,
    sender TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (batch, hash)) WITHOUT ROWID`,
  `CREATE INDEX IF NOT EXISTS members_by_hash ON members (hash)`,
]

/** Opens the store, and makes its tables when they are missing. */
export function openChainStore(sql: Sql): ChainStore {
  for (const statement of schema) sql.exec(statement)
  const { all, one } = readersOf(sql)
  const cache = openRowCache<TxRow>(chainRowsCachedMax)
  let head: ChainHead | undefined
  const tx = (hash: TxHash) => cache.one(hash, () => one<TxRow>('SELECT row FROM txs WHERE hash = ?', hash))
  const txsOf = (sender: Address) =>
    cache.group(sender, () => all<TxRow>('SELECT row FROM txs WHERE sender = ?', sender))
  return {
    head: () => {
      head ??= one<ChainHead>('SELECT row FROM head') ?? firstHead
      return head
    },
    tx,
    txsOf: (sender) => [...txsOf(sender)].sort((one, other) => one.nonce - other.nonce || one.arrival - other.arrival),
    queued: function* () {
      for (const { hash } of sql.exec(`SELECT hash FROM txs WHERE state = 'queued' ORDER BY arrival`)) {
        const row = tx(hash as TxHash)
        if (row) yield row
      }
    },
    dueTxs: (now, limit) =>
      [...sql.exec('SELECT hash FROM txs WHERE due_at <= ? ORDER BY due_at LIMIT ?', now, limit)].flatMap(
        ({ hash }) => tx(hash as TxHash) ?? [],
      ),
    includedFrom: (number) => all<TxRow>('SELECT row FROM txs WHERE block >= ? ORDER BY block', number),
    includedUpTo: (number, limit) =>
      all<TxRow>('SELECT row FROM txs WHERE block <= ? ORDER BY block LIMIT ?', number, limit),
    payload: (hash) => readPayload(sql, hash),
    account: (sender) =>
      firstOf(sql, 'SELECT sender, next, at FROM accounts WHERE sender = ?', sender) as ChainAccount | undefined,
    lastEvent: (hash) =>
      readEvent(firstOf(sql, 'SELECT * FROM events WHERE hash = ? ORDER BY sequence DESC LIMIT 1', hash)),
    firstEvent: () => readEvent(firstOf(sql, 'SELECT * FROM events ORDER BY sequence LIMIT 1')),
    outbox: (hash) => one<OutboxRow>('SELECT row FROM outbox WHERE hash = ?', hash),
    dueOutbox: (now, limit) =>
      all<OutboxRow>('SELECT row FROM outbox WHERE due_at <= ? ORDER BY due_at, sequence LIMIT ?', now, limit),
    block: (number) => {
      const found = firstOf(sql, 'SELECT hash FROM blocks WHERE number = ?', number)
      return found && { number, hash: found.hash as BlockHash }
    },
    nextDue: () => {
      const found = firstOf(
        sql,
        // With the condition of the partial index: without it each look would read the whole table.
        `SELECT MIN(at) AS at FROM (SELECT MIN(due_at) AS at FROM txs WHERE due_at IS NOT NULL
         UNION SELECT MIN(due_at) FROM outbox)`,
      )
      return (found?.at ?? null) as number | null
    },
    apply: (changes) => {
      writeAll(
        sql,
        changes.map(
          (change): Write => ('put' in change ? writeOf(change) : { into: null, run: () => removeOne(sql, change) }),
        ),
      )
      for (const change of changes) {
        tidy(sql, change)
        if ('put' in change && change.put === 'tx') cache.put(change.row, true)
        if ('put' in change && change.put === 'head') head = change.row
        if ('remove' in change && change.remove === 'tx') cache.forget(change.hash)
      }
    },
    forget: () => {
      cache.clear()
      head = undefined
    },
    ...openReaders(sql),
  }
}

/** What others than the step ask for. */
function openReaders(sql: Sql): Omit<ChainStore, keyof ChainRows | 'apply' | 'forget'> {
  const { all, one } = readersOf(sql)
  return {
    members: (batch) =>
      [
        ...sql.exec('SELECT batch, hash, position, sender, at FROM members WHERE batch = ? ORDER BY position', batch),
      ] as unknown as MemberRow[],
    openAfter: (arrival, limit) =>
      all<TxRow>('SELECT row FROM txs WHERE arrival > ? ORDER BY arrival LIMIT ?', arrival, limit),
    batchesOf: (hash) =>
      [...sql.exec('SELECT batch FROM members WHERE hash = ?', hash)].map(({ batch }) => batch as BatchId),
    isMember: (sender, hash) =>
      firstOf(sql, 'SELECT 1 AS is_one FROM members WHERE hash = ? AND sender = ?', hash, sender) !== undefined,
    eventsOf: (batch, after, limit) =>
      [
        ...sql.exec(
          `SELECT e.sequence, e.hash, e.status FROM members m JOIN events e ON e.hash = m.hash
           WHERE m.batch = ? AND e.sequence > ? ORDER BY e.sequence LIMIT ?`,
          batch,
          after,
          limit,
        ),
      ].map(({ sequence, hash, status }) => ({
        sequence: sequence as number,
        hash: hash as TxHash,
        status: fromJson<TxStatus>(status),
      })),
    windows: (after, limit) =>
      all<WindowRow>('SELECT row FROM windows WHERE number > ? ORDER BY number LIMIT ?', after, limit),
    window: (number) => one<WindowRow>('SELECT row FROM windows WHERE number = ?', number),
    plan: (window) => one<PlanRow>('SELECT row FROM plans WHERE number = ?', window),
  }
}

/** Reads of tables whose rows are JSON. */
function readersOf(sql: Sql) {
  return {
    all: <row>(query: string, ...bindings: SqlValue[]): row[] =>
      [...sql.exec(query, ...bindings)].map(({ row }) => fromJson<row>(row)),
    one: <row>(query: string, ...bindings: SqlValue[]): row | undefined => {
      const found = firstOf(sql, query, ...bindings)
      return found && fromJson<row>(found.row)
    },
  }
}

function readPayload(sql: Sql, hash: TxHash): Payload | undefined {
  const found = firstOf(sql, 'SELECT raw, footprint FROM payloads WHERE hash = ?', hash)
  if (!found) return undefined
  return { hash, raw: new Uint8Array(found.raw as ArrayBuffer), footprintJson: String(found.footprint) }
}

function readEvent(found: Readonly<Record<string, SqlValue>> | undefined): EventRow | undefined {
  if (!found) return undefined
  const { sequence, hash, at, status } = found
  return { sequence: sequence as number, hash: hash as TxHash, at: at as number, status: fromJson<TxStatus>(status) }
}

type Put = Extract<ChainChange, { put: unknown }>

function writeOf(change: Put): Write {
  switch (change.put) {
    case 'head':
      return { into: 'INSERT OR REPLACE INTO head VALUES $rows', values: [1, toJson(change.row)] }
    case 'tx': {
      const { hash, sender, nonce, status, arrival, dueAt, inclusion } = change.row
      const block = inclusion?.blockNumber ?? null
      const values = [hash, sender, nonce, status.state, arrival, dueAt, block, toJson(change.row)]
      return { into: 'INSERT OR REPLACE INTO txs VALUES $rows', values }
    }
    case 'payload': {
      const { hash, raw, footprintJson } = change.row
      return { into: 'INSERT OR REPLACE INTO payloads VALUES $rows', values: [hash, raw, footprintJson] }
    }
    case 'account': {
      const { sender, next, at } = change.row
      return { into: 'INSERT OR REPLACE INTO accounts VALUES $rows', values: [sender, next, at] }
    }
    case 'event': {
      const { sequence, hash, at, status } = change.row
      return { into: 'INSERT INTO events VALUES $rows', values: [sequence, hash, at, toJson(status)] }
    }
    case 'outbox': {
      const { hash, dueAt, sequence } = change.row
      return {
        into: 'INSERT OR REPLACE INTO outbox VALUES $rows',
        values: [hash, dueAt, sequence, toJson(change.row)],
      }
    }
    case 'block':
      return { into: 'INSERT OR REPLACE INTO blocks VALUES $rows', values: [change.row.number, change.row.hash] }
    case 'window': {
      const { window, at } = change.row
      return { into: 'INSERT OR REPLACE INTO windows VALUES $rows', values: [window, at, toJson(change.row)] }
    }
    case 'plan':
      return { into: 'INSERT OR REPLACE INTO plans VALUES $rows', values: [change.row.window, toJson(change.row)] }
    case 'member': {
      const { batch, hash, position, sender, at } = change.row
      return { into: 'INSERT OR REPLACE INTO members VALUES $rows', values: [batch, hash, position, sender, at] }
    }
  }
}

/** What goes with a row: of plans, only the newest are kept. */
function tidy(sql: Sql, change: ChainChange): void {
  if ('put' in change && change.put === 'plan')
    sql.exec('DELETE FROM plans WHERE number <= ?', change.row.window - plansKept)
}

function removeOne(sql: Sql, change: Extract<ChainChange, { remove: unknown }>): void {
  switch (change.remove) {
    case 'tx':
      sql.exec('DELETE FROM txs WHERE hash = ?', change.hash)
      sql.exec('DELETE FROM payloads WHERE hash = ?', change.hash)
      return
    case 'outbox':
      sql.exec('DELETE FROM outbox WHERE hash = ?', change.hash)
      return
    case 'blocksFrom':
      sql.exec('DELETE FROM blocks WHERE number >= ?', change.number)
      return
    case 'blocksBelow':
      sql.exec('DELETE FROM blocks WHERE number < ?', change.number)
      return
    case 'sender': {
      const { sender } = change
      sql.exec(
        'DELETE FROM members WHERE sender = ? AND NOT EXISTS (SELECT 1 FROM txs WHERE hash = members.hash)',
        sender,
      )
      sql.exec('DELETE FROM accounts WHERE sender = ?1 AND NOT EXISTS (SELECT 1 FROM txs WHERE sender = ?1)', sender)
      return
    }
    case 'old': {
      const { through, before, limit } = change
      // From the front only, whatever the clock did, so that what is left has no holes.
      sql.exec(
        `DELETE FROM events WHERE sequence < (SELECT MIN(sequence) FROM (
           SELECT sequence FROM (SELECT sequence, at FROM events ORDER BY sequence LIMIT ?) WHERE sequence > ? AND at >= ?
           UNION SELECT MIN(sequence) + ? FROM events))`,
        limit,
        through,
        before,
        limit,
      )
      sql.exec(
        'DELETE FROM members WHERE (batch, hash) IN (SELECT batch, hash FROM members WHERE at < ? LIMIT ?)',
        before,
        limit,
      )
      sql.exec('DELETE FROM windows WHERE number IN (SELECT number FROM windows WHERE at < ? LIMIT ?)', before, limit)
      sql.exec(
        `DELETE FROM accounts WHERE sender IN (SELECT sender FROM accounts a WHERE at < ?
         AND NOT EXISTS (SELECT 1 FROM txs WHERE sender = a.sender) LIMIT ?)`,
        before,
        limit,
      )
      return
    }
  }
}
