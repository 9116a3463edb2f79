import { homedir } from 'node:os'
import { join } from 'node:path'
import { createVault, openVault, type Store, type Vault } from 'lanekit'
import { rpcNode, systemRandom, webCipher } from 'lanekit/adapters'
import { file } from 'lanekit/adapters/file'
import {
  accountOutput,
  decodeAccountKey,
  encodeAddress,
  type Network,
  networks,
  singleKeyAccount,
} from 'lanekit/bitcoin'
import { type Answer, type Asked, type Command, refuse, usage } from './command.ts'
import type { Terminal } from './terminal.ts'

const mnemonicBytesMax = 4_096

const store = {
  type: 'string',
  value: 'FOLDER',
  help: 'where the vault is; LANEKIT_STORE, or .lanekit in your home, when left out',
} as const
const network = { type: 'string', value: 'NAME', help: `of Bitcoin: ${Object.keys(networks).join(', ')}` } as const
const showMnemonic = { type: 'boolean', help: 'print the words: whoever reads them owns everything' } as const

const about = ['The password is asked for without echo, or taken from LANEKIT_PASSWORD where nobody can be asked.']

export const newWallet: Command = {
  name: 'wallet new',
  words: '',
  wordsMin: 0,
  wordsMax: 0,
  summary: 'makes a vault with a new mnemonic, encrypted under a password',
  about: [
    ...about,
    'In a terminal the mnemonic is shown once, to be written down: nothing else restores the accounts.',
    'Elsewhere it is shown with --show-mnemonic only. --restore reads the words from a file, - is the standard input.',
  ],
  options: {
    store,
    network,
    'show-mnemonic': showMnemonic,
    restore: { type: 'string', value: 'FILE', help: 'take these words instead of new ones' },
  },
  run: async (asked, terminal) => {
    const where = networkOf(asked)
    if (!where) return usage(`Bitcoin has no network '${asked.text('network')}' here`)
    const words = restoredWords(asked, terminal)
    if (words && 'fault' in words) return usage(words.fault)
    const password = terminal.env.LANEKIT_PASSWORD ?? (await newPassword(terminal))
    if (password === undefined) return noPassword
    if (typeof password !== 'string') return refuse('vault/malformed-password', 'the two passwords are not the same')
    return withStore(asked, terminal, async (opened) => {
      const ports = { store: opened, cipher: webCipher(), random: systemRandom }
      const mnemonic = words ? { mnemonic: words.text } : {}
      const vault = await terminal.during('Sealing', () => createVault({ ...ports, password, ...mnemonic }))
      const isShown = asked.flag('show-mnemonic') || (terminal.isRead && !asked.flag('json') && !words)
      return described(vault, terminal, where, isShown ? await vault.revealMnemonic(password) : null)
    })
  },
}

export const walletAddress: Command = {
  name: 'wallet address',
  words: '',
  wordsMin: 0,
  wordsMax: 0,
  summary: "tells the wallet's addresses",
  about: [...about, 'The Bitcoin address is the first of the account (BIP-84), whether it was used or not.'],
  options: { store, network, 'show-mnemonic': showMnemonic },
  run: async (asked, terminal) => {
    const where = networkOf(asked)
    if (!where) return usage(`Bitcoin has no network '${asked.text('network')}' here`)
    return withVault(asked, terminal, async (vault, password) =>
      described(vault, terminal, where, asked.flag('show-mnemonic') ? await vault.revealMnemonic(password) : null),
    )
  },
}

