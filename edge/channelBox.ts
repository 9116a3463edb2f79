import { invariant, unreachable } from '../sdk/errors.ts'
import { type Hex, sameBytes } from '../sdk/units.ts'
import {
  type BackupRow,
  type BoxChange,
  type BoxRows,
  type Deposit,
  type DepositRow,
  type MessageRow,
  otherSide,
  type Side,
  type SideRow,
} from './channelBoxRows.ts'
import {
  boxRetentionMs,
  boxTouchMs,
  boxUnusedMs,
  depositPauseFactorMax,
  inboxBytesMax,
  inboxMessagesMax,
  messagesKept,
  messagesPerReadMax,
} from './limits.ts'
import type { ProblemCode } from './problems.ts'

/** Who asks: a side, and the SHA-256 of the token it showed. */
export interface Access {
  readonly side: Side
  readonly claim: Hex
}

/** A message as its writer posts it. */
export interface Post {
  readonly sequence: number
  readonly epoch: number
  readonly bytes: Uint8Array
}

/** What the Bitcoin sources told of a deposit. What none of them told is unknown, never a no. */
export interface Sighting {
  /** The highest tip. */
  readonly height: number | null
  /** Every source says that a spend of the input is buried. */
  readonly isBuried: boolean
}

/** Everything that happens to one box. `now` is in milliseconds since 1970. */
export type BoxEvent = { readonly now: number } & (
  | { readonly type: 'post'; readonly access: Access; readonly post: Post }
  /** A request that only reads. */
  | { readonly type: 'visit'; readonly access: Access }
  | { readonly type: 'acknowledge'; readonly access: Access; readonly through: number; readonly epoch: number }
  | { readonly type: 'deposit'; readonly access: Access; readonly deposit: Deposit }
  | { readonly type: 'keep'; readonly access: Access; readonly backup: Pick<BackupRow, 'number' | 'bytes'> }
  | { readonly type: 'sighted'; readonly number: number; readonly sighting: Sighting }
  | { readonly type: 'tick' }
)

/** What is to be done after the rows are committed. Each may be lost in a crash: the rows say when to do it again. */
export type BoxEffect =
  | { readonly type: 'look'; readonly deposit: Deposit }
  | { readonly type: 'broadcast'; readonly transaction: Uint8Array }

export interface BoxRefusal {
  readonly ok: false
  readonly code: ProblemCode
  readonly detail: string
}

/** Done and stored, or why not. */
export type BoxAnswer = { readonly ok: true } | BoxRefusal

/** Messages to a side in their order; none when there is nothing new. */
export type InboxAnswer = { readonly ok: true; readonly messages: readonly MessageRow[] } | BoxRefusal

export interface BoxStep {
  readonly changes: readonly BoxChange[]
  readonly effects: readonly BoxEffect[]
  readonly answer: BoxAnswer
}

/**
 * One step of the box between a payer and a payee. Rules [CB...] are those of CHANNEL-BOX.md.
 *
 * It carries bytes it does not read, holds no key, and judges nothing but numbers.
 *
 * @param pollMs - Pause between two looks at the chain when the deposit's height is near.
 */
export function boxStep(rows: BoxRows, event: BoxEvent, pollMs: number): BoxStep {
  const step = decide(rows, event, pollMs)
  checkStep(rows, step)
  return step
}

/** When the step wants the next tick, or nothing while there is nothing to do. */
export function boxWakeAt(rows: BoxRows): number | null {
  const due = rows.deposit()?.dueAt ?? null
  const wipe = wipeAt(rows)
  return due === null || wipe === null ? (due ?? wipe) : Math.min(due, wipe)
}

/** Messages to a side after a sequence, in order, or why there is no such place. */
export function readInbox(rows: BoxRows, reader: Side, after: number): InboxAnswer {
  const writer = rows.side(otherSide(reader))
  if (after > (writer?.sent ?? 0)) return ahead(writer)
  const messages = writer ? rows.messagesAfter(writer.side, after, messagesPerReadMax) : []
  // CB8: in order and without a hole, or not at all.
  if (messages.length > 0 && messages[0]?.sequence !== after + 1)
    return no('cursor-expired', `The messages up to ${writer?.acknowledged} were acknowledged and dropped.`)
  return { ok: true, messages }
}

function decide(rows: BoxRows, event: BoxEvent, pollMs: number): BoxStep {
  const { now } = event
  switch (event.type) {
    case 'tick':
      return tick(rows, now, pollMs)
    case 'sighted':
      return sight(rows, event.number, event.sighting, { now, pollMs })
    case 'post':
      return enter(rows, event.access, now, (side) => post(rows, side, event.post))
    case 'visit':
      return enter(rows, event.access, now, () => done())
    case 'acknowledge':
      return enter(rows, event.access, now, (side) => acknowledge(rows, side, event.through, event.epoch))
    case 'deposit':
      return enter(rows, event.access, now, () => leave(rows, event.deposit, now))
    case 'keep':
      return enter(rows, event.access, now, ({ side }) => keep(rows, { side, ...event.backup }))
    default:
      return unreachable(event)
  }
}

