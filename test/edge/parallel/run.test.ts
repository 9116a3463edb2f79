import { describe, expect, it } from 'vitest'
import { createMachine } from '../../../sdk/vm/index.ts'
import { heavyPrecompiles } from '../../sdk/vm/precompiles.ts'
import { judgeErratic } from './erratic.ts'

/** More by `npm run conformance -- corrupted 10000`. */
const batches = 60

describe('a run with others ahead', () => {
  it('comes to what running one by one comes to, whatever was declared and however stale the runs', async () => {
    const machine = createMachine({ fork: 'osaka', precompiles: heavyPrecompiles })
    let ranAhead = 0
    let reExecutions = 0
    for (let seed = 1; seed <= batches; seed++) {
      const judged = await judgeErratic(seed, machine)
      expect(judged.together, `seed ${seed}`).toBe(judged.alone)
      ranAhead += judged.ranAhead
      reExecutions += judged.reExecutions
    }
    // The check that decides between the two is worth something only when both happen.
    expect(ranAhead).toBeGreaterThan(batches)
    expect(reExecutions).toBeGreaterThan(batches / 10)
  })
})
