import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Env } from '../../edge/objects.ts'
import { answerProblem, Refusal } from '../../edge/routes/answer.ts'
import { verified } from '../../edge/routes/verified.ts'
import { beaconApi, edgeBundle, type Fetch } from '../../sdk/adapters/index.ts'
import { createEthereumClient } from '../../sdk/client/ethereum/index.ts'
import { SdkError } from '../../sdk/errors.ts'
import { beaconLies, type Lie, lyingFetch, nodeLies } from '../../sdk/liar/index.ts'
import { slot, toHex } from '../../sdk/units.ts'
import { tokenBalanceSlot } from '../../sdk/verify/ethereum/index.ts'
import { checkpoint, clock, finalBlock } from '../sdk/client/ethereum/setting.ts'
import { honestFetch } from '../sdk/liar/servers.ts'
import { testNetwork } from '../sdk/verify/ethereum/beacon.ts'
import { alice, bob, holding, nobody, token } from '../sdk/verify/ethereum/world.ts'

const chain = { fork: 'osaka', executors: ['https://node.invalid'], beacons: ['https://beacon.invalid/'] }
const env = { CHAINS: JSON.stringify({ 1: chain, 2: { ...chain, beacons: [] } }) } as Env
const app = new Hono<{ Bindings: Env }>().route('/v1/chains/:chain', verified()).onError((error, context) => {
  if (error instanceof Refusal) return answerProblem(context, error.code, error.detail)
  throw error
})

/** What the edge asked its servers, and what was asked of the edge. */
const upstream: string[] = []
const served: string[] = []
const edgeFetch: Fetch = async (url, init) => {
  served.push(url)
  // Reads of all other kinds go through the edge to the executor as they are.
  if (url.includes('/rpc/')) return honestFetch(url, init)
  return app.request(url, init, env)
}

