import { type Context, Hono } from 'hono'
import { batchBytesMax, decodeBatch, decodeBatchJson, type ReceivedBatch } from '../../sdk/batch/index.ts'
import type { RelayItem } from '../../sdk/ports.ts'
import type { Address, TxHash } from '../../sdk/units.ts'
import type { Member } from '../chain.ts'
import type { ChainConfig } from '../config.ts'
import { batchFault, type Judged, judge, sentence } from '../intake.ts'
import { judgedPerTurnMax } from '../limits.ts'
import type { Env } from '../objects.ts'
import { chainName, shardName, shardOf } from '../placement.ts'
import { problem } from '../problems.ts'
import type { Answer } from '../shard.ts'
import { allowOnly, ask, batchOf, chainOf, cursorOf, Refusal, transactionOf, windowOf } from './answer.ts'
import { mediaTypeOf, readBody } from './body.ts'
import { streamEvents } from './events.ts'

type Bindings = { Bindings: Env }

/** Batches in, statuses out. */
export function batches() {
  return new Hono<Bindings>()
    .post('/batches', async (context) => {
      const chain = chainOf(context.env, pathOf(context, 'chain'))
      return context.json(await submit(context.env, chain, await readBatch(context.req.raw, chain)), 202)
    })
    .all('/batches', allowOnly('POST'))
    .get('/batches/:batch', async (context) => {
      const chain = chainOf(context.env, pathOf(context, 'chain'))
      const batch = batchOf(context.req.param('batch'))
      const members = await ask(() => context.env.CHAIN.getByName(chainName(chain.id)).batch(batch))
      if (!members) throw new Refusal('unknown-batch', 'No such batch.')
      const items = members.map(async ({ hash, sender, status }) => ({
        hash,
        status: status ?? (await statusOf(context.env, chain, sender, hash)),
      }))
      return context.json({ batch, items: await Promise.all(items) })
    })
    .all('/batches/:batch', allowOnly('GET'))
    .get('/batches/:batch/events', async (context) => {
      const chain = chainOf(context.env, pathOf(context, 'chain'))
      const batch = batchOf(context.req.param('batch'))
      const after = cursorOf(context.req.header('last-event-id') ?? context.req.query('after'))
      const object = context.env.CHAIN.getByName(chainName(chain.id))
      return streamEvents(context, after, (sequence) => ask(() => object.events(batch, sequence)))
    })
    .all('/batches/:batch/events', allowOnly('GET'))
    .get('/senders/:sender/txs/:hash', async (context) => {
      const chain = chainOf(context.env, pathOf(context, 'chain'))
      const { sender, hash } = transactionOf(context.req.param('sender'), context.req.param('hash'))
      const chainObject = context.env.CHAIN.getByName(chainName(chain.id))
      const status =
        (await ask(() => chainObject.status(sender, hash))) ?? (await statusOf(context.env, chain, sender, hash))
      if (!status) throw new Refusal('unknown-transaction', 'No such transaction of this sender.')
      return context.json({ hash, status })
    })
    .all('/senders/:sender/txs/:hash', allowOnly('GET'))
    .get('/windows', async (context) => {
      const chain = chainOf(context.env, pathOf(context, 'chain'))
      const after = cursorOf(context.req.query('after'))
      const windows = await ask(() => context.env.CHAIN.getByName(chainName(chain.id)).windows(after))
      return context.json({ windows })
    })
    .all('/windows', allowOnly('GET'))
    .get('/windows/:window', async (context) => {
      const chain = chainOf(context.env, pathOf(context, 'chain'))
      const number = windowOf(context.req.param('window'))
      const window = await ask(() => context.env.CHAIN.getByName(chainName(chain.id)).window(number))
      if (!window) throw new Refusal('unknown-window', 'The plan of this window is not kept.')
      return context.json(window)
    })
    .all('/windows/:window', allowOnly('GET'))
}

/** The mount point's parameter, which the type of a nested route does not show. */
function pathOf(context: Context<Bindings>, name: 'chain'): string {
  return context.req.param(name) ?? ''
}

