import { describe, expect, it } from 'vitest'
import { mutants } from './mutants.ts'
import { runPenaltyWorld } from './world.ts'

/** Worlds within which each must be noticed. */
const seedsMax = 60

describe('wrong two-way channels', () => {
  it.each(mutants.map((mutant) => [mutant.name, mutant] as const))('%s: noticed', { timeout: 120_000 }, (_, mutant) => {
    for (let seed = 1; seed <= seedsMax; seed++) {
      const { failure } = runPenaltyWorld(seed, mutant)
      if (failure !== null) return
    }
    expect.fail(`${seedsMax} worlds went well`)
  })
})
