import { accepted, type Decoded, refused } from '../errors.ts'
import type { Footprint } from './access.ts'
import { intern, type Keys, opWrite } from './keys.ts'
import { type Plan, runMax } from './plan.ts'

/**
 * Holds a plan to what was declared, whoever made it. SPEC.md, P9.
 *
 * Accepts exactly one plan for given footprints: each transaction once and in order, precisely the waits that the
 * runs of each place ask for, lanes that are the components of those waits, gas that adds up. One pass over keys and
 * waits, by another way than the planner's: places are walked, not transactions.
 */
export function checkPlan(plan: Plan, against: Keys | readonly Footprint[]): Decoded<true> {
  const keys = 'offsets' in against ? against : intern(against)
  const fault = shapeFault(plan, keys) ?? waitsFault(plan, keys) ?? lanesFault(plan) ?? gasFault(plan, keys)
  return fault === undefined ? accepted(true) : refused(fault)
}

function shapeFault({ count, waits, laneOf, gas }: Plan, keys: Keys): string | undefined {
  if (count !== keys.count || laneOf.length !== count || gas.length !== count || waits.offsets.length !== count + 1)
    return `the plan is not one of ${keys.count} transactions`
  if (waits.offsets[0] !== 0 || waits.offsets[count] !== waits.targets.length) return 'the waits do not fill their list'
  for (let index = 0; index < count; index++) {
    const start = waits.offsets[index] as number
    const end = waits.offsets[index + 1] as number
    if (end < start || end > waits.targets.length) return `the waits of ${index} end before they start`
    for (let at = start; at < end; at++) {
      const target = waits.targets[at] as number
      if (target < 0 || target >= index) return `${index} waits for ${target}, which is not before it`
      if (at > start && target <= (waits.targets[at - 1] as number)) return `the waits of ${index} do not ascend`
    }
  }
  return undefined
}

/** Each appearance of a place, place by place: who, and where its run and the run before begin. */
interface Appearances {
  readonly owner: Int32Array
  readonly runStart: Int32Array
  readonly runBefore: Int32Array
  /** By entry of the keys: its appearance. */
  readonly positionOf: Int32Array
}

function waitsFault({ waits }: Plan, keys: Keys): string | undefined {
  const { owner, runStart, runBefore, positionOf } = appearancesOf(keys)
  const mark = new Int32Array(keys.count) // 2i + 1: i waits for it. 2i + 2: and it should.
  let barrier = -1
  let index = 0
  let needed = 0
  const misses = (target: number): boolean => {
    if (target === index || target < barrier || mark[target] === 2 * index + 2) return false
    if (mark[target] !== 2 * index + 1) return true
    mark[target] = 2 * index + 2
    needed += 1
    return false
  }
  for (; index < keys.count; index++) {
    needed = 0
    const start = waits.offsets[index] as number
    const end = waits.offsets[index + 1] as number
    for (let at = start; at < end; at++) mark[waits.targets[at] as number] = 2 * index + 1
    if (keys.unknown[index] === 1) {
      for (let target = Math.max(barrier, 0); target < index; target++)
        if (misses(target)) return `${index} conflicts with everything and does not wait for ${target}`
      barrier = index
    } else {
      if (barrier >= 0 && misses(barrier))
        return `${index} does not wait for ${barrier}, which conflicts with everything`
      for (let entry = keys.offsets[index] as number; entry < (keys.offsets[index + 1] as number); entry++) {
        const position = positionOf[entry] as number
        const run = runStart[position] as number
        const before = runBefore[position] as number
        const shared = run - before > runMax && position !== run // P4: the first of the run waited for all.
        for (let at = shared ? run : before; at < (shared ? run + 1 : run); at++)
          if (misses(owner[at] as number)) return `${index} does not wait for ${owner[at]}`
      }
    }
    if (needed !== end - start) return `${index} waits without need`
  }
  return undefined
}

