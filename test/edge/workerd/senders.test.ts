import { describe, expect, it } from 'vitest'
import { encodeSenderToken, type SenderGrant, senderTokenText } from '../../../sdk/evm/index.ts'
import { chainId } from '../../../sdk/units.ts'
import { account, envelope, type Transfer } from '../transfers.ts'
import { configured, digestOf, freshChain, post, walletOf } from './edge.ts'
import { fakeNode } from './node.ts'

const open = configured({})
const guarded = configured({
  SECURITY: JSON.stringify({
    private: true,
    keys: [
      { name: 'shop', digest: digestOf('reader'), scopes: ['read'] },
      { name: 'shop', digest: digestOf('sender'), scopes: ['submit', 'rpc'] },
    ],
  }),
})
const bearer = (secret: string) => ({ headers: { authorization: `Bearer ${secret}` } })

/** A token of one of the accounts, for the edge of these tests. */
async function tokenOf(chain: number, of: Transfer, from: number, over: Partial<SenderGrant> = {}): Promise<string> {
  const until = Math.floor(Date.now() / 1_000) + 600
  const grant = { host: 'edge.invalid', chainId: chain, account: of.sender, until, ...over }
  return encodeSenderToken(grant, await account(from).signMessage({ message: senderTokenText(grant) }))
}

async function told(response: Response): Promise<readonly [number, unknown]> {
  const { code, status } = (await response.json()) as { code?: string; status?: unknown }
  return [response.status, code ?? status]
}

describe('a sender', () => {
  it('[CR20] stops what was never sent; what follows waits, and the same answer comes again', async () => {
    const chain = freshChain()
    const node = fakeNode(chain)
    node.mood = 'down'
    const wallet = walletOf(chain)
    const [gone, held] = [await wallet.transfer({ from: 0, nonce: 0 }), await wallet.transfer({ from: 0, nonce: 2 })]
    await wallet.submit([held])
    const path = (of: Transfer) => `${wallet.base}/senders/${of.sender}/txs/${of.hash}`
    const stop = async (of: Transfer, token: string) =>
      told(await open(path(of), { method: 'DELETE', ...bearer(token) }))
    expect(await told(await open(path(held), { method: 'DELETE' }))).toEqual([401, 'unauthorized'])
    expect(await stop(held, await tokenOf(chain, held, 1))).toEqual([401, 'unauthorized'])
    expect(await stop(held, await tokenOf(chain, held, 0, { host: 'other.invalid' }))).toEqual([401, 'unauthorized'])
    expect(await stop(held, await tokenOf(chain, held, 0, { until: 1_700_000_000 }))).toEqual([401, 'unauthorized'])
    expect(await stop(held, await tokenOf(chain, held, 0, { until: 9_700_000_000 }))).toEqual([401, 'unauthorized'])
    const token = await tokenOf(chain, held, 0)
    expect(await stop(gone, token)).toEqual([404, 'unknown-transaction'])
    const end = { state: 'rejected', code: 'cancelled', detail: 'Its sender has stopped it.' }
    expect(await stop(held, token)).toEqual([200, end])
    expect(await stop(held, token)).toEqual([200, end])
    expect(await wallet.status(held)).toEqual(end)
    node.mood = 'well'
    await wallet.submit([gone])
    await wallet.until(gone, 'accepted')
    expect(await stop(gone, token)).toEqual([409, 'too-late-to-cancel'])
    expect(node.arrivals).toHaveLength(1)
  })
})

describe('a sender that wants to be forgotten', () => {
  it('is, but for what is under way; the same bytes later are executed no second time', async () => {
    const chain = freshChain()
    const node = fakeNode(chain)
    const wallet = walletOf(chain)
    const [over, open1] = [await wallet.transfer({ from: 0, nonce: 0 }), await wallet.transfer({ from: 0, nonce: 2 })]
    await wallet.submit([over, open1])
    await wallet.until(over, 'accepted')
    for (let at = 0; at < 5; at++) node.mine()
    await wallet.until(over, 'finalized')
    const path = `${wallet.base}/senders/${over.sender}`
    const forget = async (init: object) => (await open(path, { method: 'DELETE', ...init })).status
    expect([await forget({}), await forget(bearer(await tokenOf(chain, over, 1)))]).toEqual([401, 401])
    expect(await forget(bearer(await tokenOf(chain, over, 0)))).toBe(200)
    // The shard hears of the end a moment after the chain object has told of it.
    await expect
      .poll(async () => {
        await forget(bearer(await tokenOf(chain, over, 0)))
        return wallet.status(over)
      })
      .toBeUndefined()
    expect(await wallet.status(open1)).toMatchObject({ state: 'held' })
    // The log, which names hashes alone, still tells of it for a day.
    expect(await wallet.verdict(over)).toBe('finalized')
    expect(node.includes(over.hash)).toBe(1)
  })
})

describe('a private edge', () => {
  it('tells a sender of its own, a key with `read` of everything, and others of nothing', async () => {
    const chain = freshChain()
    fakeNode(chain)
    const wallet = walletOf(chain)
    const one = await wallet.transfer({ from: 0, nonce: 0 })
    const stranger = await wallet.transfer({ from: 1, nonce: 0 })
    const body = envelope([one], chainId(chain)) as BodyInit
    const { batch } = (await (await guarded(`${wallet.base}/batches`, post(body))).json()) as { batch: string }
    const [theirs, other] = [await tokenOf(chain, one, 0), await tokenOf(chain, stranger, 1)]
    const sender = `${wallet.base}/senders/${one.sender}`
    const statuses = (path: string) =>
      Promise.all(
        [undefined, other, 'sender', theirs, 'reader'].map(async (secret) => {
          const response = await guarded(path, secret === undefined ? {} : bearer(secret))
          await response.body?.cancel()
          return response.status
        }),
      )
    for (const path of [`${sender}/txs/${one.hash}`, `${sender}/nonce`, `${wallet.base}/batches/${batch}`])
      expect([path, await statuses(path)]).toEqual([path, [401, 401, 401, 200, 200]])
    for (const path of [`${wallet.base}/windows`]) expect(await statuses(path)).toEqual([401, 401, 401, 401, 200])
    // A page cannot put a header on a stream: there it stands in the query, and nowhere else.
    const query = async (path: string) => {
      const response = await guarded(`${path}?token=${theirs}`)
      await response.body?.cancel()
      return response.status
    }
    expect(await query(`${wallet.base}/batches/${batch}/events`)).toBe(200)
    expect(await query(`${wallet.base}/batches/${batch}/socket`)).toBe(426)
    expect(await query(`${wallet.base}/batches/${batch}`)).toBe(401)
    const call = { id: 1, method: 'eth_chainId', params: [] }
    const rpc = (secret?: string) =>
      guarded(`/rpc/${chain}`, {
        ...post(JSON.stringify(call)),
        headers: { 'content-type': 'application/json', ...(secret ? bearer(secret).headers : {}) },
      })
    expect([(await rpc()).status, (await rpc(theirs)).status, (await rpc('sender')).status]).toEqual([401, 401, 200])
  })
})
