/** Values by their key, some of which have a time. */
export interface Timed<key, value> {
  readonly get: (key: key) => value | undefined
  readonly put: (key: key, value: value) => void
  readonly size: () => number
  readonly values: () => readonly value[]
  /** Those whose time has come, in no order. */
  readonly due: (now: number) => readonly value[]
  /** The earliest time of all. */
  readonly next: () => number | null
  readonly clear: () => void
}

/** For many values of which few have a time: only these are gone through. */
export function openTimed<key, value>(timeOf: (value: value) => number | null): Timed<key, value> {
  const values = new Map<key, value>()
  const timed = new Map<key, number>()
  /** The earliest time, as far as it is known: it is asked for more often than it goes. */
  let first: number | null | undefined = null
  const look = () => {
    let earliest: number | null = null
    for (const time of timed.values()) if (earliest === null || time < earliest) earliest = time
    return earliest
  }
  return {
    get: (key) => values.get(key),
    put: (key, value) => {
      values.set(key, value)
      const before = timed.get(key)
      const time = timeOf(value)
      if (before === time || (before === undefined && time === null)) return
      if (time === null) timed.delete(key)
      else timed.set(key, time)
      if (before !== undefined && before === first) first = undefined
      else if (first !== undefined) first = earlier(first, time)
    },
    size: () => values.size,
    values: () => [...values.values()],
    due: (now) => [...timed].flatMap(([key, time]) => (time <= now ? [values.get(key) as value] : [])),
    next: () => {
      if (first === undefined) first = look()
      return first
    },
    clear: () => {
      values.clear()
      timed.clear()
      first = null
    },
  }
}

/** The earlier of two times, either of which may be none. */
export function earlier(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.min(one, other)
}