function appearancesOf({ count, placeCount, entries, offsets, unknown }: Keys): Appearances {
  const starts = new Int32Array(placeCount + 1)
  for (const entry of entries) starts[(entry >>> 2) + 1] = (starts[(entry >>> 2) + 1] as number) + 1
  for (let id = 0; id < placeCount; id++) starts[id + 1] = (starts[id + 1] as number) + (starts[id] as number)
  const filled = starts.slice()
  const owner = new Int32Array(entries.length)
  const runStart = new Int32Array(entries.length)
  const runBefore = new Int32Array(entries.length)
  const positionOf = new Int32Array(entries.length)
  const ops = new Uint8Array(entries.length)
  for (let index = 0; index < count; index++) {
    if (unknown[index] === 1) continue // It waits for all and all for it: its places add nothing.
    for (let entry = offsets[index] as number; entry < (offsets[index + 1] as number); entry++) {
      const id = (entries[entry] as number) >>> 2
      const op = (entries[entry] as number) & 3
      const at = filled[id] as number
      filled[id] = at + 1
      positionOf[entry] = at
      owner[at] = index
      ops[at] = op
      const joins = at > (starts[id] as number) && op !== opWrite && op === ops[at - 1]
      runStart[at] = joins ? (runStart[at - 1] as number) : at
      runBefore[at] = joins
        ? (runBefore[at - 1] as number)
        : at > (starts[id] as number)
          ? (runStart[at - 1] as number)
          : at
    }
  }
  return { owner, runStart, runBefore, positionOf }
}

function lanesFault({ count, waits, laneOf, lanes }: Plan): string | undefined {
  let listed = 0
  let firstBefore = -1
  for (const [lane, members] of lanes.entries()) {
    const first = members[0]
    if (first === undefined || first <= firstBefore) return `lane ${lane} is empty or out of order`
    firstBefore = first
    let before = -1
    for (const index of members) {
      if (laneOf[index] !== lane) return `lane ${lane} holds ${index}, which stands in another`
      if (index <= before) return `lane ${lane} does not keep the order`
      before = index
    }
    listed += members.length
  }
  if (listed !== count) return `the lanes hold ${listed} of ${count} transactions`
  return connectionFault(count, waits, laneOf, lanes.length)
}

/** Waits never leave a lane, and join all of it: as many components as lanes. */
function connectionFault(
  count: number,
  { offsets, targets }: Plan['waits'],
  laneOf: Int32Array,
  laneCount: number,
): string | undefined {
  const toward = new Int32Array(count).fill(-1)
  const rootOf = (index: number): number => {
    let root = index
    while ((toward[root] as number) >= 0) root = toward[root] as number
    for (let at = index; at !== root; ) {
      const next = toward[at] as number
      toward[at] = root
      at = next
    }
    return root
  }
  let components = count
  for (let index = 0; index < count; index++) {
    for (let at = offsets[index] as number; at < (offsets[index + 1] as number); at++) {
      const target = targets[at] as number
      if (laneOf[index] !== laneOf[target]) return `${index} waits for ${target} in another lane`
      const one = rootOf(index)
      const other = rootOf(target)
      if (one === other) continue
      toward[one] = other
      components -= 1
    }
  }
  return components === laneCount ? undefined : 'a lane holds transactions that nothing connects'
}

function gasFault({ count, waits, gas, criticalPathGas, totalGas }: Plan, keys: Keys): string | undefined {
  const path = new Float64Array(count)
  let total = 0
  for (let index = 0; index < count; index++) {
    if (gas[index] !== keys.gas[index]) return `the gas of ${index} is not what was declared`
    const before = waits.targets.subarray(waits.offsets[index], waits.offsets[index + 1])
    path[index] = (gas[index] as number) + before.reduce((most, target) => Math.max(most, path[target] as number), 0)
    total += gas[index] as number
  }
  if (totalGas !== total) return 'the total of gas does not add up'
  if (criticalPathGas !== path.reduce((most, one) => Math.max(most, one), 0)) return 'the critical path is another'
  return undefined
}
