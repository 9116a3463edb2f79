import { invariant } from '../sdk/errors.ts'
import type { Address, TxHash } from '../sdk/units.ts'
import { packKeptMin } from './limits.ts'
import type { Payload } from './payload.ts'
import { type JournalLine, linesOf, pageSize, pagesOf, readPage } from './shardJournalPages.ts'
import type { Fresh, Packs } from './shardPacks.ts'
import {
  bySender,
  endOf,
  isMove,
  type ShardAccount,
  type ShardChange,
  type ShardHead,
  type ShardRow,
} from './shardRows.ts'
import type { Sql } from './sql.ts'
import { openTimed } from './timed.ts'

/** A change of one transaction or one sender, or of the counter. */
export type JournalChange = Extract<
  ShardChange,
  { put: 'row' | 'payload' | 'account' | 'head' } | { remove: 'payload' }
>

/** The newest transactions and senders of a shard in memory. */
export interface Young {
  readonly row: (hash: TxHash) => ShardRow | undefined
  /** A sender's rows that have not ended, in no order. */
  readonly rowsOf: (sender: Address) => readonly ShardRow[]
  readonly payload: (hash: TxHash) => Payload | undefined
  readonly account: (sender: Address) => ShardAccount | undefined
  readonly head: () => ShardHead | undefined
  readonly due: (now: number) => readonly ShardRow[]
  readonly dueAccounts: (now: number) => readonly ShardAccount[]
  /** Earliest `dueAt`, and earliest `checkAt`, of all. */
  readonly nextDue: () => number | null
  readonly nextCheck: () => number | null
  readonly firstEnded: () => number | null
  readonly all: () => Fresh & { readonly accounts: readonly ShardAccount[] }
  /** Transactions and senders together. */
  readonly count: () => number
}

/**
 * A shard's newest transactions and senders: in memory to be read, and on the disk as a journal of what changed.
 *
 * What a write costs is its statements and the pages they touch. A step adds one row to the journal, however many
 * transactions it tells of; the tables get them many at once, each as it stands by then. What the tables have once,
 * the journal tells of no more. The bytes of what comes in larger numbers go where they stay at once.
 */
export interface Journal extends Young {
  /** On the disk: it grows by each change, however few transactions it is of. */
  readonly bytes: () => number
  /** Takes a change in, which {@link write} writes. */
  readonly put: (change: JournalChange) => void
  /**
   * Writes what was taken in since the last time. To be called inside a transaction.
   *
   * That the chain object has taken something over is not worth a write of its own, and goes with the next one, the
   * retry's tick at the latest: should it be forgotten, it is offered again and taken once.
   */
  readonly write: () => void
  /** Begins anew: the tables have everything. To be called inside a transaction. */
  readonly clear: () => void
  /** Forgets what is in memory, and reads it again. */
  readonly reload: () => void
}

const schema = `CREATE TABLE IF NOT EXISTS journal (id INTEGER PRIMARY KEY, lines TEXT NOT NULL, footprints TEXT NOT NULL,
  bytes BLOB NOT NULL)`

/**
 * Opens the journal, and makes its table when it is missing.
 *
 * @param keptMin - Transactions of which a pack is made at once.
 */
export function openJournal(
  sql: Sql,
  packs: Pick<Packs, 'keep' | 'payload' | 'payloads'>,
  keptMin = packKeptMin,
): Journal {
  sql.exec(schema)
  const young = openYoung(packs)
  /** What memory has and the disk has not. */
  let unwritten: JournalLine[] = []
  let isUrgent = false
  let isNews = false
  let bytes = 0

  const forget = () => {
    young.clear()
    unwritten = []
    isUrgent = false
    isNews = false
    bytes = 0
  }
  const reload = () => {
    forget()
    for (const found of sql.exec('SELECT lines, footprints, bytes FROM journal ORDER BY id')) {
      const page = readPage(found)
      bytes += pageSize(page)
      for (const line of linesOf(page)) young.take(line)
    }
  }
  /** Of what was taken in, the payloads that are wanted by now. */
  const keepMany = () => {
    const names = new Set(unwritten.flatMap((line) => (line.kind === 'payload' ? line.row.hash : [])))
    if (names.size < keptMin) return
    unwritten = unwritten.filter((line) => line.kind !== 'payload' || !young.row(line.row.hash))
    const groups = bySender([...names].flatMap((hash) => young.row(hash) ?? [])).values()
    for (const id of packs.keep([...groups].flat().flatMap(({ hash }) => young.payload(hash) ?? []))) {
      const line = { kind: 'kept', id } as const
      young.take(line)
      unwritten.push(line)
    }
  }
  reload()
  return {
    ...young,
    bytes: () => bytes,
    put: (change) => {
      const line = lineOf(change, young)
      isUrgent ||= line.kind !== 'moved' || line.to.stage !== 'offered' || line.to.dueAt !== null
      isNews = true
      young.take(line)
      const last = unwritten.at(-1)
      if (line.kind === 'moved' && last?.kind === 'moved' && isSameMove(last, line)) last.hashes.push(...line.hashes)
      else unwritten.push(line)
    },
    write: () => {
      const mayWait = isNews && !isUrgent
      isNews = false
      if (mayWait || unwritten.length === 0) return
      keepMany()
      for (const page of pagesOf(unwritten)) {
        const { lines, footprints, bytes: raw } = page
        sql.exec('INSERT INTO journal (lines, footprints, bytes) VALUES (?, ?, ?)', lines, footprints, raw)
        bytes += pageSize(page)
      }
      unwritten = []
      isUrgent = false
    },
    clear: () => {
      sql.exec('DELETE FROM journal')
      forget()
    },
    reload,
  }
}

