import { describe, expect, it } from 'vitest'
import { runChannelWorld } from './channelWorld.ts'
import { pastFailures } from './seeds.ts'

/** Worlds that every change has to hold in; `npm run sim` runs as many as there is time for. */
const seedsMax = 120

describe('worlds of the one-way channel', () => {
  it('hold in every seed that once failed', async () => {
    for (const seed of pastFailures) expect(await failureOf(seed)).toBeNull()
  })

  it(`hold in ${seedsMax} seeds, in which every fault strikes`, { timeout: 120_000 }, async () => {
    const faults: Record<string, number> = {}
    let payments = 0
    for (let seed = 1; seed <= seedsMax; seed++) {
      const outcome = await runChannelWorld(seed)
      expect(outcome.failure && `seed ${seed}: ${outcome.failure}`).toBeNull()
      payments += outcome.payments
      for (const [name, count] of Object.entries(outcome.faults)) faults[name] = (faults[name] ?? 0) + count
    }
    expect(payments).toBeGreaterThan(seedsMax)
    // Fees spike in the two-way channel's world alone.
    expect(Object.entries(faults).filter(([, count]) => count === 0)).toEqual([['feeSpike', 0]])
  })

  it('are the same for the same seed, event by event', async () => {
    expect(await runChannelWorld(11)).toEqual(await runChannelWorld(11))
  })
})

async function failureOf(seed: number): Promise<string | null> {
  return (await runChannelWorld(seed)).failure
}
