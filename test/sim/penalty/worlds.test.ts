import { describe, expect, it } from 'vitest'
import { runPenaltyWorld } from './world.ts'

/** Worlds that every change has to hold in; `npm run sim -- --world penalty` runs as many as there is time for. */
const seedsMax = 10
/**
 * Worlds in which a side cheats, or has lost states, in which no channel came to be, or an HTLC comes to stand too late; in which a
 * backup remembers a proposal that was answered, an HTLC is hardly more than dust, nobody but the other side can lift a commitment, and a
 * restored side is cheated.
 */
const pinned = [16, 34, 39, 46, 344, 24_510, 5_282, 28_440, 468]
/** Faults that this world does not know. */
const others = ['lostAnswer', 'tillLost', 'reorder', 'late']

describe('worlds of the two-way channel', () => {
  it(`hold in ${seedsMax} seeds, in which every fault strikes`, { timeout: 120_000 }, () => {
    const faults: Record<string, number> = {}
    const ends = new Set<string>()
    let updates = 0
    for (const seed of [...Array.from({ length: seedsMax }, (_, at) => at + 1), ...pinned]) {
      const outcome = runPenaltyWorld(seed)
      expect(outcome.failure && `seed ${seed}: ${outcome.failure}`).toBeNull()
      updates += outcome.updates
      ends.add(outcome.end)
      for (const [name, count] of Object.entries(outcome.faults)) faults[name] = (faults[name] ?? 0) + count
    }
    expect(updates).toBeGreaterThan(5 * seedsMax)
    expect([...ends].sort()).toEqual(expect.arrayContaining(['closing', 'newer', 'none', 'own', 'peer', 'revoked']))
    expect(Object.entries(faults).filter(([name, count]) => count === 0 && !others.includes(name))).toEqual([])
  })

  it('are the same for the same seed, event by event', () => {
    expect(runPenaltyWorld(11)).toEqual(runPenaltyWorld(11))
  })
})
