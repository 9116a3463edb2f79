import type { ChainView, Opening } from '../channel/index.ts'
import type { Clock, Store } from '../ports.ts'
import type { ChannelId, Feerate, Height, Sats } from '../units.ts'

/** What the till asks of the Bitcoin chain. Every call throws `node/unreachable`, `node/nonsense` or `node/refused`. */
export interface TillChain {
  /**
   * What the chain of most work shows of a channel's funding output.
   *
   * Funds at risk: the till believes it. Each part is to be proven, by headers, inclusion and the exact script and value; a
   * spend that is hidden lets goods out for nothing.
   */
  readonly view: (opening: Opening) => Promise<ChainView>
  /** Sends to every backend there is. A transaction that is known already is a success. */
  readonly broadcast: (transaction: Uint8Array) => Promise<void>
  /** What confirms in good time now: the till takes a cooperative close from here on. */
  readonly feerate: () => Promise<Feerate>
}

/** What the till's key is asked to sign: a closing that pays the payee `paid`. */
export interface TillSignRequest {
  readonly channelId: ChannelId
  /** Whose: the key in the channel's terms. */
  readonly publicKey: Uint8Array
  /** 32 bytes. */
  readonly digest: Uint8Array
  readonly paid: Sats
}

/** Holds the payee's keys, in this process or elsewhere: that of the terms, and those of terms that channels still have. */
export interface TillSigner {
  /** 33 bytes each, compressed. */
  readonly publicKeys: () => Promise<readonly Uint8Array[]>
  /** ECDSA with low s, 64 bytes or more: r, s; what follows is ignored. Throws `signer/refused`. */
  readonly sign: (request: TillSignRequest) => Promise<Uint8Array>
  /**
   * ECDH of the key of a channel's terms and its payer's, for the tags of messages: `sharedSecret` of the engine. [OW26]
   * Also asked for a key with itself, for the tokens of the boxes. [TP9]
   */
  readonly sharedSecret: (pair: { readonly payeeKey: Uint8Array; readonly payerKey: Uint8Array }) => Promise<Uint8Array>
}

/** A fully signed closing, for the channel box to broadcast when the till is gone. [OW25] */
export interface Deposit {
  readonly channelId: ChannelId
  /** Of the update it closes with: a box keeps the highest. */
  readonly number: number
  readonly paid: Sats
  readonly transaction: Uint8Array
  /** From this height on the box broadcasts. */
  readonly broadcastHeight: Height
}

/** The way to the payers, and to the boxes between. Every call throws `relay/unreachable` or `relay/refused`. */
export interface TillLink {
  /** Resolves once the box has stored the message for the payer. */
  readonly send: (channel: ChannelId, message: Uint8Array) => Promise<void>
  /** Resolves once the box has stored the deposit, or holds one of a higher number. */
  readonly deposit: (deposit: Deposit) => Promise<void>
}

/** Everything outside of the till. */
export interface TillWorld {
  /** Of this till alone, or shared: every key begins with `till/`. */
  readonly store: Store
  readonly chain: TillChain
  readonly signer: TillSigner
  readonly link: TillLink
  readonly clock: Pick<Clock, 'now'>
}
