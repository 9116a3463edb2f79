import type { Hex } from '../sdk/units.ts'

/** The two ends of a channel. Each writes to the other's inbox. */
export type Side = 'payer' | 'payee'

/** The side that reads what this one writes. */
export function otherSide(side: Side): Side {
  return side === 'payer' ? 'payee' : 'payer'
}

/** One side: who may speak for it, and how far what it wrote has come. */
export interface SideRow {
  readonly side: Side
  /** SHA-256 of the token that its first request carried. */
  readonly claim: Hex
  /** Highest epoch seen; 0 before the first. */
  readonly epoch: number
  /** Sequence of its last message; 0 before the first. Sizes count all bytes up to there. */
  readonly sent: number
  readonly sentBytes: number
  /** Sequence through which the other side has stored them. */
  readonly acknowledged: number
  readonly acknowledgedBytes: number
}

/** One message, named by its writer and that writer's own number. */
export interface MessageRow {
  readonly side: Side
  readonly sequence: number
  /** Size of all its writer's messages up to and with this one. */
  readonly totalBytes: number
  readonly bytes: Uint8Array
}

/** A transaction's input as Bitcoin names it. */
export interface Outpoint {
  /** As everyone prints it: 64 lower-case digits. */
  readonly txid: string
  readonly index: number
}

/** The payee's best closing, signed by both, to be broadcast for it. */
export interface Deposit {
  /** Of the update that it settles. */
  readonly number: number
  /** Height of the chain from which on it is broadcast. */
  readonly closeAtHeight: number
  readonly transaction: Uint8Array
  /** What the transaction spends. */
  readonly input: Outpoint
}

/** A deposit, and how it fares. */
export interface DepositRow extends Deposit {
  /** `closing`: its height was reached, so it is broadcast until it is buried. `ended`: a spend of its input is buried. */
  readonly state: 'waiting' | 'closing' | 'ended'
  /** As a source told it last; nothing before the first answer. */
  readonly height: number | null
  /** When to look at the chain again; nothing once it has ended. */
  readonly dueAt: number | null
}

/** The newest state of a side, as its owner has sealed it. */
export interface BackupRow {
  readonly side: Side
  readonly number: number
  readonly bytes: Uint8Array
}

/** The box itself. */
export interface BoxHead {
  /** When a side last came by, to the hour. */
  readonly touchedAt: number
}

/** What the box's step reads: a synchronous view of its rows, in SQLite or in memory. */
export interface BoxRows {
  readonly head: () => BoxHead | undefined
  readonly side: (side: Side) => SideRow | undefined
  readonly message: (side: Side, sequence: number) => MessageRow | undefined
  /** A writer's messages after a sequence, ascending. */
  readonly messagesAfter: (side: Side, after: number, limit: number) => readonly MessageRow[]
  readonly deposit: () => DepositRow | undefined
  readonly backup: (side: Side) => BackupRow | undefined
}

/** One change of a box's rows. All changes of a step are applied together or not at all. */
export type BoxChange =
  | { readonly put: 'head'; readonly row: BoxHead }
  | { readonly put: 'side'; readonly row: SideRow }
  | { readonly put: 'message'; readonly row: MessageRow }
  | { readonly put: 'deposit'; readonly row: DepositRow }
  | { readonly put: 'backup'; readonly row: BackupRow }
  /** A writer's messages up to and with a sequence. */
  | { readonly remove: 'messages'; readonly side: Side; readonly through: number }
  | { readonly remove: 'everything' }
