import type { Context } from 'hono'
import { batchBytesMax, decodeBatch, decodeBatchJson, type ReceivedBatch } from '../../sdk/batch/index.ts'
import { sha256 } from '../../sdk/crypto/index.ts'
import { SdkError } from '../../sdk/errors.ts'
import type { RelayItem } from '../../sdk/ports.ts'
import { type TxHash, toHex } from '../../sdk/units.ts'
import type { ChainConfig } from '../config.ts'
import { passThrough } from '../executor/passage.ts'
import { batchFault, sentence } from '../intake.ts'
import { keyCharsMax, waitMsMax } from '../limits.ts'
import type { Env } from '../objects.ts'
import { chainName, webhookName } from '../placement.ts'
import type { Reply } from '../replies.ts'
import { ask, Refusal } from './answer.ts'
import { mediaTypeOf, readBody } from './body.ts'
import { admit, demandGoodFaith, noteBadFaith, shownKey } from './gate.ts'
import { submit } from './submission.ts'

/**
 * Takes a batch. With `wait`, the answer comes once every transaction that was taken has ended, with the receipts of
 * those in blocks, or when the time is up. Under an `Idempotency-Key`, the same request has the same answer for a day.
 */
export async function answerBatch(context: Context<{ Bindings: Env }>, chain: ChainConfig): Promise<Response> {
  admit(context, 'submit')
  demandGoodFaith(context)
  const waitMs = waitOf(context.req.query('wait'))
  const key = keyOf(context.req.header('idempotency-key'))
  const { batch, bytes } = await readBatch(context.req.raw, chain)
  const work = async () => {
    const reply = await take(context.env, chain, batch, waitMs)
    noteBadFaith(context, reply.none)
    await watch(context, chain, batch)
    return reply
  }
  if (key === undefined) return answer(await work(), {})

  const object = context.env.CHAIN.getByName(chainName(chain.id))
  const { pathname, search } = new URL(context.req.url)
  const fingerprint = toHex(
    sha256(new Uint8Array([...new TextEncoder().encode(`POST ${pathname}${search} `), ...bytes])),
  )
  const claim = await ask(() => object.claimKey(key, fingerprint))
  switch (claim.kind) {
    case 'replay':
      return answer(claim.reply, { 'idempotency-replayed': 'true' })
    case 'busy':
      throw new Refusal('idempotency-in-progress', 'The first request with this key has no answer yet.')
    case 'other':
      throw new Refusal('idempotency-key-reused', 'The key came with another request before.')
    case 'fresh': {
      try {
        const reply = await work()
        await ask(() => object.keepReply(key, fingerprint, { status: reply.status, body: reply.body }))
        return answer(reply, {})
      } catch (error) {
        await ask(() => object.releaseKey(key, fingerprint)).catch(() => undefined)
        throw error
      }
    }
  }
}

/** Whoever submits with a key that has a webhook is told of the batch: what is acknowledged is watched. */
async function watch(context: Context<{ Bindings: Env }>, chain: ChainConfig, batch: ReceivedBatch): Promise<void> {
  const key = shownKey(context, 'webhooks')
  if (!key) return
  const webhook = context.env.WEBHOOK.getByName(webhookName(chain.id, key.name))
  if (!(await ask(() => webhook.watch(batch.id))))
    throw new Refusal('backpressure', 'The webhook of this key waits for too many batches.')
}

function answer({ status, body }: Reply, headers: Readonly<Record<string, string>>): Response {
  return new Response(body, { status, headers: { 'content-type': 'application/json', ...headers } })
}

/** The answer, and how many of the transactions were none. */
async function take(
  env: Env,
  chain: ChainConfig,
  batch: ReceivedBatch,
  waitMs: number,
): Promise<Reply & { readonly none: number }> {
  const { items, awaited } = await submit(env, chain, batch)
  if (waitMs === 0 || awaited.length === 0)
    return { status: 202, body: JSON.stringify({ batch: batch.id, items }), none: noneOf(items) }
  const object = env.CHAIN.getByName(chainName(chain.id))
  const statuses = await ask(() => object.outcomes(awaited, waitMs, 'end'))
  const today = new Map(awaited.map(({ hash }, at) => [hash, statuses[at]]))
  const told = items.map((item) => (item.ok ? { ...item, status: today.get(item.hash) ?? item.status } : item))
  const receipts = await receiptsOf(chain, told)
  const whole = told.map((item) => (item.ok ? { ...item, receipt: receipts.get(item.hash) ?? null } : item))
  const isOver = told.every((item) => !item.ok || !open.has(item.status.state))
  return { status: isOver ? 200 : 202, body: JSON.stringify({ batch: batch.id, items: whole }), none: noneOf(items) }
}

function noneOf(items: readonly RelayItem[]): number {
  return items.filter((item) => !item.ok && item.problem.code === 'invalid-transaction').length
}

/** States after which more is to come. */
const open: ReadonlySet<string> = new Set(['queued', 'held', 'planned', 'accepted'])

/** Receipts as the executor tells them. One that it does not tell is left out: the status says where to look. */
async function receiptsOf(chain: ChainConfig, items: readonly RelayItem[]): Promise<ReadonlyMap<TxHash, unknown>> {
  const isIn = (state: string) => state === 'included' || state === 'finalized'
  const hashes = items.flatMap((item) => (item.ok && isIn(item.status.state) ? [item.hash] : []))
  if (hashes.length === 0) return new Map()
  const reads = hashes.map((hash) => ({ method: 'eth_getTransactionReceipt', params: [hash] }))
  try {
    const passed = await passThrough(chain.executors, reads)
    return new Map(
      hashes.map((hash, at) => {
        const entry = passed[at]
        return [hash, entry && 'result' in entry ? entry.result : null]
      }),
    )
  } catch (error) {
    if (error instanceof SdkError) return new Map()
    throw error
  }
}

function waitOf(text: string | undefined): number {
  if (text === undefined || text === '') return 0
  const value = /^[1-9][0-9]{0,5}$/.test(text) ? Number(text) : Number.NaN
  if (!(value <= waitMsMax)) throw new Refusal('malformed-wait', `Wait 1 to ${waitMsMax} milliseconds.`)
  return value
}

function keyOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  if (!/^[\x21-\x7e]+$/.test(text) || text.length > keyCharsMax)
    throw new Refusal('malformed-key', `A key has 1 to ${keyCharsMax} printable characters.`)
  return text
}

async function readBatch(
  request: Request,
  chain: ChainConfig,
): Promise<{ readonly batch: ReceivedBatch; readonly bytes: Uint8Array }> {
  const type = mediaTypeOf(request)
  const isJson = type === 'application/json'
  if (!isJson && type !== 'application/octet-stream')
    throw new Refusal('unsupported-media-type', 'Send application/octet-stream or application/json.')
  const bytes = await readBody(request, batchBytesMax, { code: 'batch-too-large', what: 'An envelope' })
  const decoded = isJson ? decodeBatchJson(textOf(bytes)) : decodeBatch(bytes)
  if (!decoded.ok) throw new Refusal(decoded.code, sentence(decoded.reason))
  const fault = batchFault(decoded.value, chain)
  if (fault) throw new Refusal(fault.code, fault.detail)
  return { batch: decoded.value, bytes }
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
  } catch {
    throw new Refusal('malformed-envelope', 'The body is not UTF-8.')
  }
}
