import type { Context, MiddlewareHandler } from 'hono'
import { decodeSenderToken } from '../../sdk/evm/index.ts'
import type { Address } from '../../sdk/units.ts'
import { openBuckets } from '../buckets.ts'
import type { ChainConfig } from '../config.ts'
import { sentence } from '../intake.ts'
import {
  addressesRemembered,
  badSignaturesBurst,
  badSignaturesPerSecond,
  tokenSecondsMax,
  towerAddressBurst,
  towerAddressPerSecond,
} from '../limits.ts'
import type { Env } from '../objects.ts'
import { type ApiKey, allowedOrigin, decodeSecurity, isAdmin, keyOf, type Scope, type Security } from '../security.ts'
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
  // What a node tells of everybody's transactions is not for everybody then.
  const isOpen = !security.isClosed && !(security.isPrivate && scope === 'rpc')
  if (isOpen && (secret === undefined || isSenderToken(secret))) return
  if (secret === undefined || !keyOf(security, secret, scope, Date.now()))
    throw new Refusal('unauthorized', 'A key with this scope is needed: Authorization: Bearer <key>.')
}

/** The key of a scope that a request shows; nothing where it shows none, or another thing. */
export function shownKey(context: Context<Bindings>, scope: Scope): ApiKey | undefined {
  const secret = bearerOf(context)
  return secret === undefined ? undefined : keyOf(securityOf(context.env), secret, scope, Date.now())
}

/**
 * The name of the key that a registration of a tower shows beside its owner's token; `null` where none is needed and none is shown. [WT11]
 * A key that is shown and not taken is refused even where none is needed.
 */
export function admitOwner(context: Context<Bindings>): string | null {
  const security = securityOf(context.env)
  const secret = context.req.header(keyHeader)
  if (secret === undefined && !security.isClosed) return null
  const key = secret === undefined ? undefined : keyOf(security, secret, 'towers', Date.now())
  if (!key) throw new Refusal('unauthorized', 'A key with the scope "towers" is needed: Lanekit-Key: <key>.')
  return key.name
}

const registrations = openBuckets({ burst: towerAddressBurst, perSecond: towerAddressPerSecond }, addressesRemembered)

/** WT11: one address that shows no key registers a few towers. Where the platform tells none, the allowance of all has to do. */
export function demandFewTowers(context: Context): void {
  const address = addressOf(context)
  if (address !== '' && !registrations.take(address, 1, Date.now()))
    throw new Refusal('tower-quota', 'This address has registered so many towers of late.')
}

/** Where Authorization has a token of another kind. */
const keyHeader = 'lanekit-key'

/** Lets in whoever shows a key of a scope, and nobody else, also where submissions are open. */
export function demandKey(context: Context<Bindings>, scope: Scope): ApiKey {
  const key = shownKey(context, scope)
  if (!key) throw new Refusal('unauthorized', `A key with the scope "${scope}" is needed: Authorization: Bearer <key>.`)
  return key
}

/** Who reads: everybody's affairs with a key, or a sender its own. */
export type Reader = { readonly kind: 'all' } | { readonly kind: 'sender'; readonly sender: Address }

/** Lets a reader in. A sender shows a token that it has signed; where nothing is private, nobody has to show anything. */
export function admitReader(context: Context<Bindings>, chain: ChainConfig): Reader {
  const security = securityOf(context.env)
  const secret = bearerOf(context) ?? tokenInQuery(context)
  if (secret !== undefined && isSenderToken(secret)) {
    const sender = senderIn(context, chain, secret)
    return security.isPrivate ? { kind: 'sender', sender } : { kind: 'all' }
  }
  if (secret === undefined && !security.isPrivate) return { kind: 'all' }
  if (secret !== undefined && keyOf(security, secret, 'read', Date.now())) return { kind: 'all' }
  throw new Refusal('unauthorized', 'A key with the scope "read" or a token of the sender is needed.')
}

/** Lets a reader of one sender's affairs in. */
export function admitReaderOf(context: Context<Bindings>, chain: ChainConfig, sender: Address): void {
  const reader = admitReader(context, chain)
  if (reader.kind === 'sender' && reader.sender !== sender) throw notTheirs()
}

/** Lets a reader of what many senders have in common in. */
export function admitReaderOfAll(context: Context<Bindings>, chain: ChainConfig): void {
  if (admitReader(context, chain).kind === 'sender') throw notTheirs()
}

export function notTheirs(): Refusal {
  return new Refusal('unauthorized', 'The token is of another sender.')
}

/** Lets in whoever acts for a sender: the sender alone, never a key. */
export function demandSender(context: Context<Bindings>, chain: ChainConfig, sender: Address): void {
  const token = bearerOf(context)
  if (token === undefined || !isSenderToken(token))
    throw new Refusal('unauthorized', 'A token of the sender is needed: Authorization: Bearer <token>.')
  if (senderIn(context, chain, token) !== sender) throw notTheirs()
}

/** Lets in a sender for itself, and the administrator for anybody. */
export function demandSenderOrAdmin(context: Context<Bindings>, chain: ChainConfig, sender: Address): void {
  const secret = bearerOf(context)
  if (secret !== undefined && !isSenderToken(secret) && isAdmin(securityOf(context.env), secret)) return
  demandSender(context, chain, sender)
}

/** Who has signed a token for this edge and this chain. A signature that is none counts against its address. */
function senderIn(context: Context<Bindings>, chain: ChainConfig, token: string): Address {
  demandGoodFaith(context)
  const { host } = new URL(context.req.url)
  const grant = decodeSenderToken(token, { host, chainId: chain.id })
  if (!grant.ok) {
    noteBadFaith(context, 1)
    throw new Refusal('unauthorized', sentence(grant.reason))
  }
  const left = grant.value.until - Date.now() / 1_000
  if (left <= 0 || left > tokenSecondsMax)
    throw new Refusal('unauthorized', `The token has ended, or lasts longer than ${tokenSecondsMax} seconds.`)
  return grant.value.account
}

/** Keys have no dots and no such beginning. */
function isSenderToken(secret: string): boolean {
  return /^0x[0-9a-f]{40}\./i.test(secret)
}

/** A page cannot put a header on a stream or a socket: there the token may stand in the query. */
function tokenInQuery(context: Context): string | undefined {
  return /\/(events|socket)$/.test(context.req.path) ? context.req.query('token')?.slice(0, 256) : undefined
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
const asked = `authorization, content-type, idempotency-key, last-event-id, traceparent, ${keyHeader}`
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
