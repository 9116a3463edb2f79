import type { Context, MiddlewareHandler } from 'hono'
import { openBuckets } from '../buckets.ts'
import { addressesRemembered, badSignaturesBurst, badSignaturesPerSecond } from '../limits.ts'
import type { Env } from '../objects.ts'
import { allowedOrigin, decodeSecurity, isAdmin, keyOf, type Scope, type Security } from '../security.ts'
import { Refusal } from './answer.ts'

type Bindings = { Bindings: Env }

/** The operator's rules. Unreadable ones let nobody in. */
export function securityOf(env: Env): Security {
  const decoded = decodeSecurity(env.SECURITY ?? '')
  if (!decoded.ok) throw new Refusal('misconfigured', 'The rules of access cannot be read.')
  return decoded.value
}

/**
 * Lets a submission in: by its transactions' own signatures, or, where the operator says so, by a key with the scope. A
 * key that is shown and not taken is refused even where none is needed, so that its holder learns of it.
 */
export function admit(context: Context<Bindings>, scope: Scope): void {
  const security = securityOf(context.env)
  const secret = bearerOf(context)
  if (secret === undefined && !security.isClosed) return
  if (secret === undefined || !keyOf(security, secret, scope, Date.now()))
    throw new Refusal('unauthorized', 'A key with this scope is needed: Authorization: Bearer <key>.')
}

/** Lets the administrator in, and nobody while there is none: then the path does not exist. */
export function admitAdmin(context: Context<Bindings>): void {
  const security = securityOf(context.env)
  if (security.adminDigest === null) throw new Refusal('unknown-route', 'No such path.')
  const secret = bearerOf(context)
  if (secret === undefined || !isAdmin(security, secret))
    throw new Refusal('unauthorized', 'The administrator shows a secret: Authorization: Bearer <secret>.')
}

function bearerOf(context: Context): string | undefined {
  return /^Bearer ([\x21-\x7e]{1,256})$/i.exec(context.req.header('authorization') ?? '')?.[1]
}

const methods = 'GET, POST, PUT, DELETE'
const asked = 'authorization, content-type, idempotency-key, last-event-id, traceparent'
const shown = 'idempotency-replayed, retry-after, traceparent'

/** Lets pages of the configured origins ask (CORS), and answers their preflights. Other pages see nothing. */
export const crossOrigin: MiddlewareHandler<Bindings> = async (context, next) => {
  const origin = context.req.header('origin')
  const allowed = origin === undefined ? undefined : allowedOrigin(securityOf(context.env), origin)
  if (allowed === undefined) return next()
  const isPreflight =
    context.req.method === 'OPTIONS' && context.req.header('access-control-request-method') !== undefined
  const headers = { 'access-control-allow-origin': allowed, vary: 'origin' }
  if (isPreflight)
    return context.body(null, 204, {
      ...headers,
      ...{
        'access-control-allow-methods': methods,
        'access-control-allow-headers': asked,
        'access-control-max-age': '600',
      },
    })
  await next()
  // A socket's answer has headers that cannot be changed, and a browser does not look for these there.
  if (context.res.status === 101) return
  for (const [name, value] of Object.entries(headers)) context.header(name, value)
  context.header('access-control-expose-headers', shown)
}

const badSignatures = openBuckets({ burst: badSignaturesBurst, perSecond: badSignaturesPerSecond }, addressesRemembered)

/** Who asks, as the platform tells it. Kept in memory for as long as its allowance is not whole again, and nowhere else. */
function addressOf(context: Context): string {
  return context.req.header('cf-connecting-ip') ?? ''
}

/** Recovering a sender costs a millisecond: whoever sends many that are none is not read for a while. */
export function demandGoodFaith(context: Context): void {
  if (!badSignatures.holds(addressOf(context), Date.now()))
    throw new Refusal('rate-limited', 'Too many transactions from this address were none.')
}

/** Notes that a request held transactions that are none. */
export function noteBadFaith(context: Context, count: number): void {
  const address = addressOf(context)
  for (let at = 0; at < count; at++) if (!badSignatures.take(address, 1, Date.now())) return
}
