import { describe, expect, it } from 'vitest'
import { chainId } from '../../../sdk/units.ts'
import { envelope, type Transfer } from '../transfers.ts'
import { call, freshChain, post, problemOf, walletOf } from './edge.ts'
import { fakeNode } from './node.ts'

function open() {
  const chain = freshChain()
  const wallet = walletOf(chain)
  const under = (key: string, transfers: readonly Transfer[]) => {
    const init = post(envelope(transfers, chainId(chain)) as BodyInit)
    return { ...init, headers: { ...init.headers, 'idempotency-key': key } }
  }
  return { chain, node: fakeNode(chain), wallet, under, path: `${wallet.base}/batches` }
}

describe('a request under an Idempotency-Key', () => {
  it('has the same answer again, whatever became of it since, and says so', async () => {
    const { wallet, node, under, path } = open()
    const one = await wallet.transfer({ from: 0, nonce: 0 })
    const first = await call(path, under('k1', [one]))
    expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([202, null])
    const body = await first.text()
    await wallet.until(one, 'accepted')
    node.mine()
    await wallet.until(one, 'included')
    const again = await call(path, under('k1', [one]))
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, 'true'])
    expect(await again.text()).toBe(body)
    // Without the key, the hash alone keeps it one transaction, and the answer is of today.
    expect((await wallet.submit([one])).items).toMatchObject([{ status: { state: 'included' } }])
    expect(node.includes(one.hash)).toBe(1)
  })

  it('cannot be another one', async () => {
    const { wallet, under, path } = open()
    await call(path, under('k2', [await wallet.transfer({ from: 0, nonce: 0 })]))
    const other = under('k2', [await wallet.transfer({ from: 0, nonce: 1 })])
    expect(await problemOf(path, other)).toEqual({ status: 422, code: 'idempotency-key-reused' })
  })

  it('is one while it is being answered', async () => {
    const { wallet, node, under, path } = open()
    const one = await wallet.transfer({ from: 0, nonce: 0 })
    const waiting = call(`${path}?wait=20000`, under('k3', [one]))
    await wallet.until(one, 'accepted')
    expect(await problemOf(`${path}?wait=20000`, under('k3', [one]))).toEqual({
      status: 409,
      code: 'idempotency-in-progress',
    })
    node.mine()
    expect((await waiting).status).toBe(200)
  })

  it.each(['', 'a b', 'x'.repeat(129)])('has a key of its form, not "%s"', async (key) => {
    const { wallet, under, path } = open()
    const init = under(key, [await wallet.transfer({ from: 0, nonce: 0 })])
    expect(await problemOf(path, init)).toEqual({ status: 400, code: 'malformed-key' })
  })
})

describe('a request that waits', () => {
  it('is answered with receipts once all has ended, and the batch has its code (EIP-5792)', async () => {
    const { chain, wallet, node, path } = open()
    const [one, poor] = [await wallet.transfer({ from: 0, nonce: 0 }), await wallet.transfer({ from: 1, nonce: 0 })]
    node.broke.add(poor.sender)
    const waiting = call(`${path}?wait=20000`, post(envelope([one, poor], chainId(chain)) as BodyInit))
    await wallet.until(one, 'accepted')
    node.mine()
    const response = await waiting
    expect(response.status).toBe(200)
    const { batch, items } = (await response.json()) as { batch: string; items: unknown }
    expect(items).toMatchObject([
      { hash: one.hash, status: { state: 'included', succeeded: true }, receipt: { transactionHash: one.hash } },
      { hash: poor.hash, status: { state: 'rejected', code: 'insufficient-funds' }, receipt: null },
    ])
    expect(await (await call(`${path}/${batch}`)).json()).toMatchObject({ code: 600 })
  })

  it('is answered with what is so far when the time is up', async () => {
    const { chain, wallet, path } = open()
    const one = await wallet.transfer({ from: 0, nonce: 0 })
    const response = await call(`${path}?wait=200`, post(envelope([one], chainId(chain)) as BodyInit))
    expect(response.status).toBe(202)
    expect(await response.json()).toMatchObject({ items: [{ hash: one.hash, receipt: null }] })
  })

  it.each(['0', '-1', 'x', '30001', '1e3'])('waits no "%s" milliseconds', async (wait) => {
    const { chain, wallet, path } = open()
    const init = post(envelope([await wallet.transfer({ from: 0, nonce: 0 })], chainId(chain)) as BodyInit)
    expect(await problemOf(`${path}?wait=${wait}`, init)).toEqual({ status: 400, code: 'malformed-wait' })
  })
})
