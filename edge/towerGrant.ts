import { towerGrantsBurst, towerGrantsPerDay } from './limits.ts'
import type { GrantRow } from './towerRows.ts'

const dayMs = 24 * 60 * 60_000

/**
 * Takes one registration out of an allowance that fills with time; nothing where none is left. [WT11] It is kept on disk: what is granted takes
 * room for a year.
 */
export function granted(row: GrantRow | undefined, now: number): GrantRow | null {
  const filled = row ? row.level + (Math.max(0, now - row.at) / dayMs) * towerGrantsPerDay : towerGrantsBurst
  const level = Math.min(towerGrantsBurst, filled)
  return level < 1 ? null : { level: level - 1, at: now }
}

/** The name of the object that keeps the allowance of a key, or of all who show none. No tower has such a name. */
export function grantsName(key: string | null): string {
  return `grants ${key ?? ''}`
}
