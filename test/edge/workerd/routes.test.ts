import { describe, expect, it } from 'vitest'
import { encodeBatch, encodeBatchJson, undeclared } from '../../../sdk/batch/index.ts'
import { chainId, toHex } from '../../../sdk/units.ts'
import { account, envelope } from '../transfers.ts'
import { call, freshChain, post, problemOf, walletOf } from './edge.ts'
import { fakeNode } from './node.ts'

/** A chain with a node, and the wallet that uses it. */
function open() {
  const chain = freshChain()
  return { chain, node: fakeNode(chain), wallet: walletOf(chain) }
}

const lost = `0x${'ab'.repeat(32)}`

/** What a transaction can be when its answer is written: its window of 25 ms may have closed on the way. */
const onItsWay = ['queued', 'planned'] as const

describe('paths and methods', () => {
  it('answers its health check', async () => {
    const response = await call('/healthz')
    expect(await response.json()).toEqual({ ok: true })
  })

  it.each(['/', '/v1', '/v2/chains/1000/batches', '/v1/chains/1000/nothing', '/healthz/'])(
    '%s is unknown',
    async (path) => {
      expect(await problemOf(path)).toEqual({ status: 404, code: 'unknown-route' })
    },
  )

  it.each([
    ['DELETE', '/healthz', 'GET'],
    ['GET', '/v1/chains/1000/batches', 'POST'],
    ['POST', `/v1/chains/1000/batches/${lost}`, 'GET'],
    ['PUT', `/v1/chains/1000/batches/${lost}/events`, 'GET'],
    ['POST', '/v1/chains/1000/windows', 'GET'],
    ['POST', '/v1/chains/1000/windows/1', 'GET'],
  ])('%s %s is not allowed, and %s is named', async (method, path, allowed) => {
    expect(await problemOf(path, { method })).toEqual({ status: 405, code: 'method-not-allowed' })
    expect((await call(path, { method })).headers.get('allow')).toBe(allowed)
  })

  it.each(['7', '0', '01000', 'x', '-1', '1e3', '99999999999999999999'])('chain %s is unknown', async (chain) => {
    const body = post(new Uint8Array(1))
    expect(await problemOf(`/v1/chains/${chain}/batches`, body)).toEqual({ status: 404, code: 'unknown-chain' })
  })

  it.each(['0', '01', 'x', '-1', '1e3', '9999999999999999', '12'])('window %s is unknown', async (window) => {
    const { wallet } = open()
    expect(await problemOf(`${wallet.base}/windows/${window}`)).toEqual({ status: 404, code: 'unknown-window' })
  })

  it.each([lost, '0x', 'nothing', `${lost}00`])('batch %s is unknown', async (batch) => {
    const { wallet } = open()
    expect(await problemOf(`${wallet.base}/batches/${batch}`)).toEqual({ status: 404, code: 'unknown-batch' })
    expect(await problemOf(`${wallet.base}/batches/${batch}/events`)).toEqual({ status: 404, code: 'unknown-batch' })
  })

  it.each([
    [`0x${'01'.repeat(20)}`, lost],
    ['0x01', lost],
    [`0x${'01'.repeat(20)}`, '0x01'],
  ])('transaction %s %s is unknown', async (sender, hash) => {
    const { wallet } = open()
    const answer = await problemOf(`${wallet.base}/senders/${sender}/txs/${hash}`)
    expect(answer).toEqual({ status: 404, code: 'unknown-transaction' })
  })
})

