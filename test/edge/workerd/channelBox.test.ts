import { env, runDurableObjectAlarm, runInDurableObject, SELF } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Env } from '../../../edge/objects.ts'
import { type Hex, toHex } from '../../../sdk/units.ts'
import { closingInput, closingOf } from '../closings.ts'

const octets = 'application/octet-stream'
const token = '01'.repeat(32)

function newChannel(): Hex {
  return toHex(crypto.getRandomValues(new Uint8Array(32)))
}

function boxOf(channel: Hex): DurableObjectStub {
  return (env as unknown as Env).BOX.getByName(channel) as unknown as DurableObjectStub
}

async function call(method: string, path: string, init: { body?: BodyInit; type?: string; auth?: string | null } = {}) {
  const headers = new Headers()
  if (init.auth !== null) headers.set('authorization', init.auth ?? `Bearer ${token}`)
  if (init.type !== undefined) headers.set('content-type', init.type)
  const response = await SELF.fetch(`https://edge.invalid/v1/channels/${path}`, {
    method,
    headers,
    body: init.body ?? null,
  })
  const text = await response.text()
  const json = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {}
  return { status: response.status, headers: response.headers, json }
}

function post(channel: Hex, sequence: number, ...bytes: number[]) {
  return call('PUT', `${channel}/payer/outbox/${sequence}?epoch=1`, { type: octets, body: Uint8Array.from(bytes) })
}

function leave(channel: Hex, number: number, closeAtHeight = 900) {
  const body = JSON.stringify({ number, closeAtHeight, transaction: toHex(closingOf(number)) })
  return call('PUT', `${channel}/payee/deposit`, { type: 'application/json', body })
}

/** The object dies; its rows stay. */
async function crash(channel: Hex): Promise<void> {
  await runInDurableObject(boxOf(channel), (_, state) => state.abort('crash')).catch(() => undefined)
}

/** Time goes on while the object is not in memory. */
async function pass(channel: Hex, ms = 20 * 600_000): Promise<void> {
  vi.spyOn(Date, 'now').mockReturnValue(Date.now() + ms)
  await crash(channel)
}

afterEach(() => vi.restoreAllMocks())

