import { hostile, live, settle } from '../edge/life.ts'
import { createWorld, type EdgeMutant } from '../edge/world.ts'
import type { Outcome } from './scene.ts'

const acts = 300

/** One edge with two shards, its executor and its wallets, until everything has ended or the first law is broken. */
export async function runEdgeWorld(
  seed: number,
  mutant: EdgeMutant | null = null,
): Promise<Omit<Outcome, 'payments' | 'faults'> & { readonly faults: Readonly<Record<string, number>> }> {
  const world = createWorld(seed, hostile, mutant)
  let failure: string | null = null
  try {
    await live(world, seed, acts)
    // A power cut, and nobody comes by afterwards: alarms alone bring everything to its end.
    for (const object of ['chain', 0, 1] as const) world.crash(object)
    world.heal()
    await settle(world)
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error)
  }
  const log = world.chain
    .events()
    .slice(-20)
    .map(({ sequence, hash, status }) => `${sequence} ${hash.slice(0, 10)} ${status.state}`)
  return { seed, failure, events: world.chain.head().sequence, faults: { ...world.struck }, log }
}
