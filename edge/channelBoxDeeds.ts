import type { BitcoinSources } from './bitcoinSource.ts'
import type { BoxEffect, BoxEvent } from './channelBox.ts'

/** What the box's effects are done with. */
export interface BoxWorld {
  /** Throws `node/unreachable` when the operator has taken the network away. */
  readonly bitcoin: () => BitcoinSources
  readonly feed: (event: BoxEvent) => void
  readonly now: () => number
}

/** Does one effect of the box's step and feeds back what came of it. Throws when the world fails. */
export async function doForBox(effect: BoxEffect, { bitcoin, feed, now }: BoxWorld): Promise<void> {
  switch (effect.type) {
    case 'look': {
      const { number, input } = effect.deposit
      feed({ type: 'sighted', number, sighting: await bitcoin().look(input), now: now() })
      return
    }
    case 'broadcast':
      await bitcoin().broadcast(effect.transaction)
      return
  }
}
