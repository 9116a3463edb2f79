import { describe, it } from 'vitest'
import { startBitcoin } from '../../../../edge/local/bitcoinBackend.ts'
import { findBitcoind } from '../../../bitcoind.ts'
import { isThorough } from '../penalty/chainStories.ts'
import { towerStories } from './stories.ts'

const found = findBitcoind()
if (found.binary !== null) {
  const { binary } = found
  // The policy that Knots comes with takes less than Core's.
  for (const policy of isThorough ? (['own', 'core'] as const) : (['own'] as const))
    towerStories(`bitcoind, ${policy} policy`, () => startBitcoin({ bitcoind: binary, lifetimeMs: 600_000, policy }))
} else
  describe('a tower alone: bitcoind', () => {
    it.skip(`needs a bitcoind (${found.reason})`, () => undefined)
  })