/** What the shard knows of a transaction. */
async function statusOf(env: Env, chain: ChainConfig, sender: Address, hash: TxHash) {
  const shard = env.SHARD.getByName(shardName(chain.id, shardOf(sender)))
  return ask(() => shard.status(sender, hash))
}

async function readBatch(request: Request, chain: ChainConfig): Promise<ReceivedBatch> {
  const type = mediaTypeOf(request)
  const isJson = type === 'application/json'
  if (!isJson && type !== 'application/octet-stream')
    throw new Refusal('unsupported-media-type', 'Send application/octet-stream or application/json.')
  const bytes = await readBody(request, batchBytesMax, { code: 'batch-too-large', what: 'An envelope' })
  const decoded = isJson ? decodeBatchJson(textOf(bytes)) : decodeBatch(bytes)
  if (!decoded.ok) throw new Refusal(decoded.code, sentence(decoded.reason))
  const fault = batchFault(decoded.value, chain)
  if (fault) throw new Refusal(fault.code, fault.detail)
  return decoded.value
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
  } catch {
    throw new Refusal('malformed-envelope', 'The body is not UTF-8.')
  }
}

/**
 * Judges every transaction, has each stored by its sender's shard, then registers the batch: by the time this
 * returns, all that it acknowledges is durable. Whatever dies in between, equal bytes sent again end in the same rows.
 */
async function submit(env: Env, chain: ChainConfig, batch: ReceivedBatch) {
  const judged = await judgeAll(batch, chain)
  const answers = await store(env, chain, judged)
  const members: Member[] = []
  for (const [position, answer] of answers.entries()) {
    const entry = judged[position]
    if (!answer.ok || !entry?.ok) continue
    const { hash, status, sequence } = answer
    members.push({ hash, sender: entry.item.sender, position, status, sequence })
  }
  const object = env.CHAIN.getByName(chainName(chain.id))
  const statuses = members.length > 0 ? await ask(() => object.register(chain.id, batch.id, members)) : []
  const today = new Map(members.map(({ hash }, at) => [hash, statuses[at]]))
  const items = answers.map((answer, index): RelayItem => {
    if (answer.ok) return { ok: true, hash: answer.hash, status: today.get(answer.hash) ?? answer.status }
    const { code, detail, retryable, retryAfterSeconds } = problem(answer.code, answer.detail)
    return { ok: false, index, problem: { code, detail, retryable, retryAfterSeconds } }
  })
  return { batch: batch.id, items }
}

/** Judges in parts: signatures take a millisecond each, and others want their turn. */
async function judgeAll({ transactions }: ReceivedBatch, chain: ChainConfig): Promise<readonly Judged[]> {
  const judged: Judged[] = []
  for (const [index, transaction] of transactions.entries()) {
    if (index % judgedPerTurnMax === 0 && index > 0) await new Promise((resolve) => setTimeout(resolve, 0))
    judged.push(judge(transaction, chain))
  }
  return judged
}

/** Hands the fit ones to their shards, all at once; each answer stands where its item stands. */
async function store(env: Env, chain: ChainConfig, judged: readonly Judged[]): Promise<readonly Answer[]> {
  const answers: Answer[] = judged.map((entry) =>
    entry.ok ? { ok: false, code: 'unavailable', detail: 'The shard did not answer.' } : entry,
  )
  const groups = new Map<number, number[]>()
  for (const [index, entry] of judged.entries()) {
    if (!entry.ok) continue
    const shard = shardOf(entry.item.sender)
    groups.set(shard, [...(groups.get(shard) ?? []), index])
  }
  const calls = [...groups].map(async ([shard, indices]) => {
    const items = indices.flatMap((index) => {
      const entry = judged[index]
      return entry?.ok ? [entry.item] : []
    })
    const stored = await ask(() => env.SHARD.getByName(shardName(chain.id, shard)).submit(chain.id, shard, items))
    for (const [at, index] of indices.entries()) {
      const answer = stored[at]
      if (answer) answers[index] = answer
    }
  })
  // One shard that does not answer costs its own items, not those of the others.
  for (const call of await Promise.allSettled(calls))
    if (call.status === 'rejected' && !(call.reason instanceof Refusal)) throw call.reason
  return answers
}
