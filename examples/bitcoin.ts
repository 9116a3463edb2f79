import { createVault, sats } from 'lanekit'
import { esplora, memory, systemRandom, webCipher } from 'lanekit/adapters'
import { satsPerVbyte } from 'lanekit/bitcoin'
import { createCoins } from 'lanekit/wallet/bitcoin'

/** Receives bitcoin, shows what a payment costs, pays it, and gets it mined sooner. */
export async function payBitcoin({ urls, password, fund, mine, payee }: PayBitcoin): Promise<string[]> {
  const store = memory() // indexedDb('my-wallet') in a browser, file('my-wallet') in Node
  const vault = await createVault({ store, cipher: webCipher(), random: systemRandom, password })
  const network = 'regtest'
  const nodes = urls.map((url) => esplora({ network, url })) // what one hides, another shows
  const coins = await createCoins({ keys: await vault.bitcoin(network), store, network, nodes })

  await fund(await coins.address()) // another one as soon as something is paid to it
  const { confirmed } = await coins.balance()

  const payments = [{ address: payee, value: sats(25_000n) }]
  const quote = await coins.quote(payments)
  if (!quote.ok) throw new Error(quote.detail)

  const sent = await coins.send(payments) // stored before it leaves
  if (!sent.ok) throw new Error(sent.detail)
  const faster = await coins.speedUp(sent.txid, { feerate: satsPerVbyte(3) })
  if (!faster.ok) throw new Error(faster.detail)

  await mine()
  await coins.refresh() // at each block: what no block holds is sent again
  const status = await coins.status(faster.txid)
  return [`owned ${confirmed}`, `quoted ${quote.fee}`, `paid ${faster.fee} by ${faster.method}`, `${status?.state}`]
}

/** What the example is given: nodes to ask, and whom to pay. */
export interface PayBitcoin {
  readonly urls: readonly string[]
  readonly password: string
  readonly fund: (address: string) => Promise<void>
  readonly mine: () => Promise<void>
  readonly payee: string
}
