import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Access, Footprint } from '../../../sdk/batch/access.ts'
import { declare, explain, plan, runMax, sentence, undeclared, waitsOf } from '../../../sdk/batch/index.ts'
import { InvariantError } from '../../../sdk/errors.ts'
import { account, field, footprints, slotOf } from './arbitraries.ts'

function transaction(access: Partial<Access>): Footprint {
  return { sender: account(0), ...declare({ reads: [], writes: [], credits: [], ...access }, 1) }
}

function sentencesOf(footprints: readonly Footprint[], index: number): string[] {
  return explain(plan(footprints), footprints, index).reasons.map(sentence)
}

describe('explain', () => {
  it('names the place and what both do there', () => {
    const slot = slotOf(7, 5)
    const batch = [
      transaction({ writes: [slot] }),
      transaction({}),
      transaction({ reads: [slot], writes: [field('nonce', 1)] }),
    ]
    expect(explain(plan(batch), batch, 2)).toEqual({
      index: 2,
      lane: 0,
      reasons: [
        { kind: 'conflict', index: 2, waitsFor: 0, places: [{ place: slot, earlier: 'write', later: 'read' }] },
      ],
    })
    expect(sentencesOf(batch, 2)).toEqual([`2 waits for 0 because of slot 0x${'5'.padStart(64, '0')} of ${account(7)}`])
    expect(sentencesOf(batch, 1)).toEqual([])
  })

  it('counts further places, and leaves out those that do not conflict', () => {
    const both = { reads: [field('code', 3)], writes: [field('nonce', 1), field('balance', 1)] }
    expect(sentencesOf([transaction(both), transaction(both)], 1)).toEqual([
      `1 waits for 0 because of the nonce of ${account(1)} and 1 more`,
    ])
  })

  it('[P5] says whose access is unknown', () => {
    const unknown = { sender: account(0), ...undeclared(1) }
    expect(sentencesOf([transaction({}), unknown, transaction({})], 1)).toEqual([
      '1 waits for 0 because the access of 1 is unknown',
    ])
    expect(sentencesOf([transaction({}), unknown, transaction({})], 2)).toEqual([
      '2 waits for 1 because the access of 1 is unknown',
    ])
  })

  it('[P4] says who goes first behind a long run', () => {
    const read = transaction({ reads: [field('balance', 1)] })
    const credit = transaction({ credits: [field('balance', 1)] })
    const batch = [...Array.from({ length: runMax + 1 }, () => read), credit, credit]
    expect(sentencesOf(batch, runMax + 2)).toEqual([
      `${runMax + 2} waits for ${runMax + 1} because it is the first of the many that share the balance of ${account(1)}`,
    ])
  })

  it('gives a reason for every wait', () => {
    fc.assert(
      fc.property(footprints, (footprints) => {
        const made = plan(footprints)
        for (const index of footprints.keys()) {
          const { lane, reasons } = explain(made, footprints, index)
          expect(lane).toBe(made.laneOf[index])
          expect(reasons.map(({ waitsFor }) => waitsFor)).toEqual(waitsOf(made, index))
          for (const reason of reasons)
            expect(reason.kind === 'unknown' || (reason.kind === 'conflict' && reason.places.length > 0)).toBe(true)
        }
      }),
    )
  })

  it('stops on an index that is not of the plan', () => {
    expect(() => explain(plan([]), [], 0)).toThrow(InvariantError)
  })
})
