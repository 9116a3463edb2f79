import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkPlan, declare, intern, type Plan, plan, waitsOf } from '../../../sdk/batch/index.ts'
import { account, field, footprints } from './arbitraries.ts'

/** Spoils a plan at a chosen place, or finds nothing there to spoil. */
type Spoil = (plan: Plan, pick: (below: number) => number) => Plan | undefined

/** A plan with other waits: one list for each transaction. */
function withWaits(plan: Plan, change: (lists: number[][]) => void): Plan {
  const lists = Array.from({ length: plan.count }, (_, index) => [...waitsOf(plan, index)])
  change(lists)
  const offsets = new Int32Array(plan.count + 1)
  lists.forEach((list, index) => {
    offsets[index + 1] = (offsets[index] as number) + list.length
  })
  return { ...plan, waits: { offsets, targets: Int32Array.from(lists.flat()) } }
}

/** A plan with other lanes, whose `laneOf` follows them. */
function withLanes(plan: Plan, lanes: readonly (readonly number[])[]): Plan {
  const laneOf = plan.laneOf.slice()
  lanes.forEach((lane, at) => {
    for (const index of lane) laneOf[index] = at
  })
  return { ...plan, lanes, laneOf }
}

/** A transaction that waits, and which of its waits. */
function pickEdge(
  plan: Plan,
  pick: (below: number) => number,
): { index: number; at: number; target: number } | undefined {
  const { offsets, targets } = plan.waits
  if (targets.length === 0) return undefined
  const edge = pick(targets.length)
  const index = offsets.findIndex((_, one) => (offsets[one + 1] as number) > edge)
  return { index, at: edge - (offsets[index] as number), target: targets[edge] as number }
}

function editEdge(edit: (lists: number[][], edge: { index: number; at: number; target: number }) => void): Spoil {
  return (plan, pick) => {
    const edge = pickEdge(plan, pick)
    return edge && withWaits(plan, (lists) => edit(lists, edge))
  }
}

function editLane(edit: (lanes: number[][], lane: number[], at: number) => void): Spoil {
  return (plan, pick) => {
    const lanes = plan.lanes.map((lane) => [...lane])
    const at = pick(Math.max(1, lanes.length))
    const lane = lanes[at]
    if (lane === undefined) return undefined
    edit(lanes, lane, at)
    return withLanes(plan, lanes)
  }
}

const byFirst = ([one = 0]: number[], [other = 0]: number[]) => one - other

