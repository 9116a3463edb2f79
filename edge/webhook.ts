import { unreachable } from '../sdk/errors.ts'
import type { TxStatus } from '../sdk/ports.ts'
import type { BatchId, ChainId } from '../sdk/units.ts'
import {
  webhookAsksMax,
  webhookCallsKept,
  webhookCallsMax,
  webhookDeadMax,
  webhookDeadMs,
  webhookLookMsMax,
  webhookLookMsMin,
  webhookOldSecretMs,
  webhookPausesMs,
  webhookTimeoutMs,
  webhookWatchesMax,
  webhookWatchMsMax,
} from './limits.ts'
import type { MemberStatus } from './objects.ts'
import type { CallRow, WebhookChange, WebhookHead, WebhookRows } from './webhookRows.ts'

/** How a try went. */
export type CallOutcome = 'done' | 'gone' | { readonly fault: string }

/** Everything that happens to one webhook. `now` is in milliseconds since 1970. */
export type WebhookEvent = { readonly now: number } & (
  | { readonly type: 'register'; readonly chain: ChainId; readonly url: string; readonly secret: string }
  | { readonly type: 'rotate'; readonly secret: string }
  | { readonly type: 'forget' }
  | { readonly type: 'watch'; readonly batch: BatchId }
  /** `null`: the chain object knows no such batch any more. */
  | { readonly type: 'seen'; readonly batch: BatchId; readonly members: readonly MemberStatus[] | null }
  | { readonly type: 'called'; readonly id: string; readonly attempts: number; readonly outcome: CallOutcome }
  /** A dead letter is to be tried again. */
  | { readonly type: 'replay'; readonly id: string }
  | { readonly type: 'tick' }
)

/** What is to be done after the rows are committed. Each may be lost in a crash: the rows say when to do it again. */
export type WebhookEffect =
  | { readonly type: 'look'; readonly chain: ChainId; readonly batches: readonly BatchId[] }
  | { readonly type: 'call'; readonly url: string; readonly secrets: readonly string[]; readonly call: CallRow }

export interface WebhookStep {
  readonly changes: readonly WebhookChange[]
  readonly effects: readonly WebhookEffect[]
  /** False where there is nothing to do it to, or no room. */
  readonly isTaken: boolean
}

/**
 * One step of one merchant's webhook: waits for the end of its batches, then calls until the other side has taken it, or
 * the tries are used up. A try is counted before it leaves, so a crash loop makes no endless one; a message is forgotten
 * only once it was taken, so it may come twice, under the same id.
 */
export function webhookStep(rows: WebhookRows, event: WebhookEvent): WebhookStep {
  const head = rows.head()
  switch (event.type) {
    case 'register':
      return done({ put: 'head', row: registered(head, event) })
    case 'rotate':
      if (!head) return nothing
      return done({
        put: 'head',
        row: {
          ...head,
          secret: event.secret,
          oldSecret: { secret: head.secret, until: event.now + webhookOldSecretMs },
        },
      })
    case 'forget':
      return head ? done({ remove: 'everything' }) : nothing
    case 'watch': {
      // Who is not called waits for nothing.
      if (!head || head.isGone || rows.watch(event.batch) || rows.call(idOf(event.batch, true))) return done()
      const { watched, waiting } = rows.counts()
      if (watched >= webhookWatchesMax || waiting >= webhookCallsKept) return nothing
      return done({ put: 'watch', row: { batch: event.batch, since: event.now, dueAt: event.now + webhookLookMsMin } })
    }
    case 'seen':
      return head ? seen(rows, head, event) : nothing
    case 'called':
      return called(rows, head, event)
    case 'replay': {
      const call = rows.call(event.id)
      return call?.isDead
        ? done({ put: 'call', row: { ...call, isDead: false, attempts: 0, dueAt: event.now } })
        : nothing
    }
    case 'tick':
      return tick(rows, head, event.now)
    default:
      return unreachable(event)
  }
}

/** When the step wants the next tick, or nothing while there is nothing to do. */
export function webhookWakeAt(rows: WebhookRows): number | null {
  return rows.nextDue()
}

const nothing: WebhookStep = { changes: [], effects: [], isTaken: false }

function done(...changes: readonly WebhookChange[]): WebhookStep {
  return { changes, effects: [], isTaken: true }
}

/** Another address keeps its secret: only a rotation changes that. */
function registered(
  head: WebhookHead | undefined,
  { chain, url, secret }: Extract<WebhookEvent, { type: 'register' }>,
): WebhookHead {
  return { chain, url, secret: head?.secret ?? secret, oldSecret: head?.oldSecret ?? null, isGone: false }
}

