import { env, runDurableObjectAlarm, runInDurableObject, SELF } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { towerAddressBurst } from '../../../edge/limits.ts'
import type { Env } from '../../../edge/objects.ts'
import { grantsName } from '../../../edge/towerGrant.ts'
import { httpTower } from '../../../sdk/adapters/httpTower.ts'
import { decodeReceipt } from '../../../sdk/channel/tower/receipt.ts'
import { encodeSealed, hintOf, sealedBytes, sealNonce, stateKey } from '../../../sdk/channel/tower/wire.ts'
import { currentEngine } from '../../../sdk/crypto/index.ts'
import type { SignedReceipt } from '../../../sdk/ports.ts'
import { type Hex, type Txid, toHex, txid } from '../../../sdk/units.ts'
import { closingInput, closingOf } from '../closings.ts'
import { configured, digestOf } from './edge.ts'

const origin = 'https://edge.invalid'
const funding = { txid: 'f0'.repeat(32), index: 0 }
const key = currentEngine().publicKey(new Uint8Array(32).fill(8))
/** The cheater's transaction: what the justice in these tests spends. */
const cheat = txid(closingInput.txid)

interface State {
  readonly number: number
  readonly txid: Txid
  readonly outputs: readonly (readonly Uint8Array<ArrayBuffer>[])[]
}

/** Seals a state as its owner does. */
async function sealed({ txid, outputs }: State): Promise<Uint8Array> {
  const secret = stateKey(txid)
  const hint = hintOf(txid)
  const cipher = await crypto.subtle.importKey('raw', Uint8Array.from(secret), 'AES-GCM', false, ['encrypt'])
  const seal = async (bytes: Uint8Array<ArrayBuffer>) => {
    const iv = Uint8Array.from(sealNonce(secret, bytes))
    const way = { name: 'AES-GCM', iv, additionalData: Uint8Array.from(hint), tagLength: 128 }
    return sealedBytes(iv, new Uint8Array(await crypto.subtle.encrypt(way, cipher, bytes)))
  }
  return encodeSealed({ hint, outputs: await Promise.all(outputs.map((rungs) => Promise.all(rungs.map(seal)))) })
}

/** A tower of its own, and what its owner asks it over HTTP. */
function newTower() {
  const name = toHex(crypto.getRandomValues(new Uint8Array(32)))
  const token = crypto.getRandomValues(new Uint8Array(32))
  const link = httpTower({ url: origin, tower: name, token, fetch: (url, init) => SELF.fetch(url, init) })
  const proven = ({ bytes, signature }: SignedReceipt) => {
    const receipt = decodeReceipt(bytes, signature, key)
    if (!receipt.ok) throw new Error(receipt.reason)
    return receipt.value
  }
  const client = {
    register: async (first: number) => proven(await link.register({ funding, first })),
    keep: async (state: State) => proven(await link.keep({ number: state.number, bytes: await sealed(state) })),
    standing: async () => proven(await link.standing()),
  }
  return { name, token, link, client }
}

function stubOf(name: Hex): DurableObjectStub {
  return (env as unknown as Env).TOWER.getByName(name) as unknown as DurableObjectStub
}

async function raw(path: string, init: RequestInit = {}) {
  const response = await SELF.fetch(`${origin}/v1/towers${path}`, init)
  const json = (await response.json()) as Record<string, unknown>
  return { status: response.status, json }
}

/** Esplora servers that tell what they are told to, and remember what was broadcast. */
function sources(
  spends: Readonly<Record<string, { readonly txid: string; readonly height: number } | null>>,
  height = 200,
) {
  const sent: string[] = []
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const url = String(input instanceof Request ? input.url : input)
    if (init?.method === 'POST') {
      sent.push(String(init.body))
      return new Response('ok')
    }
    if (url.endsWith('/blocks/tip/height')) return new Response(String(height))
    const [, outpoint = ''] = /\/tx\/(\w+\/outspend\/\d+)$/.exec(url) ?? []
    const spend = spends[outpoint]
    if (!spend) return Response.json({ spent: false })
    const status = { confirmed: true, block_height: spend.height }
    return Response.json({ spent: true, txid: spend.txid, vin: 0, status })
  })
  return sent
}

/** Time goes on while the object is not in memory; then its alarm rings. */
async function pass(name: Hex, ms = 10 * 600_000): Promise<void> {
  vi.spyOn(Date, 'now').mockReturnValue(Date.now() + ms)
  await runInDurableObject(stubOf(name), (_, state) => state.abort('crash')).catch(() => undefined)
  await runDurableObjectAlarm(stubOf(name))
}

beforeEach(() => {
  sources({})
})
afterEach(() => vi.restoreAllMocks())