describe('envelopes', () => {
  it.each(['text/plain', 'application/json5', '', 'application/x-www-form-urlencoded'])(
    'of type "%s" are not read',
    async (type) => {
      const { wallet } = open()
      const init = post(new Uint8Array([1]), type)
      expect(await problemOf(`${wallet.base}/batches`, init)).toEqual({ status: 415, code: 'unsupported-media-type' })
    },
  )

  it('are read as JSON too, whatever the parameters of the type', async () => {
    const { wallet, chain } = open()
    const { raw, hash } = await wallet.transfer({ from: 0, nonce: 0 })
    const batch = { chainId: chainId(chain), fork: 'osaka', transactions: [{ raw, declaration: undeclared(21_000) }] }
    const init = post(encodeBatchJson(batch), 'application/json; charset=utf-8')
    const response = await call(`${wallet.base}/batches`, init)
    expect(response.status).toBe(202)
    expect(await response.json()).toMatchObject({ items: [{ ok: true, hash }] })
  })

  it.each([
    ['nothing', new Uint8Array(0)],
    ['noise', new Uint8Array([1, 2, 3, 4])],
    ['another version', new Uint8Array([2, 0xc0])],
  ])('of %s are refused', async (_name, bytes) => {
    const { wallet } = open()
    const { status, code } = await problemOf(`${wallet.base}/batches`, post(bytes))
    expect(status).toBe(400)
    expect(['malformed-envelope', 'unsupported-version']).toContain(code)
  })

  it.each(['', 'null', '[]', '{"version":1}', '\ud800'])('of JSON %j are refused', async (text) => {
    const { wallet } = open()
    const answer = await problemOf(`${wallet.base}/batches`, post(text, 'application/json'))
    expect(answer).toEqual({ status: 400, code: 'malformed-envelope' })
  })

  it('that are not UTF-8 are refused', async () => {
    const { wallet } = open()
    const answer = await problemOf(`${wallet.base}/batches`, post(new Uint8Array([0x22, 0xff]), 'application/json'))
    expect(answer).toEqual({ status: 400, code: 'malformed-envelope' })
  })

  it('with another digest are refused', async () => {
    const { wallet, chain } = open()
    const { raw } = await wallet.transfer({ from: 0, nonce: 0 })
    const batch = { chainId: chainId(chain), fork: 'osaka', transactions: [{ raw, declaration: undeclared(21_000) }] }
    const text = encodeBatchJson(batch).replace(/"digest":"0x..../, '"digest":"0x0000')
    const answer = await problemOf(`${wallet.base}/batches`, post(text, 'application/json'))
    expect(answer).toEqual({ status: 422, code: 'wrong-digest' })
  })

  it('for another chain are refused', async () => {
    const { wallet } = open()
    const one = await wallet.transfer({ from: 0, nonce: 0 })
    const answer = await problemOf(`${wallet.base}/batches`, post(envelope([one], chainId(7))))
    expect(answer).toEqual({ status: 422, code: 'wrong-chain' })
  })

  it('that are too large are refused, by what the header says and by what comes', async () => {
    const { wallet } = open()
    const large = new Uint8Array(1024 * 1024 + 1)
    expect(await problemOf(`${wallet.base}/batches`, post(large))).toEqual({ status: 413, code: 'batch-too-large' })
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (let at = 0; at < 17; at++) controller.enqueue(new Uint8Array(65_536))
        controller.close()
      },
    })
    expect(await problemOf(`${wallet.base}/batches`, post(stream))).toEqual({ status: 413, code: 'batch-too-large' })
  })
})

