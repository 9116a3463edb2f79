import type { Address } from '../sdk/units.ts'
import { gapsToldMax } from './limits.ts'
import type { ShardAccount, ShardRows } from './shardRows.ts'

/** A sender's nonces, the chain's and the edge's together. */
export interface NonceStanding {
  /** First nonce that neither the chain nor the edge has: what the sender signs next. */
  readonly nextFree: number
  /** Nonces missing before the highest one that is here, the lowest first. Until they come, later ones are held. */
  readonly gaps: readonly number[]
  /** Transactions that have not ended. */
  readonly underWay: number
}

/** Where a sender's nonces stand, given the next one after the newest block. */
export function nonceStanding(
  rows: Pick<ShardRows, 'rowsOf' | 'account'>,
  sender: Address,
  latest: number,
): NonceStanding {
  const live = rows.rowsOf(sender)
  const taken = new Set(live.map(({ nonce }) => nonce))
  let nextFree = Math.max(latest, rows.account(sender)?.final ?? 0)
  while (taken.has(nextFree)) nextFree += 1
  const highest = live.reduce((most, { nonce }) => Math.max(most, nonce), -1)
  const gaps: number[] = []
  for (let nonce = nextFree; nonce < highest && gaps.length < gapsToldMax; nonce++)
    if (!taken.has(nonce)) gaps.push(nonce)
  return { nextFree, gaps, underWay: live.length }
}

/** The first nonce in no block, as far as known. */
export function nextNonce(account: ShardAccount | undefined): number | undefined {
  if (!account || (account.seen === null && account.final === 0)) return undefined
  return Math.max(account.seen ?? 0, account.final)
}
