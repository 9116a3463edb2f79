import type { TxStatus } from '../sdk/ports.ts'
import type { Address, TxHash } from '../sdk/units.ts'
import type { ChainAccount, ChainChange, ChainHead, ChainRows, Settlement, TxRow } from './chainRows.ts'

/**
 * One step's work on the chain's rows: reads see what the step has written, counters and events follow by themselves.
 *
 * Lists (`txsOf`, `rivals`) are as of the step's beginning plus its own changes; rows that the step removed are gone.
 */
export interface ChainDraft {
  readonly head: () => ChainHead
  readonly setHead: (change: Partial<ChainHead>) => void
  readonly tx: (hash: TxHash) => TxRow | undefined
  readonly txsOf: (sender: Address) => readonly TxRow[]
  /** Others of the sender with the same nonce, in the order of arrival. */
  readonly rivals: (of: Pick<TxRow, 'hash' | 'sender' | 'nonce'>) => readonly TxRow[]
  readonly putTx: (row: TxRow) => void
  readonly removeTx: (row: TxRow) => void
  readonly account: (sender: Address) => ChainAccount | undefined
  readonly putAccount: (account: ChainAccount) => void
  /** Appends to the log; a status the log says already is not said again. */
  readonly publish: (hash: TxHash, status: TxStatus) => void
  /** Publishes, and leaves the same news for the shard. */
  readonly settle: (row: Pick<TxRow, 'hash' | 'sender' | 'nonce' | 'shard'>, status: TxStatus) => void
  readonly write: (change: ChainChange) => void
  /** What was written, then each row and account as the step leaves it, once. */
  readonly changes: () => readonly ChainChange[]
}

export function openChainDraft(rows: ChainRows, now: number): ChainDraft {
  const log: ChainChange[] = []
  const txs = new Map<TxHash, TxRow | null>()
  const senders = new Map<Address, Map<TxHash, TxRow>>()
  const accounts = new Map<Address, ChainAccount>()
  const told = new Map<TxHash, TxStatus>()
  let head = rows.head()

  const tx = (hash: TxHash) => {
    const own = txs.get(hash)
    return own === undefined ? rows.tx(hash) : (own ?? undefined)
  }
  const groupOf = (sender: Address) => {
    let group = senders.get(sender)
    if (!group) {
      group = new Map(rows.txsOf(sender).map((row) => [row.hash, row]))
      senders.set(sender, group)
    }
    return group
  }
  /** Keeps the counters of the head in step with the rows. */
  const count = (before: TxRow | undefined, after: TxRow | undefined) => {
    const left = before?.status.state === 'queued' ? before : undefined
    const joined = after?.status.state === 'queued' ? after : undefined
    head = {
      ...head,
      open: head.open + Number(after !== undefined) - Number(before !== undefined),
      queued: head.queued + Number(joined !== undefined) - Number(left !== undefined),
      queuedBytes: head.queuedBytes + (joined?.size ?? 0) - (left?.size ?? 0),
      queuedGas: head.queuedGas + (joined?.gas ?? 0) - (left?.gas ?? 0),
    }
  }
  const publish = (hash: TxHash, status: TxStatus) => {
    const last = told.get(hash) ?? rows.lastEvent(hash)?.status
    if (last && JSON.stringify(last) === JSON.stringify(status)) return
    head = { ...head, sequence: head.sequence + 1 }
    told.set(hash, status)
    log.push({ put: 'event', row: { sequence: head.sequence, hash, status, at: now } })
  }
  return {
    head: () => head,
    setHead: (change) => {
      head = { ...head, ...change }
    },
    tx,
    txsOf: (sender) =>
      [...groupOf(sender).values()].sort((one, other) => one.nonce - other.nonce || one.arrival - other.arrival),
    rivals: ({ hash, sender, nonce }) =>
      [...groupOf(sender).values()]
        .filter((row) => row.nonce === nonce && row.hash !== hash)
        .sort((one, other) => one.arrival - other.arrival),
    putTx: (row) => {
      const group = groupOf(row.sender)
      count(tx(row.hash), row)
      group.set(row.hash, row)
      txs.set(row.hash, row)
    },
    removeTx: (row) => {
      const group = groupOf(row.sender)
      count(tx(row.hash), undefined)
      group.delete(row.hash)
      txs.set(row.hash, null)
    },
    account: (sender) => accounts.get(sender) ?? rows.account(sender),
    putAccount: (account) => {
      accounts.set(account.sender, account)
    },
    publish,
    settle: ({ hash, sender, nonce, shard }, status) => {
      publish(hash, status)
      const settlement: Settlement = { hash, sender, nonce, status, sequence: head.sequence }
      log.push({ put: 'outbox', row: { ...settlement, shard, dueAt: now } })
    },
    write: (change) => log.push(change),
    changes: () => [
      ...log,
      ...[...txs].map(([hash, row]) => (row ? ({ put: 'tx', row } as const) : ({ remove: 'tx', hash } as const))),
      ...[...accounts.values()].map((row) => ({ put: 'account', row }) as const),
      { put: 'head', row: head },
    ],
  }
}