export const walletBalance: Command = {
  name: 'wallet balance',
  words: '',
  wordsMin: 0,
  wordsMax: 0,
  summary: 'asks a node what the accounts hold',
  about: [...about, 'What the node answers is not proven.'],
  options: {
    store,
    rpc: { type: 'string', value: 'URL', help: 'an Ethereum node, over JSON-RPC; LANEKIT_RPC when left out' },
  },
  run: async (asked, terminal) => {
    const url = asked.text('rpc') ?? terminal.env.LANEKIT_RPC
    if (url === undefined) return usage('no node is named: give --rpc URL, or set LANEKIT_RPC')
    if (!URL.canParse(url)) return usage('the address of the node is no URL')
    return withVault(asked, terminal, async (vault) => {
      const node = rpcNode({ url })
      const accounts = await vault.accounts()
      const [chain, ...held] = await terminal.during('Asking the node', () =>
        Promise.all([node.chainId(), ...accounts.map((account) => node.balance(account))]),
      )
      const balances = accounts.map((address, at) => ({ address, wei: held[at] ?? 0n }))
      return {
        end: 'ok',
        facts: { chainId: chain, balances, proven: false },
        lines: [
          ...balances.map(({ address, wei }) => `${address}  ${terminal.bold(ether(wei))} on chain ${chain}`),
          'As the node tells it; not proven.',
        ],
      }
    })
  },
}

const noPassword = usage('nobody can be asked for the password here: set LANEKIT_PASSWORD')

async function described(vault: Vault, { bold }: Terminal, network: Network, mnemonic: string | null): Promise<Answer> {
  const accounts = await vault.accounts()
  const bitcoin = await firstBitcoinAddress(vault, network)
  vault.lock()
  const words = mnemonic === null ? {} : { mnemonic }
  const shown =
    mnemonic === null ? [] : ['', bold(mnemonic), 'Write these words down. Whoever reads them owns every account.']
  return {
    end: 'ok',
    facts: { evm: accounts, bitcoin: { network, address: bitcoin }, ...words },
    lines: [...accounts.map((account) => `evm      ${account}`), `bitcoin  ${bitcoin} (${network})`, ...shown],
  }
}

async function firstBitcoinAddress(vault: Vault, network: Network): Promise<string> {
  const signer = await vault.bitcoin(network)
  const { xpub, fingerprint, path } = await signer.accountKey('wpkh')
  const key = decodeAccountKey({ xpub, network, origin: { fingerprint, path } })
  if (!key.ok) throw new Error(key.reason)
  const { script } = accountOutput(singleKeyAccount('wpkh', network, key.value), { chain: 'receive', index: 0 })
  return encodeAddress(script, network) ?? ''
}

async function withVault(
  asked: Asked,
  terminal: Terminal,
  work: (vault: Vault, password: string) => Promise<Answer>,
): Promise<Answer> {
  const password = terminal.env.LANEKIT_PASSWORD ?? (await terminal.secret('Password: '))
  if (password === undefined) return noPassword
  return withStore(asked, terminal, async (opened) => {
    const ports = { store: opened, cipher: webCipher(), random: systemRandom }
    const vault = await terminal.during('Opening the vault', () => openVault({ ...ports, password }))
    try {
      return await work(vault, password)
    } finally {
      vault.lock()
    }
  })
}

async function withStore(asked: Asked, { env }: Terminal, work: (opened: Store) => Promise<Answer>): Promise<Answer> {
  const opened = file(asked.text('store') ?? env.LANEKIT_STORE ?? join(homedir(), '.lanekit'))
  try {
    return await work(opened)
  } finally {
    await opened.close()
  }
}

/** A password typed twice; `null` when they differ. */
async function newPassword({ secret }: Terminal): Promise<string | null | undefined> {
  const first = await secret('New password: ')
  if (first === undefined) return undefined
  return (await secret('Once more: ')) === first ? first : null
}

function restoredWords(
  asked: Asked,
  terminal: Terminal,
): { readonly text: string } | { readonly fault: string } | undefined {
  const path = asked.text('restore')
  if (path === undefined) return undefined
  const bytes = terminal.read(path, mnemonicBytesMax)
  return 'fault' in bytes ? bytes : { text: new TextDecoder().decode(bytes).trim() }
}

function networkOf(asked: Asked): Network | undefined {
  const name = asked.text('network') ?? 'mainnet'
  return Object.hasOwn(networks, name) ? (name as Network) : undefined
}

/** Wei as ether, every digit that is not zero. */
function ether(wei: bigint): string {
  const [whole, rest] = [wei / 10n ** 18n, wei % 10n ** 18n]
  const digits = rest.toString().padStart(18, '0').replace(/0+$/, '')
  return `${whole.toLocaleString('en-US')}${digits ? `.${digits}` : ''} ether`
}
