import { Hono } from 'hono'
import { useFastEngine } from './engine.ts'
import type { Env } from './objects.ts'
import { answerProblem, Refusal } from './routes/answer.ts'
import { batches } from './routes/batches.ts'
import { channels } from './routes/channels.ts'
import { crossOrigin } from './routes/gate.ts'
import { ops } from './routes/ops.ts'
import { rpc } from './routes/rpc.ts'
import { senders } from './routes/senders.ts'
import { towers } from './routes/towers.ts'
import { traced } from './routes/trace.ts'
import { verified } from './routes/verified.ts'
import { deadLetters, webhooks } from './routes/webhooks.ts'

useFastEngine()

export const app = new Hono<{ Bindings: Env }>()
  .use(traced)
  .use(crossOrigin)
  .route('/', ops())
  .route('/v1/chains/:chain', batches())
  .route('/v1/chains/:chain', senders())
  .route('/v1/chains/:chain/webhook', webhooks())
  .route('/admin/chains/:chain/webhooks', deadLetters())
  .route('/v1/chains/:chain', verified())
  .route('/v1/channels/:channel', channels())
  .route('/v1/towers', towers())
  .route('/rpc', rpc())
  .notFound((context) => answerProblem(context, 'unknown-route', 'No such path.'))
  .onError((error, context) => {
    if (error instanceof Refusal) return answerProblem(context, error.code, error.detail)
    // A mistake of ours: a stranger learns that it happened, and no more.
    return answerProblem(context, 'internal', 'The request could not be answered.')
  })

export default app
export { ChainObject } from './chainObject.ts'
export { ChannelBoxObject } from './channelBoxObject.ts'
export { ShardObject } from './shardObject.ts'
export { TowerObject } from './towerObject.ts'
export { WebhookObject } from './webhookObject.ts'
