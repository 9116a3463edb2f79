import { describe, it } from 'vitest'
import { startBitcoin } from '../../../../edge/local/bitcoinBackend.ts'
import { findBitcoind } from '../../../bitcoind.ts'
import { towerStories } from './stories.ts'

const found = findBitcoind()
if (found.binary !== null) {
  const { binary } = found
  // The policy that Knots comes with takes less than Core's.
  towerStories('bitcoind, own policy', () => startBitcoin({ bitcoind: binary, lifetimeMs: 600_000, policy: 'own' }))
} else
  describe('a tower alone: bitcoind', () => {
    it.skip(`needs a bitcoind (${found.reason})`, () => undefined)
  })
