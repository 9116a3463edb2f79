import { Hono } from 'hono'
import { sats } from 'lanekit'
import { httpBox, systemClock } from 'lanekit/adapters'
import type { Terms } from 'lanekit/channel'
import { createTill, mailboxLink, openBoxes, paid, runTill, type TillWorld, tillRoutes } from 'lanekit/till'
import { type PayingWallet, payingFetch } from 'lanekit/wallet'

/** An API that sells by the call: 12 sat a forecast, paid through a channel, without an account and without a block. */
export async function openShop({ terms, edge, store, signer, chain }: Merchant) {
  const clock = systemClock
  const boxes = await openBoxes({
    ...{ store, signer, clock, payeeKey: terms.payeeKey },
    connect: (channel, token) => httpBox({ url: edge, side: 'payee', channel, token }),
  })
  // All of a payment is left with the edge before the goods go: a lost disk loses nothing.
  const till = await createTill({
    store,
    signer,
    chain,
    clock,
    terms,
    link: mailboxLink(boxes),
    undepositedMax: sats(0n),
  })
  const program = runTill({ till, boxes, clock })
  const app = new Hono()
    .route('/', tillRoutes({ till, program, box: edge }))
    .use('/forecast/*', paid({ till, program, price: sats(12n), description: 'A forecast' }))
    .get('/forecast/:place', (context) => context.json({ place: context.req.param('place'), sun: true }))
  return { app, till, stop: program.stop }
}

/** A machine that buys there: the first call pays 12 sat from an open channel with the shop, or says why not. */
export async function askForecast(wallet: PayingWallet, shop: string, place: string): Promise<unknown> {
  const fetch = payingFetch(wallet, { priceMax: sats(20n) })
  const answer = await fetch(`${shop}/forecast/${place}`)
  return answer.json()
}

/** What the shop is given: what it asks of payers, where the boxes are, and its store, keys and view of the chain. */
export interface Merchant extends Pick<TillWorld, 'store' | 'signer' | 'chain'> {
  readonly terms: Terms
  readonly edge: string
}