/** CB1: the first request of a side claims it; every later one shows the same token. */
function enter(rows: BoxRows, { side, claim }: Access, now: number, act: (side: SideRow) => BoxStep): BoxStep {
  const known = rows.side(side)
  if (known && !isSameSecret(known.claim, claim)) return done([], no('unauthorized', `The ${side} has another token.`))
  const row = known ?? { side, claim, epoch: 0, sent: 0, sentBytes: 0, acknowledged: 0, acknowledgedBytes: 0 }
  const step = act(row)
  const changes: BoxChange[] = known ? [] : [{ put: 'side', row }]
  if (now - (rows.head()?.touchedAt ?? 0) >= boxTouchMs) changes.push({ put: 'head', row: { touchedAt: now } })
  return { ...step, changes: [...changes, ...step.changes] }
}

function post(rows: BoxRows, side: SideRow, { sequence, epoch, bytes }: Post): BoxStep {
  if (epoch < side.epoch) return done([], stale(side))
  const writer = { ...side, epoch }
  // CB6: a higher epoch takes over, whatever becomes of this message.
  const takeover: BoxChange[] = epoch > side.epoch ? [{ put: 'side', row: writer }] : []
  if (sequence <= side.sent) {
    const known = rows.message(side.side, sequence)
    if (!known)
      return done(takeover, no('message-expired', `Message ${sequence} was acknowledged and dropped long ago.`))
    // CB3, CB4: the same bytes are the same message; others were never sent.
    if (sameBytes(known.bytes, bytes)) return done(takeover)
    return done(takeover, no('conflicting-message', `Message ${sequence} has other bytes.`))
  }
  const expected = side.sent + 1
  if (sequence > expected) return done(takeover, no('message-gap', `Message ${expected} is expected next.`))
  // CB10: a reader that is away costs a bounded room.
  const waiting = side.sent - side.acknowledged
  const waitingBytes = side.sentBytes - side.acknowledgedBytes
  if (waiting >= inboxMessagesMax || waitingBytes + bytes.length > inboxBytesMax)
    return done(takeover, no('backpressure', 'The other side has too much to read.'))
  const totalBytes = side.sentBytes + bytes.length
  return done([
    { put: 'message', row: { side: side.side, sequence, totalBytes, bytes } },
    { put: 'side', row: { ...writer, sent: sequence, sentBytes: totalBytes } },
  ])
}

function acknowledge(rows: BoxRows, side: SideRow, through: number, epoch: number): BoxStep {
  // CB6: what an old device has stored, the one that took over may not have.
  if (epoch < side.epoch) return done([], stale(side))
  const takeover: BoxChange[] = epoch > side.epoch ? [{ put: 'side', row: { ...side, epoch } }] : []
  const writer = rows.side(otherSide(side.side))
  if (through > (writer?.sent ?? 0)) return done(takeover, ahead(writer))
  if (!writer || through <= writer.acknowledged) return done(takeover)
  const last = rows.message(writer.side, through)
  invariant(last, 'what was not acknowledged is still there')
  const row = { ...writer, acknowledged: through, acknowledgedBytes: last.totalBytes }
  const old = through - messagesKept
  // CB9: the last ones stay for a while, so that a resend of them is still known.
  const drop: BoxChange[] = old > 0 ? [{ remove: 'messages', side: writer.side, through: old }] : []
  return done([...takeover, { put: 'side', row }, ...drop])
}

function leave(rows: BoxRows, deposit: Deposit, now: number): BoxStep {
  const known = rows.deposit()
  if (known && deposit.number < known.number)
    return done([], no('stale-deposit', `The deposit of update ${known.number} is here.`))
  if (known && deposit.number === known.number) {
    const isSame = sameBytes(known.transaction, deposit.transaction) && known.closeAtHeight === deposit.closeAtHeight
    return isSame
      ? done()
      : done([], no('conflicting-deposit', `The deposit of update ${known.number} is another one.`))
  }
  const { number, closeAtHeight, transaction, input } = deposit
  const row: DepositRow = {
    number,
    closeAtHeight,
    transaction,
    input,
    state: 'waiting',
    height: known?.height ?? null,
    dueAt: now,
  }
  return done([{ put: 'deposit', row }])
}

/** CB17: the newest backup of a side, and none before it. */
function keep(rows: BoxRows, row: BackupRow): BoxStep {
  const known = rows.backup(row.side)
  if (known && row.number < known.number)
    return done([], no('stale-backup', `The backup of number ${known.number} is here.`))
  if (known && row.number === known.number) {
    if (sameBytes(known.bytes, row.bytes)) return done()
    return done([], no('conflicting-backup', `The backup of number ${known.number} is another one.`))
  }
  return done([{ put: 'backup', row }])
}

