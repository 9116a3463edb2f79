import type { Footprint } from './access.ts'
import { intern, type Keys, opWrite } from './keys.ts'

/**
 * Longest run of reads (or of credits) that every later one of the opposite kind waits for in full. Behind a longer
 * run only the first of them does, and the others wait for that one: else n readers and n creditors of one
 * place would cost n^2 waits. SPEC.md, P4.
 */
export const runMax = 64

/** For each transaction the earlier ones it waits for: `targets[offsets[i]]` up to `targets[offsets[i + 1]]`, ascending. */
export interface Waits {
  readonly offsets: Int32Array
  readonly targets: Int32Array
}

/**
 * Which transactions of a batch may run side by side. The order of the batch is the order of the result.
 *
 * `waits` orders every two transactions that conflict, directly or through others between them; it holds no more than
 * is needed for that. A lane is a connected component of `waits` and needs nothing from other lanes.
 * A plan is a forecast: a transaction may touch more than it declared, so an executor checks what it does.
 */
export interface Plan {
  readonly count: number
  readonly waits: Waits
  /** Lane of each transaction. */
  readonly laneOf: Int32Array
  /** Transactions of each lane in the order of the batch; lanes in the order of their first transaction. */
  readonly lanes: readonly (readonly number[])[]
  /** Expected gas of each transaction. */
  readonly gas: Float64Array
  /** Gas of the heaviest chain of waits: no number of workers is done sooner. */
  readonly criticalPathGas: number
  readonly totalGas: number
}

/** Plans footprints in the order given. Never refuses: whatever cannot be told apart waits. SPEC.md, P1 to P7. */
export function plan(footprints: readonly Footprint[]): Plan {
  return planKeys(intern(footprints))
}

/** As {@link plan}, from numbers: one pass over the entries. */
export function planKeys(keys: Keys): Plan {
  const waits = waitsFor(keys)
  const { laneOf, lanes } = lanesOf(keys.count, waits)
  return { count: keys.count, waits, laneOf, lanes, gas: keys.gas, ...pathsOf(keys.gas, waits) }
}

/** The earlier transactions that `index` waits for directly, ascending. */
export function waitsOf({ waits }: Plan, index: number): readonly number[] {
  return Array.from(waits.targets.subarray(waits.offsets[index], waits.offsets[index + 1]))
}

/**
 * Each place lives through runs: a run is one write, or neighbouring reads, or neighbouring credits. Members of
 * a run commute; each waits for the members of the run before. That orders all conflicting pairs by chains.
 */
interface Runs {
  /**
   * Four numbers a place: first transaction of the current run, + 1 (0: none yet); its last further member, as
   * `node << 2 | op`; and for the run before it, first transaction + 1 and last further member.
   */
  readonly state: Int32Array
  /** Three numbers a further member: its transaction, the node before it in its run (0: none), its rank in the run. */
  nodes: Int32Array
  nodesSize: number
}

/** Waits as they are found; `seen` keeps each pair single. */
interface Edges {
  readonly offsets: Int32Array
  targets: Int32Array
  size: number
  readonly seen: Int32Array
}

function waitsFor({ count, placeCount, entries, offsets, unknown }: Keys): Waits {
  const runs: Runs = { state: new Int32Array(4 * placeCount), nodes: new Int32Array(3 * (count + 1)), nodesSize: 3 }
  const edges: Edges = {
    offsets: new Int32Array(count + 1),
    targets: new Int32Array(2 * count + 1),
    size: 0,
    seen: new Int32Array(count),
  }
  let barrier = -1 // The last transaction whose access is unknown: it stands between all before and all after.
  for (let index = 0; index < count; index++) {
    const start = edges.size
    if (unknown[index] === 1) {
      for (let target = Math.max(barrier, 0); target < index; target++) wait(edges, index, target)
      barrier = index
    } else {
      if (barrier >= 0) wait(edges, index, barrier)
      const end = offsets[index + 1] as number
      for (let entry = offsets[index] as number; entry < end; entry++)
        enter(runs, edges, entries[entry] as number, index, barrier)
    }
    sortRange(edges.targets, start, edges.size)
    edges.offsets[index + 1] = edges.size
  }
  return { offsets: edges.offsets, targets: edges.targets.slice(0, edges.size) }
}

/** Puts `index` into the runs of one place, and makes it wait for the run before. */
function enter(runs: Runs, edges: Edges, entry: number, index: number, barrier: number): void {
  const { state } = runs
  const op = entry & 3
  const at = entry & ~3 // An entry is four times its place's id, and the op.
  const first = state[at] as number
  const last = state[at + 1] as number
  if (first !== 0 && op === (last & 3) && op !== opWrite) {
    state[at + 1] = (addNode(runs, index, last >>> 2) << 2) | op
    if (sizeOf(runs, state[at + 3] as number) > runMax) {
      waitAfter(edges, index, first - 1, barrier)
      return
    }
  } else {
    state[at] = index + 1
    state[at + 1] = op
    state[at + 2] = first
    state[at + 3] = last >>> 2
  }
  if (state[at + 2] === 0) return
  waitAfter(edges, index, (state[at + 2] as number) - 1, barrier)
  const { nodes } = runs
  for (let node = state[at + 3] as number; node !== 0; node = nodes[3 * node + 1] as number)
    waitAfter(edges, index, nodes[3 * node] as number, barrier)
}

