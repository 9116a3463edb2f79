import { invariant, unreachable } from '../sdk/errors.ts'
import type { TxStatus } from '../sdk/ports.ts'
import type { Address, BatchId, TxHash } from '../sdk/units.ts'
import { type Cancelling, cancel } from './cancelling.ts'
import { type ChainDraft, openChainDraft } from './chainDraft.ts'
import type { ChainChange, ChainRows, Settlement, TxRow } from './chainRows.ts'
import type { ChainConfig } from './config.ts'
import type { Progress } from './executor/follow.ts'
import type { Found, Outcome, Sending } from './executor/port.ts'
import {
  eventsMax,
  executorTimeoutMs,
  handoverMax,
  handoverRetryMs,
  lookUpsMax,
  openCheckMs,
  pruneEveryMs,
  pruneMax,
  queuedMax,
  retentionMs,
  windowBytesMax,
  windowGasMax,
  windowMsMax,
  windowTransactionsMax,
} from './limits.ts'
import { footprintOf } from './payload.ts'
import { type NonceFact, takeFound, takeOutcome, takeProgress } from './settling.ts'
import { chooseWindow, planWindow } from './window.ts'

/** A transaction that a shard hands over. `base` is the first nonce of the sender that is in no block yet. */
export interface Offer {
  readonly hash: TxHash
  readonly sender: Address
  readonly nonce: number
  readonly base: number
  /** Of the newest settlement of this hash that the shard has heard; 0 for none. */
  readonly sequence: number
  readonly maxFeePerGas: bigint
  readonly raw: Uint8Array
  readonly footprintJson: string
}

/** What a shard says of a transaction that it does not, or no longer, hand over. */
export interface Notice {
  readonly hash: TxHash
  readonly status: TxStatus
  readonly sequence: number
}

/** What the chain object has heard, and the shard need not tell again: `queued` says that an offer was taken over. */
export interface Taken {
  readonly hash: TxHash
  readonly state: TxStatus['state']
  /** As the shard told it. */
  readonly sequence: number
}

/** One transaction of a batch, as the worker registers it. */
export interface Member {
  readonly hash: TxHash
  readonly sender: Address
  readonly position: number
  /** Where it stands with its shard, and the newest settlement that the shard has heard. */
  readonly status: TxStatus
  readonly sequence: number
}

/** A hash that is asked for; `window`, where it was sent last, tells whether the answer still fits when it comes. */
export interface LookUp {
  readonly hash: TxHash
  readonly sender: Address
  readonly window: number
}

/** Everything that happens to one chain. `now` is in milliseconds since 1970. */
export type ChainEvent = { readonly now: number } & (
  | {
      readonly type: 'offers'
      readonly shard: number
      readonly offers: readonly Offer[]
      readonly notices: readonly Notice[]
    }
  | { readonly type: 'register'; readonly batch: BatchId; readonly members: readonly Member[] }
  | { readonly type: 'outcomes'; readonly window: number; readonly outcomes: readonly (readonly [TxHash, Outcome])[] }
  /** Every sending of the window has been reported. */
  | { readonly type: 'sent'; readonly window: number }
  | {
      readonly type: 'found'
      readonly lookUps: readonly LookUp[]
      readonly found: ReadonlyMap<TxHash, Found>
      readonly nonces: ReadonlyMap<Address, NonceFact>
    }
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'delivered'; readonly settlements: readonly Settlement[] }
  | { readonly type: 'cancel'; readonly wish: Cancelling }
  /** Nothing is to be kept of a sender that need not be. */
  | { readonly type: 'forget'; readonly sender: Address }
  | { readonly type: 'tick' }
)

/** What is to be done after the rows are committed. Each may be lost in a crash: the rows say when to do it again. */
export type ChainEffect =
  | {
      readonly type: 'forward'
      readonly window: number
      readonly lanes: readonly (readonly Sending[])[]
      readonly until: number
    }
  | { readonly type: 'lookUp'; readonly lookUps: readonly LookUp[]; readonly finalized: number }
  | { readonly type: 'poll' }
  | { readonly type: 'deliver'; readonly shard: number; readonly settlements: readonly Settlement[] }

