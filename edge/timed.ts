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
  return {
    get: (key) => values.get(key),
    put: (key, value) => {
      values.set(key, value)
      const time = timeOf(value)
      if (time === null) timed.delete(key)
      else timed.set(key, time)
    },
    size: () => values.size,
    values: () => [...values.values()],
    due: (now) => [...timed].flatMap(([key, time]) => (time <= now ? [values.get(key) as value] : [])),
    next: () => {
      let first: number | null = null
      for (const time of timed.values()) if (first === null || time < first) first = time
      return first
    },
    clear: () => {
      values.clear()
      timed.clear()
    },
  }
}

/** The earlier of two times, either of which may be none. */
export function earlier(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.min(one, other)
}
