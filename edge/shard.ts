import { invariant, unreachable } from '../sdk/errors.ts'
import type { TxStatus } from '../sdk/ports.ts'
import type { Address, TxHash } from '../sdk/units.ts'
import type { Notice, Offer, Taken } from './chain.ts'
import type { Settlement } from './chainRows.ts'
import type { Inclusion } from './executor/port.ts'
import { askDue, offerDue, offerFresh } from './handover.ts'
import {
  handoverRetryMs,
  nonceCheckMsMax,
  nonceCheckMsMin,
  nonceGapMax,
  pruneEveryMs,
  pruneMax,
  rejectionMs,
  replacementPercentMin,
  retentionMs,
  rowsPerSenderMax,
  rowsPerShardMax,
} from './limits.ts'
import type { Turn } from './pace.ts'
import type { ProblemCode } from './problems.ts'
import { openShardDraft, type ShardDraft } from './shardDraft.ts'
import { nextNonce } from './shardNonces.ts'
import { bySender, type ShardAccount, type ShardChange, type ShardRow, type ShardRows } from './shardRows.ts'
import { earlier } from './timed.ts'

/** One transaction of a submission, decoded and judged as far as its bytes go. */
export interface Item {
  readonly hash: TxHash
  readonly sender: Address
  readonly nonce: number
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
  readonly raw: Uint8Array
  readonly footprintJson: string
}

/** What an executor told. What it was not asked, or did not answer, is absent. */
export interface Facts {
  readonly nonces: ReadonlyMap<Address, number>
  /** `null`: in no block. */
  readonly inclusions: ReadonlyMap<TxHash, Inclusion | null>
}

/** The answer to one item: stored, or why not. */
export type Answer =
  | { readonly ok: true; readonly hash: TxHash; readonly status: TxStatus; readonly sequence: number }
  | { readonly ok: false; readonly code: ProblemCode; readonly detail: string }

/** Everything that happens to one shard. `now` is in milliseconds since 1970. */
export type ShardEvent = { readonly now: number } & (
  | { readonly type: 'submit'; readonly items: readonly Item[]; readonly facts: Facts }
  | { readonly type: 'facts'; readonly facts: Facts }
  /** The chain object has taken these over. */
  | { readonly type: 'taken'; readonly taken: readonly Taken[] }
  | { readonly type: 'settled'; readonly settlements: readonly Settlement[] }
  /** Nothing is to be kept of a sender that need not be. */
  | { readonly type: 'forget'; readonly sender: Address }
  | { readonly type: 'tick' }
)

/** What is to be done after the rows are committed. Each may be lost in a crash: the rows say when to do it again. */
export type ShardEffect =
  | { readonly type: 'offer'; readonly offers: readonly Offer[]; readonly notices: readonly Notice[] }
  | { readonly type: 'ask'; readonly senders: readonly Address[] }

export interface ShardStep {
  readonly changes: readonly ShardChange[]
  readonly effects: readonly ShardEffect[]
  /** To a `submit`, one for each item in its order. */
  readonly answers: readonly Answer[]
}

/**
 * One step of one shard, the only owner of its senders' nonces.
 *
 * The hash is the identity: bytes that are known are answered by where they stand, and change nothing. A nonce is
 * kept until it is final; others may take it only by paying more, and only before it is in a block.
 *
 * @param turn - What the chain object may be told now. What is due and does not fit stays due.
 */
