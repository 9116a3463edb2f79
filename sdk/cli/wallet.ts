import { createVault, type Store, type Vault } from 'lanekit'
import { httpPeers, rpcNode, systemRandom, webCipher } from 'lanekit/adapters'
import { accountOutput, decodeAccountKey, encodeAddress, type Network, singleKeyAccount } from 'lanekit/bitcoin'
import { createBitcoinWallet } from 'lanekit/wallet/bitcoin'
import {
  type BitcoinWalletPlace,
  bitcoinOptions,
  bitcoinWalletOptions,
  bitcoinWalletPlace,
  networkOf,
} from './bitcoin.ts'
import { type Answer, type Asked, type Command, type Facts, type Option, refuse, usage } from './command.ts'
import { noPassword, passwordHelp, storeOption, withStore, withVault } from './keys.ts'
import type { Terminal } from './terminal.ts'

const mnemonicBytesMax = 4_096

const bitcoinNetwork = bitcoinOptions.network as Option
const showMnemonic = { type: 'boolean', help: 'print the words: whoever reads them owns everything' } as const

const about = [passwordHelp]

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
    store: storeOption,
    network: bitcoinNetwork,
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
  options: { store: storeOption, network: bitcoinNetwork, 'show-mnemonic': showMnemonic },
  run: async (asked, terminal) => {
    const where = networkOf(asked)
    if (!where) return usage(`Bitcoin has no network '${asked.text('network')}' here`)
    return withVault(asked, terminal, async (vault, _, password) =>
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
  about: [
    ...about,
    'With --rpc, what an Ethereum node says of the accounts: not proven.',
    'With --esplora, the coins of the Bitcoin account, and what is in channels. Coins are what the nodes tell.',
  ],
  options: {
    store: storeOption,
    rpc: { type: 'string', value: 'URL', help: 'an Ethereum node, over JSON-RPC; LANEKIT_RPC when left out' },
    ...bitcoinWalletOptions,
  },
  run: async (asked, terminal) => {
    const url = asked.text('rpc') ?? terminal.env.LANEKIT_RPC
    if (url !== undefined && !URL.canParse(url)) return usage('the address of the node is no URL')
    const isBitcoin = asked.text('esplora') !== undefined || terminal.env.LANEKIT_ESPLORA !== undefined
    if (url === undefined && !isBitcoin) return usage('no node is named: give --rpc URL or --esplora URL')
    const place = isBitcoin ? bitcoinWalletPlace(asked, terminal) : undefined
    if (place && 'end' in place) return place
    return withVault(asked, terminal, async (vault, opened) => {
      const evm = url === undefined ? nothingHeld : await evmBalance(vault, url, terminal)
      const bitcoin = place ? await bitcoinBalance(vault, opened, place, terminal) : nothingHeld
      return {
        end: 'ok',
        facts: { ...evm.facts, ...bitcoin.facts, proven: false },
        lines: [...evm.lines, ...bitcoin.lines, 'As the nodes tell it; not proven.'],
      }
    })
  },
}

interface Held {
  readonly facts: Facts
  readonly lines: readonly string[]
}

const nothingHeld: Held = { facts: {}, lines: [] }

async function evmBalance(vault: Vault, url: string, terminal: Terminal): Promise<Held> {
  const node = rpcNode({ url })
  const accounts = await vault.accounts()
  const [chain, ...held] = await terminal.during('Asking the node', () =>
    Promise.all([node.chainId(), ...accounts.map((account) => node.balance(account))]),
  )
  const balances = accounts.map((address, at) => ({ address, wei: held[at] ?? 0n }))
  const lines = balances.map(({ address, wei }) => `${address}  ${terminal.bold(ether(wei))} on chain ${chain}`)
  return { facts: { chainId: chain, balances }, lines }
}

async function bitcoinBalance(
  vault: Vault,
  opened: Store,
  place: BitcoinWalletPlace,
  terminal: Terminal,
): Promise<Held> {
  const { network } = place
  const keys = await vault.bitcoin(network)
  const wallet = await createBitcoinWallet({ ...place, keys, store: opened, peers: httpPeers() })
  try {
    const { confirmed, pending, immature, reserved, inChannels } = await terminal.during('Looking for coins', () =>
      wallet.balance(),
    )
    const parts = { confirmed, pending, immature, reserved, inChannels }
    const shown = Object.entries({ pending, immature, reserved, 'in channels': inChannels }).filter(
      ([, sum]) => sum > 0n,
    )
    const more = shown.map(([what, sum]) => `, ${sat(sum)} ${what}`).join('')
    return {
      facts: { bitcoin: { network, ...parts } },
      lines: [`bitcoin (${network})  ${terminal.bold(sat(confirmed))}${more}`],
    }
  } finally {
    wallet.close()
  }
}

function sat(sum: bigint): string {
  return `${sum.toLocaleString('en-US')} sat`
}

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

/** Wei as ether, every digit that is not zero. */
function ether(wei: bigint): string {
  const [whole, rest] = [wei / 10n ** 18n, wei % 10n ** 18n]
  const digits = rest.toString().padStart(18, '0').replace(/0+$/, '')
  return `${whole.toLocaleString('en-US')}${digits ? `.${digits}` : ''} ether`
}
