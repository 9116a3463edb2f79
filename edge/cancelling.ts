import type { TxHash } from '../sdk/units.ts'
import type { ChainDraft } from './chainDraft.ts'
import type { ChainRows, Settlement, TxRow } from './chainRows.ts'
import { reject } from './settling.ts'

/** A transaction that its sender wants stopped, as its shard knows it. */
export type Cancelling = Pick<TxRow, 'hash' | 'sender' | 'nonce' | 'shard'>

/** True while no byte of it has left: afterwards only the chain decides. */
function canCancel(rows: Pick<ChainRows, 'tx' | 'lastEvent'>, hash: TxHash): boolean {
  const row = rows.tx(hash)
  if (row) return row.status.state === 'queued' && row.attempts === 0
  const state = rows.lastEvent(hash)?.status.state
  return state === undefined || state === 'queued' || state === 'held'
}

/** What a shard hears of a transaction that ended without a block; nothing while it may still come into one. */
export function endOf(
  rows: Pick<ChainRows, 'tx' | 'lastEvent'>,
  { hash, sender, nonce }: Cancelling,
): Settlement | null {
  const last = rows.lastEvent(hash)
  if (rows.tx(hash) || last?.status.state !== 'rejected') return null
  return { hash, sender, nonce, status: last.status, sequence: last.sequence }
}

/** Ends a transaction that was never sent. One whose offer is still on its way is ended before it comes. */
export function cancel(rows: ChainRows, draft: ChainDraft, wish: Cancelling, now: number): void {
  if (!canCancel(rows, wish.hash)) return
  const row = draft.tx(wish.hash)
  const why = { code: 'cancelled', detail: 'Its sender has stopped it.' } as const
  if (row) reject(draft, row, why, now)
  else draft.settle(wish, { state: 'rejected', ...why })
}