function openYoung(
  packs: Pick<Packs, 'payload' | 'payloads'>,
): Young & { readonly take: (line: JournalLine) => void; readonly clear: () => void } {
  const rows = openTimed<TxHash, ShardRow>(({ dueAt }) => dueAt)
  const ended = openTimed<TxHash, ShardRow>(endOf)
  const accounts = openTimed<Address, ShardAccount>(({ checkAt }) => checkAt)
  const payloads = openPayloads(packs)
  let head: ShardHead | undefined
  const live = new Map<Address, Map<TxHash, ShardRow>>()

  const putRow = (row: ShardRow) => {
    const before = rows.get(row.hash)
    const hasEnded = row.stage === 'ended'
    if (before && (hasEnded || before.sender !== row.sender)) live.get(before.sender)?.delete(row.hash)
    rows.put(row.hash, row)
    if (hasEnded || before?.stage === 'ended') ended.put(row.hash, row)
    if (hasEnded) return
    const group = live.get(row.sender)
    if (group) group.set(row.hash, row)
    else live.set(row.sender, new Map([[row.hash, row]]))
  }
  const move = ({ hashes, to }: Moved) => {
    for (const hash of hashes) {
      const before = rows.get(hash)
      invariant(before, 'what moves in the journal is there')
      putRow({ ...before, ...to })
    }
  }
  return {
    row: rows.get,
    rowsOf: (sender) => [...(live.get(sender)?.values() ?? [])],
    payload: payloads.one,
    account: accounts.get,
    head: () => head,
    due: rows.due,
    dueAccounts: accounts.due,
    nextDue: rows.next,
    nextCheck: accounts.next,
    firstEnded: ended.next,
    all: () => ({
      rows: rows.values().filter(({ hash }) => !payloads.isKept(hash)),
      payloads: payloads.inMemory(),
      kept: payloads.kept(rows.get),
      accounts: accounts.values(),
    }),
    count: () => rows.size() + accounts.size(),
    take: (line) => {
      switch (line.kind) {
        case 'row':
          return putRow(line.row)
        case 'moved':
          return move(line)
        case 'account':
          return accounts.put(line.row.sender, line.row)
        case 'head':
          head = line.row
          return
        case 'payload':
          return payloads.put(line.row)
        case 'kept':
          return payloads.keep(line.id)
        case 'gone':
          return payloads.drop(line.hash)
      }
    },
    clear: () => {
      for (const part of [rows, ended, accounts, payloads, live]) part.clear()
      head = undefined
    },
  }
}

/** Payloads of the newest transactions: in memory, or in packs whose rows the journal has. */
function openPayloads({ payload, payloads }: Pick<Packs, 'payload' | 'payloads'>) {
  const found = new Map<TxHash, Payload>()
  /** In which pack a payload is that is wanted still, and of which each pack was made. */
  const ids = new Map<TxHash, number>()
  const packs = new Map<number, readonly TxHash[]>()
  return {
    one: (hash: TxHash): Payload | undefined => {
      const id = ids.get(hash)
      return id === undefined ? found.get(hash) : payload(id, hash)
    },
    put: (payload: Payload): void => {
      ids.delete(payload.hash)
      found.set(payload.hash, payload)
    },
    keep: (id: number): void => {
      const hashes = payloads(id).map(({ hash }) => hash)
      packs.set(id, hashes)
      for (const hash of hashes) {
        found.delete(hash)
        ids.set(hash, id)
      }
    },
    drop: (hash: TxHash): void => {
      ids.delete(hash)
      found.delete(hash)
    },
    isKept: (hash: TxHash): boolean => ids.has(hash),
    inMemory: (): readonly Payload[] => [...found.values()],
    kept: (rowOf: (hash: TxHash) => ShardRow | undefined): Fresh['kept'] =>
      new Map(
        [...packs].map(([id, hashes]) => {
          const rows = hashes.flatMap((hash) => (ids.get(hash) === id ? (rowOf(hash) ?? []) : []))
          return [id, { rows, isWhole: rows.length === hashes.length }]
        }),
      ),
    clear: (): void => {
      for (const part of [found, ids, packs]) part.clear()
    },
  }
}

type Moved = Extract<JournalLine, { kind: 'moved' }>

/** A row that only comes to another stage is told by its hash: the journal has the rest. */
function lineOf(change: JournalChange, young: Young): JournalLine {
  if ('remove' in change) return { kind: 'gone', hash: change.hash }
  switch (change.put) {
    case 'row': {
      const { row } = change
      const before = young.row(row.hash)
      if (!before || !isMove(row, before)) return { kind: 'row', row }
      const { hash, stage, since, dueAt } = row
      return { kind: 'moved', hashes: [hash], to: { stage, since, dueAt } }
    }
    case 'payload':
      return { kind: 'payload', row: change.row }
    case 'account':
      return { kind: 'account', row: change.row }
    case 'head':
      return { kind: 'head', row: change.row }
  }
}

function isSameMove(one: Moved, other: Moved): boolean {
  return one.to.stage === other.to.stage && one.to.since === other.to.since && one.to.dueAt === other.to.dueAt
}
