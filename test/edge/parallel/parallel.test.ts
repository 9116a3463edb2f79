import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '../../../edge/executor/parallel/createEngine.ts'
import type { EngineBatch, EngineOptions, ExecutedBlock } from '../../../edge/executor/parallel/engine.ts'
import { status } from '../../../edge/executor/parallel/lineup.ts'
import { normalise } from '../../../sdk/batch/index.ts'
import { toHex } from '../../../sdk/units.ts'
import { openMarket } from '../../sdk/vm/market.ts'
import { asSigned, chain, genesisOf, laterBy } from './chain.ts'
import { judgeBatches } from './corrupted.ts'
import { workerScript } from './workerScript.ts'

const market = openMarket(12)
const start = genesisOf(market.state)
const batches = [1, 2].map((block) => ({
  transactions: Array.from({ length: 32 }, (_, at) => asSigned(at % 4 ? market.transfer() : market.swap())),
  environment: laterBy(12 * block),
}))
let expected: readonly ExecutedBlock[] = []

beforeAll(async () => {
  expected = await runAll({})
})

/** The blocks that these batches come to; declared as the serial run has seen them, where that has been. */
async function runAll(options: Partial<EngineOptions>): Promise<readonly ExecutedBlock[]> {
  const engine = await createEngine({ chainId: chain, fork: 'osaka', start, ...options })
  const blocks: ExecutedBlock[] = []
  for (const [at, batch] of batches.entries()) blocks.push(await ran(engine, withTruth(batch, expected[at])))
  await engine.stop()
  return blocks
}

async function ran(engine: Awaited<ReturnType<typeof createEngine>>, batch: EngineBatch): Promise<ExecutedBlock> {
  const answer = await engine.execute(batch)
  if (answer.kind === 'refused') throw new Error(`The batch is refused: ${answer.code}, ${answer.detail}.`)
  return answer
}

function withTruth(batch: EngineBatch, truth: ExecutedBlock | undefined): EngineBatch {
  if (!truth) return batch
  const declarations = truth.transactions.map(({ access, gasUsed }) => ({
    ...normalise(access),
    source: 'trace' as const,
    gas: Number(gasUsed),
  }))
  return { ...batch, declarations }
}

function hashes(blocks: readonly ExecutedBlock[]): readonly string[] {
  return blocks.map(({ block, access }) => `${block.hash} ${toHex(access.hash)}`)
}

describe('workers', () => {
  it.each([
    { workers: 1, shards: 1 },
    { workers: 2, shards: 4 },
  ])('seal the same blocks as one thread alone: $workers workers, $shards shards', async (counts) => {
    const blocks = await runAll({ ...counts, workerScript: await workerScript() })
    expect(hashes(blocks)).toEqual(hashes(expected))
    expect(blocks.map(({ record }) => record.changes)).toEqual(expected.map(({ record }) => record.changes))
    for (const { figures } of blocks) {
      expect(figures).toMatchObject({ mispredictions: 0, crossShard: 0 })
      expect(figures.achievedSpeedup).toBeGreaterThan(0)
    }
  })
})

/** More by `npm run conformance -- corrupted 10000`. */
const corruptedCount = 20

describe('a batch whose declarations are corrupted', () => {
  it.each([
    { workers: 1, shards: 1 },
    { workers: 2, shards: 4 },
  ])('comes to the same block as one without any: $workers workers, $shards shards', async (counts) => {
    const setting = { ...counts, workerScript: await workerScript() }
    let ranAhead = 0
    for await (const judgement of judgeBatches({ from: 1, count: corruptedCount, setting })) {
      expect(judgement).toMatchObject({ difference: null })
      ranAhead += judgement.ranAhead
    }
    expect(ranAhead).toBeGreaterThan(0)
  })
})

const dying = scriptOf(
  "import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => process.exit(1)); parentPort.postMessage('ready')",
)

function scriptOf(text: string): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(text)}`)
}

describe('an engine whose workers are of no use', () => {
  it.each([
    ['has no room for their copy of the state', { stateBytes: 300_000 }],
    ['has more shards than accounts in each', { shards: 31 }],
    ['loses its worker at every batch', { workerScript: dying }],
  ])('%s, and seals the same blocks', async (_, options) => {
    const blocks = await runAll({ workers: 1, workerScript: await workerScript(), ...options })
    expect(hashes(blocks)).toEqual(hashes(expected))
  })
})

describe.each([
  ['ends', 'process.exit(1)'],
  ['gets stuck', 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)'],
])('a worker thread that %s while it runs a transaction', (_, end) => {
  const folder = mkdtempSync(join(tmpdir(), 'lanekit-mortal-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('is replaced at once, and the blocks are the same', async () => {
    const [died, came] = [join(folder, 'died'), join(folder, 'came')]
    const alone = await createEngine({ chainId: chain, fork: 'osaka', start })
    const workers = { workers: 1, workerScript: mortal(await workerScript(), end, { died, came }), patienceMs: 1_000 }
    const together = await createEngine({ chainId: chain, fork: 'osaka', start, ...workers })
    const fresh = openMarket(12)
    for (let block = 1; !existsSync(came); block++) {
      expect(block, 'no thread came in its place').toBeLessThan(blocksMax)
      const transactions = Array.from({ length: transfersEach }, () => asSigned(fresh.transfer()))
      const batch = { transactions, environment: laterBy(12 * block) }
      expect((await ran(together, batch)).block.hash).toBe((await ran(alone, batch)).block.hash)
    }
    expect(existsSync(died)).toBe(true)
    await together.stop()
  })
})

/** Enough that a block is not over before a worker has been told of it, on any machine. */
const transfersEach = 400
/** Blocks within which both threads are at work, however busy the machine. */
const blocksMax = 500

/** The script, in a thread that is lost when it first claims a transaction; the one after it leaves a mark when it does. */
function mortal(script: URL, end: string, marks: { readonly died: string; readonly came: string }): URL {
  return scriptOf(`
    import { existsSync, writeFileSync } from 'node:fs'
    const { died, came } = ${JSON.stringify(marks)}
    const exchange = Atomics.compareExchange
    Atomics.compareExchange = (words, at, was, is) => {
      const found = exchange(words, at, was, is)
      if (found !== was || was !== ${status.free} || is < ${status.claimed}) return found
      if (existsSync(died)) writeFileSync(came, '')
      else {
        writeFileSync(died, '')
        ${end}
      }
      return found
    }
    await import(${JSON.stringify(script.href)})
  `)
}
