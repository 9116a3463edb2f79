import { unreachable } from '../sdk/errors.ts'
import type { TxStatus } from '../sdk/ports.ts'
import type { BlockHash } from '../sdk/units.ts'
import type { ChainDraft } from './chainDraft.ts'
import type { ChainRows, Rejection, TxRow } from './chainRows.ts'
import type { Progress } from './executor/follow.ts'
import type { Found, Inclusion, Outcome } from './executor/port.ts'
import { acceptedCheckMs, blocksKept, handoverMax, openCheckMs, pauseMsMax, pauseMsMin, refusalsMax } from './limits.ts'

/** The sender's nonces, where a look-up by hash found nothing: after the newest block and after the newest final one. */
export interface NonceFact {
  readonly latest: number
  readonly final: number
}

/** Moves on without a block, also from one that no longer stands; `dueAt` is when to look it up. */
function goOn(
  draft: ChainDraft,
  row: TxRow,
  status: TxStatus,
  { now, dueAt }: { readonly now: number; readonly dueAt: number | null },
): void {
  const isNews = row.status.state === 'included' || row.status.state === 'replaced'
  draft.putTx({ ...row, status, inclusion: null, doubt: null, dueAt })
  if (isNews) draft.settle(row, status)
  else draft.publish(row.hash, status)
  const account = draft.account(row.sender)
  if (account && account.next > row.nonce && isNews) draft.putAccount({ ...account, next: row.nonce, at: now })
  tryWindow(draft, now)
}

/** Back in line, to be sent again as the same bytes. */
function requeue(draft: ChainDraft, row: TxRow, now: number): void {
  goOn(draft, row, { state: 'queued' }, { now, dueAt: null })
}

/** Acknowledged by the executor; or in its pool again, where it was in a block. */
function accept(draft: ChainDraft, row: TxRow, now: number): void {
  const { window, lane } = row
  goOn(draft, row, { state: 'accepted', window, lane }, { now, dueAt: now + acceptedCheckMs })
  if (row.inclusion) revive(draft, row, now)
}

/** Ended by a definite no. Whatever else the sender offers at this nonce or behind it is looked at again. */
export function reject(draft: ChainDraft, row: TxRow, { code, detail }: Rejection, now: number): void {
  draft.removeTx(row)
  draft.settle(row, { state: 'rejected', code, detail })
  tryWindow(draft, now)
}

/** Something may have become free to go: later nonces, or others with the same one. */
function tryWindow(draft: ChainDraft, now: number): void {
  const { queued, windowAt } = draft.head()
  if (queued > 0) draft.setHead({ windowAt: Math.min(windowAt ?? now, now) })
}

/** In a block. Other transactions with the same nonce have lost, unless the block is reorganised away. */
function include(
  draft: ChainDraft,
  row: TxRow,
  inclusion: Inclusion,
  { now, dueAt }: { readonly now: number; readonly dueAt: number | null },
): void {
  const { blockNumber, blockHash, index, succeeded } = inclusion
  const { window, lane } = row
  const status: TxStatus = { state: 'included', window, lane, blockNumber, blockHash, index, succeeded }
  draft.putTx({ ...row, status, inclusion, doubt: null, dueAt })
  draft.settle(row, status)
  for (const other of draft.rivals(row)) {
    if (other.status.state === 'replaced') continue
    const replaced: TxStatus = { state: 'replaced', by: row.hash }
    // Its lease goes on: the bytes may still be on their way when that block falls.
    const leaseEnd = other.status.state === 'planned' ? other.dueAt : null
    draft.putTx({ ...other, status: replaced, inclusion: null, doubt: null, dueAt: leaseEnd })
    draft.settle(other, replaced)
  }
  const next = Math.max(draft.account(row.sender)?.next ?? 0, row.nonce + 1)
  draft.putAccount({ sender: row.sender, next, at: now })
  tryWindow(draft, now)
}

/** No longer in any block we know to stand: it and those it had replaced are wanted again. */
function exclude(draft: ChainDraft, row: TxRow, now: number): void {
  requeue(draft, row, now)
  revive(draft, row, now)
}

/** What lost its nonce to a transaction that is in no block any more is wanted again: once no lease of it is left. */
function revive(draft: ChainDraft, winner: TxRow, now: number): void {
  for (const other of draft.rivals(winner)) {
    if (other.status.state !== 'replaced') continue
    const { window, lane, dueAt } = other
    if (dueAt === null) requeue(draft, other, now)
    else goOn(draft, other, { state: 'planned', window, lane, waitsFor: [] }, { now, dueAt })
  }
}

function finalize(draft: ChainDraft, row: TxRow, inclusion: Inclusion): void {
  const { blockNumber, blockHash, index, succeeded } = inclusion
  const { window, lane } = row
  draft.removeTx(row)
  draft.settle(row, { state: 'finalized', window, lane, blockNumber, blockHash, index, succeeded })
  for (const other of draft.rivals(row)) draft.removeTx(other)
}

