import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Access, Footprint } from '../../../sdk/batch/access.ts'
import {
  checkPlan,
  declare,
  plan,
  runMax,
  schedule,
  undeclared,
  waitsOf,
  workersMax,
} from '../../../sdk/batch/index.ts'
import { account, field, footprints } from './arbitraries.ts'
import { conflictsOf, heaviestChain, lanesByFlood } from './oracle.ts'

const hot = field('balance', 1)

function transaction(access: Partial<Access>, gas = 1): Footprint {
  return { sender: account(0), ...declare({ reads: [], writes: [], credits: [], ...access }, gas) }
}
const reads = () => transaction({ reads: [hot] })
const writes = () => transaction({ writes: [hot] })
const credits = () => transaction({ credits: [hot] })
const unknown = (): Footprint => ({ sender: account(0), ...undeclared(1) })

function waitsIn(transactions: readonly Footprint[]): (readonly number[])[] {
  const made = plan(transactions)
  return transactions.map((_, index) => waitsOf(made, index))
}

describe('plan', () => {
  it('[P3] waits for the run before, not for all before', () => {
    expect(waitsIn([writes(), reads(), reads(), writes(), writes(), credits(), credits(), reads(), credits()])).toEqual(
      [[], [0], [0], [1, 2], [3], [4], [4], [5, 6], [7]],
    )
  })

  it('[P2] readers do not wait for readers, nor credits for credits', () => {
    expect(plan([reads(), reads()]).lanes).toEqual([[0], [1]])
    expect(plan([credits(), credits()]).lanes).toEqual([[0], [1]])
    expect(plan([credits(), reads()]).lanes).toEqual([[0, 1]])
  })

  it('[P5] unknown access stands between all before and all after', () => {
    expect(waitsIn([unknown(), writes(), transaction({}), unknown(), writes(), unknown(), unknown()])).toEqual([
      [],
      [0],
      [0],
      [0, 1, 2],
      [3],
      [3, 4],
      [5],
    ])
    expect(plan([transaction({}), unknown(), transaction({})]).lanes).toEqual([[0, 1, 2]])
  })

  it('[P6] lanes stand in the order of their first transaction', () => {
    const other = transaction({ writes: [field('balance', 2)] })
    const made = plan([reads(), other, writes(), other])
    expect(made.lanes).toEqual([
      [0, 2],
      [1, 3],
    ])
    expect([...made.laneOf]).toEqual([0, 1, 0, 1])
  })

  it('an empty batch has an empty plan', () => {
    expect(plan([])).toMatchObject({ count: 0, lanes: [], criticalPathGas: 0, totalGas: 0 })
    expect(schedule(plan([]), 4)).toMatchObject({ makespanGas: 0, idealSpeedup: 1 })
  })

  it('[P4] n readers and n creditors of one place cost no n^2 waits', () => {
    const transactions = [...Array.from({ length: 5_000 }, reads), ...Array.from({ length: 5_000 }, credits), writes()]
    const made = plan(transactions)
    expect(made.waits.targets.length).toBe(5_000 + 4_999 + 5_000)
    expect(waitsOf(made, 9_999)).toEqual([5_000])
    expect(made.lanes.length).toBe(1)
    expect(made.criticalPathGas).toBe(4)
    expect(checkPlan(made, transactions)).toEqual({ ok: true, value: true })
  })

  it('[P4] up to its limit a run is waited for in full', () => {
    const waits = waitsIn([...Array.from({ length: runMax }, reads), credits(), credits()])
    expect(waits.at(-1)).toEqual(Array.from({ length: runMax }, (_, index) => index))
    const longer = waitsIn([...Array.from({ length: runMax + 1 }, reads), credits(), credits()])
    expect(longer.at(-2)?.length).toBe(runMax + 1)
    expect(longer.at(-1)).toEqual([runMax + 1])
  })

  it('[P4] long runs still order every conflicting pair', () => {
    const op = fc.constantFrom(reads, credits, writes, unknown)
    const run = fc
      .tuple(op, fc.integer({ min: 1, max: 2 * runMax }))
      .map(([make, length]) => Array.from({ length }, make))
    fc.assert(
      fc.property(fc.array(run, { maxLength: 5 }), (runs) => {
        expectOrdered(runs.flat())
      }),
      { numRuns: 30 },
    )
  })
})

/** Every conflicting pair is joined by a chain of waits. */
function expectOrdered(transactions: readonly Footprint[]): void {
  const before: Set<number>[] = []
  for (const waits of waitsIn(transactions)) {
    const reached = new Set(waits)
    for (const target of waits) for (const further of before[target] ?? []) reached.add(further)
    before.push(reached)
  }
  const conflict = conflictsOf(transactions)
  const unordered: [number, number][] = []
  for (const index of transactions.keys())
    for (let earlier = 0; earlier < index; earlier++)
      if (conflict(earlier, index) && !before[index]?.has(earlier)) unordered.push([earlier, index])
  expect(unordered).toEqual([])
}

