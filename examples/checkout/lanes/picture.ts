import type { PlannedTransaction, WindowDetail } from '../api.ts'

/** A transaction, placed: from `begin` to `end` in gas, on a track of its lane. */
export interface Bar {
  readonly index: number
  readonly begin: number
  readonly end: number
  readonly row: number
  readonly isCritical: boolean
}

/** A picture of a window, in gas from left to right and in rows from top to bottom. */
export interface Picture {
  readonly bars: readonly Bar[]
  /** Each from the end of one bar to the begin of another. */
  readonly waits: readonly { readonly from: Bar; readonly to: Bar }[]
  /** First row of each lane that is drawn, the heaviest lane first. */
  readonly lanes: readonly { readonly lane: number; readonly row: number; readonly rows: number }[]
  readonly rows: number
  readonly gas: number
  readonly lanesLeftOut: number
  /** Transactions of the longest chain of waits. */
  readonly criticalLength: number
}

/** Most lanes that are drawn: more would be a texture, not a picture. */
export const lanesDrawnMax = 48

/**
 * Lays out what the edge planned. A transaction begins where the last one that it waits for ends: that is when it could
 * run, given workers enough. Those of one lane that overlap get tracks of their own.
 */
export function pictureOf({ transactions }: WindowDetail): Picture {
  const ends: number[] = []
  const begins = transactions.map(({ gas, waits }, index) => {
    const begin = Math.max(0, ...waits.map((wait) => ends[wait.index] ?? 0))
    ends[index] = begin + gas
    return begin
  })
  const critical = criticalPath(transactions, begins, ends)
  const groups = byLane(transactions)
  const heaviest = groups.sort((one, other) => weight(other, transactions) - weight(one, transactions))
  const bars: Bar[] = []
  const lanes: Picture['lanes'][number][] = []
  let row = 0
  for (const { lane, members } of heaviest.slice(0, lanesDrawnMax)) {
    const tracks: number[] = []
    for (const index of members) {
      const [begin, end] = [begins[index] ?? 0, ends[index] ?? 0]
      const free = tracks.findIndex((until) => until <= begin)
      const track = free < 0 ? tracks.length : free
      tracks[track] = end
      bars.push({ index, begin, end, row: row + track, isCritical: critical.has(index) })
    }
    lanes.push({ lane, row, rows: tracks.length })
    row += tracks.length
  }
  const placed = new Map(bars.map((bar) => [bar.index, bar]))
  const waits = bars.flatMap((to) =>
    (transactions[to.index]?.waits ?? []).flatMap(({ index }) => {
      const from = placed.get(index)
      return from ? [{ from, to }] : []
    }),
  )
  const gas = Math.max(1, ...ends)
  return {
    bars,
    waits,
    lanes,
    rows: row,
    gas,
    lanesLeftOut: Math.max(0, groups.length - lanesDrawnMax),
    criticalLength: critical.size,
  }
}

/** Backwards from what ends last, always to what it begins after. */
function criticalPath(
  transactions: readonly PlannedTransaction[],
  begins: readonly number[],
  ends: readonly number[],
): ReadonlySet<number> {
  const path = new Set<number>()
  let at = ends.reduce((last, end, index) => (last < 0 || end > (ends[last] ?? 0) ? index : last), -1)
  while (at >= 0 && !path.has(at)) {
    path.add(at)
    const begin = begins[at] ?? 0
    at = (transactions[at]?.waits ?? []).find(({ index }) => ends[index] === begin && begin > 0)?.index ?? -1
  }
  return path
}

function byLane(transactions: readonly PlannedTransaction[]): { readonly lane: number; readonly members: number[] }[] {
  const lanes = new Map<number, number[]>()
  for (const [index, { lane }] of transactions.entries()) {
    const members = lanes.get(lane)
    if (members) members.push(index)
    else lanes.set(lane, [index])
  }
  return [...lanes].map(([lane, members]) => ({ lane, members }))
}

function weight(
  { members }: { readonly members: readonly number[] },
  transactions: readonly PlannedTransaction[],
): number {
  return members.reduce((sum, index) => sum + (transactions[index]?.gas ?? 0), 0)
}
