import type { Random } from '../ports.ts'

/** The bounds of pauses between attempts: the first is at most `baseMs`, none is longer than `capMs`. */
export interface Pauses {
  readonly baseMs: number
  readonly capMs: number
}

/** To reach a relay or a node again. */
export const networkPauses: Pauses = { baseMs: 250, capMs: 30_000 }
/** To let another wallet on the same store finish its commit. */
export const conflictPauses: Pauses = { baseMs: 5, capMs: 200 }

/**
 * How long to wait before attempt `attempt` (from 0): anything up to a bound that doubles each time, which is what
 * spreads callers that failed together best ("full jitter").
 */
export function pauseMs(pauses: Pauses, attempt: number, random: Random): number {
  const bound = Math.min(pauses.capMs, pauses.baseMs * 2 ** Math.min(attempt, 20))
  return Math.floor(fraction(random) * bound)
}

/** A number from 0 to below 1. */
function fraction(random: Random): number {
  return new DataView(Uint8Array.from(random(4)).buffer).getUint32(0) / 2 ** 32
}
