import { expect, it } from 'vitest'
import { sats } from '../../../../sdk/units.ts'
import { channelOf, createHtlcWorld, waitMs } from './htlcWorld.ts'

it('[TW26] pays over a slow line, and does not say everything again while answers are on their way', async () => {
  const world = createHtlcWorld()
  try {
    const [anna, ben] = [await world.person(), await world.person()]
    const id = await world.open(anna, ben)
    world.lineMs = 1_300
    world.said = 0
    const names = Array.from({ length: 12 }, (_, at) => new Uint8Array(16).fill(at + 1))
    const outcomes = await Promise.all(names.map((paymentId) => anna.wallet.pay(id, sats(100n), { paymentId, waitMs })))
    expect(outcomes.filter(({ state }) => state === 'paid')).toHaveLength(names.length)
    // Two updates of three messages, and what says at first where both stand.
    expect(channelOf(anna, id)?.updates).toBe(2)
    expect(world.said).toBeLessThan(30)
  } finally {
    world.stop()
  }
})