describe('transactions', () => {
  it('are taken and refused one by one', async () => {
    const { wallet, chain } = open()
    const good = await wallet.transfer({ from: 0, nonce: 0 })
    const foreign = await wallet.transfer({ from: 1, nonce: 0, chain: 5 })
    const transactions = [foreign, good, { ...good, raw: new Uint8Array([2, 0xc0]) }].map(({ raw }) => ({
      raw,
      declaration: undeclared(21_000),
    }))
    const bytes = encodeBatch({ chainId: chainId(chain), fork: 'osaka', transactions })
    const response = await call(`${wallet.base}/batches`, post(bytes))
    expect(response.status).toBe(202)
    expect(await response.json()).toMatchObject({
      items: [
        { ok: false, index: 0, problem: { code: 'wrong-chain', retryable: false, retryAfterSeconds: null } },
        { ok: true, hash: good.hash },
        { ok: false, index: 2, problem: { code: 'invalid-transaction' } },
      ],
    })
  })

  it('with too little gas, or too much for the fork, are refused', async () => {
    const { wallet } = open()
    expect(await wallet.verdict(await wallet.transfer({ from: 0, nonce: 0, gas: 20_999n }))).toBe('gas-too-low')
    expect(await wallet.verdict(await wallet.transfer({ from: 0, nonce: 0, gas: 16_777_217n }))).toBe('gas-too-high')
  })

  it('with a used nonce, or one far ahead, are refused; with a gap they are held', async () => {
    const { wallet, node } = open()
    node.nonces.set((await wallet.transfer({ from: 0, nonce: 0 })).sender, 3)
    expect(await wallet.verdict(await wallet.transfer({ from: 0, nonce: 2 }))).toBe('nonce-too-low')
    expect(await wallet.verdict(await wallet.transfer({ from: 0, nonce: 5 }))).toBe('held')
    expect(await wallet.verdict(await wallet.transfer({ from: 0, nonce: 68 }))).toBe('nonce-gap-too-wide')
  })

  it('at a nonce that is taken pay a tenth more, and come too late once one is in a block', async () => {
    const { wallet, node } = open()
    const first = await wallet.transfer({ from: 0, nonce: 0 })
    await wallet.submit([first])
    expect(await wallet.verdict(await wallet.transfer({ from: 0, nonce: 0, value: 2n }))).toBe('fee-too-low')
    const fees = { maxFeePerGas: 20_000_000_000n, maxPriorityFeePerGas: 2_000_000_000n }
    const dearer = await wallet.transfer({ from: 0, nonce: 0, value: 2n, ...fees })
    expect(onItsWay).toContain(await wallet.verdict(dearer))
    await wallet.until(dearer, 'accepted')
    node.mine()
    await wallet.until(first, 'replaced')
    const later = await wallet.transfer({
      from: 0,
      nonce: 0,
      value: 3n,
      maxFeePerGas: 90_000_000_000n,
      maxPriorityFeePerGas: 90_000_000_000n,
    })
    expect(await wallet.verdict(later)).toBe('nonce-conflict')
  })

  it('of a sender who cannot pay end with the executor’s no', async () => {
    const { wallet, node } = open()
    const one = await wallet.transfer({ from: 0, nonce: 0 })
    node.broke.add(one.sender)
    await wallet.submit([one])
    expect(await wallet.until(one, 'rejected')).toMatchObject({ code: 'insufficient-funds' })
  })

  it('are included, whole batches of them, and told by batch, by hash and as a stream', async () => {
    const { wallet, node } = open()
    const transfers = await Promise.all(
      [0, 1, 2].flatMap((from) => [0, 1].map((nonce) => wallet.transfer({ from, nonce }))),
    )
    const { batch, items } = await wallet.submit(transfers)
    expect(items.map((item) => item.ok && item.hash)).toEqual(transfers.map(({ hash }) => hash))
    const stream = wallet.events(batch)
    for (const one of transfers) await wallet.until(one, 'accepted')
    node.mine()
    const events = await stream
    expect(events.at(-1)).toEqual({ event: 'end', id: undefined, data: {} })
    const sequences = events.slice(0, -1).map(({ data }) => data.sequence)
    expect(sequences).toEqual([...sequences].sort((one, other) => one - other))
    for (const { hash } of transfers) {
      const states = events.filter(({ data }) => data.hash === hash).map(({ data }) => data.status.state)
      expect(states).toEqual(['queued', 'planned', 'accepted', 'included'])
    }
    const told = await (await call(`${wallet.base}/batches/${batch}`)).json()
    expect(told).toMatchObject({ batch, items: transfers.map(({ hash }) => ({ hash, status: { state: 'included' } })) })
    const { windows } = (await (await call(`${wallet.base}/windows`)).json()) as {
      windows: { lanes: number; transactions: number }[]
    }
    expect(windows.reduce((sum, { transactions }) => sum + transactions, 0)).toBe(6)
    expect(await (await call(`${wallet.base}/windows?after=9`)).json()).toEqual({ windows: [] })
    const plan = (await (await call(`${wallet.base}/windows/1`)).json()) as {
      transactions: { hash: string; lane: number; waits: { index: number; reason: string }[] }[]
    }
    expect(plan).toMatchObject({ window: 1, lanes: windows[0]?.lanes })
    expect(new Set(plan.transactions.map(({ lane }) => lane)).size).toBe(windows[0]?.lanes)
    for (const [at, { waits }] of plan.transactions.entries())
      for (const { index, reason } of waits)
        expect([index < at, reason.startsWith(`${at} waits for ${index}`)]).toEqual([true, true])
  })

  it('[CR5] sent again are the same submission, with the states of today', async () => {
    const { wallet, node } = open()
    const one = await wallet.transfer({ from: 0, nonce: 0 })
    const first = await wallet.submit([one])
    await wallet.until(one, 'accepted')
    node.mine()
    await wallet.until(one, 'included')
    const again = await wallet.submit([one])
    expect(again.batch).toBe(first.batch)
    expect(again.items).toMatchObject([{ ok: true, hash: one.hash, status: { state: 'included' } }])
    expect(node.arrivals).toHaveLength(1)
  })

  it('are told to nobody who names another sender', async () => {
    const { wallet } = open()
    const one = await wallet.transfer({ from: 0, nonce: 0 })
    await wallet.submit([one])
    expect(
      await wallet.status({ ...one, sender: (await wallet.transfer({ from: 1, nonce: 0 })).sender }),
    ).toBeUndefined()
  })
})

