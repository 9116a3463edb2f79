import { type Context, Hono } from 'hono'
import type { Address, TxHash } from '../../sdk/units.ts'
import { callsStatus } from '../calls.ts'
import type { ChainConfig } from '../config.ts'
import { openHealth } from '../executor/health.ts'
import { executorsOf } from '../executor/jsonRpc.ts'
import type { Env } from '../objects.ts'
import { chainName, shardName, shardOf } from '../placement.ts'
import {
  allowOnly,
  ask,
  batchOf,
  chainOf,
  cursorOf,
  demandUpgrade,
  Refusal,
  senderOf,
  transactionOf,
  windowOf,
} from './answer.ts'
import { expiredCursor, streamEvents, unknownBatch } from './events.ts'
import { answerBatch } from './submit.ts'

type Bindings = { Bindings: Env }

/** Batches in, statuses out. */
export function batches() {
  return new Hono<Bindings>()
    .post('/batches', async (context) => {
      const chain = chainOf(context.env, pathOf(context, 'chain'))
      return answerBatch(context, chain)
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
      const told = await Promise.all(items)
      return context.json({ batch, code: callsStatus(told.flatMap(({ status }) => status ?? [])), items: told })
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
    .get('/batches/:batch/socket', async (context) => {
      const chain = chainOf(context.env, pathOf(context, 'chain'))
      const batch = batchOf(context.req.param('batch'))
      const after = cursorOf(context.req.query('after'))
      demandUpgrade(context)
      const object = context.env.CHAIN.getByName(chainName(chain.id))
      // The same refusals as of the event stream, before there is a socket to say them over.
      const first = await ask(() => object.peek(batch, after))
      if (first !== 'known') throw first === 'unknown' ? unknownBatch() : expiredCursor()
      return ask(() => object.fetch(context.req.raw))
    })
    .all('/batches/:batch/socket', allowOnly('GET'))
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
    .get('/senders/:sender/nonce', async (context) => {
      const chain = chainOf(context.env, pathOf(context, 'chain'))
      const sender = senderOf(context.req.param('sender'))
      const latest = await latestNonce(chain, sender)
      const shard = context.env.SHARD.getByName(shardName(chain.id, shardOf(sender)))
      return context.json({ latest, ...(await ask(() => shard.nonces(sender, latest))) })
    })
    .all('/senders/:sender/nonce', allowOnly('GET'))
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

/** The sender's next nonce after the newest block, as an executor tells it. */
async function latestNonce(chain: ChainConfig, sender: Address): Promise<number> {
  const nonces = await executorsOf(chain, openHealth(chain.executors.length, Date.now))
    .nonces([sender], 'latest')
    .catch(() => undefined)
  const nonce = nonces?.get(sender)
  if (nonce === undefined) throw new Refusal('executor-unavailable', 'The nonce could not be found out.')
  return nonce
}

/** What the shard knows of a transaction. */
async function statusOf(env: Env, chain: ChainConfig, sender: Address, hash: TxHash) {
  const shard = env.SHARD.getByName(shardName(chain.id, shardOf(sender)))
  return ask(() => shard.status(sender, hash))
}
