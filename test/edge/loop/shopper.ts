import { file } from '../../../sdk/adapters/file.ts'
import { esplora, httpPeers, systemClock, webCipher } from '../../../sdk/adapters/index.ts'
import { sats } from '../../../sdk/units.ts'
import { createBitcoinWallet, mnemonicBitcoinSigner, type OneWayChannel } from '../../../sdk/wallet/bitcoin/index.ts'
import { orderOf, paymentId, paymentsCount, price, shopperMnemonic } from './terms.ts'

// A wallet as a process of its own, with a store on disk. It has one goal, and goes on towards it wherever it was killed: one
// channel, every payment once, the channel closed. It tells what it sees, a line of JSON each time.
const order = orderOf(process.argv[2])
const network = 'regtest'
const wallet = await createBitcoinWallet({
  keys: await mnemonicBitcoinSigner({ mnemonic: shopperMnemonic, cipher: webCipher(), network }),
  store: file(order.folder),
  network,
  nodes: [esplora({ network, url: order.esplora })],
  peers: httpPeers(),
  pollMs: 200,
})
const peer = `http://127.0.0.1:${order.port}`

const tell = (fact: Readonly<Record<string, unknown>>) => console.log(JSON.stringify(fact))

/** Makes a call until it is answered: the other processes are killed too. */
async function insist<value>(call: () => Promise<value>): Promise<value> {
  for (;;) {
    try {
      return await call()
    } catch {
      await systemClock.sleep(50)
    }
  }
}

async function channelThat(is: (channel: OneWayChannel) => boolean): Promise<OneWayChannel> {
  for (;;) {
    const [channel] = wallet.channels()
    if (channel?.kind === 'one-way' && is(channel)) return channel
    await systemClock.sleep(20)
  }
}

tell({ address: await insist(wallet.address) })
while (wallet.channels().length === 0) {
  await insist(wallet.refresh)
  await insist(() => wallet.openChannel({ peer, capacity: sats(100_000n) }))
  await systemClock.sleep(100)
}
const { id } = await channelThat(({ phase }) => phase !== 'offered' && phase !== 'funding')
for (let at = 0; at < paymentsCount; at++) {
  const isPaid = () =>
    insist(async () => (await fetch(`http://127.0.0.1:${order.booksPort}/paid/${at}`)).json() as Promise<boolean>)
  // What was signed before a crash is on its way by itself: nothing new is signed beside it.
  await channelThat(({ pending }) => !pending)
  while (!(await isPaid())) await insist(() => wallet.pay(id, price, { paymentId: paymentId(at), waitMs: 20_000 }))
  tell({ paid: at + 1 })
}
await insist(() => wallet.closeChannel(id))
const { paid, spent, ending } = await channelThat(({ phase }) => phase === 'closed')
tell({
  closed: {
    channels: wallet.channels().length,
    paid: Number(paid),
    spent: Number(spent),
    toPayee: Number(ending?.toPayee),
  },
})
wallet.close()
