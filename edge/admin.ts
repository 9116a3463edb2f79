import { auditMax, pruneMax, retentionMs } from './limits.ts'
import type { AuditRow } from './policy.ts'
import { firstOf, type Sql } from './sql.ts'

/** What an operator may set on a chain, and what is kept for it: on the disk, so that a restart changes nothing. */
export interface Controls {
  /** While true, nothing is sent to an executor. Submissions are stored, and follow the chain. */
  readonly isPaused: () => boolean
  readonly setPaused: (isPaused: boolean) => void
  readonly audit: (rows: readonly AuditRow[], now: number) => void
  /** Forgets decisions from before a time, sooner than they would be; how many these were. */
  readonly forgetAudit: (before: number) => number
  readonly audited: (after: number, limit: number) => readonly (AuditRow & { readonly number: number })[]
}

export function openControls(sql: Sql): Controls {
  sql.exec('CREATE TABLE IF NOT EXISTS controls (id INTEGER PRIMARY KEY, paused INTEGER NOT NULL)')
  sql.exec(
    'CREATE TABLE IF NOT EXISTS audit (number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, hash TEXT NOT NULL, decision TEXT NOT NULL)',
  )
  let paused = firstOf(sql, 'SELECT paused FROM controls')?.paused === 1
  return {
    isPaused: () => paused,
    setPaused: (isPaused) => {
      sql.exec('INSERT OR REPLACE INTO controls VALUES (1, ?)', isPaused ? 1 : 0)
      paused = isPaused
    },
    audit: (rows, now) => {
      for (const { at, hash, decision } of rows)
        sql.exec('INSERT INTO audit (at, hash, decision) VALUES (?, ?, ?)', at, hash, decision)
      sql.exec('DELETE FROM audit WHERE number <= (SELECT MAX(number) FROM audit) - ?', auditMax)
      sql.exec(
        'DELETE FROM audit WHERE number IN (SELECT number FROM audit WHERE at < ? LIMIT ?)',
        now - retentionMs,
        pruneMax,
      )
    },
    forgetAudit: (before) => {
      const count = Number(firstOf(sql, 'SELECT COUNT(*) AS count FROM audit WHERE at < ?', before)?.count ?? 0)
      sql.exec('DELETE FROM audit WHERE at < ?', before)
      return count
    },
    audited: (after, limit) =>
      [
        ...sql.exec(
          'SELECT number, at, hash, decision FROM audit WHERE number > ? ORDER BY number LIMIT ?',
          after,
          limit,
        ),
      ] as unknown as (AuditRow & { number: number })[],
  }
}
