import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openBuckets } from '../../edge/buckets.ts'
import { openSalted, senderIn } from '../../edge/routes/salted.ts'
import { kindOfPath, readTrace } from '../../edge/routes/traceText.ts'
import { allowedOrigin, decodeSecurity, isAdmin, keyOf, type Security } from '../../edge/security.ts'
import { sha256 } from '../../sdk/crypto/index.ts'
import { toHex } from '../../sdk/units.ts'

const digestOf = (text: string) => toHex(sha256(new TextEncoder().encode(text))).slice(2)
const key = { name: 'shop', digest: digestOf('s3cret'), scopes: ['submit'] }

function read(json: unknown): Security {
  const decoded = decodeSecurity(JSON.stringify(json))
  if (!decoded.ok) throw new Error(decoded.reason)
  return decoded.value
}

describe('the SECURITY variable', () => {
  it('lets everybody submit and nobody administer when it is empty', () => {
    const decoded = decodeSecurity('')
    expect(decoded).toEqual({
      ok: true,
      value: { adminDigest: null, keys: [], isClosed: false, isPrivate: false, origins: [] },
    })
    expect(decoded.ok && isAdmin(decoded.value, '')).toBe(false)
  })

  it.each([
    ['no object', 7],
    ['a misspelt field', { key: [] }],
    ['an administrator in the clear', { admin: 'secret' }],
    ['a key in the clear', { keys: [{ ...key, digest: 's3cret' }] }],
    ['a key without a scope', { keys: [{ ...key, scopes: [] }] }],
    ['a scope nobody knows', { keys: [{ ...key, scopes: ['admin'] }] }],
    ['an origin with a path', { origins: ['https://a.example/x'] }],
    ['a stray field in a key', { keys: [{ ...key, until: 1 }] }],
  ])('with %s is refused', (_name, json) => {
    expect(decodeSecurity(JSON.stringify(json)).ok).toBe(false)
  })

  it('is read without throwing, whatever it is', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => typeof decodeSecurity(text).ok === 'boolean'))
  })

  it('knows a key by its digest, for its scopes, until it expires; two of one name are a rotation', () => {
    const next = { ...key, digest: digestOf('n3xt'), expiresAt: 100 }
    const security = read({ keys: [key, next] })
    expect(keyOf(security, 's3cret', 'submit', 1_000)?.name).toBe('shop')
    expect(keyOf(security, 'n3xt', 'submit', 99)?.name).toBe('shop')
    expect(keyOf(security, 'n3xt', 'submit', 100)).toBeUndefined()
    expect(keyOf(security, 's3cret', 'rpc', 0)).toBeUndefined()
    expect(keyOf(security, digestOf('s3cret'), 'submit', 0)).toBeUndefined()
  })

  it('knows the administrator, and the origins', () => {
    const security = read({ admin: digestOf('boss'), origins: ['https://shop.example'] })
    expect([isAdmin(security, 'boss'), isAdmin(security, 'bos')]).toEqual([true, false])
    expect(allowedOrigin(security, 'https://shop.example')).toBe('https://shop.example')
    expect(allowedOrigin(security, 'https://shop.example.evil')).toBeUndefined()
    expect(allowedOrigin(read({ origins: ['*'] }), 'https://any.example')).toBe('*')
  })
})

describe('buckets', () => {
  it('hold a burst, fill with time, and forget the one used longest ago', () => {
    const buckets = openBuckets({ burst: 2, perSecond: 1 }, 2)
    expect([buckets.take('a', 1, 0), buckets.take('a', 1, 0), buckets.take('a', 1, 0)]).toEqual([true, true, false])
    expect([buckets.holds('a', 500), buckets.holds('a', 1_000)]).toEqual([false, true])
    expect([buckets.take('b', 2, 0), buckets.take('c', 2, 0)]).toEqual([true, true])
    expect(buckets.holds('a', 0)).toBe(true)
  })
})

describe('traces', () => {
  it('go on as W3C Trace Context writes them, and a line of log names no id', () => {
    const header = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`
    expect(readTrace(header)).toEqual({ trace: 'ab'.repeat(16), flags: '01' })
    for (const bad of [
      undefined,
      '',
      header.toUpperCase(),
      `00-${'00'.repeat(16)}-${'cd'.repeat(8)}-01`,
      `01${header.slice(2)}x`,
    ])
      expect(readTrace(bad)).toBeUndefined()
    expect(kindOfPath(`/v1/chains/1/senders/0x${'ab'.repeat(20)}/nonce`)).toBe('/v1/chains/:id/senders/:id/nonce')
  })
})

describe('a sender in the log', () => {
  it('is the same for a day, another one the next day, and never the sender', () => {
    const day = 24 * 60 * 60_000
    let salts = 0
    const salted = openSalted(() => new Uint8Array(32).fill(++salts))
    const sender = `0x${'aB'.repeat(20)}`
    const first = salted(sender, day)
    expect(first).toMatch(/^[0-9a-f]{16}$/)
    expect([salted(sender.toLowerCase(), 2 * day - 1), salts]).toEqual([first, 1])
    expect([salted(sender, 2 * day) === first, salts]).toEqual([false, 2])
    expect(senderIn(`/v1/chains/1/senders/${sender}/nonce`)).toBe(sender)
    expect(senderIn('/v1/chains/1/windows')).toBeUndefined()
  })
})