describe('a watchtower over HTTP', () => {
  it('[WT10] says who it is, and signs what it keeps', async () => {
    expect(await raw('')).toEqual({ status: 200, json: { network: 'regtest', key: toHex(key) } })
    const { client } = newTower()
    expect(await client.register(4)).toMatchObject({ first: 4, next: 4, funding })
    const state = { number: 4, txid: cheat, outputs: [[closingOf(1)]] }
    expect(await client.keep(state)).toMatchObject({ first: 4, next: 5 })
    expect(await client.keep(state)).toMatchObject({ next: 5 })
    await expect(client.keep({ ...state, number: 6 })).rejects.toMatchObject({ notes: ['state-gap'] })
    expect(await client.standing()).toMatchObject({ next: 5, funding })
  })

  it('[WT1] refuses strangers, other channels and what cannot be read, and changes nothing', async () => {
    const { name, token, client, link } = newTower()
    await client.register(0)
    const auth = { authorization: `Bearer ${toHex(token).slice(2)}` }
    const put = (path: string, type: string, body: BodyInit, headers: Record<string, string> = auth) =>
      raw(`/${name}${path}`, { method: 'PUT', headers: { ...headers, 'content-type': type }, body })
    const codes = [
      await put('', 'application/json', '{}', {}),
      await put('', 'application/json', '{}', { authorization: `Bearer ${'00'.repeat(32)}` }),
      await put('', 'application/json', JSON.stringify({ funding, first: 0 }), {
        authorization: `Bearer ${'00'.repeat(32)}`,
      }),
      await put('', 'application/json', JSON.stringify({ funding: { ...funding, more: 1 }, first: 0 })),
      await put('', 'text/plain', '{}'),
      await put('/states/0', 'application/octet-stream', 'nonsense'),
      await put('/states/-1', 'application/octet-stream', 'nonsense'),
      await put('/states/0', 'application/octet-stream', new Uint8Array(49 * 1024)),
      await raw('/0x01', { headers: auth }),
    ].map(({ json }) => json.code)
    expect(codes).toEqual([
      ...['unauthorized', 'malformed-tower', 'unauthorized', 'malformed-tower', 'unsupported-media-type'],
      ...['malformed-state', 'malformed-state', 'state-too-large', 'unknown-tower'],
    ])
    await expect(link.register({ funding, first: 3 })).rejects.toMatchObject({ notes: ['conflicting-tower'] })
    expect(await client.standing()).toMatchObject({ first: 0, next: 0 })
  })

  it('[WT11] lets strangers in as far as there is room, and keys on a closed edge', async () => {
    const body = JSON.stringify({ funding, first: 0 })
    const register = (fetch: typeof SELF.fetch, headers: Record<string, string> = {}, name = newTower().name) =>
      fetch(`${origin}/v1/towers/${name}`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${'07'.repeat(32)}`, 'content-type': 'application/json', ...headers },
        body,
      })
    const codeOf = async (answer: Promise<Response>) => {
      const response = await answer
      return response.status === 202 ? 'ok' : ((await response.json()) as { code: string }).code
    }
    const keys = [
      { name: 'wallets', digest: digestOf('s3cret'), scopes: ['towers'] },
      { name: 'shop', digest: digestOf('shop'), scopes: ['submit'] },
    ]
    const closed = configured({ SECURITY: JSON.stringify({ keys, closed: true }) })
    const fetch = ((url: string, init: RequestInit) => closed(url.slice(origin.length), init)) as typeof SELF.fetch
    const { name } = newTower()
    expect([
      await codeOf(register(fetch)),
      await codeOf(register(fetch, { 'lanekit-key': 'shop' })),
      await codeOf(register(fetch, { 'lanekit-key': 's3cret' }, name)),
      // What is registered already shows nothing.
      await codeOf(register(fetch, {}, name)),
    ]).toEqual(['unauthorized', 'unauthorized', 'ok', 'ok'])
    // An open edge: one address without a key, and the allowance that all of them share.
    const here = { 'cf-connecting-ip': '192.0.2.1' }
    const codes = []
    for (let at = 0; at <= towerAddressBurst; at++) codes.push(await codeOf(register(SELF.fetch.bind(SELF), here)))
    expect(codes).toEqual([...Array.from({ length: towerAddressBurst }, () => 'ok'), 'tower-quota'])
    await runInDurableObject(stubOf(grantsName(null) as Hex), (_, { storage }) => {
      storage.sql.exec('UPDATE grants SET level = 0')
    })
    expect(await codeOf(register(SELF.fetch.bind(SELF)))).toBe('tower-quota')
    expect(await codeOf(register(fetch, { 'lanekit-key': 's3cret' }))).toBe('ok')
    await runInDurableObject(stubOf(grantsName(null) as Hex), (_, { storage }) => {
      storage.sql.exec('DELETE FROM grants')
    })
  })

  it('[WT5] [WT6] opens and broadcasts by its alarm alone, after a crash, through every source', async () => {
    const { client, name } = newTower()
    await client.register(0)
    await client.keep({ number: 0, txid: txid('ab'.repeat(32)), outputs: [[closingOf(9)]] })
    await client.keep({ number: 1, txid: cheat, outputs: [[closingOf(1), closingOf(2)]] })
    const sent = sources({ [`${funding.txid}/outspend/0`]: { txid: cheat, height: 200 } })
    await pass(name)
    await vi.waitFor(() => expect(sent).toHaveLength(2))
    expect(new Set(sent)).toEqual(new Set([toHex(closingOf(1)).slice(2)]))
    vi.restoreAllMocks()
    // Three blocks later and not mined: the next feerate.
    const dearer = sources({ [`${funding.txid}/outspend/0`]: { txid: cheat, height: 200 } }, 203)
    await pass(name, 20 * 600_000)
    await vi.waitFor(() => expect(dearer).toContain(toHex(closingOf(2)).slice(2)))
    vi.restoreAllMocks()
    const spends = {
      [`${funding.txid}/outspend/0`]: { txid: cheat, height: 200 },
      [`${closingInput.txid}/outspend/${closingInput.index}`]: { txid: 'cc'.repeat(32), height: 204 },
    }
    sources(spends, 209)
    await pass(name, 30 * 600_000)
    await vi.waitFor(async () => expect((await client.standing()).height).toBe(209))
    await expect(client.keep({ number: 2, txid: cheat, outputs: [] })).rejects.toMatchObject({ notes: ['tower-ended'] })
  })
})
