import { describe, expect, it } from 'vitest'
import { mutants } from './mutants.ts'
import { runPenaltyWorld } from './world.ts'

/** A mutant that lives through so many worlds from its first seed on has not been noticed. */
const seedsMax = 30

/** Seeds that show a mutant, where that is not among the first few. A change of the draws moves them. */
const firstSeeds: Readonly<Record<string, number>> = {
  'does not propose again': 14,
  'does not answer again': 13,
  'does not revoke again': 7,
  'forgets which HTLCs there were': 87,
  'lets the expiry of its HTLCs pass': 9,
  'takes what the other side gives back for its newest state': 60,
  'does not lift its commitment': 6,
  'does not punish': 9,
  'punishes the balance alone': 33,
}

describe('wrong two-way channels', () => {
  it.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
    '%s: noticed',
    { timeout: 120_000 },
    (name, mutant) => {
      const from = firstSeeds[name] ?? 1
      for (let seed = from; seed < from + seedsMax; seed++) {
        const { failure } = runPenaltyWorld(seed, mutant)
        if (failure !== null) return
      }
      expect.fail(`${seedsMax} worlds went well`)
    },
  )

  it('have names, by which their seeds are known', () => {
    const names = mutants.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names).toEqual(expect.arrayContaining(Object.keys(firstSeeds)))
  })
})
