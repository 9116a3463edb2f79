import { type Footprint, intern, type Plan, placeKey, planKeys, schedule } from '../../../sdk/batch/index.ts'
import type { Address } from '../../../sdk/units.ts'
import type { TouchedPlaces } from '../../../sdk/vm/index.ts'
import type { Figures } from './engine.ts'
import type { Run } from './run.ts'
import { declaredShards, type Shared, touchedShards } from './shards.ts'

const workerCounts = [2, 4, 8, 16] as const

/** What was said before the run. */
export interface Forecast {
  /** One a transaction of the batch. */
  readonly footprints: readonly Footprint[]
  readonly declared: Plan
  readonly shared: Shared
}

/** How a run went. What is counted in gas is the same on every machine. */
export function figuresOf(run: Run, { footprints, declared, shared }: Forecast): Figures {
  const observed = planKeys(intern(run.committed.map((one) => observedFootprint(one, footprints))))
  const asUsed = withGas(declared, run)
  return {
    gasUsed: Number(run.gasUsed),
    criticalPathGas: observed.criticalPathGas,
    makespanGas: workerCounts.map((workers) => {
      const { makespanGas, idealSpeedup } = schedule(asUsed, workers)
      return { workers, gas: makespanGas, speedup: idealSpeedup }
    }),
    lanes: declared.lanes.length,
    mispredictions: run.committed.filter(
      ({ index, outcome }) => !isForetold(outcome.access, footprints[index] as Footprint, shared.feeRecipient),
    ).length,
    crossShard: run.committed.filter(({ index, outcome }) => {
      const said = declaredShards(footprints[index] as Footprint, shared.shards)
      return said !== 0 && (touchedShards(outcome.access, shared) & ~said) !== 0
    }).length,
    reExecutions: run.reExecutions,
    ranAhead: run.ranAhead,
    achievedSpeedup: achievedSpeedup(run),
  }
}

/** A run that took so many times as long for its gas as most others was interrupted by others on the machine. */
const interruptedFrom = 4

function achievedSpeedup({ committed, ms }: Run): number {
  const paces = committed.map((one) => one.ms / Number(one.outcome.gasUsed)).sort((one, other) => one - other)
  const usual = paces[paces.length >> 1] ?? 0
  let alone = 0
  for (const one of committed) {
    const expected = usual * Number(one.outcome.gasUsed)
    alone += one.ms > interruptedFrom * expected ? expected : one.ms
  }
  return ms === 0 ? 1 : alone / ms
}

function observedFootprint({ index, outcome }: Run['committed'][number], footprints: readonly Footprint[]): Footprint {
  const { sender } = footprints[index] as Footprint
  return { ...outcome.access, source: 'trace', gas: Number(outcome.gasUsed), sender }
}

/** The plan weighed with the gas that was used; who was skipped weighs nothing. */
function withGas(plan: Plan, run: Run): Plan {
  const gas = new Float64Array(plan.count)
  for (const { index, outcome } of run.committed) gas[index] = Number(outcome.gasUsed)
  return { ...plan, gas, totalGas: Number(run.gasUsed) }
}

/** Whether it did to each place what its footprint allows. The fee of the block's recipient is nobody's to declare. */
function isForetold({ reads, writes, credits }: TouchedPlaces, footprint: Footprint, feeRecipient: Address): boolean {
  if (footprint.source === 'unknown') return true
  const declared = {
    reads: new Set(footprint.reads.map(placeKey)),
    writes: new Set(footprint.writes.map(placeKey)),
    credits: new Set(footprint.credits.map(placeKey)),
  }
  return (
    writes.every((place) => declared.writes.has(placeKey(place))) &&
    reads.map(placeKey).every((key) => declared.reads.has(key) || declared.writes.has(key)) &&
    credits
      .filter(({ address }) => address !== feeRecipient)
      .map(placeKey)
      .every((key) => declared.credits.has(key) || declared.writes.has(key))
  )
}