/** What the step goes by. */
export interface StepConfig extends Pick<ChainConfig, 'leaseMs' | 'pollMs'> {
  /** Nothing is sent while true. */
  readonly isPaused?: boolean
}

export interface ChainStep {
  readonly changes: readonly ChainChange[]
  readonly effects: readonly ChainEffect[]
  /** Of an `offers`: what was taken over. The shard offers the rest again. */
  readonly taken: readonly Taken[]
}

/**
 * One step of one chain: takes an event, says what to write and then what to do.
 *
 * A lease is a row in state `planned`: it is written before its bytes leave, and the same bytes leave again only after
 * the lease has ended and a look-up by hash found nothing. A no counts when it is definite; whatever else comes
 * back, or nothing, leaves the row leased.
 */
export function chainStep(rows: ChainRows, event: ChainEvent, config: StepConfig): ChainStep {
  const draft = openChainDraft(rows, event.now)
  const effects: ChainEffect[] = []
  const taken: Taken[] = []
  decide(rows, draft, event, config, { effects, taken })
  const changes = draft.changes()
  checkChanges(rows, changes, effects)
  return { changes, effects, taken }
}

function decide(
  rows: ChainRows,
  draft: ChainDraft,
  event: ChainEvent,
  config: StepConfig,
  { effects, taken }: { readonly effects: ChainEffect[]; readonly taken: Taken[] },
): void {
  const { now } = event
  switch (event.type) {
    case 'offers':
      for (const offer of event.offers)
        if (takeOffer(rows, draft, offer, { shard: event.shard, now }))
          taken.push({ hash: offer.hash, state: 'queued', sequence: offer.sequence })
      for (const { hash, status, sequence } of event.notices) {
        if (!draft.tx(hash)) draft.publish(hash, status)
        taken.push({ hash, state: status.state, sequence })
      }
      break
    case 'register':
      for (const { hash, sender, position, status, sequence } of event.members) {
        draft.write({ put: 'member', row: { batch: event.batch, position, hash, sender, at: now } })
        const isNews = (rows.lastEvent(hash)?.sequence ?? 0) <= sequence
        if (!draft.tx(hash) && isNews) draft.publish(hash, status)
      }
      break
    case 'outcomes':
      for (const [hash, outcome] of event.outcomes) {
        const row = draft.tx(hash)
        // Included meanwhile, or leased anew: then the news is older than the row.
        if (row?.status.state === 'planned' && row.window === event.window) takeOutcome(draft, row, outcome, now)
      }
      break
    case 'sent': {
      const { window, queued } = draft.head()
      if (event.window === window) draft.setHead({ sendingUntil: null, windowAt: queued > 0 ? now : null })
      break
    }
    case 'found':
      for (const { hash, sender, window } of event.lookUps) {
        const row = draft.tx(hash)
        const found = event.found.get(hash)
        // No longer in question, or leased anew since it was asked.
        if (!row || !found || row.dueAt === null || row.window !== window) continue
        takeFound(rows, draft, row, { found, fact: event.nonces.get(sender), now })
      }
      break
    case 'progress':
      takeProgress(rows, draft, event.progress, now)
      draft.setHead({ pollAt: now + config.pollMs })
      if (draft.head().open > 0) break
      // Nothing to follow: the next time starts from the head of that time.
      draft.write({ remove: 'blocksFrom', number: 0 })
      draft.setHead({ pollAt: null, tip: null })
      break
    case 'delivered':
      for (const { hash, sequence } of event.settlements)
        if (rows.outbox(hash)?.sequence === sequence) draft.write({ remove: 'outbox', hash })
      break
    case 'cancel':
      cancel(rows, draft, event.wish, now)
      break
    case 'forget':
      draft.write({ remove: 'sender', sender: event.sender })
      break
    case 'tick':
      effects.push(...lookUpDue(rows, draft, now), ...deliverDue(rows, draft, now), ...pollDue(draft, now))
      effects.push(...openWindow(rows, draft, now, config))
      prune(rows, draft, now)
      break
    default:
      unreachable(event)
  }
}

