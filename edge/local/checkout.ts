import { join } from 'node:path'
import { type Checkout, startCheckout } from '../../examples/checkout/server.ts'
import { sats } from '../../sdk/units.ts'
import type { BitcoinBackend } from './bitcoinBackend.ts'
import type { MortalEdge } from './workerd.ts'

/** How long a killed edge stays down, so that one sees it. */
const downMs = 1_500

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
