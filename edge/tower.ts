import { invariant, unreachable } from '../sdk/errors.ts'
import { fromHex, type Hex, sameBytes, toHex } from '../sdk/units.ts'
import type { Outpoint } from './channelBoxRows.ts'
import {
  towerAbsentMs,
  towerOpenedMax,
  towerPauseFactor,
  towerRetentionMs,
  towerRungBlocks,
  towerStatesMax,
  towerTouchMs,
  towerUnusedMs,
} from './limits.ts'
import type { ProblemCode } from './problems.ts'
import type { JusticeRow, TowerChange, TowerHead, TowerRows, TowerStateRow } from './towerRows.ts'

/** What the sources told of one output. */
export interface SpendSighting {
  readonly outpoint: Outpoint
  /** Txids that any source says spend it. */
  readonly spenders: readonly string[]
  /** The one that every source says spends it, under enough blocks. */
  readonly buriedBy: string | null
}

/** What the sources told of the chain. What none of them told is unknown, never a no. */
export interface TowerSighting {
  /** The highest tip. */
  readonly height: number | null
  /** At least two sources answered everything. */
  readonly isSeen: boolean
  readonly spends: readonly SpendSighting[]
}

/** What opened of one state: for each output, signed transactions from the lowest feerate on. */
export interface Opened {
  readonly input: Outpoint
  readonly transactions: readonly Uint8Array[]
}

/** Everything that happens to one tower. `now` is in milliseconds since 1970; `claim`: SHA-256 of the token shown. */
export type TowerEvent = { readonly now: number } & (
  | {
      readonly type: 'register'
      readonly claim: Hex
      readonly funding: Outpoint
      readonly first: number
      readonly bytesMax: number
    }
  | { readonly type: 'keep'; readonly claim: Hex; readonly state: TowerStateRow }
  /** A request that only reads. */
  | { readonly type: 'visit'; readonly claim: Hex }
  | { readonly type: 'sighted'; readonly sighting: TowerSighting }
  | { readonly type: 'opened'; readonly txid: string; readonly outputs: readonly Opened[] }
  | { readonly type: 'tick' }
)

/** What is to be done after the rows are committed. Each may be lost in a crash: the rows say when to do it again. */
export type TowerEffect =
  | { readonly type: 'look'; readonly outpoints: readonly Outpoint[] }
  | { readonly type: 'open'; readonly txid: string; readonly states: readonly TowerStateRow[] }
  | { readonly type: 'broadcast'; readonly transaction: Uint8Array }

export interface TowerRefusal {
  readonly ok: false
  readonly code: ProblemCode
  readonly detail: string
}

/** Done and stored, or why not. */
export type TowerAnswer = { readonly ok: true } | TowerRefusal

export interface TowerStep {
  readonly changes: readonly TowerChange[]
  readonly effects: readonly TowerEffect[]
  readonly answer: TowerAnswer
}

/**
 * One step of a channel's watchtower. Rules [WT...] are those of TOWER.md.
 *
 * It holds no key. What it keeps opens by the cheater's own txid alone, and pays its owner alone: it may delay or drop, never take.
 *
 * @param pollMs - Pause between two looks while justice is done.
 */
export function towerStep(rows: TowerRows, event: TowerEvent, pollMs: number): TowerStep {
  const decided = decide(rows, event, pollMs)
  checkStep(rows, decided)
  return decided
}

/** When the step wants the next tick, or nothing while there is nothing to do. */
export function towerWakeAt(rows: TowerRows): number | null {
  const head = rows.head()
  if (!head) return null
  return Math.min(head.dueAt ?? Number.POSITIVE_INFINITY, wipeAt(head))
}

function decide(rows: TowerRows, event: TowerEvent, pollMs: number): TowerStep {
  switch (event.type) {
    case 'register':
      return register(rows, event)
    case 'keep':
      return enter(rows, event, (head) => keep(rows, head, event.state))
    case 'visit':
      return enter(rows, event, (head) => done(head))
    case 'sighted':
      return sight(rows, event.sighting, event.now, pollMs)
    case 'opened':
      return open(rows, event)
    case 'tick':
      return tick(rows, event.now, pollMs)
    default:
      return unreachable(event)
  }
}

