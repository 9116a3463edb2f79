import { describe, expect, it } from 'vitest'
import { createEngine } from '../../../edge/executor/parallel/createEngine.ts'
import { toHex } from '../../../sdk/units.ts'
import { openMarket } from '../../sdk/vm/market.ts'
import { asSigned, chain, genesisOf, laterBy } from './chain.ts'
import { judgeBatches } from './corrupted.ts'
import { workerScript } from './workerScript.ts'

describe('workers', () => {
  const market = openMarket(12)
  const start = genesisOf(market.state)
  const batches = [1, 2, 3].map((block) => ({
    transactions: Array.from({ length: 40 }, (_, at) => asSigned(at % 4 ? market.transfer() : market.swap())),
    environment: laterBy(12 * block),
  }))

  it.each([
    { workers: 1, shards: 1 },
    { workers: 2, shards: 1 },
    { workers: 2, shards: 4 },
  ])('seal the same blocks as one thread alone: $workers workers, $shards shards', async ({ workers, shards }) => {
    const alone = await createEngine({ chainId: chain, fork: 'osaka', start })
    const together = await createEngine({
      chainId: chain,
      fork: 'osaka',
      start,
      workers,
      shards,
      workerScript: await workerScript(),
    })
    for (const batch of batches) {
      const [one, other] = [await alone.execute(batch), await together.execute(batch)]
      if (one.kind === 'refused' || other.kind === 'refused') throw new Error('A batch was refused.')
      expect(other.block.hash).toBe(one.block.hash)
      expect(toHex(other.access.hash)).toBe(toHex(one.access.hash))
      expect(other.record.changes).toEqual(one.record.changes)
    }
    await together.stop()
  })
})

/** More by `npm run conformance -- corrupted 10000`. */
const batches = 30

describe('a batch whose declarations are corrupted', () => {
  it.each([
    { workers: 1, shards: 1 },
    { workers: 2, shards: 1 },
    { workers: 2, shards: 4 },
  ])('comes to the same block as one without any: $workers workers, $shards shards', async (counts) => {
    const setting = { ...counts, workerScript: await workerScript() }
    let ranAhead = 0
    for await (const judgement of judgeBatches({ from: 1, count: batches, setting })) {
      expect(judgement).toMatchObject({ difference: null })
      ranAhead += judgement.ranAhead
    }
    expect(ranAhead).toBeGreaterThan(0)
  })
})

const dying = new URL(
  `data:text/javascript,${encodeURIComponent(
    "import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => process.exit(1)); parentPort.postMessage('ready')",
  )}`,
)

describe('an engine whose workers are of no use', () => {
  it.each([
    ['has no room for their copy of the state', { stateBytes: 300_000 }],
    ['has more shards than accounts in each', { shards: 31 }],
    ['loses its worker at the first batch', { workerScript: dying }],
  ])('%s, and seals the same blocks', async (_, options) => {
    const market = openMarket(6)
    const start = genesisOf(market.state)
    const alone = await createEngine({ chainId: chain, fork: 'osaka', start })
    const script = await workerScript()
    const together = await createEngine({
      chainId: chain,
      fork: 'osaka',
      start,
      workers: 1,
      workerScript: script,
      ...options,
    })
    for (let block = 1; block <= 2; block++) {
      const transactions = Array.from({ length: 12 }, () => asSigned(market.transfer()))
      const batch = { transactions, environment: laterBy(12 * block) }
      const [one, other] = [await alone.execute(batch), await together.execute(batch)]
      if (one.kind === 'refused' || other.kind === 'refused') throw new Error('A batch was refused.')
      expect(other.block.hash).toBe(one.block.hash)
    }
    await together.stop()
  })
})
