import { type Context, Hono } from 'hono'
import { fromHex, isHex, type Txid } from '../../../sdk/units.ts'
import { merkleBlock, merklePath } from './block.ts'
import { type Block, bytesOf, leavesOf } from './chain.ts'
import {
  blockJson,
  feeOf,
  hexOf,
  mempoolJson,
  scriptStatsJson,
  statusJson,
  transactionJson,
  utxoJson,
} from './esploraShapes.ts'
import type { Ledger } from './ledger.ts'
import { minRelayFeerate, vsizeOf } from './policy.ts'
import { hashOf, scriptOfAddress } from './script.ts'

const [blocksPerPage, chainPerPage, mempoolPerPage, recentMax] = [10, 25, 50, 10]
/** A block's worth of hexadecimal. */
const bodyCharsMax = 8_000_000
/** What Esplora estimates for; the ledger is never full, so all cost the same. */
const estimateTargets = [1, 2, 3, 4, 5, 6, 10, 20, 25, 144, 504, 1008]

/**
 * Esplora's HTTP API over a ledger, as its API.md states it, without its address search, and without the elements of
 * other chains. Only what a node would answer: mining and funding are functions of the ledger, and have no route.
 */
export function esploraServer(ledger: Ledger): Hono {
  const app = new Hono()
  app.notFound((context) => context.text('Not found', 404))
  blockRoutes(app, ledger)
  transactionRoutes(app, ledger)
  scriptRoutes(app, ledger)
  mempoolRoutes(app, ledger)
  return app
}

function blockRoutes(app: Hono, ledger: Ledger) {
  const { chain } = ledger
  const page = (context: Context, height: number) => {
    if (!chain.at(height)) return missing(context, 'Block')
    const heights = Array.from({ length: Math.min(blocksPerPage, height + 1) }, (_, back) => height - back)
    return context.json(heights.flatMap((at) => chain.at(at) ?? []).map((block) => blockJson(ledger, block)))
  }
  const withBlock = (answer: (context: Context, block: Block) => Response) => (context: Context) => {
    const block = chain.byHash(context.req.param('hash') ?? '')
    return block ? answer(context, block) : missing(context, 'Block')
  }
  app.get('/blocks/tip/height', (context) => context.text(String(chain.tip().height)))
  app.get('/blocks/tip/hash', (context) => context.text(chain.tip().hash))
  app.get('/blocks', (context) => page(context, chain.tip().height))
  app.get('/blocks/:height{[0-9]+}', (context) => page(context, Number(context.req.param('height'))))
  app.get('/block-height/:height{[0-9]+}', (context) => {
    const block = chain.at(Number(context.req.param('height')))
    return block ? context.text(block.hash) : missing(context, 'Block')
  })
  app.get(
    '/block/:hash',
    withBlock((context, block) => context.json(blockJson(ledger, block))),
  )
  app.get(
    '/block/:hash/status',
    withBlock((context, block) => {
      if (chain.at(block.height) !== block) return context.json({ in_best_chain: false })
      const above = chain.at(block.height + 1)?.hash ?? null
      return context.json({ in_best_chain: true, height: block.height, next_best: above })
    }),
  )
  app.get(
    '/block/:hash/header',
    withBlock((context, { header }) => context.text(hexOf(header))),
  )
  app.get(
    '/block/:hash/raw',
    withBlock((context, block) => binary(context, bytesOf(block))),
  )
  app.get(
    '/block/:hash/txids',
    withBlock((context, { transactions }) => context.json(transactions.map(({ txid }) => txid))),
  )
  app.get(
    '/block/:hash/txid/:index{[0-9]+}',
    withBlock((context, { transactions }) => {
      const transaction = transactions[Number(context.req.param('index'))]
      return transaction ? context.text(transaction.txid) : missing(context, 'Transaction')
    }),
  )
  app.get(
    '/block/:hash/txs/:start{[0-9]+}?',
    withBlock((context, { transactions }) => {
      const start = Number(context.req.param('start') ?? 0)
      const some = transactions.slice(start, start + chainPerPage)
      return context.json(
        some.flatMap(({ txid }) => ledger.known(txid) ?? []).map((known) => transactionJson(ledger, known)),
      )
    }),
  )
}

