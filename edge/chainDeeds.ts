import type { Address } from '../sdk/units.ts'
import type { ChainEffect, ChainEvent, LookUp } from './chain.ts'
import type { ChainRows, Settlement } from './chainRows.ts'
import { follow } from './executor/follow.ts'
import type { Executor } from './executor/port.ts'
import type { NonceFact } from './settling.ts'

/** What the chain's effects are done with. */
export interface ChainWorld {
  readonly rows: Pick<ChainRows, 'head' | 'block' | 'tx'>
  readonly executor: () => Executor
  /** Brings news to a shard; true when it has stored them, false where too many messages are under way. */
  readonly deliver: (shard: number, settlements: readonly Settlement[]) => Promise<boolean>
  readonly feed: (event: ChainEvent) => void
  readonly now: () => number
}

/** Does one effect of the chain's step and feeds back what came of it. Throws when the world fails. */
export async function doForChain(effect: ChainEffect, world: ChainWorld): Promise<void> {
  const { rows, executor, deliver, feed, now } = world
  switch (effect.type) {
    case 'forward': {
      const { window, lanes, until } = effect
      const report: Parameters<Executor['forward']>[1]['report'] = (outcomes) =>
        feed({ type: 'outcomes', window, outcomes, now: now() })
      await executor().forward(lanes, { until, report })
      feed({ type: 'sent', window, now: now() })
      return
    }
    case 'lookUp': {
      const { found, nonces } = await lookUp(executor(), effect.lookUps, effect.finalized)
      feed({ type: 'found', lookUps: effect.lookUps, found, nonces, now: now() })
      return
    }
    case 'poll': {
      const progress = await follow(executor(), {
        tip: rows.head().tip ?? undefined,
        hashAt: (number) => rows.block(number)?.hash,
        isWanted: (hash) => rows.tx(hash) !== undefined,
      })
      feed({ type: 'progress', progress, now: now() })
      return
    }
    case 'deliver': {
      const { shard, settlements } = effect
      if (await deliver(shard, settlements)) feed({ type: 'delivered', settlements, now: now() })
      return
    }
  }
}

/** Hashes first; then the nonces of those that were not found, which tell whether they can still be. */
async function lookUp(executor: Executor, lookUps: readonly LookUp[], finalized: number) {
  const found = await executor.find(lookUps.map(({ hash }) => hash))
  const missing = lookUps.filter(({ hash }) => found.get(hash)?.kind === 'missing')
  const senders = [...new Set(missing.map(({ sender }) => sender))]
  const nonces = new Map<Address, NonceFact>()
  if (senders.length === 0) return { found, nonces }
  const latest = await executor.nonces(senders, 'latest')
  const final = finalized < 0 ? new Map<Address, number>() : await executor.nonces(senders, finalized)
  for (const [sender, nonce] of latest) nonces.set(sender, { latest: nonce, final: final.get(sender) ?? 0 })
  return { found, nonces }
}
