import type { Footprint } from '../../../sdk/batch/access.ts'
import { placeKey } from '../../../sdk/batch/index.ts'

/** Which pairs conflict, straight from the definition (P2, P5). */
export function conflictsOf(footprints: readonly Footprint[]): (one: number, other: number) => boolean {
  const ops = footprints.map(({ reads, writes, credits }) => {
    const ops = new Map<string, string>()
    for (const [op, list] of Object.entries({ reads, writes, credits }))
      for (const place of list) ops.set(placeKey(place), op)
    return ops
  })
  return (one, other) => {
    if (footprints[one]?.source === 'unknown' || footprints[other]?.source === 'unknown') return true
    return [...(ops[one] ?? [])].some(([key, op]) => {
      const opposite = ops[other]?.get(key)
      return opposite !== undefined && (opposite !== op || op === 'writes')
    })
  }
}

/** Lanes as components of the full conflict graph, found by flooding it. */
export function lanesByFlood(footprints: readonly Footprint[]): number[][] {
  const conflict = conflictsOf(footprints)
  const lanes: number[][] = []
  const placed = new Set<number>()
  for (const start of footprints.keys()) {
    if (placed.has(start)) continue
    const lane = new Set([start])
    for (const index of lane) for (const other of footprints.keys()) if (conflict(index, other)) lane.add(other)
    for (const index of lane) placed.add(index)
    lanes.push([...lane].sort((one, other) => one - other))
  }
  return lanes
}

/** Gas of the heaviest chain of conflicts, over all pairs. */
export function heaviestChain(footprints: readonly Footprint[]): number {
  const conflict = conflictsOf(footprints)
  const done: number[] = []
  footprints.forEach((footprint, index) => {
    let ready = 0
    for (let before = 0; before < index; before++)
      if (conflict(before, index)) ready = Math.max(ready, done[before] as number)
    done.push(ready + footprint.gas)
  })
  return Math.max(0, ...done)
}
