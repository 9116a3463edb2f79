import type { Vault } from 'lanekit'
import { rpcNode } from 'lanekit/adapters'
import { type Facts, type Run, usage } from './command.ts'
import { withVault } from './keys.ts'
import type { Terminal } from './terminal.ts'

/** What is held somewhere. */
export interface Held {
  readonly facts: Facts
  readonly lines: readonly string[]
}

const nothing: Held = { facts: {}, lines: [] }

export const walletBalance: Run = async (asked, terminal) => {
  const url = asked.text('rpc') ?? terminal.env.LANEKIT_RPC
  if (url !== undefined && !URL.canParse(url)) return usage('the address of the node is no URL')
  const isBitcoin = asked.text('esplora') !== undefined || terminal.env.LANEKIT_ESPLORA !== undefined
  if (url === undefined && !isBitcoin) return usage('no node is named: give --rpc URL or --esplora URL')
  // Most of the package is for Bitcoin, and is loaded where that is asked for.
  const lookForCoins = isBitcoin && (await import('./balanceBitcoin.ts')).coinsOf(asked, terminal)
  if (lookForCoins && 'end' in lookForCoins) return lookForCoins
  return withVault(asked, terminal, async (vault, opened) => {
    const evm = url === undefined ? nothing : await evmBalance(vault, url, terminal)
    const bitcoin = lookForCoins ? await lookForCoins(vault, opened) : nothing
    return {
      end: 'ok',
      facts: { ...evm.facts, ...bitcoin.facts, proven: false },
      lines: [...evm.lines, ...bitcoin.lines, 'As the nodes tell it; not proven.'],
    }
  })
}

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

/** Wei as ether, every digit that is not zero. */
function ether(wei: bigint): string {
  const [whole, rest] = [wei / 10n ** 18n, wei % 10n ** 18n]
  const digits = rest.toString().padStart(18, '0').replace(/0+$/, '')
  return `${whole.toLocaleString('en-US')}${digits ? `.${digits}` : ''} ether`
}
