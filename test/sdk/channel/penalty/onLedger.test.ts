import { startBitcoin } from '../../../../edge/local/bitcoinBackend.ts'
import { chainStories } from './chainStories.ts'

chainStories('ledger', () => startBitcoin({ bitcoind: null }))
