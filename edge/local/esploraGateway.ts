import { type Context, Hono } from 'hono'
import type { BitcoinNode } from '../../sdk/ports.ts'
import { fromHex, height, isHex, type Txid, toHex, txid } from '../../sdk/units.ts'
import { hash256 } from './ledger/block.ts'
import { decodeTransaction } from './ledger/transaction.ts'

/** Largest body that is read: a block in hexadecimal. */
const bodyCharsMax = 8_000_000

/**
 * The part of Esplora's HTTP API that a channel box and a payment need, over any node: the tip, transactions and their
 * proofs, who spent an output, and broadcasting. Scripts cannot be asked about by their hash alone: such routes are not
 * there. An answer that the node cannot give is status 502.
 */
export function esploraGateway(node: BitcoinNode): Hono {
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
  app.get('/fee-estimates', async (context) => context.json(Object.fromEntries(await node.feeEstimates())))
  transactionRoutes(app, node)
  return app
}

function transactionRoutes(app: Hono, node: BitcoinNode) {
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
    const sent = await node.broadcast(isHex(text) ? fromHex(text) : new Uint8Array(0))
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
