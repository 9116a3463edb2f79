import type { Address, TxHash } from '../sdk/units.ts'
import type { Payload } from './payload.ts'
import type { ShardAccount, ShardChange, ShardHead, ShardRow, ShardRows } from './shardRows.ts'

/** One step's work on a shard's rows: reads see what the step has written, the counter follows by itself. */
export interface ShardDraft {
  readonly head: () => ShardHead
  readonly row: (hash: TxHash) => ShardRow | undefined
  /** A sender's rows that have not ended, by nonce. In a list once given out rows change, but none comes or goes. */
  readonly rowsOf: (sender: Address) => readonly ShardRow[]
  readonly putRow: (row: ShardRow) => void
  readonly payload: (hash: TxHash) => Payload | undefined
  readonly putPayload: (payload: Payload) => void
  readonly account: (sender: Address) => ShardAccount | undefined
  readonly putAccount: (account: ShardAccount) => void
  readonly write: (change: ShardChange) => void
  /** What was written, then each row and account as the step leaves it, once. */
  readonly changes: () => readonly ShardChange[]
}

export function openShardDraft(rows: ShardRows): ShardDraft {
  const log: ShardChange[] = []
  const touched = new Map<TxHash, ShardRow>()
  const payloads = new Map<TxHash, Payload>()
  const senders = new Map<Address, ShardRow[]>()
  const accounts = new Map<Address, ShardAccount>()
  const first = rows.head()
  let head = first

  const row = (hash: TxHash) => touched.get(hash) ?? rows.row(hash)
  const groupOf = (sender: Address) => {
    let group = senders.get(sender)
    if (!group) {
      group = [...rows.rowsOf(sender)]
      senders.set(sender, group)
    }
    return group
  }
  return {
    head: () => head,
    row,
    rowsOf: groupOf,
    putRow: (next) => {
      const group = groupOf(next.sender)
      const before = row(next.hash)
      const wasLive = before !== undefined && before.stage !== 'ended'
      const isLive = next.stage !== 'ended'
      head = { live: head.live + Number(isLive) - Number(wasLive) }
      touched.set(next.hash, next)
      const isSame = ({ hash }: ShardRow) => hash === next.hash
      if (wasLive && isLive) group[group.findIndex(isSame)] = next
      else if (isLive) senders.set(next.sender, withRow(group, next))
      else if (wasLive)
        senders.set(
          next.sender,
          group.filter((row) => !isSame(row)),
        )
    },
    payload: (hash) => payloads.get(hash) ?? rows.payload(hash),
    putPayload: (payload) => {
      payloads.set(payload.hash, payload)
      log.push({ put: 'payload', row: payload })
    },
    account: (sender) => accounts.get(sender) ?? rows.account(sender),
    putAccount: (account) => {
      accounts.set(account.sender, account)
    },
    write: (change) => log.push(change),
    changes: () => [
      ...log,
      ...[...touched.values()].map((row) => ({ put: 'row', row }) as const),
      ...[...accounts.values()].map((row) => ({ put: 'account', row }) as const),
      ...(head.live === first.live ? [] : [{ put: 'head', row: head } as const]),
    ],
  }
}

/** A sender's next transaction comes last as a rule. */
function withRow(group: readonly ShardRow[], next: ShardRow): ShardRow[] {
  const all = [...group, next]
  const last = group.at(-1)
  return last && last.nonce > next.nonce ? all.sort((one, other) => one.nonce - other.nonce) : all
}
