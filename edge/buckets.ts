/** A bucket that fills with time: so many at once, and so many a second over time. */
export interface Rate {
  readonly burst: number
  readonly perSecond: number
}

/** Buckets by name, in memory, at most so many: an allowance, not a record, so a restart may forget it. */
export interface Buckets {
  /** Takes so many from a bucket; false, and nothing taken, when it holds fewer. */
  readonly take: (name: string, count: number, now: number) => boolean
  /** True while a bucket holds at least one. */
  readonly holds: (name: string, now: number) => boolean
}

export function openBuckets({ burst, perSecond }: Rate, namesMax: number): Buckets {
  const levels = new Map<string, { level: number; at: number }>()
  const levelOf = (name: string, now: number) => {
    const known = levels.get(name)
    return known ? Math.min(burst, known.level + (Math.max(0, now - known.at) * perSecond) / 1_000) : burst
  }
  return {
    take: (name, count, now) => {
      const level = levelOf(name, now)
      if (level < count) return false
      // The one that was used longest ago goes: it is the fullest.
      levels.delete(name)
      const oldest = levels.keys().next().value
      if (levels.size >= namesMax && oldest !== undefined) levels.delete(oldest)
      levels.set(name, { level: level - count, at: now })
      return true
    },
    holds: (name, now) => levelOf(name, now) >= 1,
  }
}
