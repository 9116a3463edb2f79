import { describe, expect, it } from 'vitest'
import { runWebhookWorld } from '../edge/webhookWorld.ts'
import { webhookMutants } from './webhookMutants.ts'

/** A mutant that lives through so many worlds has not been caught. */
const seedsMax = 40

describe("a merchant's webhook", () => {
  it('keeps its laws in every world', () => {
    for (let seed = 1; seed <= seedsMax; seed++) expect(runWebhookWorld(seed).failure, `seed ${seed}`).toBeNull()
  })

  it.each(webhookMutants)('would be caught where $name', (mutant) => {
    let caught: string | null = null
    for (let seed = 1; seed <= seedsMax && !caught; seed++) caught = runWebhookWorld(seed, mutant).failure
    expect(caught).not.toBeNull()
  })
})