export function shardStep(rows: ShardRows, event: ShardEvent, turn: Turn): ShardStep {
  const draft = openShardDraft(rows)
  const { now } = event
  const effects: ShardEffect[] = []
  let answers: readonly Answer[] = []
  switch (event.type) {
    case 'submit':
      absorb(draft, event.facts, now)
      answers = submit(draft, event.items, event.facts, now)
      effects.push(...offerFresh(draft, event.items, turn, now))
      break
    case 'facts':
      absorb(draft, event.facts, now)
      for (const sender of event.facts.nonces.keys()) promote(draft, sender, now)
      break
    case 'taken':
      for (const taken of event.taken) take(draft, taken)
      break
    case 'settled':
      for (const settlement of event.settlements) settle(draft, settlement, now)
      for (const sender of new Set(event.settlements.map(({ sender }) => sender))) promote(draft, sender, now)
      break
    case 'forget':
      draft.write({ remove: 'sender', sender: event.sender })
      break
    case 'tick':
      effects.push(...askDue(draft, rows, now), ...offerDue(draft, rows, turn, now))
      if ((pruneAt(rows) ?? Number.POSITIVE_INFINITY) <= now)
        draft.write({ remove: 'old', before: now - retentionMs, limit: pruneMax })
      break
    default:
      return unreachable(event)
  }
  const changes = draft.changes()
  checkChanges(changes)
  return { changes, effects, answers }
}

/** What to ask an executor before `items` can be judged; nothing more once `facts` hold what could be had. */
export function questions(
  rows: ShardRows,
  items: readonly Item[],
  facts: Facts,
  now: number,
): { readonly senders: readonly Address[]; readonly hashes: readonly TxHash[] } {
  const senders: Address[] = []
  const hashes: TxHash[] = []
  for (const [sender, group] of bySender(items)) {
    const account = rows.account(sender)
    const fact = facts.nonces.get(sender)
    const next = fact === undefined ? nextNonce(account) : Math.max(fact, account?.final ?? 0)
    const strangers = group.filter(({ hash }) => !rows.row(hash))
    const early = strangers.filter(({ nonce }) => next !== undefined && nonce < next)
    if (fact !== undefined) hashes.push(...early.map(({ hash }) => hash))
    else if (next === undefined || early.length > 0) senders.push(sender)
    else if (now - (account?.checkedAt ?? 0) >= nonceCheckMsMin && isGapped(rows, sender, group, next))
      senders.push(sender)
  }
  return { senders, hashes: hashes.filter((hash) => !facts.inclusions.has(hash)) }
}

/** When the step wants the next tick, or nothing while there is nothing to do. */
export function shardWakeAt(rows: ShardRows, turn: Turn): number | null {
  const due = rows.nextDue()
  return earlier(earlier(due === null ? null : Math.max(due, turn.from), rows.nextCheck()), pruneAt(rows))
}

function pruneAt(rows: ShardRows): number | null {
  const first = rows.firstEnded()
  return first === null ? null : first + retentionMs + pruneEveryMs
}

/** The first nonce from `next` on that none of the rows has, which come by nonce. */
function firstMissing(rows: readonly { readonly nonce: number }[], next: number): number {
  let missing = next
  for (const { nonce } of rows) if (nonce === missing) missing += 1
  return missing
}

function byNonce(one: { readonly nonce: number }, other: { readonly nonce: number }): number {
  return one.nonce - other.nonce
}

function isGapped(rows: ShardRows, sender: Address, items: readonly Item[], next: number): boolean {
  const missing = firstMissing([...rows.rowsOf(sender), ...items].sort(byNonce), next)
  return items.some(({ nonce }) => nonce > missing)
}

function absorb(draft: ShardDraft, { nonces }: Facts, now: number): void {
  for (const [sender, seen] of nonces) {
    const account = draft.account(sender) ?? strange(sender)
    draft.putAccount({ ...account, seen, checkedAt: now })
  }
}

function submit(draft: ShardDraft, items: readonly Item[], facts: Facts, now: number): readonly Answer[] {
  const answers = new Map<Item, Answer | null>()
  const fresh = new Set(items.map(({ hash }) => hash).filter((hash) => !draft.row(hash)))
  // By nonce, so that a batch fills its own gaps whatever its order.
  for (const item of [...items].sort(byNonce)) answers.set(item, admit(draft, item, facts, now))
  for (const sender of new Set(items.map(({ sender }) => sender))) promote(draft, sender, now, fresh)
  return items.map((item) => {
    const answer = answers.get(item)
    if (answer) return answer
    const row = draft.row(item.hash)
    invariant(row, 'an admitted item has a row')
    return { ok: true, hash: row.hash, status: row.status, sequence: row.sequence }
  })
}

