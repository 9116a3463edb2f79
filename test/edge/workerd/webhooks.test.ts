import { describe, expect, it, vi } from 'vitest'
import { webhookLookMsMin } from '../../../edge/limits.ts'
import { webhookHeaders } from '../../../edge/webhookDeeds.ts'
import { chainId } from '../../../sdk/units.ts'
import { envelope } from '../transfers.ts'
import { configured, digestOf, freshChain, walletOf } from './edge.ts'
import { fakeNode } from './node.ts'

const security = {
  admin: digestOf('boss'),
  keys: [
    { name: 'shop', digest: digestOf('s3cret'), scopes: ['submit', 'webhooks'] },
    { name: 'plain', digest: digestOf('pl4in'), scopes: ['submit'] },
  ],
}
const guarded = configured({ SECURITY: JSON.stringify(security) })
const url = 'https://shop.example.com/hook'

interface Call {
  readonly headers: Record<string, string>
  readonly body: string
}

/** A merchant's server, beside the chain's node. */
function openShop() {
  const chain = freshChain()
  const node = fakeNode(chain)
  const nodeFetch = globalThis.fetch
  const calls: Call[] = []
  let status = 200
  vi.stubGlobal('fetch', async (input: string, init?: RequestInit) => {
    if (input !== url) return nodeFetch(input, init)
    calls.push({ headers: init?.headers as Record<string, string>, body: String(init?.body) })
    return new Response(null, { status })
  })
  const ask = async (path: string, method = 'GET', secret = 's3cret', body?: object) => {
    const headers = { authorization: `Bearer ${secret}`, ...(body ? { 'content-type': 'application/json' } : {}) }
    const response = await guarded(path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) })
    return { status: response.status, json: (await response.json()) as Record<string, unknown> }
  }
  const base = `/v1/chains/${chain}`
  return {
    ...{ chain, node, calls, ask, base, wallet: walletOf(chain) },
    answerWith: (next: number) => {
      status = next
    },
    submit: async (one: Parameters<typeof envelope>[0][number], secret = 's3cret') => {
      const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/octet-stream' }
      const body = envelope([one], chainId(chain)) as BodyInit
      const response = await guarded(`${base}/batches`, { method: 'POST', headers, body })
      expect(response.status).toBe(202)
      return ((await response.json()) as { batch: string }).batch
    },
  }
}

