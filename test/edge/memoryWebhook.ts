import type { CallRow, WatchRow, WebhookChange, WebhookHead, WebhookRows } from '../../edge/webhookRows.ts'
import type { BatchId } from '../../sdk/units.ts'

/** A webhook's rows in memory: what SQLite does, the plain way. */
export interface MemoryWebhook extends WebhookRows {
  readonly apply: (changes: readonly WebhookChange[]) => void
  readonly calls: () => readonly CallRow[]
}

export function memoryWebhook(): MemoryWebhook {
  let head: WebhookHead | undefined
  const watches = new Map<BatchId, WatchRow>()
  const calls = new Map<string, CallRow>()
  const byTime = <row extends { readonly dueAt: number }>(rows: Iterable<row>) =>
    [...rows].sort((one, other) => one.dueAt - other.dueAt)
  const applyOne = (change: WebhookChange) => {
    if ('put' in change) {
      if (change.put === 'head') head = change.row
      else if (change.put === 'watch') watches.set(change.row.batch, change.row)
      else calls.set(change.row.id, change.row)
    } else if (change.remove === 'watch') watches.delete(change.batch)
    else if (change.remove === 'call') calls.delete(change.id)
    else {
      head = undefined
      watches.clear()
      calls.clear()
    }
  }
  const dead = () => byTime([...calls.values()].filter(({ isDead }) => isDead))
  return {
    head: () => head,
    watch: (batch) => watches.get(batch),
    dueWatches: (now, limit) => byTime([...watches.values()].filter(({ dueAt }) => dueAt <= now)).slice(0, limit),
    call: (id) => calls.get(id),
    dueCalls: (now, limit) => byTime([...calls.values()].filter(({ dueAt }) => dueAt <= now)).slice(0, limit),
    dead: (limit) => dead().slice(0, limit),
    counts: () => ({ watched: watches.size, waiting: calls.size - dead().length, dead: dead().length }),
    nextDue: () => byTime([...watches.values(), ...calls.values()])[0]?.dueAt ?? null,
    apply: (changes) => changes.forEach(applyOne),
    calls: () => [...calls.values()],
  }
}
