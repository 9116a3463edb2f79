import type { Hex } from '../sdk/units.ts'
import type { Outpoint } from './channelBoxRows.ts'

/** What a tower knows of one channel. */
export interface TowerHead {
  /** SHA-256 of the token that its first request carried. */
  readonly claim: Hex
  readonly funding: Outpoint
  /** It keeps the states from `first` on, up to the one before `next`. */
  readonly first: number
  readonly next: number
  /** Of all states that it keeps, and the most that they may have. */
  readonly bytes: number
  readonly bytesMax: number
  /** `ended`: what took the funding is buried, and so is all that could be taken from it. */
  readonly phase: 'watching' | 'ended'
  /** Highest block that a source told; nothing before the first answer. */
  readonly height: number | null
  /** When at least two sources last answered; milliseconds since 1970, 0 before. */
  readonly lookedAt: number
  /** When to look again; nothing once it has ended. */
  readonly dueAt: number | null
  /** When its owner last came by, to the hour. */
  readonly touchedAt: number
}

/** How many towers of a key, or of all without one, may still be registered. Kept with the tower that has no owner, under a name of its own. */
export interface GrantRow {
  readonly level: number
  /** When it had that level; milliseconds since 1970. */
  readonly at: number
}

/** A revoked state. */
export interface TowerStateRow {
  readonly number: number
  /** First 16 bytes of the commitment's txid, in wire order. */
  readonly hint: Hex
  /** As its owner wrote it. */
  readonly sealed: Uint8Array
}

/** A cheater's transaction that was opened, and what takes one output of it. */
export interface JusticeRow {
  /** Of the cheater's transaction. */
  readonly txid: string
  /** Its place among the state's outputs. */
  readonly place: number
  readonly input: Outpoint
  /** Height when it was opened: its feerate climbs from there. */
  readonly sinceHeight: number
  /** From the lowest feerate on. */
  readonly transactions: readonly Hex[]
  /** Every source says that a spend of the input is buried. */
  readonly isBuried: boolean
}

/** What the tower's step reads: a synchronous view of its rows, in SQLite or in memory. */
export interface TowerRows {
  readonly head: () => TowerHead | undefined
  readonly state: (number: number) => TowerStateRow | undefined
  /** States of a hint: more than one only where somebody left nonsense. */
  readonly statesOf: (hint: Hex) => readonly TowerStateRow[]
  readonly justice: () => readonly JusticeRow[]
  /** True for a transaction that was opened, whether anything could be taken of it or not. */
  readonly isOpened: (txid: string) => boolean
}

/** One change of a tower's rows. All changes of a step are applied together or not at all. */
export type TowerChange =
  | { readonly put: 'head'; readonly row: TowerHead }
  | { readonly put: 'state'; readonly row: TowerStateRow }
  | { readonly put: 'opened'; readonly txid: string }
  | { readonly put: 'justice'; readonly row: JusticeRow }
  | { readonly remove: 'everything' }
