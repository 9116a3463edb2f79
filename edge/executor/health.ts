import { breakerFailures, breakerMsMax, breakerMsMin } from '../limits.ts'
import type { Offers } from './envelope.ts'

/** How each of a chain's executors has fared of late: a circuit breaker for each. */
export interface Health {
  /** Which to ask, in this order: those that answer, as configured; those that do not only when nobody else is left. */
  readonly order: () => readonly number[]
  readonly took: (index: number) => void
  readonly failed: (index: number) => void
  /** True while it is left alone. */
  readonly isOpen: (index: number) => boolean
  /** What is known of each one's offers; whoever finds out writes it down. */
  readonly offers: readonly Offers[]
}

interface Circuit {
  failures: number
  openUntil: number
}

/**
 * Health in memory. It only decides who is asked first, so a restart that thinks well of everyone loses nothing.
 *
 * After {@link breakerFailures} failures in a row an executor is left alone, each time for twice as long; then one
 * success makes it as good as new, and one failure sends it back.
 */
export function openHealth(count: number, now: () => number): Health {
  const circuits: Circuit[] = Array.from({ length: count }, () => ({ failures: 0, openUntil: 0 }))
  const isOpen = (index: number) => (circuits[index]?.openUntil ?? 0) > now()
  return {
    order: () => {
      const all = circuits.map((_, index) => index)
      const soonest = (one: number, other: number) =>
        (circuits[one]?.openUntil ?? 0) - (circuits[other]?.openUntil ?? 0)
      return [...all.filter((index) => !isOpen(index)), ...all.filter(isOpen).sort(soonest)]
    },
    took: (index) => {
      circuits[index] = { failures: 0, openUntil: 0 }
    },
    failed: (index) => {
      const failures = (circuits[index]?.failures ?? 0) + 1
      const over = failures - breakerFailures
      const pauseMs = over < 0 ? 0 : Math.min(breakerMsMax, breakerMsMin * 2 ** Math.min(over, 16))
      circuits[index] = { failures, openUntil: pauseMs === 0 ? 0 : now() + pauseMs }
    },
    isOpen,
    offers: circuits.map(() => ({ runsEnvelopes: undefined, syncWait: undefined, syncRestUntil: 0 })),
  }
}
