import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Access,
  declare,
  type Footprint,
  type HotPlaces,
  hotPlaces,
  hotPlacesMax,
  hotSentence,
  plan,
  undeclared,
} from '../../../sdk/batch/index.ts'
import { account, field, footprints, slotOf } from './arbitraries.ts'

function transaction(access: Partial<Access>, gas = 100): Footprint {
  return { sender: account(0), ...declare({ reads: [], writes: [], credits: [], ...access }, gas) }
}

/** A swap: the pool's reserves and what it holds of two tokens, and the nonce of whoever swaps. */
function swap(pool: number, sender: number, gas = 100): Footprint {
  return transaction({ writes: [slotOf(pool, 8), slotOf(90, pool), slotOf(91, pool), field('nonce', sender)] }, gas)
}

const only = (found: readonly HotPlaces[]): HotPlaces => {
  expect(found).toHaveLength(1)
  return found[0] as HotPlaces
}

describe('hot places', () => {
  it('[P10] are found with their chain and what is won without them, those used together as one', () => {
    const batch = [swap(1, 11), swap(1, 12, 300), swap(1, 13), transaction({ writes: [field('nonce', 20)] }, 200)]
    const hot = only(hotPlaces(batch))
    expect(hot).toEqual({
      places: [slotOf(1, 8), slotOf(90, 1), slotOf(91, 1)].sort((one, other) => (one.address < other.address ? -1 : 1)),
      transactions: 3,
      chainLength: 3,
      chainGas: 500,
      criticalGas: 500,
      winGas: 200,
      advice: 'elsewhere',
    })
    expect(hotSentence(hot)).toBe(
      `3 transactions wait in a chain of 3 (500 gas) at slot 0x${'8'.padStart(64, '0')} of ${account(1)} and 2 more; ` +
        'spread over several of its kind, or sent apart, the batch would be 200 gas shorter',
    )
  })

  it("[P10] tell a sender's own from a contract's", () => {
    const own = transaction({ writes: [field('nonce', 1), field('balance', 1)] })
    const hot = only(hotPlaces([own, own]))
    expect(hot).toMatchObject({ chainLength: 2, chainGas: 200, winGas: 100, advice: 'more-senders' })
    expect(hotSentence(hot)).toContain('; from several senders the batch would be 100 gas shorter')
  })

  it('[P10] win nothing while another chain is as long', () => {
    const hot = hotPlaces([swap(1, 11), swap(1, 12), swap(2, 13), swap(2, 14)])
    expect(hot.map(({ winGas, advice }) => ({ winGas, advice }))).toEqual([
      { winGas: 0, advice: 'none' },
      { winGas: 0, advice: 'none' },
    ])
    expect(hotSentence(hot[0] as HotPlaces)).toContain('; other chains are as long')
  })

  it('[P10] are none where transactions only read or only credit, or where nobody knows', () => {
    const read = transaction({ reads: [slotOf(1, 1)], credits: [field('balance', 2)] })
    expect(hotPlaces([read, read, read])).toEqual([])
    const unknown = { sender: account(0), ...undeclared(100) }
    expect(hotPlaces([unknown, unknown])).toEqual([])
    expect(hotPlaces([])).toEqual([])
  })

  it('[P10] count neighbouring reads as one link, as heavy as the heaviest', () => {
    const at = slotOf(1, 1)
    const batch = [
      transaction({ writes: [at] }, 10),
      transaction({ reads: [at] }, 20),
      transaction({ reads: [at] }, 70),
      transaction({ writes: [at] }, 5),
    ]
    expect(only(hotPlaces(batch))).toMatchObject({ transactions: 4, chainLength: 3, chainGas: 85, criticalGas: 85 })
  })

  it('[P10] stay within the plan, whatever the batch', () => {
    fc.assert(
      fc.property(footprints, (batch) => {
        const { criticalPathGas } = plan(batch)
        const hot = hotPlaces(batch)
        expect(hot.length).toBeLessThanOrEqual(hotPlacesMax)
        for (const { places, chainLength, chainGas, criticalGas, winGas } of hot) {
          expect(places.length).toBeGreaterThan(0)
          expect(chainLength).toBeGreaterThan(1)
          expect(chainGas).toBeLessThanOrEqual(criticalPathGas)
          expect(criticalGas).toBeLessThanOrEqual(criticalPathGas)
          expect(winGas).toBeGreaterThanOrEqual(0)
        }
        expect(hot.map(({ winGas }) => winGas)).toEqual(
          hot.map(({ winGas }) => winGas).sort((one, other) => other - one),
        )
      }),
      { numRuns: 100 },
    )
  })
})
