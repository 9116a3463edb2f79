import { Hono } from 'hono'
import { systemRandom } from 'lanekit/adapters'
import type { Network } from 'lanekit/bitcoin'
import { tillRoutes } from 'lanekit/till'
import type { Shop } from './api.ts'
import { lookAt } from './server/chainLook.ts'
import { cheatRoutes } from './server/cheat.ts'
import { type Demo, demoRoutes, startMiner } from './server/demo.ts'
import { type Front, openFront } from './server/front.ts'
import { articles } from './server/goods.ts'
import { handingOver } from './server/handOver.ts'
import { merchantRoutes } from './server/merchant.ts'
import { pageRoutes } from './server/pages.ts'
import { refuse, shopRoutes } from './server/shop.ts'
import { openTill } from './server/till.ts'
import { confirmationsMin, delayBlocksOf, openTwoWayCounter } from './server/twoWay.ts'
import { twoWayRoutes } from './server/twoWayRoutes.ts'

/** Where the checkout gets its parts from. All URLs may be on private ports: shoppers see the front alone. */
export interface CheckoutWorld {
  /** Of the front, on 127.0.0.1; 0 lets the system choose. */
  readonly port: number
  /** The edge with the channel boxes, without the `/v1`. */
  readonly edge: string
  /** Its chain, for the page of lanes. */
  readonly chain: number
  /** An Esplora API, whole: the shopper's wallet asks it about its scripts. */
  readonly bitcoin: string
  /** How this server asks it; by a socket where nothing is said. */
  readonly askBitcoin?: (url: string, init: RequestInit) => Promise<Response>
  readonly network: Network
  /** An Ethereum node, passed on as `/rpc`; `null` for none. */
  readonly rpc: string | null
  /** For the till's store. It outlives the process. */
  readonly folder: string
  /** What `examples/checkout/build.mjs` wrote. */
  readonly assets: string
  /** What only the operator of a test chain can do; `null` for a real one. */
  readonly demo: Demo | null
  readonly blockSeconds?: number
}

export interface Checkout {
  readonly url: string
  /** Ends it in order. What is outside of it stays. */
  readonly stop: () => Promise<void>
}

/** How long a block takes, for words about time: on a test chain of this machine's own, and really. */
const [blockSecondsDemo, blockSecondsReal] = [2, 600]

/** Opens the till, and serves pages, shop, merchant and edge on one port. */
export async function startCheckout(world: CheckoutWorld): Promise<Checkout> {
  const { askBitcoin = fetch, network, edge, demo, blockSeconds = demo ? blockSecondsDemo : blockSecondsReal } = world
  const miner = demo ? startMiner(demo, blockSeconds * 1_000) : null
  const counter = await openTill({ ...world, askBitcoin, sent: () => miner?.want() })
  const { till, program, orders } = counter
  const chain = lookAt(world.bitcoin, askBitcoin)
  const isDemo = demo !== null
  const twoWay = await openTwoWayCounter({
    ...{ ...world, askBitcoin, chain, isDemo, blockSeconds },
    box: () => front.url,
    sent: () => miner?.want(),
  })
  const facts = {
    run: runName(),
    network: nameOf(network),
    isDemo,
    blockSeconds,
    twoWay: { confirmations: confirmationsMin, delayBlocks: delayBlocksOf(isDemo) },
  }
  const app = new Hono()
  const front: Front = await openFront({
    port: world.port,
    handle: (request) => app.fetch(request),
    passages: [
      { prefix: '/v1', target: () => edge },
      { prefix: '/healthz', target: () => edge },
      { prefix: '/rpc', target: () => world.rpc, strip: '/rpc' },
      {
        prefix: '/bitcoin',
        target: () => world.bitcoin,
        strip: '/bitcoin',
        seen: (method) => method === 'POST' && miner?.want(),
      },
    ],
  })
  app.route(
    '/',
    pageRoutes(world.assets, () => ({ ...facts, now: Date.now(), articles })),
  )
  app.route('/', tillRoutes({ till, program, box: front.url }))
  const told = handingOver({ till, orders, twoWay })
  app.route('/', shopRoutes({ till, program, orders, told, facts }))
  app.route('/', twoWayRoutes({ orders, twoWay, told }))
  app.route('/', merchantRoutes(counter, twoWay))
  app.get('/lanes/chain', (context) => context.json({ chain: world.chain }))
  if (demo && miner) {
    app.route('/', demoRoutes(demo, miner))
    const { network, bitcoin } = world
    const sent = miner.want
    const fund: Demo['fund'] = async (address, value) => {
      await demo.fund(address, value)
      sent()
    }
    app.route(
      '/',
      cheatRoutes(() => ({ network, bitcoin, chain, fund, sent, shop: front.url })),
    )
  }
  app.onError((_, context) => refuse(context, 503, 'unavailable'))
  return {
    url: front.url,
    stop: async () => {
      miner?.stop()
      await front.stop()
      await twoWay.stop()
      await counter.stop()
    },
  }
}

/** Names this start of the server. */
function runName(): string {
  return Array.from(systemRandom(8), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function nameOf(network: Network): Shop['network'] {
  return network === 'testnet4' ? 'testnet' : network
}
