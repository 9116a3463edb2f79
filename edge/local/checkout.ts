import { join } from 'node:path'
import { type Checkout, startCheckout } from '../../examples/checkout/server.ts'
import { sats } from '../../sdk/units.ts'
import type { BitcoinBackend } from './bitcoinBackend.ts'
import type { Edge } from './workerd.ts'

/** An edge that can be killed and comes back on its rows, at the same address. */
export interface MortalEdge {
  readonly url: string
  /** Ends it as a power cut would. It stays down until it is raised. */
  readonly kill: () => Promise<void>
  readonly raise: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** How long a killed edge stays down, so that one sees it. */
const downMs = 1_500

/** An edge that `start` brings up at a port, 0 being any, on the same rows each time. */
export async function startMortalEdge(start: (port: number) => Promise<Edge>): Promise<MortalEdge> {
  let edge: Edge | null = await start(0)
  const { url } = edge
  const port = Number(new URL(url).port)
  return {
    url,
    kill: async () => {
      const before = edge
      edge = null
      await before?.kill()
    },
    raise: async () => {
      edge ??= await start(port)
    },
    stop: async () => {
      await edge?.stop()
    },
  }
}

export interface LocalCheckout {
  readonly port: number
  readonly edge: MortalEdge
  readonly chain: number
  readonly bitcoin: BitcoinBackend
  readonly rpc: string | null
  readonly folder: string
  /** The repository's root. */
  readonly root: string
  readonly blockSeconds?: number
}

/** Serves the checkout (examples/checkout) over this machine's edge and test chain. */
export function serveCheckout(options: LocalCheckout): Promise<Checkout> {
  const { port, edge, chain, bitcoin, rpc, folder, root, blockSeconds } = options
  return startCheckout({
    ...{ port, chain, rpc, folder },
    edge: edge.url,
    bitcoin: bitcoin.url,
    askBitcoin: bitcoin.fetch,
    network: 'regtest',
    assets: join(root, '.lanekit/checkout'),
    ...(blockSeconds === undefined ? {} : { blockSeconds }),
    demo: {
      killEdge: async () => {
        await edge.kill()
        await new Promise((resolve) => setTimeout(resolve, downMs))
        await edge.raise()
      },
      fund: async (address, value) => {
        await bitcoin.fund(address, sats(value))
      },
      mine: bitcoin.mine,
    },
  })
}
