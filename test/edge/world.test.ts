import { describe, expect, it } from 'vitest'
import type { Address } from '../../sdk/units.ts'
import { runEdgeWorld } from '../sim/edgeWorld.ts'
import { pastEdgeFailures } from '../sim/seeds.ts'
import { settle } from './life.ts'
import { createWorld, itemOf, noFaults, senders } from './world.ts'

/** Worlds that every change has to hold in; `npm run sim -- --world edge` runs as many as there is time for. */
const seedsMax = 24

/**
 * The whole edge in one seeded world: true steps, deeds and runner; a fake clock, network, disk and executor. What is in
 * memory dies in a crash, rows stay. The laws (laws.ts) are checked after every event.
 */
describe('the edge in a seeded world', () => {
  it('keeps every law in every seed that once broke one', async () => {
    for (const seed of pastEdgeFailures) expect((await runEdgeWorld(seed)).failure, `seed ${seed}`).toBeNull()
  })

  it(`keeps them in ${seedsMax} seeds under every fault, and ends every transaction once they stop`, async () => {
    const struck = new Set<string>()
    for (let seed = 1; seed <= seedsMax; seed++) {
      const { failure, faults } = await runEdgeWorld(seed)
      expect(failure, `seed ${seed}`).toBeNull()
      for (const [name, count] of Object.entries(faults)) if (count > 0) struck.add(name)
    }
    expect([...struck].sort()).toEqual(Object.keys(noFaults).sort())
  }, 240_000)
})

describe('bytes that another edge has brought into a block', () => {
  const [alice] = senders as [Address]
  const item = itemOf({ sender: alice, nonce: 0 })

  /** In a block, and only then taken in here. */
  const takenIn = async () => {
    const world = createWorld(1)
    world.node.slip(item)
    world.node.mine(() => 0.9)
    expect(world.node.includedAt(item.hash)).toBeDefined()
    let answers: Awaited<ReturnType<typeof world.submit>>
    void world.submit([item]).then((all) => {
      answers = all
    })
    for (let act = 0; act < 100 && !answers; act++) await world.act()
    expect(answers).toMatchObject([{ ok: true, status: { state: 'queued' } }])
    return world
  }

  it('are followed to their end', async () => {
    const world = await takenIn()
    await settle(world)
    expect(world.status(item.hash)?.state).toBe('finalized')
  })

  it('are sent again should that block fall, and the node forget them', async () => {
    const world = await takenIn()
    world.node.reorganise(1, () => 0.9)
    world.node.forget()
    expect(world.node.includedAt(item.hash)).toBeUndefined()
    await settle(world)
    expect(world.status(item.hash)?.state).toBe('finalized')
    expect(world.node.includedAt(item.hash)).toBeDefined()
  })
})

describe('[CR3] [CR5] [CR6] [CR7] [CR8] a power cut', () => {
  it.each([
    { who: 'the chain object', of: ['chain'] as const },
    { who: 'a shard', of: [0] as const },
    { who: 'all of them', of: ['chain', 0, 1] as const },
  ])('of $who after any message: what was sent in ends in a block, once', async ({ of }) => {
    let after = 1
    for (; ; after++) {
      const world = createWorld(after, noFaults, null, { after, of })
      const [alice, bob] = senders as [Address, Address]
      const items = [
        itemOf({ sender: alice, nonce: 0 }),
        itemOf({ sender: alice, nonce: 1 }),
        itemOf({ sender: bob, nonce: 0 }),
      ]
      // A wallet sends what was not acknowledged again, and so does one whose answer was lost.
      for (let round = 0; round < 4; round++) {
        void world.submit(items.slice(0, 2))
        void world.submit(items.slice(2))
        for (let act = 0; act < 8; act++) await world.act()
      }
      await settle(world)
      for (const { hash } of items)
        expect({ after, state: world.status(hash)?.state }).toEqual({ after, state: 'finalized' })
      if (world.delivered() < after) break
    }
    expect(after).toBeGreaterThan(40)
  })
})
