import { abortAllDurableObjects, env, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { chainName, shardName, shardOf } from '../../../edge/placement.ts'
import { type Address, chainId } from '../../../sdk/units.ts'
import { freshChain, walletOf } from './edge.ts'
import { fakeNode } from './node.ts'

interface Namespaces {
  readonly SHARD: DurableObjectNamespace
  readonly CHAIN: DurableObjectNamespace
}

function open() {
  const id = chainId(freshChain())
  const { CHAIN, SHARD } = env as unknown as Namespaces
  return {
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

describe('objects', () => {
  it('have everything they acknowledge in rows, and an alarm for it', async () => {
    const { wallet, node, shardStub } = open()
    node.mood = 'down'
    const one = await wallet.transfer({ from: 0, nonce: 0 })
    await wallet.submit([one])
    expect(await rowsOf(shardStub(one.sender), 'rows')).toMatchObject([{ hash: one.hash, nonce: 0 }])
    const alarm = await runInDurableObject(shardStub(one.sender), (_, { storage }) => storage.getAlarm())
    expect(alarm).not.toBeNull()
  })

  it('go on where they were after they are thrown out', async () => {
    const { wallet, node, shardStub } = open()
    node.mood = 'down'
    const one = await wallet.transfer({ from: 0, nonce: 0 })
    await wallet.submit([one])
    await abortAllDurableObjects()
    expect(await rowsOf(shardStub(one.sender), 'rows')).toMatchObject([{ hash: one.hash }])
    node.mood = 'well'
    await wallet.until(one, 'accepted')
    await abortAllDurableObjects()
    node.mine()
    await wallet.until(one, 'included', 'finalized')
    expect(node.includes(one.hash)).toBe(1)
  })

  it('arm an alarm that was lost when they start', async () => {
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
    // What is left to do is to forget, a day later.
    await expect
      .poll(alarms, { timeout: 10_000 })
      .toSatisfy((times: (number | null)[]) => times.every((time) => (time ?? 0) > Date.now() + hour))
    expect(await rowsOf(shardStub(one.sender), 'payloads')).toEqual([])
  })
})