function tick(rows: BoxRows, now: number, pollMs: number): BoxStep {
  // CB11
  if ((wipeAt(rows) ?? Number.POSITIVE_INFINITY) <= now) return done([{ remove: 'everything' }])
  const deposit = rows.deposit()
  if (!deposit || deposit.dueAt === null || deposit.dueAt > now) return done()
  // CB16: the next look is due before this one is begun.
  const row: DepositRow = { ...deposit, dueAt: now + pollMs }
  return { changes: [{ put: 'deposit', row }], effects: [{ type: 'look', deposit }], answer: { ok: true } }
}

function sight(
  rows: BoxRows,
  number: number,
  { height, isBuried }: Sighting,
  { now, pollMs }: { readonly now: number; readonly pollMs: number },
): BoxStep {
  const deposit = rows.deposit()
  // A better one has taken its place, and is looked at by itself.
  if (!deposit || deposit.number !== number || deposit.state === 'ended') return done()
  const touch: BoxChange = { put: 'head', row: { touchedAt: now } }
  if (isBuried) return done([touch, { put: 'deposit', row: { ...deposit, height, state: 'ended', dueAt: null } }])
  const best = height ?? deposit.height
  const isClosing = deposit.state === 'closing' || (best !== null && best >= deposit.closeAtHeight)
  if (!isClosing) {
    const left = best === null ? 1 : Math.min(deposit.closeAtHeight - best, depositPauseFactorMax)
    return done([{ put: 'deposit', row: { ...deposit, height: best, dueAt: now + left * pollMs } }])
  }
  // CB13, CB14: again and again, known or unknown, until it is buried.
  const row: DepositRow = { ...deposit, state: 'closing', height: best, dueAt: now + pollMs }
  return {
    changes: deposit.state === 'closing' ? [{ put: 'deposit', row }] : [touch, { put: 'deposit', row }],
    effects: [{ type: 'broadcast', transaction: deposit.transaction }],
    answer: { ok: true },
  }
}

/** When the box is forgotten: long after anybody came by, and never while a deposit waits for its height. */
function wipeAt(rows: BoxRows): number | null {
  const head = rows.head()
  const deposit = rows.deposit()
  if (!head || deposit?.state === 'waiting') return null
  const isUsed = deposit || (['payer', 'payee'] as const).some((side) => rows.side(side)?.sent || rows.backup(side))
  return head.touchedAt + (isUsed ? boxRetentionMs : boxUnusedMs)
}

function stale({ epoch }: SideRow): BoxRefusal {
  return no('stale-epoch', `Epoch ${epoch} has taken over this side.`)
}

function ahead(writer: SideRow | undefined): BoxRefusal {
  return no('cursor-ahead', `The last message is ${writer?.sent ?? 0}.`)
}

function done(changes: readonly BoxChange[] = [], answer: BoxAnswer = { ok: true }): BoxStep {
  return { changes, effects: [], answer }
}

function no(code: ProblemCode, detail: string): BoxRefusal {
  return { ok: false, code, detail }
}

/** Takes the same time wherever two digests differ. */
function isSameSecret(one: string, other: string): boolean {
  let difference = one.length ^ other.length
  for (let at = 0; at < one.length; at++) difference |= one.charCodeAt(at) ^ other.charCodeAt(at)
  return difference === 0
}

/** What must hold of every step, on in production. */
function checkStep(rows: BoxRows, { changes }: BoxStep): void {
  for (const change of changes) {
    if (!('put' in change)) continue
    if (change.put === 'side') {
      const { side, claim, epoch, sent, acknowledged } = change.row
      const before = rows.side(side)
      invariant(acknowledged <= sent, 'nothing is acknowledged before it was sent')
      invariant(!before || before.claim === claim, 'a side keeps its token')
      invariant(!before || (epoch >= before.epoch && sent >= before.sent), 'epochs and sequences only rise')
      invariant(!before || acknowledged >= before.acknowledged, 'an acknowledgement is not taken back')
    }
    if (change.put === 'message') {
      const { side, sequence } = change.row
      invariant(sequence === (rows.side(side)?.sent ?? 0) + 1, 'messages are stored in order and once')
    }
    if (change.put === 'backup') {
      const { side, number } = change.row
      invariant(number > (rows.backup(side)?.number ?? 0), 'a backup is replaced by a newer one only')
    }
    if (change.put === 'deposit') {
      const before = rows.deposit()
      invariant(!before || change.row.number >= before.number, 'a deposit is replaced by a better one only')
      invariant(
        (change.row.state === 'ended') === (change.row.dueAt === null),
        'a deposit that has not ended has its time',
      )
    }
  }
}
