import { abortAllDurableObjects, env, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import type { ChainChange } from '../../../edge/chainRows.ts'
import { openChainStore } from '../../../edge/chainSql.ts'
import { chainConfig } from '../../../edge/config.ts'
import { judge } from '../../../edge/intake.ts'
import { handoverPatienceMs, replyLeaseMs } from '../../../edge/limits.ts'
import type { Env, ShardApi } from '../../../edge/objects.ts'
import { packItems } from '../../../edge/parcel.ts'
import { chainName, shardName, shardOf } from '../../../edge/placement.ts'
import { openReplies } from '../../../edge/replies.ts'
import { openShardStore } from '../../../edge/shardSql.ts'
import { type Address, chainId, type TxHash } from '../../../sdk/units.ts'
import { call, freshChain, walletOf } from './edge.ts'
import { fakeNode } from './node.ts'

interface Namespaces {
  readonly SHARD: DurableObjectNamespace
  readonly CHAIN: DurableObjectNamespace
}

function open() {
  const id = chainId(freshChain())
  const { CHAIN, SHARD } = env as unknown as Namespaces
  return {
    id,
    node: fakeNode(id),
    wallet: walletOf(id),
    chainStub: () => CHAIN.getByName(chainName(id)),
    shardStub: (sender: Address) => SHARD.getByName(shardName(id, shardOf(sender))),
  }
}

/** Every row of one table. */
function rowsOf(stub: DurableObjectStub, table: string) {
  return runInDurableObject(stub, (_, { storage }) => storage.sql.exec(`SELECT * FROM ${table}`).toArray())
}

/** What a shard has in its rows of one transaction. */
function storedOf(stub: DurableObjectStub, hash: TxHash) {
  return runInDurableObject(stub, (_, { storage }) => {
    const store = openShardStore(storage.sql)
    return { row: store.row(hash) ?? null, raw: store.payload(hash)?.raw ?? null }
  })
}

describe('objects', () => {
  it('have everything they acknowledge in rows, and an alarm for it', async () => {
    const { wallet, node, shardStub } = open()
    node.mood = 'down'
    const one = await wallet.transfer({ from: 0, nonce: 0 })
    await wallet.submit([one])
    expect(await storedOf(shardStub(one.sender), one.hash)).toMatchObject({ row: { sender: one.sender }, raw: one.raw })
    const alarm = await runInDurableObject(shardStub(one.sender), (_, { storage }) => storage.getAlarm())
    expect(alarm).not.toBeNull()
  })

  it('[CR6] go on where they were after they are thrown out', async () => {
    const { wallet, node, shardStub } = open()
    node.mood = 'down'
    const one = await wallet.transfer({ from: 0, nonce: 0 })
    await wallet.submit([one])
    await abortAllDurableObjects()
    expect(await storedOf(shardStub(one.sender), one.hash)).toMatchObject({ row: { hash: one.hash }, raw: one.raw })
    node.mood = 'well'
    await wallet.until(one, 'accepted')
    await abortAllDurableObjects()
    node.mine()
    await wallet.until(one, 'included', 'finalized')
    expect(node.includes(one.hash)).toBe(1)
  })

  it('[CR6] arm an alarm that was lost when they start', async () => {
    const { wallet, node, chainStub } = open()
    const one = await wallet.transfer({ from: 0, nonce: 0 })
    await wallet.submit([one])
    await wallet.until(one, 'accepted')
    await runInDurableObject(chainStub(), async (_, { storage }) => storage.deleteAlarm())
    await abortAllDurableObjects()
    const before = node.polls
    await rowsOf(chainStub(), 'txs')
    // Nobody asks the chain object for anything from here on: its alarm alone makes it look at the chain.
    node.mine()
    await expect.poll(() => node.polls, { timeout: 5_000 }).toBeGreaterThan(before)
  })

  it('[CR4] keep nothing of a step in whose middle they die', async () => {
    const { wallet, node, chainStub } = open()
    node.mood = 'down'
    const one = await wallet.transfer({ from: 0, nonce: 0 })
    await wallet.submit([one])
    const before = await rowsOf(chainStub(), 'events')
    await runInDurableObject(chainStub(), (_, { storage }) => {
      const store = openChainStore(storage.sql)
      const head = { ...store.head(), sequence: 99 }
      const event = { sequence: 99, hash: one.hash, status: { state: 'expired' }, at: 0 } as const
      const half: ChainChange[] = [
        { put: 'head', row: head },
        { put: 'event', row: event },
        { remove: 'tx', hash: one.hash },
        { put: 'event', row: event },
      ]
      expect(() => storage.transactionSync(() => store.apply(half))).toThrow(/UNIQUE/)
    })
    await abortAllDurableObjects()
    expect(await rowsOf(chainStub(), 'events')).toEqual(before)
    expect(await wallet.status(one)).toMatchObject({ state: expect.stringMatching(/queued|planned/) })
  })

  it('[CR18] know a transaction whose batch was never registered, and register it when it comes again', async () => {
    const { id, wallet, node, shardStub } = open()
    const one = await wallet.transfer({ from: 0, nonce: 0 })
    const judged = judge({ raw: one.raw, declaration: null }, chainConfig((env as unknown as Env).CHAINS, id))
    if (!judged.ok) throw new Error(judged.detail)
    // The worker dies after this, before it tells the chain object of the batch.
    await (shardStub(one.sender) as unknown as ShardApi).submit(id, shardOf(one.sender), packItems([judged.item]))
    await wallet.until(one, 'accepted')
    const { batch, items } = await wallet.submit([one])
    expect(items).toMatchObject([{ ok: true, hash: one.hash, status: { state: 'accepted' } }])
    expect((await call(`${wallet.base}/batches/${batch}`)).status).toBe(200)
    expect(node.arrivals).toHaveLength(1)
  })

  it('[CR19] give an Idempotency-Key free whose first request died over it', async () => {
    await runInDurableObject(open().chainStub(), (_, { storage }) => {
      const replies = openReplies(storage.sql)
      expect(replies.claim('key', 'one', 0)).toEqual({ kind: 'fresh' })
      expect(replies.claim('key', 'one', replyLeaseMs - 1)).toEqual({ kind: 'busy' })
      expect(replies.claim('key', 'one', replyLeaseMs)).toEqual({ kind: 'fresh' })
      replies.keep('key', 'one', { status: 202, body: '{}' }, replyLeaseMs)
      expect(replies.claim('key', 'one', replyLeaseMs + 1)).toMatchObject({ kind: 'replay', reply: { body: '{}' } })
    })
  })

  it('take an alarm that fires twice, or for nothing', async () => {
    const { wallet, node, chainStub, shardStub } = open()
    const transfers = await Promise.all([0, 1, 2].map((nonce) => wallet.transfer({ from: 0, nonce })))
    await wallet.submit(transfers)
    for (let at = 0; at < 10; at++) {
      await runInDurableObject(chainStub(), (_, { storage }) => storage.setAlarm(Date.now()))
      await Promise.all([runDurableObjectAlarm(chainStub()), runDurableObjectAlarm(chainStub())])
      const [first] = transfers
      if (first) await runDurableObjectAlarm(shardStub(first.sender))
    }
    for (const one of transfers) await wallet.until(one, 'accepted')
    node.mine()
    for (const one of transfers) await wallet.until(one, 'included', 'finalized')
    expect(node.arrivals).toHaveLength(3)
    expect(await rowsOf(chainStub(), 'faults')).toEqual([])
  })

  it('let go of what is final, and sleep', async () => {
    const { wallet, node, chainStub, shardStub } = open()
    const one = await wallet.transfer({ from: 0, nonce: 0 })
    await wallet.submit([one])
    await wallet.until(one, 'accepted')
    for (let blocks = 0; blocks < 5; blocks++) node.mine()
    await wallet.until(one, 'finalized')
    expect(await rowsOf(chainStub(), 'txs')).toEqual([])
    expect(await rowsOf(chainStub(), 'payloads')).toEqual([])
    const hour = 60 * 60_000
    const alarms = async () => {
      const stubs = [chainStub(), shardStub(one.sender)]
      return Promise.all(stubs.map((stub) => runInDurableObject(stub, (_, { storage }) => storage.getAlarm())))
    }
    // What is left to do is to forget, a day later; a shard wakes up once more for the answer that it waited for.
    await expect
      .poll(alarms, { timeout: 2 * handoverPatienceMs })
      .toSatisfy((times: (number | null)[]) => times.every((time) => (time ?? 0) > Date.now() + hour))
    expect(await storedOf(shardStub(one.sender), one.hash)).toMatchObject({ row: { stage: 'ended' }, raw: null })
  })
})
