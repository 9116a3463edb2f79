import type { Command, Option } from '../command.ts'
import { bitcoinOptions, rpcOption } from './options.ts'

const blockOption: Option = {
  type: 'string',
  value: 'HASH',
  help: 'the block it must be in, from a source that you trust',
}

const about = [
  'The block is fetched whole and checked against its hash; transaction and receipt are proven against its roots.',
  'The level is node: of the header itself nothing is proven. --block lifts that to your own trust in its hash.',
]

export const verifyCommands: readonly Command[] = [
  {
    name: 'verify tx',
    words: 'HASH',
    wordsMin: 1,
    wordsMax: 1,
    summary: 'proves that a block holds a transaction',
    about: [
      ...about,
      'A hash without 0x is a Bitcoin transaction: headers are checked in full from the checkpoint on, the one with the most',
      'work counts, and the transaction is proven in it. The level is confirmed, with depth and work.',
    ],
    options: { rpc: rpcOption, block: blockOption, ...bitcoinOptions },
    run: async (asked, terminal) =>
      /^[0-9a-fA-F]{64}$/.test(asked.words[0] ?? '')
        ? (await import('../verifyBitcoin.ts')).verifyBitcoinTx(asked, terminal)
        : (await import('../verify.ts')).verifyTx(asked, terminal),
  },
  {
    name: 'verify receipt',
    words: 'HASH',
    wordsMin: 1,
    wordsMax: 1,
    summary: 'proves what became of a transaction',
    about,
    options: { rpc: rpcOption, block: blockOption },
    run: async (...call) => (await import('../verify.ts')).verifyReceipt(...call),
  },
]
