import { type Context, Hono } from 'hono'
import type { BitcoinNode, NodeTransaction } from '../../sdk/ports.ts'
import { fromHex, type Height, height, isHex, type Txid, toHex, txid } from '../../sdk/units.ts'
import { hash256, headerFields } from './ledger/block.ts'
import { decodeTransaction } from './ledger/transaction.ts'
import { createScriptIndex, type ScriptIndex } from './scriptIndex.ts'

/** Largest body that is read: a block in hexadecimal. */
const bodyCharsMax = 8_000_000

/** What Esplora tells at a time: headers, and mined transactions of a script. */
const [blocksPerPage, transactionsPerPage] = [10, 25]
const headerSize = 80

/**
 * The part of Esplora's HTTP API that wallets, tills and channel boxes need, over any node: headers, transactions and their
 * proofs, what a script holds and who spent an output, and broadcasting. An answer that the node cannot give is status 502.
 */
export function esploraGateway(node: BitcoinNode, index: ScriptIndex = createScriptIndex(node)): Hono {
  const app = new Hono()
  app.notFound((context) => context.text('Not found', 404))
  app.onError((_, context) => context.text('The node did not answer', 502))
  app.get('/blocks/tip/height', async (context) => context.text(String((await node.tip()).height)))
  app.get('/blocks/tip/hash', async (context) => context.text(printed((await node.tip()).hash)))
  app.get('/block-height/:height{[0-9]{1,8}}', async (context) => {
    const header = await node.headers(height(Number(context.req.param('height'))), 1)
    return header.length === 0 ? context.text('Block not found', 404) : context.text(printed(hash256(header)))
  })
  app.get('/block/:hash{[0-9a-f]{64}}/raw', async (context) =>
    binary(context, await node.block(fromHex(`0x${context.req.param('hash')}`).reverse())),
  )
  app.get('/block/:hash{[0-9a-f]{64}}/txid/0', async (context) => {
    const first = await node.coinbase(fromHex(`0x${context.req.param('hash')}`).reverse())
    const decoded = first && decodeTransaction(first.transaction)
    return decoded?.ok ? context.text(decoded.value.txid) : context.text('Block not found', 404)
  })
  app.get('/fee-estimates', async (context) => context.json(Object.fromEntries(await node.feeEstimates())))
  headerRoutes(app, node)
  scriptRoutes(app, node, index)
  transactionRoutes(app, node, index)
  return app
}

/** Headers in pages from a height down. Only what the bytes of a header say is told of a block. */
function headerRoutes(app: Hono, node: BitcoinNode) {
  const page = async (context: Context, top: number | null) => {
    const { height: tip } = await node.tip()
    const last = top ?? tip
    if (last > tip) return context.text('Block not found', 404)
    const first = Math.max(0, last - blocksPerPage + 1)
    const row = await node.headers(height(first), last - first + 1)
    const headers = Array.from({ length: row.length / headerSize }, (_, at) =>
      headerJson(row.subarray(at * headerSize, (at + 1) * headerSize), first + at),
    )
    return context.json(headers.reverse())
  }
  app.get('/blocks', (context) => page(context, null))
  app.get('/blocks/:height{[0-9]{1,8}}', (context) => page(context, Number(context.req.param('height'))))
}

function headerJson(header: Uint8Array, at: number) {
  const { version, previous, merkleRoot, time, bits, nonce } = headerFields(header)
  const previousblockhash = at === 0 ? null : printed(previous)
  const told = { id: printed(hash256(header)), height: at, version, timestamp: time, bits, nonce }
  return { ...told, merkle_root: printed(merkleRoot), previousblockhash }
}

