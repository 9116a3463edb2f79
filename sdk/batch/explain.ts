import { invariant } from '../errors.ts'
import type { Footprint, Place } from './access.ts'
import { type Op, opsOf } from './place.ts'
import { type Plan, waitsOf } from './plan.ts'

/** A place that two transactions share, and what each does there. */
export interface SharedPlace {
  readonly place: Place
  readonly earlier: Op
  readonly later: Op
}

/** Why one transaction waits for an earlier one. */
export type WaitReason =
  /** They conflict at these places. */
  | {
      readonly kind: 'conflict'
      readonly index: number
      readonly waitsFor: number
      readonly places: readonly SharedPlace[]
    }
  /** The access of `unknown`, one of the two, is unknown, so it conflicts with everything. */
  | { readonly kind: 'unknown'; readonly index: number; readonly waitsFor: number; readonly unknown: number }
  /** Both belong to one long run at these places, and the earlier is the first of it (SPEC.md, P4). */
  | { readonly kind: 'run'; readonly index: number; readonly waitsFor: number; readonly places: readonly SharedPlace[] }

/** Where a transaction stands in a plan, and why. */
export interface Explanation {
  readonly index: number
  readonly lane: number
  /** One reason for each transaction it waits for directly, ascending. */
  readonly reasons: readonly WaitReason[]
}

/**
 * Explains the waits of one transaction.
 *
 * @param footprints - Those the plan was made from.
 */
export function explain(plan: Plan, footprints: readonly Footprint[], index: number): Explanation {
  const lane = plan.laneOf[index]
  invariant(lane !== undefined, 'the transaction explained is one of the plan')
  return { index, lane, reasons: waitsOf(plan, index).map((waitsFor) => explainWait(footprints, index, waitsFor)) }
}

/**
 * Explains one wait of a plan.
 *
 * @param waitsFor - One that `index` waits for directly.
 */
export function explainWait(footprints: readonly Footprint[], index: number, waitsFor: number): WaitReason {
  const [earlier, later] = [footprints[waitsFor], footprints[index]]
  invariant(earlier !== undefined && later !== undefined, 'the footprints are those of the plan')
  if (earlier.source === 'unknown') return { kind: 'unknown', index, waitsFor, unknown: waitsFor }
  if (later.source === 'unknown') return { kind: 'unknown', index, waitsFor, unknown: index }
  const laterOps = opsOf(later)
  const shared: SharedPlace[] = []
  for (const [key, { place, op }] of opsOf(earlier)) {
    const other = laterOps.get(key)
    if (other !== undefined) shared.push({ place, earlier: op, later: other.op })
  }
  const conflicts = shared.filter((at) => at.earlier !== at.later || at.later === 'write')
  if (conflicts.length > 0) return { kind: 'conflict', index, waitsFor, places: conflicts }
  return { kind: 'run', index, waitsFor, places: shared }
}

/** The reason in words: `17 waits for 3 because of slot 0x… of 0x…`. */
export function sentence(reason: WaitReason): string {
  const waits = `${reason.index} waits for ${reason.waitsFor} because`
  switch (reason.kind) {
    case 'conflict':
      return `${waits} of ${placesText(reason.places)}`
    case 'unknown':
      return `${waits} the access of ${reason.unknown} is unknown`
    case 'run':
      return `${waits} it is the first of the many that share ${placesText(reason.places)}`
  }
}

function placesText([first, ...more]: readonly SharedPlace[]): string {
  invariant(first !== undefined, 'a wait has a cause')
  const text = placeText(first.place)
  return more.length === 0 ? text : `${text} and ${more.length} more`
}

/** The place in words. */
export function placeText(place: Place): string {
  return place.kind === 'slot' ? `slot ${place.slot} of ${place.address}` : `the ${place.kind} of ${place.address}`
}
