import type { Store, Vault } from 'lanekit'
import { httpPeers } from 'lanekit/adapters'
import { createBitcoinWallet } from 'lanekit/wallet/bitcoin'
import type { Held } from './balance.ts'
import { bitcoinWalletPlace } from './bitcoin.ts'
import type { Asked, usage } from './command.ts'
import type { Terminal } from './terminal.ts'

/** The look for a vault's coins where it was asked for, or what is wrong with that. */
export function coinsOf(
  asked: Asked,
  terminal: Terminal,
): ((vault: Vault, opened: Store) => Promise<Held>) | ReturnType<typeof usage> {
  const place = bitcoinWalletPlace(asked, terminal)
  if ('end' in place) return place
  return async (vault, opened) => {
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
}

function sat(sum: bigint): string {
  return `${sum.toLocaleString('en-US')} sat`
}
