import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AccessSource, arrange, unknownsPerSenderMax } from '../../../sdk/batch/index.ts'
import { address } from '../../../sdk/units.ts'

const [alice, bob, carol] = ['0a', '0b', '0c'].map((byte) => address(`0x${byte.repeat(20)}`)) as [
  ReturnType<typeof address>,
  ReturnType<typeof address>,
  ReturnType<typeof address>,
]

function by(sender: typeof alice, source: AccessSource) {
  return { sender, source }
}

describe('a batch in which some declare nothing', () => {
  it('[Q1] runs those last, and what their senders send behind them', () => {
    const all = [by(alice, 'unknown'), by(bob, 'trace'), by(alice, 'trace'), by(carol, 'template')]
    expect(arrange(all)).toEqual({ order: [1, 3, 0, 2], deferred: [] })
  })

  it('[Q2] takes a few of each sender, and leaves the rest for a later one', () => {
    const all = Array.from({ length: unknownsPerSenderMax + 2 }, () => by(alice, 'unknown'))
    const first = [...all.keys()].slice(0, unknownsPerSenderMax)
    expect(arrange([...all, by(bob, 'unknown')])).toEqual({
      order: [...first, all.length],
      deferred: [unknownsPerSenderMax, unknownsPerSenderMax + 1],
    })
    expect(arrange([by(alice, 'unknown'), by(alice, 'trace'), by(bob, 'trace')], 0)).toEqual({
      order: [2],
      deferred: [0, 1],
    })
  })

  it('[Q3] keeps each sender’s order, and loses nobody', () => {
    const one = fc.record({
      sender: fc.constantFrom(alice, bob, carol),
      source: fc.constantFrom<AccessSource>('trace', 'declared', 'unknown'),
    })
    fc.assert(
      fc.property(fc.array(one, { maxLength: 40 }), fc.nat(3), (all, unknownsMax) => {
        const { order, deferred } = arrange(all, unknownsMax)
        expect([...order, ...deferred].sort((a, b) => a - b)).toEqual([...all.keys()])
        for (const sender of [alice, bob, carol]) {
          const own = [...order, ...deferred].filter((index) => all[index]?.sender === sender)
          expect(own).toEqual([...own].sort((a, b) => a - b))
          const unknowns = order.filter((index) => all[index]?.sender === sender && all[index]?.source === 'unknown')
          expect(unknowns.length).toBeLessThanOrEqual(unknownsMax)
        }
        const first = order.findIndex((index) => all[index]?.source === 'unknown')
        const silent = new Set(order.slice(0, Math.max(first, 0)).map((index) => all[index]?.source))
        expect(silent.has('unknown')).toBe(false)
      }),
    )
  })
})
