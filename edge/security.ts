import { sha256 } from '../sdk/crypto/index.ts'
import { accepted, type Decoded, refused } from '../sdk/errors.ts'
import { toHex } from '../sdk/units.ts'

/** What an API key may do. */
export const scopes = ['submit', 'read', 'rpc', 'webhooks', 'towers'] as const
export type Scope = (typeof scopes)[number]

/** A merchant's key: only the digest of its secret is known here. Two keys with one name are a rotation under way. */
export interface ApiKey {
  readonly name: string
  /** SHA-256 of the secret, 64 lower-case digits. */
  readonly digest: string
  readonly scopes: readonly Scope[]
  /** Not taken from then on, in milliseconds since 1970; `null`: until it is taken out. */
  readonly expiresAt: number | null
}

/** Who may ask what, from the operator's configuration. */
export interface Security {
  /** SHA-256 of the administrator's secret; `null`: there is no administrator. */
  readonly adminDigest: string | null
  readonly keys: readonly ApiKey[]
  /** True where submissions, and registrations of towers, need a key; else a transaction's own signature is enough, and small quotas. */
  readonly isClosed: boolean
  /** True where what is known of senders and batches is told to keys with `read` and to senders themselves alone. */
  readonly isPrivate: boolean
  /** Origins of pages that may ask; `*` for all. None: no page of another origin. */
  readonly origins: readonly string[]
}

const fields = ['admin', 'keys', 'closed', 'private', 'origins']
const keysMax = 256
const originsMax = 64

/**
 * Reads the `SECURITY` variable: JSON, `{ admin?, keys?, closed?, private?, origins? }`, or nothing, when everybody may
 * submit and read, no page of another origin may ask, and there is no administrator. Secrets stand in it as SHA-256 digests. Never throws.
 *
 * Refuses unknown fields, so that a misspelt one is not a default in disguise.
 */
export function decodeSecurity(text: string): Decoded<Security> {
  if (text === '') return accepted({ adminDigest: null, keys: [], isClosed: false, isPrivate: false, origins: [] })
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return refused('SECURITY is not JSON')
  }
  if (!isRecord(json)) return refused('SECURITY is not an object')
  const stray = Object.keys(json).find((key) => !fields.includes(key))
  if (stray !== undefined) return refused(`SECURITY has an unknown field "${stray}"`)
  const { admin = null, keys = [], closed = false, private: isPrivate = false, origins = [] } = json
  if (admin !== null && !isDigest(admin)) return refused('admin is not a SHA-256 digest')
  if (typeof closed !== 'boolean') return refused('closed is not true or false')
  if (typeof isPrivate !== 'boolean') return refused('private is not true or false')
  if (!Array.isArray(origins) || origins.length > originsMax || !origins.every(isOrigin))
    return refused('origins are not a list of origins')
  if (!Array.isArray(keys) || keys.length > keysMax) return refused(`keys are not a list of at most ${keysMax}`)
  const read: ApiKey[] = []
  for (const key of keys) {
    const one = readKey(key)
    if (!one) return refused('a key has a name, a digest, scopes and perhaps expiresAt')
    read.push(one)
  }
  return accepted({ adminDigest: admin, keys: read, isClosed: closed, isPrivate, origins })
}

function readKey(value: unknown): ApiKey | undefined {
  if (!isRecord(value)) return undefined
  const { name, digest, scopes: asked, expiresAt = null, ...rest } = value
  if (Object.keys(rest).length > 0 || typeof name !== 'string' || !/^[\w-]{1,64}$/.test(name)) return undefined
  if (!isDigest(digest) || !Array.isArray(asked) || asked.length === 0) return undefined
  const known = scopes.filter((scope) => asked.includes(scope))
  if (known.length !== asked.length) return undefined
  if (expiresAt !== null && !Number.isSafeInteger(expiresAt)) return undefined
  return { name, digest, scopes: known, expiresAt: expiresAt as number | null }
}

/** The key that a request shows, if it is one of ours and may do this. Every key is compared, whichever fits. */
export function keyOf(security: Security, secret: string, scope: Scope, now: number): ApiKey | undefined {
  const digest = digestOf(secret)
  let found: ApiKey | undefined
  for (const key of security.keys) {
    const isGood = key.scopes.includes(scope) && (key.expiresAt === null || key.expiresAt > now)
    if (isSameDigest(key.digest, digest) && isGood) found = key
  }
  return found
}

/** True for the administrator's secret; never while there is none. */
export function isAdmin({ adminDigest }: Security, secret: string): boolean {
  return adminDigest !== null && isSameDigest(adminDigest, digestOf(secret))
}

/** The value of `access-control-allow-origin` for a page's origin; nothing when it may not ask. */
export function allowedOrigin({ origins }: Security, origin: string | undefined): string | undefined {
  if (origins.includes('*')) return '*'
  return origin !== undefined && origins.includes(origin) ? origin : undefined
}

function digestOf(secret: string): string {
  return toHex(sha256(new TextEncoder().encode(secret))).slice(2)
}

/** Takes the same time wherever two digests differ. */
function isSameDigest(one: string, other: string): boolean {
  let difference = one.length ^ other.length
  for (let at = 0; at < one.length; at++) difference |= one.charCodeAt(at) ^ other.charCodeAt(at)
  return difference === 0
}

function isDigest(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
}

function isOrigin(value: unknown): value is string {
  return typeof value === 'string' && (value === '*' || /^https?:\/\/[^/\s]{1,255}$/.test(value))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
