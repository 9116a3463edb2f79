import { SdkError } from '../sdk/errors.ts'
import type { TxStatus } from '../sdk/ports.ts'
import type { Address, TxHash } from '../sdk/units.ts'
import type { Notice, Offer, Taken } from './chain.ts'
import type { Settlement } from './chainRows.ts'
import type { Executor, Inclusion } from './executor/port.ts'
import type { Pace } from './pace.ts'
import { type Facts, type Item, questions, type ShardEffect, type ShardEvent } from './shard.ts'
import type { ShardRows } from './shardRows.ts'

/** What a shard's effects are done with. */
export interface ShardWorld {
  readonly rows: ShardRows
  readonly executor: () => Executor
  readonly pace: Pace
  /** Hands over to the chain object; resolves when it has stored what it took. */
  readonly offer: (offers: readonly Offer[], notices: readonly Notice[]) => Promise<readonly Taken[]>
  /** Has the chain object end a transaction that was never sent; what it says of it then, or nothing when it is too late. */
  readonly cancel: (hash: TxHash, sender: Address, nonce: number) => Promise<Settlement | null>
  readonly feed: (event: ShardEvent) => void
  readonly now: () => number
}

/** Does one effect of the shard's step and feeds back what came of it. Throws when the world fails. */
export async function doForShard(effect: ShardEffect, { executor, pace, offer, feed, now }: ShardWorld): Promise<void> {
  switch (effect.type) {
    case 'offer': {
      const { offers, notices } = effect
      let taken: readonly Taken[] = []
      pace.leave(now())
      try {
        taken = await offer(offers, notices)
      } finally {
        pace.answered(offers.length + notices.length - taken.length, now())
        feed({ type: 'taken', taken, now: now() })
      }
      return
    }
    case 'ask': {
      const nonces = await executor().nonces(effect.senders, 'latest')
      feed({ type: 'facts', facts: { nonces, inclusions: new Map() }, now: now() })
      return
    }
  }
}

/**
 * Stops a transaction for its sender, if none of its bytes has left. The chain object decides: it alone knows what was sent.
 *
 * @returns Where it stands then; nothing when the sender has no such transaction here.
 */
export async function stop(
  sender: Address,
  hash: TxHash,
  { rows, cancel, feed, now }: Pick<ShardWorld, 'rows' | 'cancel' | 'feed' | 'now'>,
): Promise<TxStatus | null> {
  const row = rows.row(hash)
  if (row?.sender !== sender) return null
  if (row.stage === 'ended') return row.status
  const settlement = await cancel(hash, sender, row.nonce)
  if (!settlement) return row.status
  feed({ type: 'settled', settlements: [settlement], now: now() })
  return settlement.status
}

/** Nonces first, then the hashes that these make doubtful. */
const questionRounds = 2

/** Asks the executor what the items depend on. What it does not answer they are judged without. */
export async function learn(
  items: readonly Item[],
  { rows, executor, now }: Pick<ShardWorld, 'rows' | 'executor' | 'now'>,
): Promise<Facts> {
  const nonces = new Map<Address, number>()
  const inclusions = new Map<TxHash, Inclusion | null>()
  const facts: Facts = { nonces, inclusions }
  for (let round = 0; round < questionRounds; round++) {
    const { senders, hashes } = questions(rows, items, facts, now())
    if (senders.length + hashes.length === 0) break
    try {
      if (senders.length > 0)
        for (const [sender, nonce] of await executor().nonces(senders, 'latest')) nonces.set(sender, nonce)
      if (hashes.length > 0)
        for (const [hash, found] of await executor().find(hashes))
          inclusions.set(hash, found.kind === 'included' ? found.inclusion : null)
    } catch (error) {
      if (error instanceof SdkError) break
      throw error
    }
  }
  return facts
}