describe('event streams', () => {
  it('[CR11] resume after the last id, by header or by query', async () => {
    const { wallet, node } = open()
    const one = await wallet.transfer({ from: 0, nonce: 0 })
    const { batch } = await wallet.submit([one])
    await wallet.until(one, 'accepted')
    node.mine()
    const all = await wallet.events(batch)
    const id = all[1]?.id ?? ''
    const rest = all.slice(2)
    expect(await wallet.events(batch, { headers: { 'last-event-id': id } })).toEqual(rest)
    expect(await wallet.events(batch, {}, `?after=${id}`)).toEqual(rest)
  })

  it.each(['x', '-1', '1.5', '99999999999999999'])('refuse the cursor %s', async (cursor) => {
    const { wallet } = open()
    const path = `${wallet.base}/batches/${lost}/events?after=${cursor}`
    expect(await problemOf(path)).toEqual({ status: 400, code: 'malformed-cursor' })
    expect(await problemOf(`${wallet.base}/windows?after=${cursor}`)).toMatchObject({ code: 'malformed-cursor' })
  })

  it('say so when the log does not have the cursor', async () => {
    const { wallet } = open()
    const { batch } = await wallet.submit([await wallet.transfer({ from: 0, nonce: 0 })])
    const path = `${wallet.base}/batches/${batch}/events?after=999`
    expect(await problemOf(path)).toEqual({ status: 410, code: 'cursor-expired' })
  })
})

describe('an executor that', () => {
  it('is down loses nothing: what was taken in is sent when it is back', async () => {
    const { wallet, node } = open()
    node.mood = 'down'
    const one = await wallet.transfer({ from: 0, nonce: 0 })
    expect(onItsWay).toContain(await wallet.verdict(one))
    node.mood = 'well'
    await wallet.until(one, 'accepted')
    node.mine()
    await wallet.until(one, 'included')
  })

  it('answers nonsense is one that is down', async () => {
    const { wallet, node } = open()
    node.mood = 'nonsense'
    const one = await wallet.transfer({ from: 0, nonce: 0 })
    expect(onItsWay).toContain(await wallet.verdict(one))
    expect(onItsWay).toContain((await wallet.status(one))?.state)
    node.mood = 'well'
    await wallet.until(one, 'accepted')
  })

  it('[CR8] takes a transaction and loses its answer is asked by hash, not sent to again', async () => {
    const { wallet, node } = open()
    const [first, second] = [await wallet.transfer({ from: 0, nonce: 0 }), await wallet.transfer({ from: 0, nonce: 1 })]
    await wallet.submit([first])
    await wallet.until(first, 'accepted')
    node.mood = 'deaf'
    await wallet.submit([second])
    await wallet.until(second, 'planned')
    await new Promise((resolve) => setTimeout(resolve, 300))
    node.mood = 'well'
    await wallet.until(second, 'accepted')
    expect(node.arrivals.filter((raw) => raw === toHex(second.raw))).toHaveLength(1)
  })
})

it('uses accounts of its own', () => {
  expect(account(0).address).not.toBe(account(1).address)
})
