import assert from 'node:assert/strict'
import { createMachine } from '../../sdk/vm/index.ts'
import { judgeBatches } from '../edge/parallel/corrupted.ts'
import { judgeErratic } from '../edge/parallel/erratic.ts'
import { workerScript } from '../edge/parallel/workerScript.ts'
import { heavyPrecompiles } from '../sdk/vm/precompiles.ts'
import type { Suite } from './suite.ts'

const settings = [
  { workers: 1, shards: 1 },
  { workers: 2, shards: 1 },
  { workers: 2, shards: 4 },
  { workers: 4, shards: 8 },
]

/**
 * Random batches whose declarations were corrupted, as many as the "path" says: half of them with workers that are played, as
 * stale as can be, half with real ones, in turn by each of the settings. Each comes to what running one by one comes to.
 */
export const corrupted: Suite = {
  cases: () => [],
  async *laterCases(text) {
    const count = Number(text)
    assert.ok(Number.isSafeInteger(count) && count > 0, 'how many batches?')
    const half = Math.ceil(count / 2)
    const machine = createMachine({ fork: 'osaka', precompiles: heavyPrecompiles })
    for (let seed = 1; seed <= half; seed++) {
      const { alone, together } = await judgeErratic(seed, machine)
      yield { name: `played workers, seed ${seed}`, check: () => assert.equal(together, alone) }
    }
    const each = Math.ceil((count - half) / settings.length)
    for (const setting of settings)
      for await (const { seed, difference } of judgeBatches({
        from: 1,
        count: each,
        setting: { ...setting, workerScript: await workerScript() },
      }))
        yield {
          name: `${setting.workers} workers, ${setting.shards} shards, seed ${seed}`,
          check: () => assert.equal(difference, null),
        }
  },
}