/** Judges one item, and stores it unless there is an answer at once. */
function admit(draft: ShardDraft, item: Item, facts: Facts, now: number): Answer | null {
  const { hash, sender, nonce, maxFeePerGas, maxPriorityFeePerGas, raw, footprintJson } = item
  const known = draft.row(hash)
  if (known && !mayTryAgain(known, now)) return null
  const next = nextNonce(draft.account(sender))
  // Bytes that reached a block by another way are taken like any: followed to their end, and sent again should the block fall.
  const inclusion = facts.inclusions.get(hash)
  if (next !== undefined && nonce < next && !known && !inclusion) {
    if (inclusion === null) return no('nonce-too-low', `The sender's next nonce is ${next}.`)
    return no('executor-unavailable', 'Whether these bytes are in a block already could not be found out.')
  }
  const rows = draft.rowsOf(sender)
  const conflict = inclusion ? undefined : conflictOf(rows, item)
  if (conflict) return conflict
  if (next !== undefined) {
    const missing = firstMissing(rows, next)
    if (nonce - missing > nonceGapMax)
      return no('nonce-gap-too-wide', `Nonce ${missing} is missing; at most ${nonceGapMax} beyond it are held.`)
  }
  if (rows.length >= rowsPerSenderMax) return no('backpressure', 'The sender has too many transactions under way.')
  if (draft.head().live >= rowsPerShardMax) return no('backpressure', 'Too many transactions are under way.')
  draft.putPayload({ hash, raw, footprintJson })
  draft.putRow({
    hash,
    sender,
    nonce,
    stage: 'held',
    status: { state: 'queued' },
    maxFeePerGas,
    maxPriorityFeePerGas,
    sequence: known?.sequence ?? 0,
    since: now,
    dueAt: null,
  })
  return null
}

/** What we stopped sending may be asked for anew; so may what was refused, once that answer has had its time. */
function mayTryAgain({ stage, status, since }: ShardRow, now: number): boolean {
  if (stage !== 'ended') return false
  return status.state === 'expired' || (status.state === 'rejected' && now - since > rejectionMs)
}

/** Why others that hold the nonce do not make room. */
function conflictOf(rows: readonly ShardRow[], item: Item): Answer | undefined {
  for (const rival of rows) {
    if (rival.nonce !== item.nonce) continue
    if (rival.status.state === 'included')
      return no('nonce-conflict', `Transaction ${rival.hash} with nonce ${rival.nonce} is in a block.`)
    const maxFee = raised(rival.maxFeePerGas)
    const priority = raised(rival.maxPriorityFeePerGas)
    if (item.maxFeePerGas < maxFee || item.maxPriorityFeePerGas < priority) {
      const detail = `Replacing ${rival.hash} takes maxFeePerGas ${maxFee} and maxPriorityFeePerGas ${priority} or more.`
      return no('fee-too-low', detail)
    }
  }
  return undefined
}

/** The least a replacement pays: a tenth more, rounded up, and one wei more at the least. */
function raised(fee: bigint): bigint {
  const least = (fee * replacementPercentMin + 99n) / 100n
  return least > fee ? least : fee + 1n
}

/**
 * Lets go what no longer waits for a nonce, and says of the others for which one they wait.
 *
 * @param fresh - Stored by this very step: whoever submits them registers how they stand.
 */
