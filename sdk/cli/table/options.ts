/** What several commands have in common in how they are called. */

import type { Network } from 'lanekit/bitcoin'
import type { Option } from '../command.ts'

/** The option of every command that opens the vault. */
export const storeOption: Option = {
  type: 'string',
  value: 'FOLDER',
  help: 'where the vault is; LANEKIT_STORE, or .lanekit in your home, when left out',
}

/** Help of every command that opens the vault. */
export const aboutPassword =
  'The password is asked for without echo, or taken from LANEKIT_PASSWORD where nobody can be asked.'

/** Where commands ask Ethereum. */
export const rpcOption: Option = {
  type: 'string',
  value: 'URL',
  help: 'an Ethereum node, over JSON-RPC; LANEKIT_RPC when left out',
}

/** Bitcoin's networks by name, written out: their room is not loaded for a text of help. The type holds them complete. */
const networks: Readonly<Record<Network, true>> = { mainnet: true, testnet4: true, signet: true, regtest: true }

/** Which Bitcoin is meant. */
export const networkOption: Option = {
  type: 'string',
  value: 'NAME',
  help: `of Bitcoin: ${Object.keys(networks).join(', ')}`,
}

/** Options of the commands that ask Bitcoin nodes. */
export const bitcoinOptions: Readonly<Record<string, Option>> = {
  esplora: {
    type: 'string',
    value: 'URL[,URL...]',
    help: 'Bitcoin nodes behind the Esplora API; LANEKIT_ESPLORA when left out',
  },
  network: networkOption,
  checkpoint: {
    type: 'string',
    value: 'FILE',
    help: "where trust begins: JSON of height, header, work, period and times; the network's first block when left out",
  },
}

/** Options of the commands that open a Bitcoin wallet. */
export const bitcoinWalletOptions: Readonly<Record<string, Option>> = {
  ...bitcoinOptions,
  'gap-limit': { type: 'string', value: 'N', help: 'unused addresses in a row to look behind, 20 when left out' },
}

/** How many seconds a command waits for what it has begun, when nothing else is said. */
export const waitSecondsDefault = 60

/** How long a command waits. */
export const waitOption: Option = {
  type: 'string',
  value: 'SECONDS',
  help: `how long to wait for it, ${waitSecondsDefault} when left out; what is stored goes on with the next wallet`,
}
