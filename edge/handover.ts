import { invariant } from '../sdk/errors.ts'
import type { Address } from '../sdk/units.ts'
import type { Notice, Offer } from './chain.ts'
import { handoverMax, handoverRetryMs, heldMsMax, nonceCheckMsMax } from './limits.ts'
import type { Turn } from './pace.ts'
import type { Item, ShardEffect } from './shard.ts'
import type { ShardDraft } from './shardDraft.ts'
import { nextNonce } from './shardNonces.ts'
import type { ShardRows } from './shardRows.ts'

/** Asks for the nonces of senders whose transactions wait, and gives up what has waited too long. */
export function askDue(draft: ShardDraft, rows: ShardRows, now: number): readonly ShardEffect[] {
  const senders: Address[] = []
  for (const account of rows.dueAccounts(now, handoverMax)) {
    const { sender } = account
    const held = draft.rowsOf(sender).filter(({ stage }) => stage === 'held')
    const old = held.filter(({ since }) => now - since >= heldMsMax)
    for (const row of old) {
      draft.write({ remove: 'payload', hash: row.hash })
      draft.putRow({ ...row, stage: 'ended', status: { state: 'expired' }, since: now, dueAt: now })
    }
    const isWaiting = held.length > old.length
    if (isWaiting) senders.push(sender)
    draft.putAccount({ ...account, checkAt: isWaiting ? now + nonceCheckMsMax : null })
  }
  return senders.length === 0 ? [] : [{ type: 'ask', senders }]
}

/** Hands over what is due, and tells what is news. */
export function offerDue(draft: ShardDraft, rows: ShardRows, turn: Turn, now: number): readonly ShardEffect[] {
  if (turn.from > now) return []
  const due = rows.due(now, handoverMax)
  const waiting = due.filter(({ stage }) => stage === 'queued')
  const offers = offersOf(draft, new Set(waiting.map(({ sender }) => sender)), turn, now)
  const news = due.filter(({ stage }) => stage !== 'queued')
  for (const row of news) draft.putRow({ ...row, dueAt: now + handoverRetryMs })
  const notices = news.map(({ hash, status, sequence }): Notice => ({ hash, status, sequence }))
  return offers.length + notices.length === 0 ? [] : [{ type: 'offer', offers, notices }]
}

/** What a submission let go is handed over in the step that stores it: a step of its own would write every row again. */
export function offerFresh(draft: ShardDraft, items: readonly Item[], turn: Turn, now: number): readonly ShardEffect[] {
  if (turn.from > now) return []
  const isDue = ({ hash }: Item) => {
    const row = draft.row(hash)
    return row?.stage === 'queued' && row.dueAt !== null && row.dueAt <= now
  }
  const offers = offersOf(draft, new Set(items.filter(isDue).map(({ sender }) => sender)), turn, now)
  return offers.length === 0 ? [] : [{ type: 'offer', offers, notices: [] }]
}

/**
 * The offers of some senders, due again in case their message is lost. A sender's offers go with all lower nonces that
 * are not taken yet: whichever message arrives, and in whatever order, the chain object never sees a nonce without its
 * predecessors.
 */
function offersOf(draft: ShardDraft, senders: ReadonlySet<Address>, { most }: Turn, now: number): readonly Offer[] {
  const offers: Offer[] = []
  for (const sender of senders) {
    const base = nextNonce(draft.account(sender)) ?? 0
    for (const row of draft.rowsOf(sender)) {
      if (row.stage !== 'queued' || offers.length === most) continue
      const payload = draft.payload(row.hash)
      invariant(payload, 'a queued transaction has its bytes')
      const { hash, nonce, maxFeePerGas, sequence } = row
      const { raw, footprintJson } = payload
      offers.push({ hash, sender, nonce, base, sequence, maxFeePerGas, raw, footprintJson })
      draft.putRow({ ...row, dueAt: now + handoverRetryMs })
    }
  }
  return offers
}
