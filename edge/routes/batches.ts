import { type Context, Hono } from 'hono'
import type { BatchId } from '../../sdk/units.ts'
import { callsStatus } from '../calls.ts'
import type { ChainConfig } from '../config.ts'
import type { Env } from '../objects.ts'
import { chainName } from '../placement.ts'
import { allowOnly, ask, batchOf, chainOf, cursorOf, demandUpgrade, Refusal, statusOf } from './answer.ts'
import { expiredCursor, streamEvents, unknownBatch } from './events.ts'
import { admitReader, notTheirs } from './gate.ts'
import { answerBatch } from './submit.ts'

type Bindings = { Bindings: Env }

/** Batches in, their statuses out. */
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
      const members = await membersFor(context, chain, batch)
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
      await readable(context, chain, batch)
      const object = context.env.CHAIN.getByName(chainName(chain.id))
      return streamEvents(context, after, (sequence) => ask(() => object.events(batch, sequence)))
    })
    .all('/batches/:batch/events', allowOnly('GET'))
    .get('/batches/:batch/socket', async (context) => {
      const chain = chainOf(context.env, pathOf(context, 'chain'))
      const batch = batchOf(context.req.param('batch'))
      const after = cursorOf(context.req.query('after'))
      demandUpgrade(context)
      await readable(context, chain, batch)
      const object = context.env.CHAIN.getByName(chainName(chain.id))
      // The same refusals as of the event stream, before there is a socket to say them over.
      const first = await ask(() => object.peek(batch, after))
      if (first !== 'known') throw first === 'unknown' ? unknownBatch() : expiredCursor()
      return ask(() => object.fetch(context.req.raw))
    })
    .all('/batches/:batch/socket', allowOnly('GET'))
}

/** The mount point's parameter, which the type of a nested route does not show. */
function pathOf(context: Context<Bindings>, name: 'chain'): string {
  return context.req.param(name) ?? ''
}

/** The transactions of a batch, for whoever may read it: a sender with a token if one of them is its own. */
async function membersFor(context: Context<Bindings>, chain: ChainConfig, batch: BatchId) {
  const reader = admitReader(context, chain)
  const members = await ask(() => context.env.CHAIN.getByName(chainName(chain.id)).batch(batch))
  if (!members) throw new Refusal('unknown-batch', 'No such batch.')
  if (reader.kind === 'sender' && !members.some(({ sender }) => sender === reader.sender)) throw notTheirs()
  return members
}

/** Lets a reader of a batch's events in; only a sender's token takes a look at who is in the batch. */
async function readable(context: Context<Bindings>, chain: ChainConfig, batch: BatchId): Promise<void> {
  if (admitReader(context, chain).kind === 'sender') await membersFor(context, chain, batch)
}