const spoils: Record<string, Spoil> = {
  'a wait dropped': editEdge((lists, { index, at }) => lists[index]?.splice(at, 1)),
  'a wait doubled': editEdge((lists, { index, at, target }) => lists[index]?.splice(at, 0, target)),
  'a wait reversed': editEdge((lists, { index, at, target }) => {
    lists[index]?.splice(at, 1)
    lists[target]?.push(index)
  }),
  'a wait for oneself': editEdge((lists, { index }) => lists[index]?.push(index)),
  'a wait for nobody': editEdge((lists, { index, at }) => lists[index]?.splice(at, 1, -1)),
  'a wait for another': editEdge((lists, { index, at, target }) =>
    lists[index]?.splice(at, 1, target === 0 ? index - 1 : target - 1),
  ),
  'waits out of order': editEdge((lists, { index }) => lists[index]?.reverse()),
  'a wait without need': (plan, pick) => {
    const index = pick(Math.max(1, plan.count))
    const free = Array.from({ length: index }, (_, target) => target).filter(
      (target) => !waitsOf(plan, index).includes(target),
    )
    const target = free[pick(Math.max(1, free.length))]
    if (target === undefined) return undefined
    return withWaits(plan, (lists) => lists[index]?.push(target) && lists[index]?.sort((one, other) => one - other))
  },
  'waits that end before they start': (plan, pick) => {
    const offsets = plan.waits.offsets.slice()
    offsets[pick(plan.count + 1)] = pick(3) - 1
    return { ...plan, waits: { ...plan.waits, offsets } }
  },
  'waits cut short': (plan) => ({ ...plan, waits: { ...plan.waits, targets: plan.waits.targets.slice(1) } }),
  'lanes merged': editLane((lanes, lane, at) => {
    const [other] = lanes.splice((at + 1) % lanes.length, 1)
    if (other !== lane) lane.push(...(other ?? []))
    lane.sort((one, other) => one - other)
    lanes.sort(byFirst)
  }),
  'a lane split': editLane((lanes, lane) => {
    if (lane.length > 1) lanes.push(lane.splice(lane.length >> 1))
    lanes.sort(byFirst)
  }),
  'an index lost': editLane((_, lane) => lane.pop()),
  'an index doubled': editLane((_, lane) => lane.push(lane[0] as number)),
  'an index in two lanes': editLane((lanes, lane, at) => lanes[(at + 1) % lanes.length]?.unshift(lane[0] as number)),
  'an index that is none': editLane((lanes, lane) => lane.push(lanes.flat().length)),
  'an index with a fraction': editLane((_, lane) => lane.push(0.5)),
  'a lane out of order': editLane((_, lane) => lane.reverse()),
  'lanes out of order': editLane((lanes) => lanes.reverse()),
  'an empty lane': editLane((lanes, _, at) => lanes.splice(at, 0, [])),
  'another lane of one': (plan, pick) => {
    const laneOf = plan.laneOf.slice()
    const index = pick(Math.max(1, plan.count))
    laneOf[index] = (laneOf[index] ?? 0) + 1
    return { ...plan, laneOf }
  },
  'another gas of one': (plan, pick) => {
    const gas = plan.gas.slice()
    const index = pick(Math.max(1, plan.count))
    gas[index] = (gas[index] ?? 0) + 1
    return { ...plan, gas }
  },
  'another critical path': (plan) => ({ ...plan, criticalPathGas: plan.criticalPathGas + 1 }),
  'another total': (plan) => ({ ...plan, totalGas: Number.NaN }),
  'another count': (plan) => ({ ...plan, count: plan.count + 1 }),
  'a transaction too few': (plan) => ({
    ...plan,
    count: plan.count - 1,
    laneOf: plan.laneOf.slice(1),
    gas: plan.gas.slice(1),
  }),
}

describe('checkPlan', () => {
  it('[P9] accepts what the planner made, against footprints and against keys', () => {
    fc.assert(
      fc.property(footprints, (footprints) => {
        const made = plan(footprints)
        expect(checkPlan(made, footprints)).toEqual({ ok: true, value: true })
        expect(checkPlan(made, intern(footprints))).toEqual({ ok: true, value: true })
      }),
      { numRuns: 300 },
    )
  })

  it.each(Object.entries(spoils))('[P9] refuses %s', (_, spoil) => {
    let spoiled = 0
    const judge = fc.property(footprints, fc.infiniteStream(fc.nat()), (footprints, chance) => {
      const made = plan(footprints)
      const other = spoil(made, (below) => (chance.next().value ?? 0) % below)
      // A spoil may find nothing to do (reversing a list of one); then there is nothing to refuse.
      if (other === undefined || sameText(other, made)) return
      spoiled += 1
      expect(checkPlan(other, footprints).ok).toBe(false)
    })
    fc.assert(judge, { numRuns: 300 })
    expect(spoiled).toBeGreaterThan(10)
  })

  it('[P9] refuses the plan of other footprints', () => {
    const write = (n: number) => ({
      sender: account(0),
      ...declare({ reads: [], writes: [field('balance', n)], credits: [] }, 1),
    })
    const made = plan([write(1), write(2), write(1)])
    expect(checkPlan(made, [write(1), write(2), write(1)]).ok).toBe(true)
    expect(checkPlan(made, [write(1), write(2), write(2)])).toEqual({ ok: false, reason: '2 does not wait for 1' })
    expect(checkPlan(made, [write(1), write(2), write(3)])).toEqual({ ok: false, reason: '2 waits without need' })
    expect(checkPlan(made, [write(1), write(2)]).ok).toBe(false)
  })
})

function sameText(one: Plan, other: Plan): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
