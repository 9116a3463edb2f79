import { describe, it } from 'vitest'
import { startBitcoin } from '../../../edge/local/bitcoinBackend.ts'
import { findBitcoind } from '../../bitcoind.ts'
import { bitcoinNodeContract } from '../../contracts/bitcoinNode.ts'

bitcoinNodeContract('ledger through Esplora', () => startBitcoin({ bitcoind: null }))

const found = findBitcoind()
if (found.binary !== null)
  bitcoinNodeContract('bitcoind', () => startBitcoin({ bitcoind: found.binary, lifetimeMs: 600_000 }))
else
  describe('bitcoin node: bitcoind', () => {
    it.skip(`needs a bitcoind (${found.reason})`, () => undefined)
  })
