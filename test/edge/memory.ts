import {
  type ChainChange,
  type ChainHead,
  type ChainRows,
  type EventRow,
  firstHead,
  type PlanRow,
  type TxRow,
  type WindowRow,
} from '../../edge/chainRows.ts'
import { plansKept } from '../../edge/limits.ts'
import type { Payload } from '../../edge/payload.ts'
import type { ShardChange, ShardRow, ShardRows } from '../../edge/shardRows.ts'
import type { Address, TxHash } from '../../sdk/units.ts'

/** The chain object's rows in memory: what SQLite does, the plain way. */
export interface MemoryChain extends ChainRows {
  readonly apply: (changes: readonly ChainChange[]) => void
  readonly txs: () => readonly TxRow[]
  readonly events: () => readonly EventRow[]
  readonly windows: () => readonly WindowRow[]
  readonly plans: () => readonly PlanRow[]
}

export function memoryChain(): MemoryChain {
  let head: ChainHead = firstHead
  const txs = new Map<TxHash, TxRow>()
  const payloads = new Map<TxHash, Payload>()
  const accounts = new Map<Address, RowOf<'account'>>()
  const outbox = new Map<TxHash, RowOf<'outbox'>>()
  const blocks = new Map<number, RowOf<'block'>>()
  const members = new Map<string, RowOf<'member'>>()
  const windows = new Map<number, WindowRow>()
  const plans = new Map<number, PlanRow>()
  let events: EventRow[] = []
  const ordered = () => [...txs.values()].sort((one, other) => one.arrival - other.arrival)
  const blockOf = (row: TxRow) => row.inclusion?.blockNumber
  const byBlock = () =>
    ordered()
      .filter((row) => row.inclusion)
      .sort((one, other) => (blockOf(one) ?? 0) - (blockOf(other) ?? 0))

  const put = (change: Extract<ChainChange, { put: unknown }>) => {
    if (change.put === 'head') head = change.row
    else if (change.put === 'tx') txs.set(change.row.hash, change.row)
    else if (change.put === 'payload') payloads.set(change.row.hash, change.row)
    else if (change.put === 'account') accounts.set(change.row.sender, change.row)
    else if (change.put === 'event') events.push(change.row)
    else if (change.put === 'outbox') outbox.set(change.row.hash, change.row)
    else if (change.put === 'block') blocks.set(change.row.number, change.row)
    else if (change.put === 'window') windows.set(change.row.window, change.row)
    else if (change.put === 'plan') {
      plans.set(change.row.window, change.row)
      plans.delete(change.row.window - plansKept)
    } else members.set(`${change.row.batch}${change.row.hash}`, change.row)
  }
  const remove = (change: Extract<ChainChange, { remove: unknown }>) => {
    if (change.remove === 'tx') {
      txs.delete(change.hash)
      payloads.delete(change.hash)
    } else if (change.remove === 'outbox') outbox.delete(change.hash)
    else if (change.remove === 'sender') {
      for (const [key, { sender, hash }] of members) if (sender === change.sender && !txs.has(hash)) members.delete(key)
      if (![...txs.values()].some(({ sender }) => sender === change.sender)) accounts.delete(change.sender)
    } else if (change.remove === 'old') {
      const { through, before, limit } = change
      const isOld = (event: EventRow, index: number) =>
        index < limit && (event.sequence <= through || event.at < before)
      const kept = events.findIndex((event, index) => !isOld(event, index))
      events = kept < 0 ? [] : events.slice(kept)
      const busy = new Set([...txs.values()].map(({ sender }) => sender))
      dropOld(members, ({ at }) => at < before, limit)
      dropOld(windows, ({ at }) => at < before, limit)
      dropOld(accounts, ({ at, sender }) => at < before && !busy.has(sender), limit)
    } else
      for (const number of [...blocks.keys()])
        if (change.remove === 'blocksFrom' ? number >= change.number : number < change.number) blocks.delete(number)
  }
  return {
    head: () => head,
    tx: (hash) => txs.get(hash),
    txsOf: (sender) =>
      ordered()
        .filter((row) => row.sender === sender)
        .sort((one, other) => one.nonce - other.nonce),
    queued: () => ordered().filter(({ status }) => status.state === 'queued'),
    dueTxs: (now, limit) => due([...txs.values()], now).slice(0, limit),
    includedFrom: (number) => byBlock().filter((row) => (blockOf(row) ?? -1) >= number),
    includedUpTo: (number, limit) =>
      byBlock()
        .filter((row) => (blockOf(row) ?? 0) <= number)
        .slice(0, limit),
    payload: (hash) => payloads.get(hash),
    account: (sender) => accounts.get(sender),
    lastEvent: (hash) => events.filter((event) => event.hash === hash).at(-1),
    firstEvent: () => events[0],
    outbox: (hash) => outbox.get(hash),
    dueOutbox: (now, limit) =>
      [...outbox.values()]
        .filter(({ dueAt }) => dueAt <= now)
        .sort((one, other) => one.dueAt - other.dueAt || one.sequence - other.sequence)
        .slice(0, limit),
    block: (number) => blocks.get(number),
    nextDue: () => earliest([...txs.values(), ...outbox.values()].map(({ dueAt }) => dueAt)),
    apply: (changes) => {
      for (const change of changes) 'put' in change ? put(change) : remove(change)
    },
    txs: ordered,
    events: () => events,
    windows: () => [...windows.values()],
    plans: () => [...plans.values()],
  }
}

