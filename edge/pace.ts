import { handoverMax, handoverMin, handoverPatienceMs, handoverRestMs } from './limits.ts'

/** What a shard may tell its chain object now. */
export interface Turn {
  /** When the next message may leave. */
  readonly from: number
  /** Most offers in it. */
  readonly most: number
}

/** How fast a shard tells its chain object what it has. In memory: an object that starts anew may speak at once. */
export interface Pace {
  readonly turn: () => Turn
  /** A message leaves. */
  readonly leave: (now: number) => void
  /** It was answered, or is lost. @param left - What of it was not taken. */
  readonly answered: (left: number, now: number) => void
}

/**
 * One message at a time, the next when the one before is answered, and small ones to a chain object that is full.
 *
 * A busy chain object so hears less. Messages that come again by the clock would pile up in its memory, and reading them
 * would be what keeps it busy.
 */
export function openPace(): Pace {
  let turn: Turn = { from: 0, most: handoverMax }
  return {
    turn: () => turn,
    leave: (now) => {
      // The platform ends every call; should it not, the shard does not wait for ever.
      turn = { ...turn, from: now + handoverPatienceMs }
    },
    answered: (left, now) => {
      const { most } = turn
      turn =
        left > 0
          ? { from: now + handoverRestMs, most: Math.max(handoverMin, Math.floor(most / 2)) }
          : { from: now, most: Math.min(handoverMax, most * 2) }
    },
  }
}