/** WT1: the first request claims the tower, and names for good what it watches. */
function register(rows: TowerRows, event: Extract<TowerEvent, { type: 'register' }>): TowerStep {
  const { now, claim, funding, first, bytesMax } = event
  const known = rows.head()
  if (known)
    return enter(rows, event, (head) =>
      isSame(head.funding, funding) && head.first === first
        ? done(head)
        : no('conflicting-tower', 'This tower watches another output, or from another state on.'),
    )
  const base = { claim, funding, first, next: first, bytes: 0, bytesMax, phase: 'watching', height: null } as const
  return done({ ...base, lookedAt: 0, dueAt: now, touchedAt: now })
}

function enter(
  rows: TowerRows,
  { claim, now }: { readonly claim: Hex; readonly now: number },
  act: (head: TowerHead) => TowerStep,
): TowerStep {
  const head = rows.head()
  if (!head) return no('unknown-tower', 'Nothing is watched under this name.')
  if (!isSameSecret(head.claim, claim)) return no('unauthorized', 'The tower has another token.')
  return act(now - head.touchedAt >= towerTouchMs ? { ...head, touchedAt: now } : head)
}

/** WT2, WT3: states come in their order and without a hole; the same bytes are the same state. */
function keep(rows: TowerRows, head: TowerHead, state: TowerStateRow): TowerStep {
  const { number, sealed } = state
  if (number < head.next) {
    const known = rows.state(number)
    if (known && sameBytes(known.sealed, sealed)) return done(head)
    return no('conflicting-state', `State ${number} is another one, or was before the first.`)
  }
  if (head.phase === 'ended') return no('tower-ended', 'The channel has ended.')
  if (number > head.next) return no('state-gap', `State ${head.next} is expected next.`)
  // WT4
  if (number - head.first >= towerStatesMax || head.bytes + sealed.length > head.bytesMax)
    return no('tower-full', 'The tower keeps as much of this channel as it may.')
  const { changes } = done({ ...head, next: number + 1, bytes: head.bytes + sealed.length })
  return step([{ put: 'state', row: state }, ...changes])
}

function tick(rows: TowerRows, now: number, pollMs: number): TowerStep {
  const head = rows.head()
  if (!head) return step()
  if (wipeAt(head) <= now) return step([{ remove: 'everything' }])
  if (head.dueAt === null || head.dueAt > now) return step()
  const justice = rows.justice()
  const waiting = justice.filter(({ isBuried }) => !isBuried)
  const outpoints = [head.funding, ...waiting.map(({ input }) => input)]
  // WT9: the next look is due before this one is begun.
  const pause = justice.length > 0 ? pollMs : pollMs * towerPauseFactor
  const row = { ...head, dueAt: now + pause }
  return step([{ put: 'head', row }], [{ type: 'look', outpoints }])
}

function sight(rows: TowerRows, sighting: TowerSighting, now: number, pollMs: number): TowerStep {
  const head = rows.head()
  if (!head || head.phase === 'ended') return step()
  const height = Math.max(sighting.height ?? 0, head.height ?? 0) || null
  const found = (outpoint: Outpoint) => sighting.spends.find((spend) => isSame(spend.outpoint, outpoint))
  const changes: TowerChange[] = []
  const effects: TowerEffect[] = []
  const funding = found(head.funding)
  // WT5: one source is enough to look; what does not open was no cheater's.
  for (const txid of new Set(funding?.spenders ?? [])) {
    const states = rows.isOpened(txid) ? [] : rows.statesOf(hintOfText(txid))
    if (states.length > 0) effects.push({ type: 'open', txid, states })
  }
  const justice = rows.justice().map((row): JusticeRow => {
    const isBuried = row.isBuried || (found(row.input)?.buriedBy ?? null) !== null
    if (isBuried !== row.isBuried) changes.push({ put: 'justice', row: { ...row, isBuried } })
    return { ...row, isBuried }
  })
  // WT6: again and again, and dearer as blocks go by, until it is buried.
  for (const row of justice)
    if (!row.isBuried) effects.push({ type: 'broadcast', transaction: chosen(row, height ?? row.sinceHeight) })
  const isOver = isEnded(rows, funding?.buriedBy ?? null, justice)
  const lookedAt = sighting.isSeen ? now : head.lookedAt
  const row: TowerHead = isOver
    ? { ...head, height, lookedAt, phase: 'ended', dueAt: null, touchedAt: now }
    : { ...head, height, lookedAt, dueAt: effects.length > 0 ? now + pollMs : head.dueAt }
  changes.push({ put: 'head', row })
  return step(changes, effects)
}