function promote(draft: ShardDraft, sender: Address, now: number, fresh: ReadonlySet<TxHash> = new Set()): void {
  const rows = draft.rowsOf(sender)
  const next = nextNonce(draft.account(sender))
  const missing = next === undefined ? undefined : firstMissing(rows, next)
  let oldest: number | null = null
  for (const row of rows) {
    if (row.stage !== 'held') continue
    if (missing !== undefined && row.nonce < missing) {
      // Handed back once already: a moment's rest keeps the two objects from playing ball.
      const dueAt = row.sequence > 0 ? now + handoverRetryMs : now
      draft.putRow({ ...row, stage: 'queued', status: { state: 'queued' }, since: now, dueAt })
      continue
    }
    oldest = Math.min(oldest ?? row.since, row.since)
    if (missing === undefined) continue
    const { status } = row
    if (status.state === 'held' && status.missingNonce === missing) continue
    draft.putRow({ ...row, status: { state: 'held', missingNonce: missing }, dueAt: fresh.has(row.hash) ? null : now })
  }
  const account = draft.account(sender)
  const checkAt =
    oldest === null ? null : now + Math.min(Math.max((now - oldest) / 2, nonceCheckMsMin), nonceCheckMsMax)
  if (checkAt !== (account?.checkAt ?? null)) draft.putAccount({ ...(account ?? strange(sender)), checkAt })
}

function take(draft: ShardDraft, { hash, state, sequence }: Taken): void {
  const row = draft.row(hash)
  // The row has moved on since it was told: there is something else to tell now.
  if (!row || row.dueAt === null || row.sequence !== sequence || row.status.state !== state) return
  draft.putRow({ ...row, stage: row.stage === 'queued' ? 'offered' : row.stage, dueAt: null })
}

/** Takes in what became of a transaction, unless something newer is known. */
function settle(draft: ShardDraft, { hash, status, sequence }: Settlement, now: number): void {
  const row = draft.row(hash)
  if (!row || sequence <= row.sequence) return
  const hasEnded = status.state === 'rejected' || status.state === 'finalized'
  const stage = hasEnded ? 'ended' : status.state === 'held' ? 'held' : 'offered'
  draft.putRow({ ...row, stage, status, sequence, since: now, dueAt: null })
  if (hasEnded) draft.write({ remove: 'payload', hash })
  if (status.state === 'held') giveBack(draft, row.sender, status.missingNonce)
  if (status.state !== 'finalized') return
  // With the nonce final, whatever else was signed for it can never be executed.
  const account = draft.account(row.sender) ?? strange(row.sender)
  draft.putAccount({ ...account, final: Math.max(account.final, row.nonce + 1) })
  for (const other of draft.rowsOf(row.sender)) {
    if (other.nonce !== row.nonce) continue
    // One that was never taken over is news to the chain object.
    const dueAt = other.status.state === 'replaced' ? null : now
    // Its own older settlements are older than this one, too.
    draft.putRow({ ...other, stage: 'ended', status: { state: 'replaced', by: hash }, sequence, since: now, dueAt })
    draft.write({ remove: 'payload', hash: other.hash })
  }
}

/** A nonce that was seen as used is missing after all: a reorganisation took it out. */
function giveBack(draft: ShardDraft, sender: Address, missingNonce: number): void {
  const account = draft.account(sender)
  if (account?.seen && account.seen > missingNonce) draft.putAccount({ ...account, seen: missingNonce })
}

/** A sender nobody has asked about. */
function strange(sender: Address): ShardAccount {
  return { sender, seen: null, final: 0, checkedAt: 0, checkAt: null }
}

function no(code: ProblemCode, detail: string): Answer {
  return { ok: false, code, detail }
}

/** What must hold of every step, on in production. */
function checkChanges(changes: readonly ShardChange[]): void {
  for (const change of changes) {
    if (!('put' in change) || change.put !== 'row') continue
    const { stage, status, dueAt } = change.row
    invariant(stage !== 'queued' || dueAt !== null, 'what is queued has a time to be offered')
    invariant(stage !== 'held' || status.state === 'held' || status.state === 'queued', 'what is held says so')
  }
}
