import { SdkError } from '../errors.ts'
import type { Plan } from './plan.ts'

/** Most workers a schedule is made for. */
export const workersMax = 65_536

/** A plan assigned to workers, in gas instead of time: a forecast, not an order. */
export interface Schedule {
  readonly workers: number
  /** Worker of each transaction. */
  readonly assignment: Int32Array
  /** When each transaction starts and ends, in gas since the start of the batch. */
  readonly startGas: Float64Array
  readonly endGas: Float64Array
  /** When the last one ends. Never below the critical path, nor below the total shared by all workers. */
  readonly makespanGas: number
  /** Total gas over makespan: how much faster than one worker, if gas were time. 1 when there is no gas. */
  readonly idealSpeedup: number
}

/**
 * Assigns a plan to workers by list scheduling: whenever a worker is free it takes, of the transactions whose
 * waits are over, the one that heads the heaviest path to the end (the earlier one of equals). Graham's bound holds: at
 * most `totalGas / workers + criticalPathGas`.
 *
 * @param workers - 1 to {@link workersMax}. Throws `units/out-of-range` beyond.
 */
export function schedule(plan: Plan, workers: number): Schedule {
  if (!Number.isInteger(workers) || workers < 1 || workers > workersMax)
    throw new SdkError('units/out-of-range', `${workers} is not a number of workers (1 to ${workersMax}).`)
  const { count, gas, waits } = plan
  const assignment = new Int32Array(count)
  const startGas = new Float64Array(count)
  const endGas = new Float64Array(count)
  const rank = ranksOf(plan)
  const followers = followersOf(plan)
  const waiting = Int32Array.from({ length: count }, (_, index) => spanOf(waits.offsets, index))
  const ready = createHeap((one, other) => {
    const lead = (rank[one] as number) - (rank[other] as number)
    return lead > 0 || (lead === 0 && one < other)
  })
  const running = createHeap((one, other) => (endGas[one] as number) < (endGas[other] as number))
  const free = createHeap((one, other) => one < other)
  for (let worker = 0; worker < Math.min(workers, count); worker++) free.push(worker)
  for (let index = 0; index < count; index++) if (waiting[index] === 0) ready.push(index)

  let now = 0
  while (ready.size() > 0 || running.size() > 0) {
    while (ready.size() > 0 && free.size() > 0) {
      const index = ready.pop()
      assignment[index] = free.pop()
      startGas[index] = now
      endGas[index] = now + (gas[index] as number)
      running.push(index)
    }
    // All that end at one moment are released before the next choice, so that the choice is among all of them.
    now = endGas[running.top()] as number
    while (running.size() > 0 && (endGas[running.top()] as number) === now) {
      const done = running.pop()
      free.push(assignment[done] as number)
      for (let at = followers.offsets[done] as number; at < (followers.offsets[done + 1] as number); at++) {
        const follower = followers.targets[at] as number
        waiting[follower] = (waiting[follower] as number) - 1
        if (waiting[follower] === 0) ready.push(follower)
      }
    }
  }
  const makespanGas = endGas.reduce((most, end) => Math.max(most, end), 0)
  const idealSpeedup = makespanGas === 0 ? 1 : plan.totalGas / makespanGas
  return { workers, assignment, startGas, endGas, makespanGas, idealSpeedup }
}

/** Gas of the heaviest path from the start of each transaction to the end of the batch. */
function ranksOf({ count, gas, waits: { offsets, targets } }: Plan): Float64Array {
  const rank = new Float64Array(count)
  for (let index = count - 1; index >= 0; index--) {
    const own = (rank[index] as number) + (gas[index] as number) // So far it held the heaviest follower.
    rank[index] = own
    for (let at = offsets[index] as number; at < (offsets[index + 1] as number); at++) {
      const target = targets[at] as number
      if ((rank[target] as number) < own) rank[target] = own
    }
  }
  return rank
}

/** The waits turned round: for each transaction those that wait for it. */
function followersOf({ count, waits: { offsets, targets } }: Plan): Plan['waits'] {
  const starts = new Int32Array(count + 1)
  for (const target of targets) starts[target + 1] = (starts[target + 1] as number) + 1
  for (let index = 0; index < count; index++)
    starts[index + 1] = (starts[index + 1] as number) + (starts[index] as number)
  const filled = starts.slice()
  const followers = new Int32Array(targets.length)
  for (let index = 0; index < count; index++) {
    for (let at = offsets[index] as number; at < (offsets[index + 1] as number); at++) {
      const target = targets[at] as number
      const place = filled[target] as number
      followers[place] = index
      filled[target] = place + 1
    }
  }
  return { offsets: starts, targets: followers }
}

function spanOf(offsets: Int32Array, index: number): number {
  return (offsets[index + 1] as number) - (offsets[index] as number)
}

/** A binary heap of numbers; `leads` says which of two comes out first. Popping an empty heap is a bug of the caller. */
function createHeap(leads: (one: number, other: number) => boolean) {
  const items: number[] = []
  const at = (place: number) => items[place] as number

  function push(item: number): void {
    let place = items.push(item) - 1
    while (place > 0) {
      const up = (place - 1) >> 1
      if (!leads(item, at(up))) break
      items[place] = at(up)
      place = up
    }
    items[place] = item
  }

  function pop(): number {
    const top = at(0)
    const item = items.pop() as number
    if (items.length === 0) return top
    let place = 0
    for (let down = 1; down < items.length; down = 2 * place + 1) {
      if (down + 1 < items.length && leads(at(down + 1), at(down))) down += 1
      if (!leads(at(down), item)) break
      items[place] = at(down)
      place = down
    }
    items[place] = item
    return top
  }

  return { push, pop, top: () => at(0), size: () => items.length }
}