beforeAll(() => {
  // What the edge keeps for a few seconds is still there on a slow machine.
  vi.useFakeTimers({ toFake: ['Date'] })
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    upstream.push(url)
    const asked = init.body === undefined ? null : JSON.parse(String(init.body))
    if (!Array.isArray(asked)) return honestFetch(url, init)
    const answers = asked.map(async (one) => (await honestFetch(url, { ...init, body: JSON.stringify(one) })).json())
    return Response.json(await Promise.all(answers))
  })
})
afterAll(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

const balanceSlot = tokenBalanceSlot({ owner: alice, position: 3n })
const watch = [{ account: alice }, { account: token, slots: [balanceSlot, slot(`0x${'00'.repeat(31)}07`)] }]

function clientOver(fetch: Fetch, at: 'finalized' | 'optimistic' = 'finalized') {
  const { beacon, node } = edgeBundle({ url: 'https://edge.example/', chainId: 1, watch, at, fetch })
  return createEthereumClient({
    network: testNetwork,
    checkpoint: toHex(checkpoint.root),
    beacons: [beacon],
    nodes: [node],
    clock,
  })
}

const ask = async (path: string) => {
  const response = await app.request(`/v1/chains/${path}`, {}, env)
  return [response.status, ((await response.json()) as { code?: string }).code]
}

describe('the edge as a bundler', () => {
  it('gives updates and proofs in one answer, which a client proves by itself', async () => {
    const client = clientOver(edgeFetch)
    expect((await client.balance(alice)).value).toBe(10n ** 18n + BigInt(finalBlock.header.number))
    served.length = 0
    upstream.length = 0
    expect(await client.balance(alice)).toMatchObject({ verdict: { level: 'finalized', proven: ['account'] } })
    expect((await client.tokenBalance({ token, owner: alice, position: 3n })).value).toBe(holding)
    // Within a slot the client asks nobody for heads, and what is watched came along.
    expect(served).toEqual([])
    expect((await client.account(nobody)).value).toBeNull()
    expect(served).toEqual(['https://edge.example/rpc/1'])
  })

  it('asks its servers once for what many ask of it', async () => {
    await clientOver(edgeFetch).balance(alice)
    upstream.length = 0
    await clientOver(edgeFetch).balance(alice)
    expect(upstream).toEqual([])
    await clientOver(edgeFetch, 'optimistic').balance(bob, 'optimistic')
    expect(upstream.every((url) => url === 'https://node.invalid')).toBe(true)
  })

  it('serves the light client part of the Beacon API, for any client of it', async () => {
    const beacon = beaconApi({ url: 'https://edge.example/v1/chains/1/verified', fetch: edgeFetch })
    expect(await beacon.genesis()).toBe(toHex(testNetwork.genesisValidatorsRoot))
    expect(await beacon.finalizedRoot()).toBe(toHex(checkpoint.root))
    expect(await beacon.updates(2, 2)).toHaveLength(2)
    expect(await beacon.bootstrap(toHex(checkpoint.root))).toMatchObject({ header: {} })
    expect(await beacon.optimisticUpdate()).toMatchObject({ attested_header: {} })
  })

  it('refuses what it is not configured for, and what cannot be read', async () => {
    expect(await ask('2/verified/bundle')).toEqual([404, 'unbundled-chain'])
    expect(await ask('9/verified/bundle')).toEqual([404, 'unknown-chain'])
    for (const query of [
      'accounts=0x1',
      `accounts=${alice}:0x01`,
      `accounts=${Array(9).fill(alice).join()}`,
      `accounts=${[alice, ...Array(17).fill(balanceSlot)].join(':')}`,
      'at=latest',
    ])
      expect(await ask(`1/verified/bundle?${query}`)).toEqual([400, 'malformed-accounts'])
    const light = '1/verified/eth/v1/beacon/light_client'
    expect(await ask(`${light}/updates?start_period=x&count=1`)).toEqual([400, 'malformed-accounts'])
    expect(await ask(`${light}/updates?start_period=1&count=129`)).toEqual([400, 'malformed-accounts'])
    expect(await ask(`${light}/bootstrap/..%2f..%2fnode`)).toEqual([404, 'unknown-update'])
    const response = await app.request('/v1/chains/1/verified/bundle', { method: 'POST' }, env)
    expect(response.status).toBe(405)
  })
})

describe('an edge that lies', () => {
  // A bundle holds no transactions, and no withdrawals.
  const lies: readonly Lie[] = [...beaconLies, ...nodeLies].filter(
    ({ name, about }) =>
      !/transaction|withdrawal/.test(name) &&
      about.some((one) => /update$|updates|bootstrap|genesis|getProof|getBlockByHash/.test(one)),
  )
  it.each(lies.map((lie) => [lie.name, lie] as const))('deceives nobody: %s', async (_, lie) => {
    const client = clientOver(lyingFetch(edgeFetch, lie))
    const asked = [
      client.balance(alice).then(({ value }) => value),
      client.tokenBalance({ token, owner: alice, position: 3n }).then(({ value }) => value),
    ]
    const told = await Promise.allSettled(asked)
    const truths = [10n ** 18n + BigInt(finalBlock.header.number), holding]
    for (const [at, one] of told.entries()) {
      if (one.status === 'fulfilled') expect(one.value).toBe(truths[at])
      else {
        expect(one.reason).toBeInstanceOf(SdkError)
        expect(['node/nonsense', 'client/wrong-network']).toContain((one.reason as SdkError).code)
      }
    }
    expect(told.some(({ status }) => status === 'rejected')).toBe(true)
  })

  it('is found out about the form of its bundle', async () => {
    for (const json of [null, {}, { header: {}, proofs: [] }, []]) {
      const client = clientOver(async (url, init) =>
        url.includes('/bundle') ? Response.json(json) : edgeFetch(url, init),
      )
      await expect(client.balance(alice)).rejects.toMatchObject({ code: 'node/nonsense' })
    }
    const busy = clientOver(async (url, init) =>
      url.includes('/bundle') ? new Response('', { status: 503 }) : edgeFetch(url, init),
    )
    await expect(busy.balance(alice)).rejects.toMatchObject({ code: 'node/unreachable' })
  })
})