function transactionRoutes(app: Hono, ledger: Ledger) {
  const find = (context: Context) => ledger.known((context.req.param('txid') ?? '') as Txid)
  const outspend = (txid: Txid, index: number) => {
    const spender = ledger.spender({ txid, index })
    const known = spender && ledger.known(spender)
    if (!known) return { spent: false }
    const vin = known.transaction.inputs.findIndex(({ outpoint }) => outpoint.txid === txid && outpoint.index === index)
    return { spent: true, txid: spender, vin, status: statusJson(known) }
  }
  app.get('/tx/:txid', (context) => {
    const known = find(context)
    return known ? context.json(transactionJson(ledger, known)) : missing(context, 'Transaction')
  })
  app.get('/tx/:txid/status', (context) => context.json(statusJson(find(context) ?? { mined: null })))
  app.get('/tx/:txid/hex', (context) => {
    const known = find(context)
    return known ? context.text(hexOf(known.transaction.raw)) : missing(context, 'Transaction')
  })
  app.get('/tx/:txid/raw', (context) => {
    const known = find(context)
    return known ? binary(context, known.transaction.raw) : missing(context, 'Transaction')
  })
  app.get('/tx/:txid/merkleblock-proof', (context) => {
    const mined = find(context)?.mined
    if (!mined) return missing(context, 'Mined transaction')
    const { block, index } = mined
    return context.text(hexOf(merkleBlock(block.header, leavesOf(block.transactions), index)))
  })
  app.get('/tx/:txid/merkle-proof', (context) => {
    const mined = find(context)?.mined
    if (!mined) return missing(context, 'Mined transaction')
    const { block, index } = mined
    const path = merklePath(leavesOf(block.transactions), index)
    return context.json({
      block_height: block.height,
      merkle: path.map((hash) => hexOf(hash.slice().reverse())),
      pos: index,
    })
  })
  app.get('/tx/:txid/outspend/:index{[0-9]+}', (context) =>
    context.json(outspend(context.req.param('txid') as Txid, Number(context.req.param('index')))),
  )
  app.get('/tx/:txid/outspends', (context) => {
    const known = find(context)
    if (!known) return missing(context, 'Transaction')
    const { txid, outputs } = known.transaction
    return context.json(outputs.map((_, index) => outspend(txid, index)))
  })
  app.post('/tx', async (context) => {
    const text = `0x${(await context.req.text()).trim()}`
    if (text.length > bodyCharsMax) return context.text('The transaction is larger than a block', 413)
    const taken = ledger.broadcast(isHex(text) ? fromHex(text) : new Uint8Array(0))
    if (taken.ok) return context.text(taken.value)
    const error = JSON.stringify({ code: rpcCodeOf(taken.reason), message: taken.reason })
    return context.text(`sendrawtransaction RPC error: ${error}`, 400)
  })
}

function scriptRoutes(app: Hono, ledger: Ledger) {
  for (const kind of ['address', 'scripthash'] as const) {
    const read = (context: Context) => {
      const name = context.req.param('name') ?? ''
      const script = kind === 'address' ? scriptOfAddress(name) : undefined
      const hash = kind === 'address' ? script && hashOf(script) : /^[0-9a-f]{64}$/.test(name) ? name : undefined
      if (hash === undefined) return undefined
      const found = ledger.touching(hash)
      const [mined, waiting] = [found.filter((known) => known.mined), found.filter((known) => !known.mined)]
      return { name, hash, mined, waiting, isOurs: (other: Uint8Array) => hashOf(other) === hash }
    }
    type Facts = NonNullable<ReturnType<typeof read>>
    const route = (path: string, answer: (facts: Facts, context: Context) => unknown) =>
      app.get(`/${kind}/:name${path}`, (context) => {
        const facts = read(context)
        return facts ? context.json(answer(facts, context) as object) : context.text(`Invalid ${kind}`, 400)
      })
    const json = (some: Facts['mined']) => some.map((known) => transactionJson(ledger, known))

    route('', ({ name, mined, waiting, isOurs }) => ({
      [kind]: name,
      chain_stats: scriptStatsJson(ledger, mined, isOurs),
      mempool_stats: scriptStatsJson(ledger, waiting, isOurs),
    }))
    route('/utxo', ({ hash, isOurs }) => utxoJson(ledger, hash, isOurs))
    route('/txs', ({ mined, waiting }) => json([...waiting.slice(0, mempoolPerPage), ...mined.slice(0, chainPerPage)]))
    route('/txs/mempool', ({ waiting }) => json(waiting.slice(0, mempoolPerPage)))
    route('/txs/chain/:last?', ({ mined }, context) => {
      const last = context.req.param('last')
      const from = last === undefined ? 0 : mined.findIndex(({ transaction }) => transaction.txid === last) + 1
      return last !== undefined && from === 0 ? [] : json(mined.slice(from, from + chainPerPage))
    })
  }
}

function mempoolRoutes(app: Hono, ledger: Ledger) {
  app.get('/mempool', (context) => context.json(mempoolJson(ledger)))
  app.get('/mempool/txids', (context) =>
    context.json(ledger.mempool.entries().map(({ transaction }) => transaction.txid)),
  )
  app.get('/mempool/recent', (context) => {
    const recent = ledger.mempool.entries().slice(-recentMax).reverse()
    return context.json(
      recent.map(({ transaction }) => ({
        txid: transaction.txid,
        fee: feeOf(ledger, transaction),
        vsize: vsizeOf(transaction),
        value: Number(transaction.outputs.reduce((sum, { value }) => sum + value, 0n)),
      })),
    )
  })
  app.get('/fee-estimates', (context) => {
    const satsPerVbyte = Number(minRelayFeerate) / 1_000
    return context.json(Object.fromEntries(estimateTargets.map((target) => [target, satsPerVbyte])))
  })
}

/** The code of bitcoind's `sendrawtransaction`, which Esplora hands on. */
function rpcCodeOf(reason: string): number {
  if (reason === 'TX decode failed') return -22
  if (reason === 'Transaction outputs already in utxo set') return -27
  return reason === 'bad-txns-inputs-missingorspent' || reason.includes('exceeds maximum configured') ? -25 : -26
}

function missing(context: Context, what: string): Response {
  return context.text(`${what} not found`, 404)
}

function binary(context: Context, bytes: Uint8Array): Response {
  return context.body(Uint8Array.from(bytes).buffer, 200, { 'content-type': 'application/octet-stream' })
}
