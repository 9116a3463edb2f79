import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { chainConfig } from '../../../edge/config.ts'
import { judge } from '../../../edge/intake.ts'
import type { Env } from '../../../edge/objects.ts'
import { openApi } from '../../../edge/openapi.ts'
import type { Policy } from '../../../edge/policy.ts'
import { rule } from '../../../edge/routes/submission.ts'
import { app } from '../../../edge/worker.ts'
import { chainId, toHex } from '../../../sdk/units.ts'
import { envelope } from '../transfers.ts'
import { call, configured, digestOf, freshChain, post, problemOf, walletOf } from './edge.ts'
import { fakeNode } from './node.ts'

const security = {
  admin: digestOf('boss'),
  keys: [{ name: 'shop', digest: digestOf('s3cret'), scopes: ['submit'] }],
  closed: true,
  origins: ['https://shop.example'],
}

const guarded = configured({ SECURITY: JSON.stringify(security) })
const bearer = (secret: string) => ({ headers: { authorization: `Bearer ${secret}` } })

describe('the description', () => {
  it('names every route, and no other', async () => {
    const routes = app.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method.toLowerCase()} ${path.replace(/:(\w+)/g, '{$1}')}`)
    const { paths } = (await (await call('/openapi.json')).json()) as { paths: Record<string, object> }
    const told = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((name) => `${name} ${path}`),
    )
    expect(told.sort()).toEqual([...new Set(routes)].sort())
  })

  it('is the one that `node .ci/openapi.mjs` writes', async () => {
    expect(await (await call('/openapi.json')).json()).toEqual(openApi())
  })
})

describe('an administrator', () => {
  it('is off when unset: the paths do not exist', async () => {
    for (const path of ['/metrics', '/admin/chains/1000/rows'])
      expect(await problemOf(path, bearer('boss'))).toEqual({ status: 404, code: 'unknown-route' })
  })

  it('shows the secret, and nothing else counts', async () => {
    expect((await guarded('/metrics')).status).toBe(401)
    expect((await guarded('/metrics', bearer('s3cret'))).status).toBe(401)
    const response = await guarded('/metrics', bearer('boss'))
    expect(response.status).toBe(200)
    expect(await response.text()).toMatch(/^# HELP lanekit_chain_open /)
  })

  it('pauses sending and goes on: what came meanwhile is stored, and follows', async () => {
    const chain = freshChain()
    const node = fakeNode(chain)
    const wallet = walletOf(chain)
    await guarded(`/admin/chains/${chain}/pause`, { method: 'POST', ...bearer('boss') })
    const one = await wallet.transfer({ from: 0, nonce: 0 })
    await wallet.submit([one])
    // Its shard has it at once, and the chain after the hand-over.
    const rows = async () => (await guarded(`/admin/chains/${chain}/rows`, bearer('boss'))).json()
    await expect.poll(rows, { timeout: 10_000 }).toMatchObject({
      rows: [{ hash: one.hash, nonce: 0, raw: toHex(one.raw), status: { state: 'queued' } }],
    })
    expect((await wallet.status(one))?.state).toBe('queued')
    expect(node.arrivals).toEqual([])
    await guarded(`/admin/chains/${chain}/resume`, { method: 'POST', ...bearer('boss') })
    await wallet.until(one, 'accepted')
    expect(node.arrivals).toEqual([toHex(one.raw)])
  })
})

describe('the rule of an operator', () => {
  it('decides, and leaves a row that names no account; the rows can be forgotten', async () => {
    const chain = freshChain()
    fakeNode(chain)
    const wallet = walletOf(chain)
    const config = chainConfig((env as unknown as Env).CHAINS, chainId(chain))
    const transfers = await Promise.all([0, 1, 2].map((from) => wallet.transfer({ from, nonce: 0 })))
    const judged = transfers.map(({ raw }) => judge({ raw, declaration: null }, config))
    const words = ['allow', 'deny', 'review'] as const
    const byTurn: Policy = ({ hash }) => words[transfers.findIndex((one) => one.hash === hash)] ?? 'deny'
    const ruled = await rule(env as unknown as Env, config, judged, byTurn)
    expect(ruled.map((entry) => (entry.ok ? 'ok' : entry.code))).toEqual(['ok', 'policy-denied', 'policy-review'])
    const path = `/admin/chains/${chain}/audit`
    const audited = async () => ((await (await guarded(path, bearer('boss'))).json()) as { rows: object[] }).rows
    const rows = await audited()
    expect(rows).toMatchObject(transfers.map(({ hash }, at) => ({ hash, decision: words[at] })))
    for (const { sender } of transfers) expect(JSON.stringify(rows)).not.toContain(sender.slice(2))
    const forget = async (before: number) =>
      (await guarded(`${path}?before=${before}`, { method: 'DELETE', ...bearer('boss') })).json()
    expect(await forget(1)).toEqual({ forgotten: 0 })
    expect(await forget(Date.now() + 1)).toEqual({ forgotten: 3 })
    expect(await audited()).toEqual([])
  })
})

describe('a closed edge', () => {
  it('takes what comes with a key of the right scope', async () => {
    const chain = freshChain()
    fakeNode(chain)
    const wallet = walletOf(chain)
    const body = envelope([await wallet.transfer({ from: 0, nonce: 0 })], chainId(chain)) as BodyInit
    const submit = (headers: Record<string, string>) =>
      guarded(`${wallet.base}/batches`, {
        ...post(body),
        headers: { 'content-type': 'application/octet-stream', ...headers },
      })
    expect((await submit({})).status).toBe(401)
    expect((await submit({ authorization: 'Bearer other' })).status).toBe(401)
    expect((await submit({ authorization: 'Bearer s3cret' })).status).toBe(202)
    const json = {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer s3cret' },
      body: '{}',
    }
    expect((await guarded(`/rpc/${chain}`, json)).status).toBe(401)
  })

  it('that drains takes nothing new', async () => {
    const chain = freshChain()
    const chains = { [chain]: { fork: 'osaka', executors: ['http://node.test/1'], draining: true } }
    const draining = configured({ CHAINS: JSON.stringify(chains) })
    const wallet = walletOf(chain)
    const body = envelope([await wallet.transfer({ from: 0, nonce: 0 })], chainId(chain)) as BodyInit
    const response = await draining(`${wallet.base}/batches`, post(body))
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([503, 'draining'])
  })
})

describe('pages of other origins', () => {
  it('may ask when they are listed, and learn nothing when they are not', async () => {
    const from = (origin: string) => guarded('/healthz', { headers: { origin } })
    expect((await from('https://shop.example')).headers.get('access-control-allow-origin')).toBe('https://shop.example')
    expect((await from('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull()
    const preflight = await guarded('/v1/chains/1000/batches', {
      method: 'OPTIONS',
      headers: { origin: 'https://shop.example', 'access-control-request-method': 'POST' },
    })
    expect([preflight.status, preflight.headers.get('access-control-allow-methods')]).toEqual([
      204,
      'GET, POST, PUT, DELETE',
    ])
  })
})

describe('abuse', () => {
  it('of signatures that are none ends in 429, for that address alone', async () => {
    const chain = freshChain()
    const ask = (ip: string) =>
      call(`/rpc/${chain}`, {
        ...post(
          JSON.stringify(Array(100).fill({ id: 1, method: 'eth_sendRawTransaction', params: ['0x02c0'] })),
          'application/json',
        ),
        headers: { 'content-type': 'application/json', 'cf-connecting-ip': ip },
      })
    expect((await ask('192.0.2.1')).status).toBe(200)
    const again = await ask('192.0.2.1')
    expect([again.status, again.headers.get('retry-after')]).toEqual([429, '2'])
    expect((await ask('192.0.2.2')).status).toBe(200)
  })

  it('a trace goes on', async () => {
    const trace = 'ab'.repeat(16)
    const response = await call('/healthz', { headers: { traceparent: `00-${trace}-${'cd'.repeat(8)}-01` } })
    expect(response.headers.get('traceparent')).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`))
  })
})
