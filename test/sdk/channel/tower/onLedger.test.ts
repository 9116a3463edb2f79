import { startBitcoin } from '../../../../edge/local/bitcoinBackend.ts'
import { towerStories } from './stories.ts'

towerStories('ledger', () => startBitcoin({ bitcoind: null }))