describe('laws of plans', () => {
  it('[P1] nothing is lost, nothing is doubled, order is kept', () => {
    fc.assert(
      fc.property(footprints, (footprints) => {
        const { count, lanes, laneOf } = plan(footprints)
        expect(count).toBe(footprints.length)
        expect(lanes.flat().sort((one, other) => one - other)).toEqual([...footprints.keys()])
        lanes.forEach((lane, at) => {
          expect(lane).toEqual([...lane].sort((one, other) => one - other))
          for (const index of lane) expect(laneOf[index]).toBe(at)
        })
      }),
    )
  })

  it('[P6] lanes are the components of the full conflict graph, so nothing conflicts between them', () => {
    fc.assert(
      fc.property(footprints, (footprints) => {
        expect(plan(footprints).lanes).toEqual(lanesByFlood(footprints))
      }),
    )
  })

  it('[P3] [P5] every conflicting pair is ordered by a chain of waits', () => {
    fc.assert(fc.property(footprints, expectOrdered))
  })

  it('[P3] every wait is a conflict, and points back', () => {
    fc.assert(
      fc.property(footprints, (footprints) => {
        const conflict = conflictsOf(footprints)
        waitsIn(footprints).forEach((waits, index) => {
          for (const target of waits) {
            expect(target).toBeLessThan(index)
            expect(conflict(target, index)).toBe(true)
          }
        })
      }),
    )
  })

  it('[P7] the critical path is the heaviest chain of conflicts', () => {
    fc.assert(
      fc.property(footprints, (footprints) => {
        const { criticalPathGas, totalGas } = plan(footprints)
        expect(criticalPathGas).toBe(heaviestChain(footprints))
        expect(totalGas).toBe(footprints.reduce((sum, { gas }) => sum + gas, 0))
      }),
    )
  })
})

describe('schedule', () => {
  it('[P8] takes the heaviest path first', () => {
    // 1 heads a chain of 10 + 50; started second, it would end the batch at 80.
    const chain = transaction({ writes: [hot] }, 10)
    const made = schedule(plan([transaction({}, 20), chain, transaction({ reads: [hot] }, 50)]), 1)
    expect([...made.startGas]).toEqual([60, 0, 10])
    expect(made).toMatchObject({ makespanGas: 80, idealSpeedup: 1 })
  })

  it('[P8] the order of equals is the order of the batch', () => {
    expect([...schedule(plan([transaction({}), transaction({}), transaction({})]), 2).assignment]).toEqual([0, 1, 0])
  })

  it('[P8] waits are kept, workers do one thing at a time, and the bounds hold', () => {
    fc.assert(
      fc.property(footprints, fc.integer({ min: 1, max: 6 }), (footprints, workers) => {
        const made = plan(footprints)
        const { assignment, startGas, endGas, makespanGas, idealSpeedup } = schedule(made, workers)
        const busyUntil = new Map<number, number>()
        const byStart = [...footprints.keys()].sort(
          (one, other) =>
            (startGas[one] as number) - (startGas[other] as number) ||
            (endGas[one] as number) - (endGas[other] as number),
        )
        for (const index of byStart) {
          const worker = assignment[index] as number
          expect(worker).toBeGreaterThanOrEqual(0)
          expect(worker).toBeLessThan(workers)
          expect(startGas[index]).toBeGreaterThanOrEqual(busyUntil.get(worker) ?? 0)
          busyUntil.set(worker, endGas[index] as number)
          expect(endGas[index]).toBe((startGas[index] as number) + (footprints[index]?.gas ?? 0))
          for (const target of waitsOf(made, index))
            expect(endGas[target]).toBeLessThanOrEqual(startGas[index] as number)
        }
        expect(makespanGas).toBe(Math.max(0, ...endGas))
        expect(makespanGas).toBeGreaterThanOrEqual(made.criticalPathGas)
        expect(makespanGas * workers).toBeGreaterThanOrEqual(made.totalGas)
        expect(makespanGas).toBeLessThanOrEqual(made.totalGas / workers + made.criticalPathGas)
        expect(idealSpeedup).toBe(makespanGas === 0 ? 1 : made.totalGas / makespanGas)
      }),
    )
  })

  it('[P8] with a worker for each, the makespan is the critical path', () => {
    fc.assert(
      fc.property(footprints, (footprints) => {
        const made = plan(footprints)
        expect(schedule(made, Math.max(1, footprints.length)).makespanGas).toBe(made.criticalPathGas)
      }),
    )
  })

  it.each([0, -1, 1.5, Number.NaN, workersMax + 1])('refuses %s workers', (workers) => {
    expect(() => schedule(plan([]), workers)).toThrow(expect.objectContaining({ code: 'units/out-of-range' }))
  })
})