function addNode(runs: Runs, index: number, before: number): number {
  const at = runs.nodesSize
  if (at === runs.nodes.length) runs.nodes = doubled(runs.nodes)
  runs.nodes[at] = index
  runs.nodes[at + 1] = before
  runs.nodes[at + 2] = sizeOf(runs, before) + 1
  runs.nodesSize = at + 3
  return at / 3
}

/** Members of the run whose last further member is `node`. */
function sizeOf({ nodes }: Runs, node: number): number {
  return node === 0 ? 1 : (nodes[3 * node + 2] as number)
}

function doubled(numbers: Int32Array): Int32Array {
  const wider = new Int32Array(2 * numbers.length)
  wider.set(numbers)
  return wider
}

/** Makes `index` wait for `target`, unless they are one, a barrier between them says so already, or it does. */
function waitAfter(edges: Edges, index: number, target: number, barrier: number): void {
  if (target > barrier && target !== index) wait(edges, index, target)
}

function wait(edges: Edges, index: number, target: number): void {
  if (edges.seen[target] === index) return // Nobody waits for index 0's sake, so 0 is free to mean never.
  edges.seen[target] = index
  if (edges.size === edges.targets.length) edges.targets = doubled(edges.targets)
  edges.targets[edges.size++] = target
}

/** Most ranges hold a few numbers: those are put in order by insertion, longer ones by the platform. */
function sortRange(numbers: Int32Array, start: number, end: number): void {
  if (end - start > 32) {
    numbers.subarray(start, end).sort()
    return
  }
  for (let at = start + 1; at < end; at++) {
    const number = numbers[at] as number
    let gap = at
    for (; gap > start && (numbers[gap - 1] as number) > number; gap--) numbers[gap] = numbers[gap - 1] as number
    numbers[gap] = number
  }
}

/** Connected components by union-find; the root of each is its first transaction. */
function lanesOf(count: number, { offsets, targets }: Waits): { laneOf: Int32Array; lanes: number[][] } {
  const parent = new Int32Array(count)
  for (let index = 0; index < count; index++) parent[index] = index
  const rootOf = (index: number): number => {
    let at = index
    for (let up = parent[at] as number; up !== at; up = parent[at] as number) {
      parent[at] = parent[up] as number
      at = parent[at] as number
    }
    return at
  }
  for (let index = 0; index < count; index++) {
    const end = offsets[index + 1] as number
    for (let edge = offsets[index] as number; edge < end; edge++) {
      const one = rootOf(index)
      const other = rootOf(targets[edge] as number)
      parent[Math.max(one, other)] = Math.min(one, other)
    }
  }
  return listed(count, rootOf)
}

/** Numbers the lanes, and lists their members. They are counted first: a list that grows takes room for many more. */
function listed(count: number, rootOf: (index: number) => number): { laneOf: Int32Array; lanes: number[][] } {
  const laneOf = new Int32Array(count)
  const sizes = new Int32Array(count)
  let laneCount = 0
  for (let index = 0; index < count; index++) {
    const root = rootOf(index)
    const lane = root === index ? laneCount++ : (laneOf[root] as number)
    laneOf[index] = lane
    sizes[lane] = (sizes[lane] as number) + 1
  }
  const lanes = Array.from({ length: laneCount }, (_, lane) => new Array<number>(sizes[lane] as number))
  const filled = new Int32Array(laneCount)
  for (let index = 0; index < count; index++) {
    const lane = laneOf[index] as number
    const at = filled[lane] as number
    ;(lanes[lane] as number[])[at] = index
    filled[lane] = at + 1
  }
  return { laneOf, lanes }
}

/** A transaction is done its own gas after the last one it waits for. */
function pathsOf(gas: Float64Array, { offsets, targets }: Waits): { criticalPathGas: number; totalGas: number } {
  const done = new Float64Array(gas.length)
  let criticalPathGas = 0
  let totalGas = 0
  for (let index = 0; index < gas.length; index++) {
    let ready = 0
    const end = offsets[index + 1] as number
    for (let edge = offsets[index] as number; edge < end; edge++)
      ready = Math.max(ready, done[targets[edge] as number] as number)
    const finish = ready + (gas[index] as number)
    done[index] = finish
    criticalPathGas = Math.max(criticalPathGas, finish)
    totalGas += gas[index] as number
  }
  return { criticalPathGas, totalGas }
}