/** WT7: what took the funding is buried, and it was no revoked state, or all of it is taken and buried. */
function isEnded(rows: TowerRows, spender: string | null, justice: readonly JusticeRow[]): boolean {
  if (spender === null) return false
  if (rows.statesOf(hintOfText(spender)).length > 0 && !rows.isOpened(spender)) return false
  return justice.every(({ txid, isBuried }) => txid !== spender || isBuried)
}

function open(rows: TowerRows, { txid, outputs, now }: Extract<TowerEvent, { type: 'opened' }>): TowerStep {
  const head = rows.head()
  const isNew = head && head.phase !== 'ended' && !rows.isOpened(txid)
  if (!isNew) return step()
  const sinceHeight = head.height ?? 0
  const justice = outputs.slice(0, towerOpenedMax).map(({ input, transactions }, place): JusticeRow => {
    return { txid, place, input, sinceHeight, transactions: transactions.map(toHex), isBuried: false }
  })
  const changes: readonly TowerChange[] = [
    { put: 'opened', txid },
    ...justice.map((row) => ({ put: 'justice', row }) as const),
    { put: 'head', row: { ...head, dueAt: now } },
  ]
  const effects = justice.map((row): TowerEffect => ({ type: 'broadcast', transaction: chosen(row, sinceHeight) }))
  return step(changes, effects)
}

function chosen({ transactions, sinceHeight }: JusticeRow, height: number): Uint8Array {
  const rung = Math.floor(Math.max(0, height - sinceHeight) / towerRungBlocks)
  const transaction = transactions[Math.min(rung, transactions.length - 1)]
  invariant(transaction, 'what was opened has a transaction')
  return fromHex(transaction)
}

/** WT8: long after the end, or after its owner was last heard of; soon where it has nothing to do. */
function wipeAt({ phase, touchedAt, first, next }: TowerHead): number {
  if (phase === 'ended') return touchedAt + towerRetentionMs
  return touchedAt + (next === first ? towerUnusedMs : towerAbsentMs)
}

/** The hint of a txid as it is printed: its bytes reversed, the first 16. */
function hintOfText(txid: string): Hex {
  return toHex(fromHex(`0x${txid}`).reverse().subarray(0, 16))
}

function isSame(one: Outpoint, other: Outpoint): boolean {
  return one.txid === other.txid && one.index === other.index
}

function done(head: TowerHead): TowerStep {
  return step([{ put: 'head', row: head }])
}

function step(changes: readonly TowerChange[] = [], effects: readonly TowerEffect[] = []): TowerStep {
  return { changes, effects, answer: { ok: true } }
}

function no(code: ProblemCode, detail: string): TowerStep {
  return { changes: [], effects: [], answer: { ok: false, code, detail } }
}

/** Takes the same time wherever two digests differ. */
function isSameSecret(one: string, other: string): boolean {
  let difference = one.length ^ other.length
  for (let at = 0; at < one.length; at++) difference |= one.charCodeAt(at) ^ other.charCodeAt(at)
  return difference === 0
}

/** What must hold of every step, on in production. */
function checkStep(rows: TowerRows, { changes }: TowerStep): void {
  const before = rows.head()
  for (const change of changes) {
    if (!('put' in change)) continue
    if (change.put === 'head') {
      const { row } = change
      invariant((row.phase === 'ended') === (row.dueAt === null), 'WT9: a tower that has not ended has its time')
      if (!before) continue
      invariant(row.claim === before.claim && isSame(row.funding, before.funding), 'WT1: a tower keeps its channel')
      invariant(row.next === before.next || row.next === before.next + 1, 'WT2: states come one after the other')
      invariant(before.phase === 'watching' || row.phase === 'ended', 'WT7: an end is final')
    }
    if (change.put === 'state')
      invariant(change.row.number === before?.next, 'WT2: a state is stored once and in order')
  }
}
