import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BitcoinBackend, startBitcoin } from '../../edge/local/bitcoinBackend.ts'
import { type Edge, startEdge } from '../../edge/local/workerd.ts'
import { type Checkout, startCheckout } from '../../examples/checkout/server.ts'
import { sats } from '../../sdk/units.ts'

/** The whole checkout on this machine, without a second chain: ledger, workerd, till and pages. */
export interface House {
  readonly checkout: Checkout
  readonly bitcoin: BitcoinBackend
  /** Ends workerd as a power cut would, and leaves it down until {@link House.raiseEdge}. */
  readonly killEdge: () => Promise<void>
  readonly raiseEdge: () => Promise<void>
  readonly stop: () => Promise<void>
}

const root = join(import.meta.dirname, '../..')
const chain = 31_337

export async function openHouse({ blockSeconds = 0.25 } = {}): Promise<House> {
  const folder = mkdtempSync(join(tmpdir(), 'lanekit-checkout-'))
  const bitcoin = await startBitcoin({ bitcoind: null })
  const raise = (port: number) =>
    startEdge({
      outdir: join(root, '.lanekit/worker'),
      config: join(root, 'wrangler.toml'),
      persist: join(folder, 'edge'),
      // No node is behind it: nothing here sends a transaction to that chain.
      chains: { [chain]: { fork: 'osaka', executors: ['http://127.0.0.1:9'] } },
      bitcoin: { network: 'regtest', esplora: [bitcoin.url], pollMs: 1_000 },
      port,
      program: join(root, '.lanekit/programs/edge.js'),
    })
  let edge: Edge | null = await raise(0)
  const { url } = edge
  const killEdge = async () => {
    await edge?.kill()
    edge = null
  }
  const raiseEdge = async () => {
    edge ??= await raise(Number(new URL(url).port))
  }
  const checkout = await startCheckout({
    port: 0,
    edge: url,
    chain,
    bitcoin: bitcoin.url,
    network: 'regtest',
    rpc: null,
    folder,
    assets: join(root, '.lanekit/checkout'),
    blockSeconds,
    demo: {
      killEdge: async () => {
        await killEdge()
        await new Promise((resolve) => setTimeout(resolve, 1_000))
        await raiseEdge()
      },
      fund: async (address, value) => {
        await bitcoin.fund(address, sats(value))
      },
      mine: bitcoin.mine,
    },
  })
  return {
    checkout,
    bitcoin,
    killEdge,
    raiseEdge,
    stop: async () => {
      await checkout.stop()
      await edge?.stop()
      await bitcoin.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