/** When the step wants the next tick, or nothing while there is nothing to do. */
export function chainWakeAt(rows: ChainRows, isPaused = false): number | null {
  const { windowAt, sendingUntil, pausedUntil, pollAt } = rows.head()
  const first = rows.firstEvent()
  const times = [
    windowAt === null || isPaused ? null : Math.max(windowAt, sendingUntil ?? 0, pausedUntil),
    pollAt,
    rows.nextDue(),
    first ? first.at + retentionMs + pruneEveryMs : null,
  ]
  return times.reduce((soonest, time) => (soonest === null || (time !== null && time < soonest) ? time : soonest), null)
}

/** Where a transaction stands, as far as the chain object remembers. */
export function chainStatus(rows: Pick<ChainRows, 'tx' | 'lastEvent'>, hash: TxHash): TxStatus | undefined {
  return rows.tx(hash)?.status ?? rows.lastEvent(hash)?.status
}

function takeOffer(
  rows: ChainRows,
  draft: ChainDraft,
  { hash, sender, nonce, base, sequence, maxFeePerGas, raw, footprintJson }: Offer,
  { shard, now }: { readonly shard: number; readonly now: number },
): boolean {
  if (draft.tx(hash)) return true
  const last = rows.lastEvent(hash)
  const state = last?.status.state
  // Ended here, and the shard has not heard. Of a rejection it may have: then the same bytes may try again.
  const isUnheard = state === 'rejected' && (last?.sequence ?? 0) > sequence
  if (last && (state === 'finalized' || state === 'replaced' || isUnheard)) {
    const { status, sequence: at } = last
    draft.write({ put: 'outbox', row: { hash, sender, nonce, shard, status, sequence: at, dueAt: now } })
    return true
  }
  const head = draft.head()
  if (head.queued >= queuedMax) return false

  const winner = draft.rivals({ hash, sender, nonce }).find((row) => row.status.state === 'included')
  const status: TxStatus = winner ? { state: 'replaced', by: winner.hash } : { state: 'queued' }
  const { gas, source } = footprintOf({ footprintJson })
  const row: TxRow = {
    hash,
    sender,
    nonce,
    shard,
    status,
    arrival: head.arrival + 1,
    maxFeePerGas,
    gas,
    size: raw.length,
    isUnknownAccess: source === 'unknown',
    window: 0,
    lane: 0,
    attempts: 0,
    doubt: null,
    dueAt: null,
    inclusion: null,
  }
  draft.write({ put: 'payload', row: { hash, raw, footprintJson } })
  draft.putAccount({ sender, next: Math.max(draft.account(sender)?.next ?? 0, base), at: now })
  draft.putTx(row)
  if (winner) draft.settle(row, status)
  else draft.publish(hash, status)
  const { queued, queuedBytes, queuedGas, windowAt, pollAt } = draft.head()
  const isFull = queued >= windowTransactionsMax || queuedBytes >= windowBytesMax || queuedGas >= windowGasMax
  const closesAt = isFull ? now : now + windowMsMax
  // The first look comes before the first sending, so that no block in between is missed.
  draft.setHead({ arrival: row.arrival, windowAt: Math.min(windowAt ?? closesAt, closesAt), pollAt: pollAt ?? now })
  return true
}

function lookUpDue(rows: ChainRows, draft: ChainDraft, now: number): readonly ChainEffect[] {
  const due = rows.dueTxs(now, lookUpsMax)
  if (due.length === 0) return []
  for (const row of due) draft.putTx({ ...row, dueAt: now + openCheckMs + executorTimeoutMs })
  const lookUps = due.map(({ hash, sender, window }) => ({ hash, sender, window }))
  return [{ type: 'lookUp', lookUps, finalized: draft.head().finalized }]
}

