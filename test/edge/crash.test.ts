import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Edge } from '../../edge/local/workerd.ts'
import type { Hex } from '../../sdk/units.ts'
import { type Anvil, startAnvil } from '../anvil.ts'
import { startBareEdge } from './bareWorkerd.ts'
import { type Built, buildEdge } from './build.ts'
import { settled, submit } from './submission.ts'
import { anvilChain, freshAddress, type Transfer, transfer } from './transfers.ts'
import { randomOf } from './world.ts'

/**
 * Goal: a power cut of the whole edge, whenever it comes, loses and doubles nothing. Method: real workerd, a real node,
 * signed transfers, SIGKILL at random moments of the submission, and a wallet that resends what was not acknowledged.
 */
const sendersCount = 8
const noncesEach = 5
const kills = 3
const batchSize = 8

let built: Built
let anvil: Anvil
let edge: Edge
beforeAll(async () => {
  ;[built, anvil] = await Promise.all([
    buildEdge(),
    startAnvil({ accounts: sendersCount, args: ['--block-time', '0.5'] }),
  ])
})
afterAll(async () => {
  await edge?.stop()
  await anvil?.stop()
  built?.clear()
})

describe('the edge, killed in the middle', () => {
  it('[CR4] [CR5] [CR7] ends with every transfer in the chain exactly once', async () => {
    const seed = Number(process.env.LANEKIT_SEED ?? Date.now() % 1_000_000)
    const random = randomOf(seed)
    const persist = built.folder()
    const chains = {
      [anvilChain]: { fork: 'osaka', executors: [anvil.url], finality: 3, pollMs: 100, leaseMs: 3_000 },
    }
    const start = () => startBareEdge({ outdir: built.outdir, persist, chains })
    edge = await start()

    const to = freshAddress(7)
    const transfers: Transfer[] = []
    for (let nonce = 0; nonce < noncesEach; nonce++)
      for (let from = 0; from < sendersCount; from++) transfers.push(await transfer({ from, nonce, to }))
    const waiting = Array.from({ length: transfers.length / batchSize }, (_, at) =>
      transfers.slice(at * batchSize, (at + 1) * batchSize),
    )
    const acked = new Map<Hex, readonly Transfer[]>()
    const submitAll = async () => {
      for (const batch of [...waiting]) {
        const id = await submit(edge.url, batch)
        if (id === undefined) return // The edge is gone; the wallet keeps the batch.
        acked.set(id, batch)
        waiting.splice(waiting.indexOf(batch), 1)
      }
    }
    for (let killed = 0; killed < kills; killed++) {
      const work = submitAll()
      await new Promise((resolve) => setTimeout(resolve, 30 + random() * 500))
      await edge.kill()
      await work
      edge = await start()
    }
    await submitAll()
    expect(waiting).toEqual([])

    for (const [id, batch] of acked) {
      const states = await settled(edge.url, id)
      expect(new Set(states.map(({ hash }) => hash))).toEqual(new Set(batch.map(({ hash }) => hash)))
      for (const { status } of states) expect(['included', 'finalized']).toContain(status.state)
    }
    for (const { sender } of transfers.slice(0, sendersCount))
      expect(Number(await ask('eth_getTransactionCount', sender, 'latest')), `seed ${seed}`).toBe(noncesEach)
    expect(BigInt(await ask('eth_getBalance', to, 'latest')), `seed ${seed}`).toBe(BigInt(transfers.length))
  }, 180_000)
})

async function ask(method: string, ...params: readonly unknown[]): Promise<string> {
  const response = await fetch(anvil.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  return ((await response.json()) as { result: string }).result
}
