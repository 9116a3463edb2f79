import { Hono } from 'hono'
import type { Env } from '../objects.ts'
import { allowOnly } from './answer.ts'

/** What operators and their machines ask. */
export function ops() {
  return new Hono<{ Bindings: Env }>()
    .get('/healthz', (context) => context.json({ ok: true }))
    .all('/healthz', allowOnly('GET'))
}
