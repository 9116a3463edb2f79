import type { BatchId, ChainId } from '../sdk/units.ts'

/** A merchant's webhook on one chain. */
export interface WebhookHead {
  readonly chain: ChainId
  readonly url: string
  /** Base64, without the prefix that names its kind. */
  readonly secret: string
  /** The secret before, which signs beside the new one until a time. */
  readonly oldSecret: { readonly secret: string; readonly until: number } | null
  /** The other side said that it is gone (410): nothing is called until it is registered anew. */
  readonly isGone: boolean
}

/** A batch whose end is waited for. */
export interface WatchRow {
  readonly batch: BatchId
  readonly since: number
  readonly dueAt: number
}

/** One message to the merchant. */
export interface CallRow {
  /** Its `webhook-id`: the same on every try. */
  readonly id: string
  readonly body: string
  /** Counted when the try begins: a crash in the middle of one has used it up. */
  readonly attempts: number
  /** When it is tried next; of a dead letter, when it is forgotten. */
  readonly dueAt: number
  readonly isDead: boolean
  /** What went wrong last, in a word: a status, or `unreachable`. */
  readonly fault: string
}

/** What the webhook's step reads: a synchronous view of its rows, in SQLite or in memory. */
export interface WebhookRows {
  readonly head: () => WebhookHead | undefined
  readonly watch: (batch: BatchId) => WatchRow | undefined
  readonly dueWatches: (now: number, limit: number) => readonly WatchRow[]
  readonly call: (id: string) => CallRow | undefined
  readonly dueCalls: (now: number, limit: number) => readonly CallRow[]
  readonly dead: (limit: number) => readonly CallRow[]
  readonly counts: () => WebhookCounts
  readonly nextDue: () => number | null
}

export interface WebhookCounts {
  readonly watched: number
  readonly waiting: number
  readonly dead: number
}

/** One change of a webhook's rows. All changes of a step are applied together or not at all. */
export type WebhookChange =
  | { readonly put: 'head'; readonly row: WebhookHead }
  | { readonly put: 'watch'; readonly row: WatchRow }
  | { readonly put: 'call'; readonly row: CallRow }
  | { readonly remove: 'watch'; readonly batch: BatchId }
  | { readonly remove: 'call'; readonly id: string }
  | { readonly remove: 'everything' }
