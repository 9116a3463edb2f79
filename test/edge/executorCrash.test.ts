import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LocalExecutor, startExecutor } from '../../edge/local/executor.ts'
import type { Edge } from '../../edge/local/workerd.ts'
import type { Hex } from '../../sdk/units.ts'
import { startBareEdge } from './bareWorkerd.ts'
import { type Built, buildEdge } from './build.ts'
import { ask } from './node/open.ts'
import { buildExecutor } from './node/program.ts'
import { settled, submit } from './submission.ts'
import { anvilChain, freshAddress, type Transfer, transfer } from './transfers.ts'
import { randomOf } from './world.ts'

/**
 * Goal: edge and embedded executor together lose and double nothing, whichever of them a power cut takes. Method: real
 * workerd hands windows as envelopes to the real executor; the one and the other are killed at random moments, and come
 * back on their rows and on their log.
 */
const [sendersCount, noncesEach, batchSize, kills] = [6, 3, 6, 2]

let built: Built
let executorBuilt: Awaited<ReturnType<typeof buildExecutor>>
let edge: Edge | undefined
let executor: LocalExecutor | undefined
beforeAll(async () => {
  ;[built, executorBuilt] = await Promise.all([buildEdge(), buildExecutor()])
})
afterAll(async () => {
  await edge?.stop()
  await executor?.stop()
  built?.clear()
  executorBuilt?.clear()
})

describe('edge and embedded executor, killed in the middle', () => {
  it('[CR9] end with every transfer in the chain exactly once', async () => {
    const seed = Number(process.env.LANEKIT_SEED ?? Date.now() % 1_000_000)
    const random = randomOf(seed)
    const [persist, folder] = [built.folder(), built.folder()]
    const startNode = (port: number) =>
      startExecutor({ folder, port, accounts: sendersCount, blockMs: 20, program: executorBuilt.program })
    executor = await startNode(0)
    const { url } = executor
    const chains = { [anvilChain]: { fork: 'osaka', executors: [url], pollMs: 50, leaseMs: 3_000 } }
    const start = () => startBareEdge({ outdir: built.outdir, persist, chains })
    edge = await start()

    const to = freshAddress(8)
    const transfers: Transfer[] = []
    for (let nonce = 0; nonce < noncesEach; nonce++)
      for (let from = 0; from < sendersCount; from++) transfers.push(await transfer({ from, nonce, to }))
    const waiting = Array.from({ length: transfers.length / batchSize }, (_, at) =>
      transfers.slice(at * batchSize, (at + 1) * batchSize),
    )
    const acked: Hex[] = []
    const submitAll = async (at: string) => {
      for (const batch of [...waiting]) {
        const id = await submit(at, batch)
        if (id === undefined) return // The edge is gone; the wallet keeps the batch.
        acked.push(id)
        waiting.splice(waiting.indexOf(batch), 1)
      }
    }
    for (let killed = 0; killed < kills; killed++) {
      const work = submitAll(edge.url)
      await new Promise((resolve) => setTimeout(resolve, 20 + random() * 300))
      if (killed % 2 === 0) {
        await executor.kill()
        executor = await startNode(Number(new URL(url).port))
        await work
      } else {
        await edge.kill()
        await work
        edge = await start()
      }
    }
    await submitAll(edge.url)
    expect(waiting).toEqual([])

    for (const id of acked)
      for (const { status } of await settled(edge.url, id)) expect(['included', 'finalized']).toContain(status.state)
    const balance = (await ask(url, 'eth_getBalance', [to, 'latest'])).result
    expect(BigInt(balance as string), `seed ${seed}`).toBe(BigInt(transfers.length))
    for (const { sender } of transfers.slice(0, sendersCount))
      expect((await ask(url, 'eth_getTransactionCount', [sender, 'latest'])).result).toBe(
        `0x${noncesEach.toString(16)}`,
      )
  }, 120_000)
})