describe('the channel box over HTTP', () => {
  it('[CB7] keeps every message it answered for when the object dies', async () => {
    const channel = newChannel()
    expect(await post(channel, 1, 7)).toMatchObject({ status: 202, json: { sequence: 1 } })
    await post(channel, 2, 8)
    await crash(channel)
    expect((await post(channel, 2, 8)).status).toBe(202)
    expect((await post(channel, 3, 9)).status).toBe(202)
    const messages = [7, 8, 9].map((byte, at) => ({ sequence: at + 1, bytes: `0x0${byte}` }))
    expect((await call('GET', `${channel}/payee/inbox`)).json).toEqual({ messages })
    await crash(channel)
    expect((await call('GET', `${channel}/payee/inbox?after=2`)).json).toEqual({ messages: messages.slice(2) })
    expect((await call('GET', `${channel}/payer/outbox`)).json).toEqual({ epoch: 1, sent: 3, acknowledged: 0, read: 0 })
  })

  it('[CB1] challenges a request without its token, also after a restart; an id in capitals is the same channel', async () => {
    const channel = newChannel()
    await post(channel, 1, 7)
    await crash(channel)
    for (const auth of [null, `Bearer ${'02'.repeat(32)}`, 'Bearer short', `Basic ${token}`]) {
      const capitals = `0x${channel.slice(2).toUpperCase()}`
      const { status, headers, json } = await call('GET', `${capitals}/payer/outbox`, { auth })
      expect([status, json.code, headers.get('www-authenticate')]).toEqual([401, 'unauthorized', 'Bearer'])
    }
  })

  it('[CB11] is forgotten by its alarm', async () => {
    const channel = newChannel()
    await post(channel, 1, 7)
    await pass(channel, 91 * 24 * 60 * 60_000)
    expect(await runDurableObjectAlarm(boxOf(channel))).toBe(true)
    expect((await call('GET', `${channel}/payer/outbox`)).json).toEqual({ epoch: 0, sent: 0, acknowledged: 0, read: 0 })
  })

  it('answers bad input with a problem, never with 500, and stores nothing of it', async () => {
    const channel = newChannel()
    const json = 'application/json'
    const deposit = { number: 1, closeAtHeight: 900, transaction: toHex(closingOf(1)) }
    const cases: readonly (readonly [string, string, number, string, { body?: BodyInit; type?: string }?])[] = [
      ['PUT', 'nonsense/payer/outbox/1?epoch=1', 404, 'unknown-channel', { type: octets, body: 'x' }],
      ['PUT', `${channel}/thief/outbox/1?epoch=1`, 404, 'unknown-route', { type: octets, body: 'x' }],
      ['PUT', `${channel}/payer/outbox/0?epoch=1`, 400, 'malformed-message', { type: octets, body: 'x' }],
      ['PUT', `${channel}/payer/outbox/1e3?epoch=1`, 400, 'malformed-message', { type: octets, body: 'x' }],
      [
        'PUT',
        `${channel}/payer/outbox/9999999999999999?epoch=1`,
        400,
        'malformed-message',
        { type: octets, body: 'x' },
      ],
      ['PUT', `${channel}/payer/outbox/1`, 400, 'malformed-message', { type: octets, body: 'x' }],
      ['PUT', `${channel}/payer/outbox/1?epoch=-1`, 400, 'malformed-message', { type: octets, body: 'x' }],
      ['PUT', `${channel}/payer/outbox/1?epoch=1`, 400, 'malformed-message', { type: octets }],
      ['PUT', `${channel}/payer/outbox/1?epoch=1`, 415, 'unsupported-media-type', { type: 'text/plain', body: 'x' }],
      ['PUT', `${channel}/payer/outbox/1?epoch=1`, 413, 'message-too-large', { type: octets, body: 'x'.repeat(2_049) }],
      ['PUT', `${channel}/payer/outbox/2?epoch=1`, 409, 'message-gap', { type: octets, body: 'x' }],
      ['POST', `${channel}/payer/outbox/1?epoch=1`, 405, 'method-not-allowed', { type: octets, body: 'x' }],
      ['POST', `${channel}/payer/outbox`, 405, 'method-not-allowed'],
      ['POST', `${channel}/payer/inbox`, 405, 'method-not-allowed'],
      ['GET', `${channel}/payer/inbox?after=x`, 400, 'malformed-cursor'],
      ['GET', `${channel}/payer/inbox?after=1`, 409, 'cursor-ahead'],
      ['DELETE', `${channel}/payer/inbox?through=1`, 400, 'malformed-message'],
      ['DELETE', `${channel}/payer/inbox?through=%00&epoch=1`, 400, 'malformed-cursor'],
      ['DELETE', `${channel}/payer/inbox?through=1&epoch=1`, 409, 'cursor-ahead'],
      ['GET', `${channel}/payer/deposit`, 404, 'unknown-route'],
      ['GET', `${channel}/payee/deposit`, 404, 'unknown-deposit'],
      ['POST', `${channel}/payee/deposit`, 405, 'method-not-allowed'],
      ['PUT', `${channel}/payee/deposit`, 415, 'unsupported-media-type', { type: octets, body: 'x' }],
      ['PUT', `${channel}/payee/deposit`, 413, 'message-too-large', { type: json, body: ' '.repeat(9_000) }],
      ['PUT', `${channel}/payee/deposit`, 400, 'malformed-deposit', { type: json, body: Uint8Array.of(0xff) }],
      ...['', 'null', '[]', '{"number":1}'].map((body) => depositCase(channel, body)),
      ...[
        { ...deposit, number: 0 },
        { ...deposit, number: 1.5 },
        { ...deposit, closeAtHeight: 500_000_000 },
        { ...deposit, closeAtHeight: '900' },
        { ...deposit, transaction: '0x' },
        { ...deposit, transaction: `${deposit.transaction}00` },
        { ...deposit, fee: 1 },
      ].map((fields) => depositCase(channel, JSON.stringify(fields))),
    ]
    for (const [method, path, status, code, init] of cases) {
      const answer = await call(method, path, init)
      expect([method, path, answer.status, answer.json.code]).toEqual([method, path, status, code])
    }
    expect((await call('GET', `${channel}/payer/outbox`)).json).toEqual({ epoch: 1, sent: 0, acknowledged: 0, read: 0 })
    expect((await call('GET', `${channel}/payee/deposit`)).status).toBe(404)
  })
})

