import type { ChannelId, Height } from '../units.ts'

/** A message of one side of a channel: its writer counts them from 1. */
export interface LinkMessage {
  readonly sequence: number
  readonly bytes: Uint8Array
}

/** The payee's best closing, signed by both, for the box to broadcast. */
export interface LinkDeposit {
  /** Of the update that it settles: replaced only by a higher one. */
  readonly number: number
  /** Height of the Bitcoin chain from which on the box broadcasts it. */
  readonly closeAtHeight: Height
  readonly transaction: Uint8Array
}

/** What the box knows of one side: its own messages, and how far it has read the other's. */
export interface LinkStanding {
  /** Highest epoch seen, 0 before the first. */
  readonly epoch: number
  /** Sequence of the last message, 0 before the first. */
  readonly sent: number
  /** Sequence through which the other side has acknowledged them. */
  readonly acknowledged: number
  /** Sequence through which this side has acknowledged the other's messages: where its reading goes on. */
  readonly read: number
}

/**
 * One side's link to the channel box, which carries messages between payer and payee without reading them
 * (edge/CHANNEL-BOX.md). It may delay or drop, and it shows nobody anything without that side's token.
 *
 * Every call may be made again: equal bytes under one sequence are one message. Every call throws
 * `relay/unreachable` (unknown whether it arrived), `relay/nonsense`, or `relay/refused` with the edge's code as first
 * note. `stale-epoch` there means that another device has taken over: this one must stop.
 */
export interface ChannelLink {
  /** Resolves after the box has stored the message. Sequences go without a hole; a higher epoch takes the side over. */
  readonly send: (message: LinkMessage & { readonly epoch: number }) => Promise<void>
  /**
   * The other side's messages after a sequence (0: all), in order and without a hole, then live until aborted.
   * Ends by throwing; resume from the last sequence. The same message may come again after a resume.
   */
  readonly receive: (after: number, signal: AbortSignal) => AsyncIterable<LinkMessage>
  /**
   * Lets the box drop messages up to and with a sequence.
   *
   * Funds at risk: only after what they say is stored.
   */
  readonly acknowledge: (read: { readonly through: number; readonly epoch: number }) => Promise<void>
  /** Of the payee only. Resolves after the box has stored it. */
  readonly deposit: (deposit: LinkDeposit) => Promise<void>
  readonly standing: () => Promise<LinkStanding>
}

/** What a payee offers everyone: its terms, and the way to it. Nothing of it is believed beyond its shape. */
export interface ChannelPeer {
  /** The payee's terms, encoded. Throws `relay/unreachable`, `relay/nonsense`, `relay/refused`. */
  readonly terms: () => Promise<Uint8Array>
  /** Asks the payee to read the box of a channel from now on. Equal calls are one. Throws as `terms` does. */
  readonly announce: (channel: ChannelId) => Promise<void>
  /**
   * The payer's end of a channel's box, wherever the payee says it is.
   *
   * @param token - 32 bytes of the payer's side alone.
   */
  readonly link: (channel: ChannelId, token: Uint8Array) => ChannelLink
}

/** The payee that an address names. Asks nobody yet. */
export type Peers = (address: string) => ChannelPeer

/** What a watchtower says of a channel, and its signature over that: for whoever has pinned its key to judge. */
export interface SignedReceipt {
  readonly bytes: Uint8Array
  /** 64 bytes. */
  readonly signature: Uint8Array
}

/**
 * One channel's watchtower, which broadcasts justice for revoked states while their owner is away (edge/TOWER.md). It can open a state
 * only when the cheater has broadcast it, and what is in it pays nobody but the owner: it may fail, never take.
 *
 * Every call may be made again: equal bytes under one number are one state. Every call throws `relay/unreachable` (unknown whether
 * it arrived), `relay/nonsense`, or `relay/refused` with the edge's code as first note.
 */
export interface TowerLink {
  /** Names what is to be watched, and the first state that will be left. Resolves after that is stored. */
  readonly register: (watch: {
    readonly funding: { readonly txid: string; readonly index: number }
    readonly first: number
  }) => Promise<SignedReceipt>
  /** Leaves a revoked state, sealed. Resolves after it is stored. Numbers go without a hole. */
  readonly keep: (state: { readonly number: number; readonly bytes: Uint8Array }) => Promise<SignedReceipt>
  readonly standing: () => Promise<SignedReceipt>
}

/** One place that keeps the newest state of a channel's side, sealed by its owner. */
export interface BackupLink {
  /**
   * Resolves when the place has stored it. The number only rises; the same bytes under the same one are the same backup.
   *
   * Throws `relay/refused`, with `stale-backup` or `conflicting-backup` as its first note where another wallet of the seed
   * has written, and `relay/unreachable`.
   */
  readonly keep: (backup: KeptBackup) => Promise<void>
  /** What is kept, or nothing. Throws as {@link BackupLink.keep}. */
  readonly kept: () => Promise<KeptBackup | null>
}

/** A sealed state. */
export interface KeptBackup {
  readonly number: number
  readonly bytes: Uint8Array
}
