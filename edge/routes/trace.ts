import type { MiddlewareHandler } from 'hono'
import { toHex } from '../../sdk/units.ts'
import type { Env } from '../objects.ts'
import { openSalted, senderIn } from './salted.ts'
import { kindOfPath, readTrace } from './traceText.ts'

const salted = openSalted(() => crypto.getRandomValues(new Uint8Array(32)))

/**
 * Goes on with the caller's trace, or begins one, and logs one line of JSON for each request where the operator asks for
 * it. A line names no account, no address and no token: of the path only what kind of path it is.
 */
export const traced: MiddlewareHandler<{ Bindings: Env }> = async (context, next) => {
  const began = Date.now()
  const { trace, flags } = readTrace(context.req.header('traceparent')) ?? { trace: randomHex(16), flags: '00' }
  const span = randomHex(8)
  await next()
  if (context.res.status !== 101) context.header('traceparent', `00-${trace}-${span}-${flags}`)
  if (context.env.LOG !== 'requests') return
  const { method } = context.req
  const line = { at: new Date(began).toISOString(), trace, span, method, path: kindOfPath(context.req.path) }
  const sender = senderIn(context.req.path)
  const who = sender === undefined ? {} : { sender: salted(sender, began) }
  // biome-ignore lint/suspicious/noConsole: a worker's log is what it says here.
  console.log(JSON.stringify({ ...line, ...who, status: context.res.status, ms: Date.now() - began }))
}

function randomHex(size: number): string {
  return toHex(crypto.getRandomValues(new Uint8Array(size))).slice(2)
}
