import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runEdgeWorld } from '../sim/edgeWorld.ts'

/**
 * The whole edge in one seeded world: true steps, deeds and runner; a fake clock, network, disk and executor. What is in
 * memory dies in a crash, rows stay. The laws (laws.ts) are checked after every event.
 */
describe('the edge in a seeded world', () => {
  it('keeps every law under every fault, and ends every transaction once they stop', async () => {
    const seeds = fc.integer({ min: 0, max: 0x7fffffff })
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        expect((await runEdgeWorld(seed)).failure).toBeNull()
      }),
      { numRuns: Number(process.env.LANEKIT_SEEDS ?? 20) },
    )
  }, 240_000)
})
