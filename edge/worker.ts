import { Hono } from 'hono'

const app = new Hono()

app.get('/healthz', (context) => context.json({ ok: true }))

export default app
export { ChainObject } from './chainObject.ts'
export { ShardObject } from './shardObject.ts'
