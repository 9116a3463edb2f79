import type { Command, Option } from '../command.ts'
import { aboutPassword, bitcoinWalletOptions, networkOption, rpcOption, storeOption } from './options.ts'

const mnemonicOption: Option = { type: 'boolean', help: 'print the words: whoever reads them owns everything' }

export const walletCommands: readonly Command[] = [
  {
    name: 'wallet new',
    words: '',
    wordsMin: 0,
    wordsMax: 0,
    summary: 'makes a vault with a new mnemonic, encrypted under a password',
    about: [
      aboutPassword,
      'In a terminal the mnemonic is shown once, to be written down: nothing else restores the accounts.',
      'Elsewhere it is shown with --show-mnemonic only. --restore reads the words from a file, - is the standard input.',
    ],
    options: {
      store: storeOption,
      network: networkOption,
      'show-mnemonic': mnemonicOption,
      restore: { type: 'string', value: 'FILE', help: 'take these words instead of new ones' },
    },
    run: async (...call) => (await import('../wallet.ts')).newWallet(...call),
  },
  {
    name: 'wallet address',
    words: '',
    wordsMin: 0,
    wordsMax: 0,
    summary: "tells the wallet's addresses",
    about: [aboutPassword, 'The Bitcoin address is the first of the account (BIP-84), whether it was used or not.'],
    options: { store: storeOption, network: networkOption, 'show-mnemonic': mnemonicOption },
    run: async (...call) => (await import('../wallet.ts')).walletAddress(...call),
  },
  {
    name: 'wallet balance',
    words: '',
    wordsMin: 0,
    wordsMax: 0,
    summary: 'asks a node what the accounts hold',
    about: [
      aboutPassword,
      'With --rpc, what an Ethereum node says of the accounts: not proven.',
      'With --esplora, the coins of the Bitcoin account, and what is in channels. Coins are what the nodes tell.',
    ],
    options: { store: storeOption, rpc: rpcOption, ...bitcoinWalletOptions },
    run: async (...call) => (await import('../balance.ts')).walletBalance(...call),
  },
]
