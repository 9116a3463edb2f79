import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BitcoinBackend, startBitcoin } from '../../edge/local/bitcoinBackend.ts'
import { serveCheckout } from '../../edge/local/checkout.ts'
import { type MortalEdge, startMortalEdge } from '../../edge/local/workerd.ts'
import { startBareEdge } from '../edge/bareWorkerd.ts'

/** The whole checkout on this machine: ledger, workerd, till and pages. */
export interface House {
  readonly url: string
  readonly bitcoin: BitcoinBackend
  readonly edge: MortalEdge
  readonly stop: () => Promise<void>
}

const root = join(import.meta.dirname, '../..')
const chain = 31_337

export async function openHouse({ blockSeconds = 0.3 } = {}): Promise<House> {
  const folder = mkdtempSync(join(tmpdir(), 'lanekit-checkout-'))
  const bitcoin = await startBitcoin({ bitcoind: null })
  const edge = await startMortalEdge((port) =>
    startBareEdge({
      persist: join(folder, 'edge'),
      // No node is behind it: nothing here sends a transaction to that chain.
      chains: { [chain]: { fork: 'osaka', executors: ['http://127.0.0.1:9'] } },
      bitcoin: { network: 'regtest', esplora: [bitcoin.url], pollMs: 1_000 },
      port,
    }),
  )
  const checkout = await serveCheckout({ port: 0, edge, chain, bitcoin, rpc: null, folder, root, blockSeconds })
  return {
    url: checkout.url,
    bitcoin,
    edge,
    stop: async () => {
      await checkout.stop()
      await edge.stop()
      await bitcoin.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
