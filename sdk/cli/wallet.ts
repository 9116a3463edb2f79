import { createVault, type Vault } from 'lanekit'
import { systemRandom, webCipher } from 'lanekit/adapters'
import { accountOutput, decodeAccountKey, encodeAddress, type Network, singleKeyAccount } from 'lanekit/bitcoin'
import { networkOf } from './bitcoin.ts'
import { type Answer, type Asked, type Run, refuse, usage } from './command.ts'
import { noPassword, withStore, withVault } from './keys.ts'
import type { Terminal } from './terminal.ts'

const mnemonicBytesMax = 4_096

export const newWallet: Run = async (asked, terminal) => {
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
}

export const walletAddress: Run = async (asked, terminal) => {
  const where = networkOf(asked)
  if (!where) return usage(`Bitcoin has no network '${asked.text('network')}' here`)
  return withVault(asked, terminal, async (vault, _, password) =>
    described(vault, terminal, where, asked.flag('show-mnemonic') ? await vault.revealMnemonic(password) : null),
  )
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
