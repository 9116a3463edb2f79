import type { Change } from '../penalty/content.ts'
import type { Message } from '../penalty/messages.ts'
import type { LiveChannel } from '../penalty/state.ts'
import type { TowerReceipt } from './receipt.ts'

/** When a tower counts as there. */
export interface TowerPolicy {
  /** First revoked state that has to be covered: 0, or where the tower was first asked. */
  readonly first: number
  /** Longest time since the receipt was signed. */
  readonly freshSeconds: number
  /** Longest time between the tower's last look at the chain and the receipt: far below the channel's delay. */
  readonly lookSeconds: number
}

/** Why a tower does not cover a channel now. */
export type TowerFault = 'no-receipt' | 'other-channel' | 'behind' | 'stale' | 'asleep'

/**
 * Why a tower does not cover all that was revoked in a channel, or nothing. [TW41]
 *
 * @param receipt - As `decodeReceipt` proved it; `null` before the first.
 */
export function towerFault(
  { opening, base }: Pick<LiveChannel, 'opening' | 'base'>,
  receipt: TowerReceipt | null,
  { first, freshSeconds, lookSeconds, nowSeconds }: TowerPolicy & { readonly nowSeconds: number },
): TowerFault | null {
  if (!receipt) return 'no-receipt'
  const { txid, index } = opening.funding
  if (receipt.funding.txid !== txid || receipt.funding.index !== index) return 'other-channel'
  if (receipt.first > first || receipt.next < base.number) return 'behind'
  if (nowSeconds - receipt.atSeconds > freshSeconds) return 'stale'
  return receipt.atSeconds - receipt.lookedAtSeconds > lookSeconds ? 'asleep' : null
}

/**
 * True for a message that may raise what this side has to lose, and that waits, unanswered, until the tower covers what is revoked: it
 * comes again, and nothing is refused. [TW41] What lowers it, and what settles HTLCs that are there, never waits.
 */
export function waitsForTower(message: Message): boolean {
  return message.type === 'commit' && message.changes.some(isPaying)
}

function isPaying({ type }: Change): boolean {
  return type === 'pay' || type === 'add'
}