describe('a merchant', () => {
  it('is told of the end of its batches and of no others, signed', async () => {
    const { ask, base, wallet, node, calls, submit } = openShop()
    const registered = await ask(`${base}/webhook`, 'PUT', 's3cret', { url })
    expect(registered).toEqual({ status: 200, json: { url, secret: expect.stringMatching(/^whsec_[\w+/]{43}=$/) } })
    const [mine, other] = [await wallet.transfer({ from: 0, nonce: 0 }), await wallet.transfer({ from: 1, nonce: 0 })]
    const batch = await submit(mine)
    await submit(other, 'pl4in')
    await wallet.until(mine, 'accepted')
    for (let at = 0; at < 5; at++) node.mine()
    await wallet.until(mine, 'finalized')
    await expect.poll(() => calls.length, { timeout: 20_000 }).toBe(1)
    const [{ headers, body } = { headers: {}, body: '' }] = calls
    expect(JSON.parse(body)).toMatchObject({
      type: 'batch.final',
      data: { batch, transactions: [{ hash: mine.hash, status: { state: 'finalized' } }] },
    })
    const id = `batch_${batch.slice(2)}`
    const secret = String(registered.json.secret).slice('whsec_'.length)
    expect(headers).toMatchObject(webhookHeaders({ id, body }, [secret], Number(headers['webhook-timestamp'])))
    await expect
      .poll(async () => (await ask(`${base}/webhook`)).json)
      .toEqual({ url, isGone: false, watched: 0, waiting: 0, dead: 0 })
  })

  it('is told that a transaction was replaced once the one in its place is final', async () => {
    const { ask, base, wallet, node, calls, submit } = openShop()
    await ask(`${base}/webhook`, 'PUT', 's3cret', { url })
    const mine = await wallet.transfer({ from: 0, nonce: 0 })
    const batch = await submit(mine)
    const fees = { maxFeePerGas: 20_000_000_000n, maxPriorityFeePerGas: 2_000_000_000n }
    const dearer = await wallet.transfer({ from: 0, nonce: 0, value: 2n, ...fees })
    await wallet.submit([dearer])
    await wallet.until(dearer, 'accepted')
    node.mine()
    await wallet.until(mine, 'replaced')
    // It looks twice, and sees that.
    await new Promise((resolve) => setTimeout(resolve, 3 * webhookLookMsMin))
    expect(calls).toEqual([])
    for (let at = 0; at < 5; at++) node.mine()
    await expect.poll(() => calls.length, { timeout: 20_000 }).toBe(1)
    expect(JSON.parse(calls[0]?.body ?? '')).toMatchObject({
      type: 'batch.final',
      data: { batch, transactions: [{ hash: mine.hash, status: { state: 'replaced', by: dearer.hash } }] },
    })
  })

  it('rotates its secret, moves, and leaves', async () => {
    const { ask, base } = openShop()
    expect((await ask(`${base}/webhook/secret`, 'POST')).json.code).toBe('unknown-webhook')
    const { secret } = (await ask(`${base}/webhook`, 'PUT', 's3cret', { url })).json
    const moved = await ask(`${base}/webhook`, 'PUT', 's3cret', { url: `${url}2` })
    expect(moved.json).toEqual({ url: `${url}2` })
    const rotated = (await ask(`${base}/webhook/secret`, 'POST')).json
    expect(rotated.secret).not.toBe(secret)
    expect((await ask(`${base}/webhook`, 'DELETE')).json).toEqual({ forgotten: true })
    expect((await ask(`${base}/webhook`)).json.code).toBe('unknown-webhook')
  })

  it('needs a key with the scope, and a public place', async () => {
    const { ask, base } = openShop()
    for (const secret of ['pl4in', 'none'])
      expect((await ask(`${base}/webhook`, 'PUT', secret, { url })).json.code).toBe('unauthorized')
    for (const body of [{ url: 'https://10.0.0.1/' }, { url: 'http://localhost/' }, { url, more: 1 }, {}, []])
      expect((await ask(`${base}/webhook`, 'PUT', 's3cret', body)).json.code).toBe('malformed-webhook')
  })
})

describe('a message that nobody takes', () => {
  it('is kept, and the administrator sees it and has it tried again', async () => {
    const { ask, base, chain, wallet, node, calls, submit, answerWith } = openShop()
    await ask(`${base}/webhook`, 'PUT', 's3cret', { url })
    answerWith(410)
    const one = await wallet.transfer({ from: 0, nonce: 0 })
    node.broke.add(one.sender)
    const batch = await submit(one)
    await expect.poll(() => calls.length, { timeout: 20_000 }).toBe(1)
    const dead = `/admin/chains/${chain}/webhooks/shop/dead`
    expect((await ask(dead)).status).toBe(401)
    const id = `batch_${batch.slice(2)}`
    await expect
      .poll(async () => (await ask(dead, 'GET', 'boss')).json)
      .toMatchObject({ dead: [{ id, attempts: 1, fault: '410' }] })
    answerWith(200)
    await ask(`${base}/webhook`, 'PUT', 's3cret', { url })
    expect((await ask(`${dead}/${id}`, 'POST', 'boss')).json).toEqual({ replayed: id })
    await expect.poll(() => calls.length, { timeout: 20_000 }).toBe(2)
    expect(calls[1]?.headers['webhook-id']).toBe(id)
    expect((await ask(`${dead}/${id}x`, 'POST', 'boss')).json.code).toBe('unknown-message')
  })
})
