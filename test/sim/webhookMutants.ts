import type { WebhookStep } from '../../edge/webhook.ts'
import type { CallRow, WebhookChange } from '../../edge/webhookRows.ts'
import type { MemoryWebhook } from '../edge/memoryWebhook.ts'
import type { WebhookMutant } from '../edge/webhookWorld.ts'

/** Defects of a merchant's webhook that its laws must notice, each within a few worlds. */
export const webhookMutants: readonly WebhookMutant[] = [
  {
    name: 'a try is counted when it has failed, not before it leaves',
    does: (right, rows, { type }) =>
      type === 'tick'
        ? altered(right, (change) =>
            isCall(change) && !change.row.isDead
              ? { ...change, row: { ...change.row, attempts: rows.call(change.row.id)?.attempts ?? 0 } }
              : change,
          )
        : right,
  },
  {
    name: 'a message is forgotten when it leaves, not when it is taken',
    does: (right, _rows, { type }) =>
      type === 'tick'
        ? altered(right, (change) =>
            isCall(change) && !change.row.isDead ? { remove: 'call', id: change.row.id } : change,
          )
        : right,
  },
  {
    name: 'a batch is forgotten when it is looked at, not when its end is stored',
    does: (right) => {
      const looked = right.effects.flatMap((effect) => (effect.type === 'look' ? effect.batches : []))
      return { ...right, changes: [...right.changes, ...looked.map((batch) => ({ remove: 'watch', batch }) as const)] }
    },
  },
  {
    name: 'the end of one transaction counts as that of all',
    does: (right, rows, event) => {
      if (event.type !== 'seen' || event.members === null) return right
      const watch = rows.watch(event.batch)
      const id = `batch_${event.batch.slice(2)}`
      if (!watch || rows.call(id)) return right
      const isPart = event.members.some(({ status }) => status?.state !== 'queued')
      const body = JSON.stringify({ type: 'batch.final', timestamp: '', data: {} })
      return isPart
        ? { ...right, changes: [{ remove: 'watch', batch: event.batch }, fresh(id, body, event.now)] }
        : right
    },
  },
  {
    name: 'a batch lapses an hour after it was submitted',
    reads: (rows, event) =>
      event.type === 'seen' ? { ...rows, watch: (batch) => before(rows.watch(batch), 23 * 60 * 60_000) } : rows,
  },
  {
    name: 'what was taken is not forgotten where that is heard late',
    does: (right, rows, event) =>
      event.type === 'called' && event.outcome === 'done' && rows.call(event.id)?.attempts !== event.attempts
        ? { ...right, changes: [] }
        : right,
  },
  {
    name: 'an answer to an earlier try buries the message',
    does: (right, rows, event) => {
      const call = event.type === 'called' ? rows.call(event.id) : undefined
      if (event.type !== 'called' || event.outcome === 'done' || !call || call.attempts === event.attempts) return right
      return { ...right, changes: [{ put: 'call', row: { ...call, isDead: true } }] }
    },
  },
  {
    name: 'who is gone is called on',
    does: (right, _rows, { type }) =>
      type === 'called'
        ? altered(right, (change) =>
            'put' in change && change.put === 'head' ? { ...change, row: { ...change.row, isGone: false } } : change,
          )
        : right,
  },
  {
    name: 'a refused try is made again at once',
    does: (right, _rows, event) =>
      event.type === 'called'
        ? altered(right, (change) =>
            isCall(change) && !change.row.isDead ? { ...change, row: { ...change.row, dueAt: event.now } } : change,
          )
        : right,
  },
  {
    name: 'there is always one more try',
    reads: (rows) => ({ ...rows, dueCalls: (now, limit) => rows.dueCalls(now, limit).map(unwearied) }),
  },
  {
    name: 'a batch is told of anew while its message waits',
    reads: (rows, { type }) => (type === 'watch' || type === 'seen' ? { ...rows, call: () => undefined } : rows),
  },
  {
    name: 'the secret before a rotation is dropped at once',
    does: (right, _rows, { type }) =>
      type === 'rotate'
        ? altered(right, (change) =>
            'put' in change && change.put === 'head' ? { ...change, row: { ...change.row, oldSecret: null } } : change,
          )
        : right,
  },
  {
    name: 'the secret before a rotation signs for ever',
    reads: (rows) => ({
      ...rows,
      head: () => {
        const head = rows.head()
        return head?.oldSecret ? { ...head, oldSecret: { ...head.oldSecret, until: Number.POSITIVE_INFINITY } } : head
      },
    }),
  },
  {
    name: 'another address takes another secret',
    reads: (rows, { type }) => (type === 'register' ? { ...rows, head: () => undefined } : rows),
  },
  {
    name: 'nobody wakes for a message that is to be tried again',
    wakes: (rows) => {
      const due = rows.dueWatches(Number.POSITIVE_INFINITY, 1)[0]?.dueAt ?? null
      return rows.calls().some(({ attempts }) => attempts > 0) ? due : rows.nextDue()
    },
  },
]

function isCall(change: WebhookChange): change is Extract<WebhookChange, { put: 'call' }> {
  return 'put' in change && change.put === 'call'
}

function altered(right: WebhookStep, alter: (change: WebhookChange) => WebhookChange): WebhookStep {
  return { ...right, changes: right.changes.map(alter) }
}

function fresh(id: string, body: string, now: number): WebhookChange {
  return { put: 'call', row: { id, body, attempts: 0, dueAt: now, isDead: false, fault: '' } }
}

function before(watch: ReturnType<MemoryWebhook['watch']>, ms: number): ReturnType<MemoryWebhook['watch']> {
  return watch && { ...watch, since: watch.since - ms }
}

function unwearied(call: CallRow): CallRow {
  return call.isDead ? call : { ...call, attempts: Math.min(call.attempts, 6) }
}
