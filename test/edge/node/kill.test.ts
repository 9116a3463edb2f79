import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openNode } from '../../../edge/executor/parallel/node/node.ts'
import { developmentChain } from '../../../edge/local/developmentChain.ts'
import { type LocalExecutor, startExecutor } from '../../../edge/local/executor.ts'
import { toHex } from '../../../sdk/units.ts'
import { freshAddress, type Transfer, transfer } from '../transfers.ts'
import { randomOf } from '../world.ts'
import { ask } from './open.ts'
import { buildExecutor } from './program.ts'

/**
 * Goal: a power cut of the executor, whenever it comes, loses nothing that was answered and doubles nothing. Method: the
 * real process, signed transfers from several accounts at once, SIGKILL after a random number of answers, and a client
 * that resends what was not answered. At the end the folder is read again here, and comes to the same state root. More
 * kills by LANEKIT_KILLS; a failure names its LANEKIT_SEED.
 */
const kills = Number(process.env.LANEKIT_KILLS ?? 2)
const [sendersCount, noncesEach] = [5, 4 * (kills + 1)]
/** So small that snapshots are taken under way, and killed too; so large that no block is old enough to be let go. */
const segmentBytes = 6_000 * (kills + 1)
const folder = mkdtempSync(join(tmpdir(), 'lanekit-kill-'))
let built: Awaited<ReturnType<typeof buildExecutor>>
let executor: LocalExecutor | undefined

beforeAll(async () => {
  built = await buildExecutor()
})
afterAll(async () => {
  await executor?.stop()
  rmSync(folder, { recursive: true, force: true })
  built?.clear()
})

/** What the executor has answered for. */
interface Told {
  readonly pooled: Set<string>
  readonly receipts: Map<string, unknown>
}

describe('the executor, killed in the middle', () => {
  it(
    'has everything it has told, exactly once',
    async () => {
      const seed = Number(process.env.LANEKIT_SEED ?? Date.now() % 1_000_000)
      const random = randomOf(seed)
      const told: Told = { pooled: new Set(), receipts: new Map() }
      const to = freshAddress(9)
      const waiting: Transfer[][] = []
      for (let from = 0; from < sendersCount; from++) {
        waiting.push([])
        for (let nonce = 0; nonce < noncesEach; nonce++) waiting[from]?.push(await transfer({ from, nonce, to }))
      }
      const all = waiting.flat()
      for (let round = 0; round <= kills; round++) {
        const running = await startExecutor({
          folder,
          program: built.program,
          blockMs: 5,
          accounts: sendersCount,
          segmentBytes,
        })
        executor = running
        await expectAll(running.url, told, seed)
        const isLast = round === kills
        const share = (sendersCount * noncesEach) / (kills + 1)
        const enough = isLast ? Number.POSITIVE_INFINITY : 1 + Math.floor(random() * share * 1.5)
        let answers = 0
        const answered = () => {
          answers += 1
          if (answers === enough) void running.kill()
        }
        await Promise.all(waiting.map((transfers) => submit(running.url, transfers, { told, answered, random })))
        if (!isLast) await running.kill()
      }
      const { url } = executor as LocalExecutor
      for (const { hash } of all)
        expect(await ask(url, 'eth_getTransactionReceipt', [hash]), `seed ${seed}`).toMatchObject({
          result: { status: '0x1' },
        })
      expect(await ask(url, 'eth_getBalance', [to]), `seed ${seed}`).toEqual({
        jsonrpc: '2.0',
        id: 1,
        result: `0x${all.length.toString(16)}`,
      })
      const head = (await ask(url, 'eth_getBlockByNumber', ['latest', false])).result as {
        hash: string
        stateRoot: string
      }
      await executor?.stop()

      const again = await openNode({
        ...developmentChain({ fork: 'osaka', accounts: sendersCount, blockMs: 5 }),
        folder,
      })
      expect(again.engine.head().hash, `seed ${seed}`).toBe(head.hash)
      expect(toHex(again.engine.head().header.stateRoot), `seed ${seed}`).toBe(head.stateRoot)
      await again.stop()
    },
    20_000 + 5_000 * kills,
  )
})

interface Submission {
  readonly told: Told
  readonly answered: () => void
  readonly random: () => number
}

/** Sends one sender's transfers in their order until the executor is gone; what was answered is not sent again. */
async function submit(url: string, transfers: Transfer[], { told, answered, random }: Submission): Promise<void> {
  try {
    for (let next = transfers[0]; next; next = transfers[0]) {
      const isSync = random() < 0.5
      const { result, error } = await ask(url, isSync ? 'eth_sendRawTransactionSync' : 'eth_sendRawTransaction', [
        toHex(next.raw),
      ])
      // It was stored before a kill that took the answer away.
      const isKnown = error?.message === 'already known' || error?.message.startsWith('nonce too low') === true
      if (result === undefined && !isKnown) throw new Error(`The executor refused: ${error?.message}`)
      if (result !== undefined && isSync) told.receipts.set(next.hash, result)
      else told.pooled.add(next.hash)
      transfers.shift()
      answered()
    }
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error // A broken connection is one of these.
  }
}

async function expectAll(url: string, { pooled, receipts }: Told, seed: number): Promise<void> {
  for (const [hash, receipt] of receipts)
    expect(await ask(url, 'eth_getTransactionReceipt', [hash]), `seed ${seed}`).toEqual({
      jsonrpc: '2.0',
      id: 1,
      result: receipt,
    })
  for (const hash of pooled)
    expect(await ask(url, 'eth_getTransactionByHash', [hash]), `seed ${seed}`).toMatchObject({ result: { hash } })
}
