import type { Hex } from '../sdk/units.ts'
import { towerBytesMax } from './limits.ts'
import { firstOf, fromJson, type Sql, type SqlValue, toJson } from './sql.ts'
import type { GrantRow, JusticeRow, TowerChange, TowerHead, TowerRows, TowerStateRow } from './towerRows.ts'

/** A tower's rows in SQLite: the step's view, and the way changes are written. */
export interface TowerStore extends TowerRows {
  readonly grants: () => GrantRow | undefined
  readonly keepGrants: (row: GrantRow) => void
  /** Applies changes in their order. To be called inside a transaction. */
  readonly apply: (changes: readonly TowerChange[]) => void
}

const schema = [
  `CREATE TABLE IF NOT EXISTS head (id INTEGER PRIMARY KEY, row TEXT NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS states (number INTEGER PRIMARY KEY, hint TEXT NOT NULL, sealed BLOB NOT NULL)`,
  `CREATE INDEX IF NOT EXISTS states_by_hint ON states (hint)`,
  `CREATE TABLE IF NOT EXISTS grants (id INTEGER PRIMARY KEY, level REAL NOT NULL, at INTEGER NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS opened (txid TEXT PRIMARY KEY) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS justice (txid TEXT NOT NULL, place INTEGER NOT NULL, row TEXT NOT NULL,
    PRIMARY KEY (txid, place)) WITHOUT ROWID`,
]
/** Hints are told by their owner alone: more than one state of one hint is its own nonsense. */
const statesPerHintMax = 2

/** What a row of before, that had no bound of its own, is read with. */
const unbounded: Pick<TowerHead, 'bytesMax'> = { bytesMax: towerBytesMax }

/** Opens the store, and makes its tables when they are missing. */
export function openTowerStore(sql: Sql): TowerStore {
  for (const statement of schema) sql.exec(statement)
  return {
    head: () => {
      const found = firstOf(sql, 'SELECT row FROM head')
      return found && { ...unbounded, ...fromJson<TowerHead>(found.row) }
    },
    state: (number) => {
      const found = firstOf(sql, 'SELECT * FROM states WHERE number = ?', number)
      return found && stateOf(found)
    },
    statesOf: (hint) =>
      [...sql.exec('SELECT * FROM states WHERE hint = ? LIMIT ?', hint, statesPerHintMax)].map(stateOf),
    justice: () =>
      [...sql.exec('SELECT row FROM justice ORDER BY txid, place')].map(({ row }) => fromJson<JusticeRow>(row)),
    isOpened: (txid) => firstOf(sql, 'SELECT txid FROM opened WHERE txid = ?', txid) !== undefined,
    grants: () => {
      const found = firstOf(sql, 'SELECT * FROM grants')
      return found && { level: Number(found.level), at: Number(found.at) }
    },
    keepGrants: ({ level, at }) => {
      sql.exec('INSERT OR REPLACE INTO grants VALUES (1, ?, ?)', level, at)
    },
    apply: (changes) => {
      for (const change of changes) {
        if ('put' in change) putOne(sql, change)
        else for (const table of ['head', 'states', 'opened', 'justice']) sql.exec(`DELETE FROM ${table}`)
      }
    },
  }
}

function stateOf({ number, hint, sealed }: Readonly<Record<string, SqlValue>>): TowerStateRow {
  return { number: Number(number), hint: hint as Hex, sealed: new Uint8Array(sealed as ArrayBuffer) }
}

function putOne(sql: Sql, change: Extract<TowerChange, { put: unknown }>): void {
  switch (change.put) {
    case 'head':
      sql.exec('INSERT OR REPLACE INTO head VALUES (1, ?)', toJson(change.row))
      return
    case 'state': {
      const { number, hint, sealed } = change.row
      sql.exec('INSERT INTO states VALUES (?, ?, ?)', number, hint, sealed)
      return
    }
    case 'opened':
      sql.exec('INSERT OR IGNORE INTO opened VALUES (?)', change.txid)
      return
    case 'justice': {
      const { txid, place } = change.row
      sql.exec('INSERT OR REPLACE INTO justice VALUES (?, ?, ?)', txid, place, toJson(change.row))
      return
    }
  }
}