function deliverDue(rows: ChainRows, draft: ChainDraft, now: number): readonly ChainEffect[] {
  const due = rows.dueOutbox(now, handoverMax)
  for (const row of due) draft.write({ put: 'outbox', row: { ...row, dueAt: now + handoverRetryMs } })
  const shards = new Set(due.map(({ shard }) => shard))
  return [...shards].map((shard) => ({
    type: 'deliver',
    shard,
    settlements: due.filter((row) => row.shard === shard),
  }))
}

function pollDue(draft: ChainDraft, now: number): readonly ChainEffect[] {
  const { pollAt } = draft.head()
  if (pollAt === null || pollAt > now) return []
  draft.setHead({ pollAt: now + executorTimeoutMs })
  return [{ type: 'poll' }]
}

function openWindow(
  rows: ChainRows,
  draft: ChainDraft,
  now: number,
  { leaseMs, isPaused = false }: StepConfig,
): readonly ChainEffect[] {
  // Paused by the operator: all else goes on, so that what is out there comes to its end.
  if (isPaused) return []
  const { windowAt, sendingUntil, pausedUntil, isUnknownsTurn, window: last } = draft.head()
  if (windowAt === null || Math.max(windowAt, sendingUntil ?? 0, pausedUntil) > now) return []
  const turns = isUnknownsTurn ? (['unknown', 'known'] as const) : (['known', 'unknown'] as const)
  const first = chooseWindow(rows, draft, turns[0])
  const [access, choice] = first.rows.length > 0 ? [turns[0], first] : [turns[1], chooseWindow(rows, draft, turns[1])]
  for (const { row, missingNonce } of choice.stranded) {
    draft.removeTx(row)
    draft.settle(row, { state: 'held', missingNonce })
  }
  draft.setHead({ windowAt: null, sendingUntil: null }) // Whatever unblocks the rest sets the time anew.
  if (choice.rows.length === 0) return []

  const window = last + 1
  const leaseUntil = now + leaseMs
  const payloadOf = (row: TxRow) => {
    const payload = rows.payload(row.hash)
    invariant(payload, 'a queued transaction has its bytes')
    return payload
  }
  const planned = planWindow(choice.rows, payloadOf, { window, now, leaseUntil })
  for (const row of planned.rows) {
    draft.putTx(row)
    draft.publish(row.hash, row.status)
  }
  draft.write({ put: 'window', row: planned.figures })
  draft.write({ put: 'plan', row: planned.plan })
  // After a crash nobody says `sent`: then the next window waits for the leases to end.
  draft.setHead({ window, windowAt: leaseUntil, sendingUntil: leaseUntil, isUnknownsTurn: access === 'known' })
  return [{ type: 'forward', window, lanes: planned.lanes, until: leaseUntil - executorTimeoutMs }]
}

function prune(rows: ChainRows, draft: ChainDraft, now: number): void {
  const first = rows.firstEvent()
  if (!first) return
  const through = draft.head().sequence - eventsMax
  if (first.sequence > through && first.at + retentionMs + pruneEveryMs > now) return
  draft.write({ remove: 'old', through, before: now - retentionMs, limit: pruneMax })
}

/** What must hold of every step, on in production. */
function checkChanges(rows: ChainRows, changes: readonly ChainChange[], effects: readonly ChainEffect[]): void {
  let { sequence } = rows.head()
  const leased = new Set<TxHash>()
  for (const change of changes) {
    if (!('put' in change)) continue
    if (change.put === 'event') {
      invariant(change.row.sequence === sequence + 1, 'the log has no holes')
      sequence += 1
    }
    if (change.put === 'tx' && change.row.status.state === 'planned') leased.add(change.row.hash)
  }
  for (const effect of effects) {
    if (effect.type !== 'forward') continue
    for (const { hash } of effect.lanes.flat()) {
      invariant(leased.has(hash), 'what is sent is leased in the same step')
      invariant(rows.tx(hash)?.status.state !== 'planned', 'nothing is sent while its lease is live')
    }
  }
}
