import { pruneMax, repliesMax, replyLeaseMs, retentionMs } from './limits.ts'
import { firstOf, type Sql } from './sql.ts'

/** An HTTP answer, kept to be given again. */
export interface Reply {
  readonly status: 200 | 202
  /** JSON. */
  readonly body: string
}

/** What is known of a request's `Idempotency-Key`. */
export type KeyClaim =
  /** Nobody else has it: go on, and keep the answer. */
  | { readonly kind: 'fresh' }
  | { readonly kind: 'replay'; readonly reply: Reply }
  /** The same request is being answered at this moment. */
  | { readonly kind: 'busy' }
  /** Another request has it. */
  | { readonly kind: 'other' }

/**
 * Answers under the keys of their requests, for a day. They only spare a caller a second look: what keeps a transaction
 * from being sent twice is its hash, so losing every row of this table loses nothing.
 */
export interface Replies {
  /** @param fingerprint - Of the request: its method, path and body. */
  readonly claim: (key: string, fingerprint: string, now: number) => KeyClaim
  readonly keep: (key: string, fingerprint: string, reply: Reply, now: number) => void
  /** Gives a key up, because its request was refused. */
  readonly release: (key: string, fingerprint: string) => void
}

export function openReplies(sql: Sql): Replies {
  sql.exec(
    `CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, at INTEGER NOT NULL,
      status INTEGER, body TEXT)`,
  )
  sql.exec('CREATE INDEX IF NOT EXISTS replies_by_age ON replies (at)')
  const prune = (now: number) => {
    sql.exec(
      'DELETE FROM replies WHERE key IN (SELECT key FROM replies WHERE at < ? LIMIT ?)',
      now - retentionMs,
      pruneMax,
    )
    sql.exec(
      'DELETE FROM replies WHERE key IN (SELECT key FROM replies ORDER BY at LIMIT MAX(0, (SELECT COUNT(*) FROM replies) - ?))',
      repliesMax - 1,
    )
  }
  return {
    claim: (key, fingerprint, now) => {
      const known = firstOf(sql, 'SELECT fingerprint, at, status, body FROM replies WHERE key = ?', key)
      if (known && now - Number(known.at) <= retentionMs) {
        if (known.fingerprint !== fingerprint) return { kind: 'other' }
        if (known.status !== null)
          return {
            kind: 'replay',
            reply: { status: Number(known.status) as Reply['status'], body: String(known.body) },
          }
        // Whoever began it has died over it.
        if (now - Number(known.at) < replyLeaseMs) return { kind: 'busy' }
      }
      prune(now)
      sql.exec('INSERT OR REPLACE INTO replies VALUES (?, ?, ?, NULL, NULL)', key, fingerprint, now)
      return { kind: 'fresh' }
    },
    keep: (key, fingerprint, { status, body }, now) => {
      sql.exec(
        'UPDATE replies SET at = ?, status = ?, body = ? WHERE key = ? AND fingerprint = ? AND status IS NULL',
        now,
        status,
        body,
        key,
        fingerprint,
      )
    },
    release: (key, fingerprint) => {
      sql.exec('DELETE FROM replies WHERE key = ? AND fingerprint = ? AND status IS NULL', key, fingerprint)
    },
  }
}
