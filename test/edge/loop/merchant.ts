import { serveLoopback } from '../../../edge/local/loopback.ts'
import { openMerchant } from '../../../edge/local/walkChannel.ts'
import { file } from '../../../sdk/adapters/file.ts'
import { esplora } from '../../../sdk/adapters/index.ts'
import { merchantSecret, orderOf, paymentId, price } from './terms.ts'

// A merchant as a process of its own, with a store on disk: may be killed at any moment, and comes back on what it stored.
const order = orderOf(process.argv[2])
const { till } = await openMerchant({
  bitcoin: { node: esplora({ network: 'regtest', url: order.esplora }) },
  edge: order.edge,
  tillStore: file(order.folder),
  secretKey: merchantSecret,
  port: order.port,
})
await serveLoopback(async ({ url }) => {
  const [, what, at] = new URL(url).pathname.split('/')
  if (what === 'income') {
    const { paid, spent, settled } = await till.income()
    return Response.json([paid, spent, settled].map(Number))
  }
  const id = paymentId(Number(at))
  if (!(await till.isPaid(id))) await till.quote(id, price)
  return Response.json(await till.isPaid(id))
}, order.booksPort)
setInterval(() => undefined, 60_000)
