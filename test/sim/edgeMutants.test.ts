import { describe, expect, it } from 'vitest'
import { edgeMutants } from './edgeMutants.ts'
import { runEdgeWorld } from './edgeWorld.ts'

/** A mutant that lives through so many worlds has not been caught. */
const seedsMax = 30

describe('the laws of the edge notice when', () => {
  it.each(edgeMutants)('$name', async (mutant) => {
    let caught = false
    for (let seed = 1; seed <= seedsMax && !caught; seed++) caught = (await runEdgeWorld(seed, mutant)).failure !== null
    expect(caught).toBe(true)
  })
})