function depositCase(channel: Hex, body: string) {
  return ['PUT', `${channel}/payee/deposit`, 400, 'malformed-deposit', { type: 'application/json', body }] as const
}

describe('the deposit on the worker', () => {
  /** What each source says of the chain; a dead one does not answer. */
  const chain = { height: 0, spentAt: null as number | null }
  const sources = { one: { ...chain, isDead: false }, two: { ...chain, isDead: false } }
  let broadcasts: string[] = []

  beforeEach(() => {
    broadcasts = []
    for (const source of Object.values(sources)) Object.assign(source, { height: 700, spentAt: null, isDead: false })
    vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
      const url = new URL(String(input))
      const name = url.hostname === 'one.invalid' ? 'one' : 'two'
      const { height, spentAt, isDead } = sources[name]
      if (isDead) throw new TypeError('no such host')
      if (url.pathname === '/api/blocks/tip/height') return new Response(`${height}`)
      if (url.pathname === `/api/tx/${closingInput.txid}/outspend/${closingInput.index}`)
        return Response.json({
          spent: spentAt !== null,
          txid: 'ab'.repeat(32),
          vin: 0,
          status: { confirmed: (spentAt ?? 0) > 0, block_height: spentAt ?? undefined },
        })
      if (url.pathname === '/api/tx' && init?.method === 'POST') {
        broadcasts.push(`${name} ${init.body}`)
        return new Response('already in mempool', { status: 400 })
      }
      return new Response('what?', { status: 404 })
    })
  })

  /** One alarm, all its deeds done. */
  async function wake(channel: Hex): Promise<boolean> {
    const rang = await runDurableObjectAlarm(boxOf(channel))
    await settled()
    return rang
  }
  const settled = () => new Promise((resolve) => setTimeout(resolve, 30))
  const stateOf = async (channel: Hex) => (await call('GET', `${channel}/payee/deposit`)).json.state
  const bothTold = (number: number) => ['one', 'two'].map((name) => `${name} ${toHex(closingOf(number)).slice(2)}`)

  it('[CB13] [CB16] broadcasts through every source from its height on, after a crash and at an alarm that comes twice', async () => {
    const channel = newChannel()
    expect(await leave(channel, 3)).toMatchObject({ status: 202, json: { number: 3 } })
    await settled()
    expect(broadcasts).toEqual([])
    sources.two.height = 900
    await pass(channel)
    expect(await wake(channel)).toBe(true)
    expect(broadcasts.sort()).toEqual(bothTold(3))
    expect(await stateOf(channel)).toBe('closing')
    // The alarm comes again before the next look is due: nothing happens, and it is armed still.
    expect(await wake(channel)).toBe(true)
    expect(broadcasts).toHaveLength(2)
    await pass(channel)
    expect(await wake(channel)).toBe(true)
    expect(broadcasts).toHaveLength(4)
  })

  it('[CB14] ends when every source tells that a spend is buried, not before', async () => {
    const channel = newChannel()
    sources.one.height = 905
    await leave(channel, 1)
    await settled()
    expect(broadcasts).toHaveLength(2)
    Object.assign(sources.one, { height: 910, spentAt: 905 })
    Object.assign(sources.two, { height: 909, spentAt: 905 })
    await pass(channel)
    await wake(channel)
    expect(broadcasts).toHaveLength(4)
    sources.two.height = 910
    await pass(channel)
    await wake(channel)
    expect(broadcasts).toHaveLength(4)
    expect(await stateOf(channel)).toBe('ended')
  })

  it('[CB15] takes silence for unknown: one dead source holds nothing back, two dead ones end nothing', async () => {
    const channel = newChannel()
    sources.one.isDead = true
    await leave(channel, 1, 701)
    await settled()
    expect(await stateOf(channel)).toBe('waiting')
    Object.assign(sources.two, { height: 710, spentAt: 702 })
    await pass(channel)
    await wake(channel)
    expect(broadcasts).toEqual(bothTold(1).slice(1))
    sources.two.isDead = true
    await pass(channel)
    expect(await wake(channel)).toBe(true)
    sources.two.isDead = false
    await pass(channel)
    expect(await wake(channel)).toBe(true)
    expect(broadcasts).toHaveLength(2)
    expect(await stateOf(channel)).toBe('closing')
  })
})