/** States after which the fate of a transaction does not change, once the chain object lets go of it. */
const finalStates: ReadonlySet<TxStatus['state'] | undefined> = new Set<TxStatus['state']>([
  'finalized',
  'rejected',
  'replaced',
  'expired',
])

function seen(
  rows: WebhookRows,
  { chain }: WebhookHead,
  { batch, members, now }: Extract<WebhookEvent, { type: 'seen' }>,
): WebhookStep {
  const watch = rows.watch(batch)
  if (!watch) return done()
  const isFinal = members?.every(({ status, isOpen }) => !isOpen && finalStates.has(status?.state)) ?? false
  const isLate = members === null || now - watch.since > webhookWatchMsMax
  if (!isFinal && !isLate) {
    const pause = Math.min(Math.max((now - watch.since) / 4, webhookLookMsMin), webhookLookMsMax)
    return done({ put: 'watch', row: { ...watch, dueAt: Math.ceil(now + pause) } })
  }
  const transactions = (members ?? []).map(({ hash, status }) => ({ hash, status }))
  const type = isFinal ? 'batch.final' : 'batch.lapsed'
  const body = JSON.stringify({ type, timestamp: new Date(now).toISOString(), data: { chain, batch, transactions } })
  const id = idOf(batch, isFinal)
  // It was told already, or is being told: its bytes and tries stay what they are.
  if (rows.call(id)) return done({ remove: 'watch', batch })
  const call: CallRow = { id, body, attempts: 0, dueAt: now, isDead: false, fault: '' }
  return done({ remove: 'watch', batch }, { put: 'call', row: call })
}

/**
 * One message a batch, and another one where its end was not known in time: who takes each id once must not take the end
 * for what came before it. It has no full stop, which would end it in what is signed.
 */
function idOf(batch: BatchId, isFinal: boolean): string {
  return `${isFinal ? 'batch' : 'lapsed'}_${batch.slice(2)}`
}

function called(
  rows: WebhookRows,
  head: WebhookHead | undefined,
  { id, attempts, outcome, now }: Extract<WebhookEvent, { type: 'called' }>,
): WebhookStep {
  const call = rows.call(id)
  if (!call) return done()
  // Taken is taken, also when that is heard late; a fault of an earlier try says nothing of this one.
  if (outcome === 'done') return done({ remove: 'call', id })
  if (call.isDead || call.attempts !== attempts) return done()
  if (outcome === 'gone') {
    const gone: readonly WebhookChange[] = head ? [{ put: 'head', row: { ...head, isGone: true } }] : []
    return done(...gone, ...bury(rows, { ...call, fault: '410' }, now))
  }
  if (attempts > webhookPausesMs.length) return done(...bury(rows, { ...call, fault: outcome.fault }, now))
  return done({ put: 'call', row: { ...call, fault: outcome.fault } })
}

/** Makes a dead letter, the oldest of which makes room. */
function bury(rows: WebhookRows, call: CallRow, now: number): readonly WebhookChange[] {
  const [oldest] = rows.counts().dead >= webhookDeadMax ? rows.dead(1) : []
  const room: readonly WebhookChange[] = oldest ? [{ remove: 'call', id: oldest.id }] : []
  return [...room, { put: 'call', row: { ...call, isDead: true, dueAt: now + webhookDeadMs } }]
}

function tick(rows: WebhookRows, head: WebhookHead | undefined, now: number): WebhookStep {
  if (!head) return nothing
  const changes: WebhookChange[] = []
  const effects: WebhookEffect[] = []
  const watches = rows.dueWatches(now, webhookAsksMax)
  for (const watch of watches) changes.push({ put: 'watch', row: { ...watch, dueAt: now + webhookLookMsMax } })
  if (watches.length > 0) effects.push({ type: 'look', chain: head.chain, batches: watches.map(({ batch }) => batch) })
  const { oldSecret, secret, url } = head
  const secrets = oldSecret && oldSecret.until > now ? [secret, oldSecret.secret] : [secret]
  for (const call of rows.dueCalls(now, webhookCallsMax)) {
    const pause = webhookPausesMs[call.attempts]
    if (call.isDead) changes.push({ remove: 'call', id: call.id })
    // Used up, or nobody there: the last try was lost in a crash.
    else if (head.isGone || call.attempts > webhookPausesMs.length) changes.push(...bury(rows, call, now))
    else {
      const row = { ...call, attempts: call.attempts + 1, dueAt: now + (pause ?? 0) + webhookTimeoutMs }
      changes.push({ put: 'call', row })
      effects.push({ type: 'call', url, secrets, call: row })
    }
  }
  return { changes, effects, isTaken: true }
}
