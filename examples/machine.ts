import { Hono } from 'hono'
import { type Store, sats } from 'lanekit'
import { httpBox, httpPeers, systemClock } from 'lanekit/adapters'
import type { Terms } from 'lanekit/channel'
import { type BitcoinClientParts, createBitcoinClient } from 'lanekit/client'
import { createTill, mailboxLink, openBoxes, paid, runTill, type TillSigner, tillRoutes } from 'lanekit/till'
import { type BitcoinWalletParts, createBitcoinWallet, payingFetch } from 'lanekit/wallet/bitcoin'

/** An API that sells by the call: 12 sat a forecast, paid through a channel, without an account and without a block. */
export async function openShop({ terms, edge, store, signer, nodes, pollMs }: Merchant) {
  const { network, payeeKey } = terms
  const clock = systemClock
  const chain = await createBitcoinClient({ network, nodes, store })
  const boxes = await openBoxes({
    ...{ store, signer, clock, payeeKey },
    connect: (channel, token) => httpBox({ url: edge, side: 'payee', channel, token }),
  })
  // All of a payment is left with the edge before the goods go: a lost disk loses nothing.
  const undepositedMax = sats(0n)
  const till = await createTill({ store, signer, chain, clock, terms, link: mailboxLink(boxes), undepositedMax })
  const program = runTill({ till, boxes, clock, pollMs })
  const app = new Hono()
    .route('/', tillRoutes({ till, program, box: edge }))
    .use('/forecast/*', paid({ till, program, price: sats(12n), description: 'A forecast' }))
    .get('/forecast/:place', (context) => context.json({ place: context.req.param('place'), sun: true }))
  return { app, till, stop: program.stop }
}

/** A machine that buys there: opens a channel once, waits until it is open, and has a `fetch` that pays up to 20 sat a call. */
export async function openBuyer(parts: Omit<BitcoinWalletParts, 'peers'>, shop: string) {
  const wallet = await createBitcoinWallet({ ...parts, peers: httpPeers() })
  await wallet.refresh()
  const opened = await wallet.openChannel({ peer: shop, capacity: sats(50_000n) })
  if (!opened.ok) throw new Error(opened.refusal.detail)
  const { id } = opened.channel
  for await (const channel of wallet.changes(AbortSignal.timeout(86_400_000))) {
    if (channel.id !== id || channel.kind !== 'one-way') continue
    if (channel.phase === 'declined') throw new Error(`The shop declined: ${channel.fault}.`)
    if (channel.phase === 'open') break
  }
  return { wallet, channel: id, fetch: payingFetch(wallet, { priceMax: sats(20n), channels: [id] }) }
}

/** What the shop is given: what it asks of payers, where the boxes are, its store and keys, and nodes of the chain. */
export interface Merchant extends Pick<BitcoinClientParts, 'nodes'> {
  readonly terms: Terms
  readonly edge: string
  readonly store: Store
  readonly signer: TillSigner
  /** Between two looks at the chain. */
  readonly pollMs: number
}