function scriptRoutes(app: Hono, node: BitcoinNode, index: ScriptIndex) {
  const base = '/scripthash/:hash{[0-9a-f]{64}}'
  const placeOf = placesOf(node)
  const history = async (context: Context) => {
    const script = await index.script(context.req.param('hash') ?? '')
    return script ? node.history(script) : []
  }
  const told = async (entries: readonly NodeTransaction[]) =>
    Promise.all(entries.map(async ({ txid, height }) => ({ txid, status: await placeOf(height) })))
  app.get(`${base}/utxo`, async (context) => {
    const script = await index.script(context.req.param('hash'))
    const coins = script ? await node.coins(script) : []
    const utxos = coins.map(async ({ outpoint, value, height }) => ({
      txid: outpoint.txid,
      vout: outpoint.index,
      value: Number(value),
      status: await placeOf(height),
    }))
    return context.json(await Promise.all(utxos))
  })
  app.get(`${base}/txs`, async (context) => {
    const entries = await history(context)
    const mined = entries.filter((entry) => entry.height !== null)
    const waiting = entries.filter((entry) => entry.height === null)
    return context.json(await told([...waiting, ...mined.slice(0, transactionsPerPage)]))
  })
  app.get(`${base}/txs/chain/:last{[0-9a-f]{64}}`, async (context) => {
    const mined = (await history(context)).filter((entry) => entry.height !== null)
    const from = mined.findIndex((entry) => entry.txid === context.req.param('last')) + 1
    return context.json(await told(from === 0 ? [] : mined.slice(from, from + transactionsPerPage)))
  })
}

/** Where a block of a height stands, as Esplora's `status`. */
function placesOf(node: BitcoinNode) {
  return async (at: Height | null) => {
    if (at === null) return { confirmed: false }
    const header = await node.headers(at, 1)
    return { confirmed: true, block_height: at, block_hash: printed(hash256(header)) }
  }
}

function transactionRoutes(app: Hono, node: BitcoinNode, index: ScriptIndex) {
  const named = (context: Context): Txid => txid(context.req.param('txid') ?? '')
  const base = '/tx/:txid{[0-9a-f]{64}}'
  app.get(`${base}/raw`, async (context) => binary(context, await node.transaction(named(context))))
  app.get(`${base}/hex`, async (context) => {
    const raw = await node.transaction(named(context))
    return raw ? context.text(toHex(raw).slice(2)) : context.text('Transaction not found', 404)
  })
  app.get(`${base}/status`, async (context) => context.json(await statusOf(node, named(context))))
  app.get(`${base}/merkleblock-proof`, async (context) => {
    const inclusion = await node.inclusion(named(context))
    if (!inclusion) return context.text('Transaction not found or is unconfirmed', 404)
    return context.text(toHex(inclusion.merkleBlock).slice(2))
  })
  app.get(`${base}/outspend/:index{[0-9]{1,9}}`, async (context) => {
    const outpoint = { txid: named(context), index: Number(context.req.param('index')) }
    const raw = await node.transaction(outpoint.txid)
    const decoded = raw && decodeTransaction(raw)
    const output = decoded?.ok ? decoded.value.outputs[outpoint.index] : undefined
    const spend = output && (await node.spend(outpoint, output.script))
    return context.json(
      spend ? { spent: true, txid: spend.txid, status: await statusOf(node, spend.txid) } : { spent: false },
    )
  })
  app.post('/tx', async (context) => {
    const text = `0x${(await context.req.text()).trim()}`
    if (text.length > bodyCharsMax) return context.text('The transaction is larger than a block', 413)
    const raw = isHex(text) ? fromHex(text) : new Uint8Array(0)
    const sent = await node.broadcast(raw)
    if (sent.ok) index.learn(raw)
    if (sent.ok) return context.text(sent.txid)
    return context.text(`sendrawtransaction RPC error: ${JSON.stringify({ code: -26, message: sent.detail })}`, 400)
  })
}

async function statusOf(node: BitcoinNode, txid: Txid) {
  const inclusion = await node.inclusion(txid)
  if (!inclusion) return { confirmed: false }
  return { confirmed: true, block_height: inclusion.height, block_hash: printed(inclusion.hash) }
}

function printed(hash: Uint8Array): string {
  return toHex(hash.slice().reverse()).slice(2)
}

function binary(context: Context, bytes: Uint8Array | undefined): Response {
  if (!bytes) return context.text('Not found', 404)
  return context.body(Uint8Array.from(bytes).buffer, 200, { 'content-type': 'application/octet-stream' })
}