/** Takes in what became of a sending, unless the row has moved on since. */
export function takeOutcome(draft: ChainDraft, row: TxRow, outcome: Outcome, now: number): void {
  const isAnswer = outcome.kind === 'accepted' || outcome.kind === 'included' || outcome.kind === 'rejected'
  if (isAnswer) draft.setHead({ failures: 0 })
  switch (outcome.kind) {
    case 'included':
      // One executor's word, until the block is followed: looked up after a while unless that comes first.
      include(draft, row, outcome.inclusion, { now, dueAt: now + acceptedCheckMs })
      break
    case 'accepted':
      accept(draft, row, now)
      break
    case 'rejected':
      // An earlier sending may have arrived, and the no may be its consequence: then the hash decides.
      if (row.attempts === 1) reject(draft, row, outcome, now)
      else draft.putTx({ ...row, doubt: outcome, dueAt: now })
      break
    case 'stale':
      draft.putTx({ ...row, dueAt: now })
      break
    case 'refused':
      if (row.attempts < refusalsMax) draft.putTx({ ...row, dueAt: now + openCheckMs * row.attempts })
      else draft.putTx({ ...row, doubt: { code: 'executor-refused', detail: outcome.detail }, dueAt: now })
      break
    case 'unknown': {
      // Stays leased: `dueAt` is the lease's end. The executor gets a rest.
      const { failures } = draft.head()
      const pauseMs = Math.min(pauseMsMax, pauseMsMin * 2 ** Math.min(failures, 16))
      draft.setHead({ failures: failures + 1, pausedUntil: now + pauseMs })
      break
    }
    case 'unsent':
      requeue(draft, { ...row, attempts: row.attempts - 1 }, now)
      break
    default:
      unreachable(outcome)
  }
}

/** Takes in what a look-up by hash found. */
export function takeFound(
  rows: ChainRows,
  draft: ChainDraft,
  row: TxRow,
  { found, fact, now }: { readonly found: Found; readonly fact: NonceFact | undefined; readonly now: number },
): void {
  // The lease of a loser has ended; it stays one.
  if (row.status.state === 'replaced' && found.kind !== 'included') draft.putTx({ ...row, dueAt: null })
  else if (found.kind === 'pooled') accept(draft, row, now)
  else if (found.kind === 'missing') takeMissing(draft, row, fact, now)
  else {
    const { inclusion } = found
    const isSame = row.inclusion?.blockHash === inclusion.blockHash
    // A block that is not followed is looked up again: it may be of a branch that no longer stands.
    const isFollowed = rows.block(inclusion.blockNumber)?.hash === inclusion.blockHash
    if (isSame && inclusion.blockNumber <= draft.head().finalized) finalize(draft, row, inclusion)
    else include(draft, row, inclusion, { now, dueAt: isFollowed ? null : now + acceptedCheckMs })
  }
}

function takeMissing(draft: ChainDraft, row: TxRow, fact: NonceFact | undefined, now: number): void {
  if (row.inclusion) exclude(draft, row, now)
  else if (row.doubt) reject(draft, row, row.doubt, now)
  else if (!fact) draft.putTx({ ...row, dueAt: now + openCheckMs })
  else if (fact.final > row.nonce) reject(draft, row, nonceTaken, now)
  else {
    // What the chain says now counts: a reorganisation may have given nonces back.
    draft.putAccount({ sender: row.sender, next: fact.latest, at: now })
    if (fact.latest <= row.nonce) requeue(draft, row, now)
    // Used by a block that is not final, by these bytes or by others: time will tell. Later nonces need not wait.
    else draft.putTx({ ...row, dueAt: now + openCheckMs })
    tryWindow(draft, now)
  }
}

const nonceTaken: Rejection = {
  code: 'nonce-too-low',
  detail: 'Another transaction of the sender, unknown here, used the nonce.',
}

/** Takes in new blocks: what they include, what a reorganisation took out, and what became final. */
export function takeProgress(rows: ChainRows, draft: ChainDraft, progress: Progress, now: number): void {
  const { blocks, isGap, finalized } = progress
  const news = new Map<number, BlockHash>(blocks.map(({ number, hash }) => [number, hash]))
  const fork = blocks.find(({ number, hash }) => (rows.block(number)?.hash ?? hash) !== hash)?.number
  // Hashes from before a gap prove nothing: whether they still stand is found by hash.
  const lost = isGap ? 0 : fork
  const hashAt = (number: number) =>
    news.get(number) ?? (lost !== undefined && number >= lost ? undefined : rows.block(number)?.hash)
  const tip = blocks.at(-1)?.number

  if (lost !== undefined) draft.write({ remove: 'blocksFrom', number: lost })
  for (const [number, hash] of news) draft.write({ put: 'block', row: { number, hash } })
  if (tip !== undefined) draft.write({ remove: 'blocksBelow', number: tip - blocksKept })
  draft.setHead({ finalized, ...(tip === undefined ? {} : { tip }) })

  const inclusions = blocks.flatMap((block) => block.inclusions)
  if (fork !== undefined) {
    const again = new Set(inclusions.map(({ hash }) => hash))
    for (const row of rows.includedFrom(fork))
      if (row.inclusion && hashAt(row.inclusion.blockNumber) !== row.inclusion.blockHash && !again.has(row.hash))
        exclude(draft, row, now)
  }
  for (const inclusion of inclusions) {
    const row = draft.tx(inclusion.hash)
    if (row && row.inclusion?.blockHash !== inclusion.blockHash) include(draft, row, inclusion, { now, dueAt: null })
  }
  settleFinal(rows, draft, hashAt, now)
}

/** Rows in blocks that are final by now; a bounded number, the rest at the next look. */
function settleFinal(
  rows: ChainRows,
  draft: ChainDraft,
  hashAt: (number: number) => BlockHash | undefined,
  now: number,
): void {
  const { finalized } = draft.head()
  for (const { hash } of rows.includedUpTo(finalized, handoverMax)) {
    const row = draft.tx(hash) // The step may have moved it since.
    if (!row?.inclusion || row.inclusion.blockNumber > finalized) continue
    const standing = hashAt(row.inclusion.blockNumber)
    if (standing === row.inclusion.blockHash) finalize(draft, row, row.inclusion)
    else if (standing !== undefined) exclude(draft, row, now)
    else if (row.dueAt === null) draft.putTx({ ...row, dueAt: now })
  }
}