/** A shard's rows in memory: what SQLite does, the plain way. */
export interface MemoryShard extends ShardRows {
  readonly apply: (changes: readonly ShardChange[]) => void
  readonly rows: () => readonly ShardRow[]
}

export function memoryShard(): MemoryShard {
  let head = { live: 0 }
  const rows = new Map<TxHash, ShardRow>()
  const payloads = new Map<TxHash, Payload>()
  const accounts = new Map<string, Extract<ShardChange, { put: 'account' }>['row']>()
  const ended = () =>
    [...rows.values()].filter(({ stage }) => stage === 'ended').sort((one, other) => one.since - other.since)
  const busy = () =>
    new Set<string>([...rows.values()].filter(({ stage }) => stage !== 'ended').map(({ sender }) => sender))
  return {
    head: () => head,
    row: (hash) => rows.get(hash),
    rowsOf: (sender) =>
      [...rows.values()]
        .filter((row) => row.sender === sender && row.stage !== 'ended')
        .sort((one, other) => one.nonce - other.nonce),
    payload: (hash) => payloads.get(hash),
    account: (sender) => accounts.get(sender),
    due: (now, limit) => due([...rows.values()], now).slice(0, limit),
    dueAccounts: (now, limit) =>
      [...accounts.values()]
        .filter(({ checkAt }) => checkAt !== null && checkAt <= now)
        .sort((one, other) => (one.checkAt ?? 0) - (other.checkAt ?? 0))
        .slice(0, limit),
    nextDue: () => earliest([...rows.values()].map(({ dueAt }) => dueAt)),
    nextCheck: () => earliest([...accounts.values()].map(({ checkAt }) => checkAt)),
    firstEnded: () => ended()[0]?.since ?? null,
    apply: (changes) => {
      for (const change of changes) {
        if ('remove' in change) {
          if (change.remove === 'payload') payloads.delete(change.hash)
          else if (change.remove === 'sender') {
            for (const { hash, sender, dueAt } of ended())
              if (sender === change.sender && dueAt === null) {
                rows.delete(hash)
                payloads.delete(hash)
              }
            if (!busy().has(change.sender)) accounts.delete(change.sender)
          } else {
            const { before, limit } = change
            for (const { hash } of ended()
              .filter(({ since }) => since < before)
              .slice(0, limit)) {
              rows.delete(hash)
              payloads.delete(hash)
            }
            const senders = busy()
            dropOld(accounts, ({ checkedAt, sender }) => checkedAt < before && !senders.has(sender), limit)
          }
        } else if (change.put === 'head') head = change.row
        else if (change.put === 'row') rows.set(change.row.hash, change.row)
        else if (change.put === 'payload') payloads.set(change.row.hash, change.row)
        else accounts.set(change.row.sender, change.row)
      }
    },
    rows: () => [...rows.values()],
  }
}

type RowOf<name> = Extract<ChainChange, { readonly put: name }>['row']

function due<row extends { readonly dueAt: number | null }>(rows: readonly row[], now: number): row[] {
  return rows
    .filter(({ dueAt }) => dueAt !== null && dueAt <= now)
    .sort((one, other) => (one.dueAt ?? 0) - (other.dueAt ?? 0))
}

function earliest(times: readonly (number | null)[]): number | null {
  return times.reduce((least, time) => (least === null || (time !== null && time < least) ? time : least), null)
}

function dropOld<key, row>(rows: Map<key, row>, isOld: (row: row) => boolean, limit: number): void {
  for (const [key] of [...rows].filter(([, row]) => isOld(row)).slice(0, limit)) rows.delete(key)
}
