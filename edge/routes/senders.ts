import { type Context, Hono } from 'hono'
import type { Address } from '../../sdk/units.ts'
import type { ChainConfig } from '../config.ts'
import { openHealth } from '../executor/health.ts'
import { executorsOf } from '../executor/jsonRpc.ts'
import type { Env } from '../objects.ts'
import { chainName, shardName, shardOf } from '../placement.ts'
import { allowOnly, ask, chainOf, cursorOf, Refusal, senderOf, statusOf, transactionOf, windowOf } from './answer.ts'
import { admitReaderOf, admitReaderOfAll, demandSender, demandSenderOrAdmin } from './gate.ts'

type Bindings = { Bindings: Env }

/** One sender's transactions and nonces, and the windows of all. */
export function senders() {
  return new Hono<Bindings>()
    .get('/senders/:sender/txs/:hash', async (context) => {
      const chain = chainOf(context.env, pathOf(context, 'chain'))
      const { sender, hash } = transactionOf(context.req.param('sender'), context.req.param('hash'))
      admitReaderOf(context, chain, sender)
      const chainObject = context.env.CHAIN.getByName(chainName(chain.id))
      const status =
        (await ask(() => chainObject.status(sender, hash))) ?? (await statusOf(context.env, chain, sender, hash))
      if (!status) throw new Refusal('unknown-transaction', 'No such transaction of this sender.')
      return context.json({ hash, status })
    })
    .delete('/senders/:sender/txs/:hash', async (context) => {
      const chain = chainOf(context.env, pathOf(context, 'chain'))
      const { sender, hash } = transactionOf(context.req.param('sender'), context.req.param('hash'))
      demandSender(context, chain, sender)
      const shard = context.env.SHARD.getByName(shardName(chain.id, shardOf(sender)))
      const status = await ask(() => shard.cancel(sender, hash))
      if (!status) throw new Refusal('unknown-transaction', 'No such transaction of this sender.')
      const isStopped = (status.state === 'rejected' && status.code === 'cancelled') || status.state === 'expired'
      if (!isStopped) throw new Refusal('too-late-to-cancel', `It is ${status.state}. Replace it at the same nonce.`)
      return context.json({ hash, status })
    })
    .all('/senders/:sender/txs/:hash', allowOnly('GET, DELETE'))
    .delete('/senders/:sender', async (context) => {
      const chain = chainOf(context.env, pathOf(context, 'chain'))
      const sender = senderOf(context.req.param('sender'))
      demandSenderOrAdmin(context, chain, sender)
      // The chain object first: a shard that has forgotten asks it for nothing.
      await ask(() => context.env.CHAIN.getByName(chainName(chain.id)).forget(chain.id, sender))
      await ask(() => context.env.SHARD.getByName(shardName(chain.id, shardOf(sender))).forget(sender))
      return context.json({ forgotten: sender })
    })
    .all('/senders/:sender', allowOnly('DELETE'))
    .get('/senders/:sender/nonce', async (context) => {
      const chain = chainOf(context.env, pathOf(context, 'chain'))
      const sender = senderOf(context.req.param('sender'))
      admitReaderOf(context, chain, sender)
      const latest = await latestNonce(chain, sender)
      const shard = context.env.SHARD.getByName(shardName(chain.id, shardOf(sender)))
      return context.json({ latest, ...(await ask(() => shard.nonces(sender, latest))) })
    })
    .all('/senders/:sender/nonce', allowOnly('GET'))
    .get('/windows', async (context) => {
      const chain = chainOf(context.env, pathOf(context, 'chain'))
      const after = cursorOf(context.req.query('after'))
      admitReaderOfAll(context, chain)
      const windows = await ask(() => context.env.CHAIN.getByName(chainName(chain.id)).windows(after))
      return context.json({ windows })
    })
    .all('/windows', allowOnly('GET'))
    .get('/windows/:window', async (context) => {
      const chain = chainOf(context.env, pathOf(context, 'chain'))
      const number = windowOf(context.req.param('window'))
      admitReaderOfAll(context, chain)
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
