import type { Address, TxHash } from '../sdk/units.ts'
import type { Payload } from './payload.ts'
import type { ShardAccount, ShardChange, ShardHead, ShardRow, ShardRows } from './shardRows.ts'

/** One step's work on a shard's rows: reads see what the step has written, the counter follows by itself. */
export interface ShardDraft {
  readonly head: () => ShardHead
  readonly row: (hash: TxHash) => ShardRow | undefined
  /** A sender's rows that have not ended, by nonce. */
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
  const senders = new Map<Address, readonly ShardRow[]>()
  const accounts = new Map<Address, ShardAccount>()
  const first = rows.head()
  let head = first

  const row = (hash: TxHash) => touched.get(hash) ?? rows.row(hash)
  const groupOf = (sender: Address) => {
    let group = senders.get(sender)
    if (!group) {
      group = rows.rowsOf(sender)
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
      senders.set(next.sender, isLive ? withRow(group, next) : group.filter(({ hash }) => hash !== next.hash))
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

/** A sender's rows, by nonce, with one that takes the place of what it was. A list once given out stays as it is. */
function withRow(group: readonly ShardRow[], next: ShardRow): readonly ShardRow[] {
  const list = [...group]
  const at = list.findIndex(({ hash }) => hash === next.hash)
  if (at >= 0) {
    list[at] = next
    return list
  }
  let place = list.length
  while (place > 0 && (list[place - 1] as ShardRow).nonce > next.nonce) place -= 1
  list.splice(place, 0, next)
  return list
}
