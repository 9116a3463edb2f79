import type { Forward } from '../../../channel/hub/index.ts'
import type { Aside, Change, Channel, LiveChannel } from '../../../channel/penalty/index.ts'
import type { StoreWrite } from '../../../ports.ts'
import type { PenaltyDesk } from './desk.ts'
import type { KeptNote } from './record.ts'

/** A state as it is stored, and the one before it. */
export interface Saved {
  readonly before: Channel | null
  readonly channel: Channel
  readonly notes: readonly KeptNote[]
  /** Of the record. */
  readonly version: number
}

/** What follows from HTLCs beside the channel itself: invoices, payments, a hub. Set by who begins the desk. */
export interface DeskPayments {
  /** Stores a state with all that becomes true by it, in one commit. [HB2] [HB10] */
  readonly commit: (desk: PenaltyDesk, saved: Saved, writes: readonly StoreWrite[]) => Promise<void>
  /** A word beside the channel, in its turn. [TW45] */
  readonly hear: (desk: PenaltyDesk, aside: Aside) => Promise<void>
  /** Takes, gives back and offers on what is due: to be proposed in this order. */
  readonly changes: (desk: PenaltyDesk, channel: LiveChannel) => Promise<readonly Change[]>
  /** What a hub has on its way over the channel, as of its stored state; `null` while that is to be read again. [TW53] */
  readonly passed: (desk: PenaltyDesk) => readonly Forward[] | null
  /** Stores what a newer copy of the channel says of that, in one commit with `writes`. [TW53] */
  readonly restored: (desk: PenaltyDesk, forwards: readonly Forward[], writes: readonly StoreWrite[]) => Promise<void>
}

/** Of a desk that nobody has begun: whatever asks for an answer waits. */
export const noPayments: DeskPayments = {
  commit: ({ world }, _saved, writes) => world.store.commit(writes),
  hear: async () => undefined,
  changes: async () => [],
  passed: () => [],
  restored: ({ world }, _forwards, writes) => world.store.commit(writes),
}
