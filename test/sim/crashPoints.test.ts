import { describe, expect, it } from 'vitest'
import { runWithCrash } from './crashPoints.ts'
import { mutants } from './mutants.ts'
import type { CrashPoint } from './world.ts'

/** More calls than the script makes of any process. */
const callsMax = 400

describe('a channel that is opened, paid from three times and closed', () => {
  it('comes to its end where nothing goes wrong', async () => {
    expect(await runWithCrash(null)).toMatchObject({ failure: null, payments: 3, hasCrashed: false })
  })

  it.each([
    { node: 'payer 0', when: 'before' },
    { node: 'payer 0', when: 'after' },
    { node: 'till', when: 'before' },
    { node: 'till', when: 'after' },
  ] as const)('[OW15] comes there too when the $node dies $when any one call', async (side) => {
    const calls = await lastCall(side)
    expect(calls).toBeGreaterThan(20)
    expect(calls).toBeLessThan(callsMax)
  })

  it('is not blind: a payer that sends before it stores is found out', async () => {
    const mutant = mutants.find(({ name }) => name === 'the payer sends before it stores') ?? null
    expect((await runWithCrash({ node: 'payer 0', call: 1, when: 'after' }, mutant)).failure).toContain('OW')
  })
})

/** Lets the process die at its first call, at its second ... until it lives through; says how many calls that were. */
async function lastCall(side: Omit<CrashPoint, 'call'>): Promise<number> {
  for (let call = 1; call < callsMax; call++) {
    const { failure, payments, hasCrashed } = await runWithCrash({ ...side, call })
    expect({ call, failure, payments }).toEqual({ call, failure: null, payments: 3 })
    if (!hasCrashed) return call
  }
  return callsMax
}
