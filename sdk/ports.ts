import type { Address, BatchId, BlockHash, ChainId, Feerate, Height, Hex, Sats, TxHash, Txid } from './units.ts'

/** Now, in milliseconds since 1970, and a pause. */
export interface Clock {
  readonly now: () => number
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
}

/** Unpredictable bytes, fit for keys. */
export type Random = (size: number) => Uint8Array

/** One stored record; `version` counts its writes from 1. */
export interface StoredRecord {
  readonly version: number
  readonly bytes: Uint8Array
}

/** Writes `bytes` under `key`, or deletes it (`null`), if its version is still `expected` (0: absent). */
export interface StoreWrite {
  readonly key: string
  readonly expected: number
  readonly bytes: Uint8Array | null
}

/**
 * Durable records with compare-and-set.
 *
 * Funds at risk: `commit` resolves only after the bytes would survive a power cut. An adapter that answers
 * earlier can bring an old state back. One suite holds every adapter to this (test/contracts/store.ts).
 */
export interface Store {
  readonly get: (key: string) => Promise<StoredRecord | undefined>
  /** Keys that start with `prefix`, ascending. */
  readonly keys: (prefix: string) => Promise<readonly string[]>
  /**
   * Applies all writes or none.
   * Throws `store/conflict` when a version is not the expected one, `store/full`, `store/unavailable`.
   */
  readonly commit: (writes: readonly StoreWrite[]) => Promise<void>
  /** Lets go of files and connections. Later calls throw `store/unavailable`. */
  readonly close: () => Promise<void>
}

/** Slow and authenticated primitives of the platform; replaceable where a phone lacks WebCrypto. */
export interface Cipher {
  /** PBKDF2 with HMAC-SHA-256 or -512 (RFC 8018), `size` bytes out. */
  readonly pbkdf2: (input: {
    readonly hash: 'SHA-256' | 'SHA-512'
    readonly password: Uint8Array
    readonly salt: Uint8Array
    readonly iterations: number
    readonly size: number
  }) => Promise<Uint8Array>
  /** AES-256-GCM, 12-byte nonce, 16-byte tag at the end (NIST SP 800-38D). */
  readonly seal: (input: CipherInput) => Promise<Uint8Array>
  /** The plain bytes, or nothing when the tag does not fit. */
  readonly open: (input: CipherInput) => Promise<Uint8Array | undefined>
}

export interface CipherInput {
  readonly key: Uint8Array
  readonly nonce: Uint8Array
  readonly bytes: Uint8Array
  /** Authenticated with the bytes, not hidden. */
  readonly associated: Uint8Array
}

/** What a signer is asked to sign: the digest, and the payload it was made from, for a screen to show. */
export interface SignRequest {
  readonly kind: 'transaction' | 'message' | 'typed-data' | 'authorization'
  readonly account: Address
  /** 32 bytes. */
  readonly digest: Uint8Array
  /** Unsigned transaction bytes, message bytes, canonical typed-data JSON, or authorization bytes. */
  readonly payload: Uint8Array
}

/** Holds keys, in this process or elsewhere; may ask a person. */
export interface Signer {
  readonly accounts: () => Promise<readonly Address[]>
  /** 65 bytes: r, s (low), y parity. Throws `signer/refused`, `keys/unknown-account`, `keys/locked`. */
  readonly sign: (request: SignRequest) => Promise<Uint8Array>
}

/** Where a transaction stands with the relay. One vocabulary for the edge, the wire and the wallet. */
export type TxStatus =
  | { readonly state: 'queued' }
  /** Waits for a nonce that the relay has not seen. */
  | { readonly state: 'held'; readonly missingNonce: number }
  /** Has its lane in a window; on its way to the executor. */
  | { readonly state: 'planned'; readonly window: number; readonly lane: number; readonly waitsFor: readonly TxHash[] }
  /** Acknowledged by the executor. */
  | { readonly state: 'accepted'; readonly window: number; readonly lane: number }
  | {
      readonly state: 'included' | 'finalized'
      readonly window: number
      readonly lane: number
      readonly blockNumber: number
      readonly blockHash: BlockHash
      readonly index: number
    }
  /** Ended: the executor said a definite no. `code` is from the edge's list. */
  | { readonly state: 'rejected'; readonly code: string; readonly detail: string }
  /** Ended: another transaction of this sender took the nonce. */
  | { readonly state: 'replaced'; readonly by: TxHash }
  /** The relay stopped sending. The bytes can still be executed by whoever holds them. */
  | { readonly state: 'expired' }

/** The answer to one transaction of a submission: taken, or a problem with a stable code. */
export type RelayItem =
  | { readonly ok: true; readonly hash: TxHash; readonly status: TxStatus }
  | { readonly ok: false; readonly index: number; readonly problem: RelayProblem }

/** RFC 9457 problem, reduced to what a caller acts on. */
export interface RelayProblem {
  readonly code: string
  readonly detail: string
  readonly retryable: boolean
  readonly retryAfterSeconds: number | null
}

export type RelayAck =
  | { readonly ok: true; readonly batch: BatchId; readonly items: readonly RelayItem[] }
  | { readonly ok: false; readonly problem: RelayProblem }

/** One step of one transaction, numbered per chain without reuse. */
export interface RelayEvent {
  readonly sequence: number
  readonly hash: TxHash
  readonly status: TxStatus
}

/** Carries signed bytes to an executor and tells how they fare. May delay or drop, never forge. */
export interface Relay {
  /** Resolves after the relay has stored what it acknowledges. Equal bytes are one submission. Throws `relay/unreachable`, `relay/nonsense`. */
  readonly submit: (chain: ChainId, envelope: Uint8Array) => Promise<RelayAck>
  readonly status: (chain: ChainId, sender: Address, hash: TxHash) => Promise<TxStatus | undefined>
  /** Events of one batch after `sequence` (0: all), then live until aborted. Ends by throwing `relay/unreachable`; resume from the last sequence. */
  readonly events: (chain: ChainId, batch: BatchId, sequence: number, signal: AbortSignal) => AsyncIterable<RelayEvent>
}

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

/** What the box knows of one side's own messages. */
export interface LinkStanding {
  /** Highest epoch seen, 0 before the first. */
  readonly epoch: number
  /** Sequence of the last message, 0 before the first. */
  readonly sent: number
  /** Sequence through which the other side has acknowledged them. */
  readonly acknowledged: number
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

/** A block as a node tells it: raw header, transactions and receipts. Nothing in it is believed. */
export interface NodeBlock {
  readonly number: number
  readonly hash: BlockHash
  /** RLP of the header. */
  readonly header: Uint8Array
  /** Raw transactions in order. */
  readonly transactions: readonly Uint8Array[]
  /** Receipts in consensus encoding (EIP-2718), in order. */
  readonly receipts: readonly Uint8Array[]
}

/** A call to price or to trace. */
export interface NodeCall {
  readonly from: Address
  readonly to: Address | null
  readonly value: bigint
  readonly data: Uint8Array
  /** Attached (EIP-2930). */
  readonly accessList?: NodeAccessList['entries']
  /** Carried (EIP-7702). */
  readonly authorizations?: readonly {
    readonly chainId: number
    readonly delegate: Address
    readonly nonce: bigint
    /** 65 bytes: r, s, y parity. */
    readonly signature: Uint8Array
  }[]
}

/** One account as `prestateTracer` tells it; absent fields were not touched. */
export interface TracedAccount {
  readonly balance?: bigint
  readonly nonce?: number
  readonly code?: Uint8Array
  readonly storage: ReadonlyMap<Hex, Hex>
}

/** Places touched by a run: values before it, and the values it changed. */
export interface CallTrace {
  readonly before: ReadonlyMap<Address, TracedAccount>
  readonly after: ReadonlyMap<Address, TracedAccount>
  readonly gasUsed: bigint
}

export interface NodeAccessList {
  readonly entries: readonly { readonly address: Address; readonly slots: readonly Hex[] }[]
  readonly gasUsed: bigint
}

/** What a node said when it refused: the `cause` of a `node/refused`. */
export interface NodeRefusal {
  /** Of JSON-RPC, or an HTTP status when the node answered with nothing else. */
  readonly code: number
  readonly message: string
  /** What a reverted run returned. */
  readonly data: Hex | null
}

/**
 * One Ethereum node. Adapters validate every byte it says; the wallet believes it only as far as proven.
 * Every call throws `node/unreachable`, `node/nonsense` or `node/refused` (a definite error of the node).
 */
export interface EvmNode {
  readonly chainId: () => Promise<ChainId>
  /** `pending` counts the node's own pool. */
  readonly nonce: (account: Address, tag: 'latest' | 'pending' | 'finalized') => Promise<number>
  readonly balance: (account: Address) => Promise<bigint>
  readonly code: (account: Address) => Promise<Uint8Array>
  readonly fees: () => Promise<{ readonly baseFeePerGas: bigint; readonly maxPriorityFeePerGas: bigint }>
  readonly call: (call: NodeCall) => Promise<Uint8Array>
  readonly estimateGas: (call: NodeCall) => Promise<bigint>
  readonly createAccessList: (call: NodeCall) => Promise<NodeAccessList>
  readonly trace: (call: NodeCall) => Promise<CallTrace>
  readonly block: (which: number | BlockHash | 'latest' | 'finalized') => Promise<NodeBlock | undefined>
  readonly send: (raw: Uint8Array) => Promise<TxHash>
  /** Any further method, for programs that speak JSON-RPC; the answer is unproven and unvalidated. */
  readonly request: (method: string, params: readonly unknown[]) => Promise<unknown>
}

/** A block of Bitcoin's chain, as a node sees it. */
export interface BitcoinPlace {
  readonly height: Height
  /** 32 bytes in wire order; explorers show them reversed. */
  readonly hash: Uint8Array
}

/** Where a transaction was mined, and the node's proof of it. */
export interface BitcoinInclusion extends BitcoinPlace {
  /** A `merkleblock` message (BIP-37): the block's header, and the way from the transaction to the root in it. */
  readonly merkleBlock: Uint8Array
}

/** Names one output of one transaction. */
export interface NodeOutpoint {
  readonly txid: Txid
  readonly index: number
}

/** An unspent output. Whether it is a block's reward stands in its transaction. */
export interface NodeCoin {
  readonly outpoint: NodeOutpoint
  readonly value: Sats
  /** Of the block that holds it; `null` while none does. */
  readonly height: Height | null
}

/** A transaction that pays to a script or spends from it. */
export interface NodeTransaction {
  readonly txid: Txid
  /** Of the block that holds it; `null` while none does. */
  readonly height: Height | null
}

/**
 * Why a node would not take a transaction, by Bitcoin Core's checks. Everything but `invalid` is that node's policy,
 * or depends on the chain and the pool it sees.
 */
export type BroadcastCode =
  /** The node has it, in the chain or in its pool: for a resend, that is success. */
  | 'already-known'
  | 'coinbase-immature'
  /** Spends what a transaction in the pool spends, and may not replace it. */
  | 'conflict'
  | 'dust'
  | 'fee-too-high'
  /** Below the node's minimum. */
  | 'fee-too-low'
  /** No chain could ever hold it, or it is no transaction. */
  | 'invalid'
  /** Spends what the node does not know, or what is spent: also the answer for one that is mined and spent from. */
  | 'missing-inputs'
  /** A relative lock has not passed (BIP-68). */
  | 'non-bip68-final'
  /** Its nLockTime has not passed. */
  | 'non-final'
  /** Of a form that the node does not relay. */
  | 'nonstandard'
  /** Would replace what is in the pool, and does not pay enough more (BIP-125). */
  | 'replacement-too-cheap'
  /** A script or a signature failed. */
  | 'script'
  /** Too many unconfirmed transactions hang together. */
  | 'too-long-chain'
  /** A definite no in words that no code stands for. */
  | 'other'

/**
 * What a node made of a broadcast.
 *
 * Funds at risk: a refusal is one node's word. Bytes that one node refuses can still reach a block through another, so
 * they are never to be thought dead while an input of theirs is unspent.
 */
export type Broadcast =
  | { readonly ok: true; readonly txid: Txid }
  | {
      readonly ok: false
      readonly code: BroadcastCode
      /** The node's own words, bounded; for people, not for programs. */
      readonly detail: string
    }

/**
 * One Bitcoin node. Adapters hold every byte it says to its shape; nothing it says is believed: headers are checked for
 * work, inclusion by its proof, transactions by their hash, and what a node leaves out it can hide.
 *
 * Every call throws `node/unreachable` (retryable; after a broadcast it means unknown, never refused), `node/nonsense`,
 * or `node/refused` (a definite error of the node).
 */
export interface BitcoinNode {
  readonly tip: () => Promise<BitcoinPlace>
  /**
   * Headers from a height up, 80 bytes each, one after the other: as many as asked, or fewer where the chain ends.
   * At most 2,016. They may be of two branches when the chain is reorganised meanwhile: see whether they link.
   */
  readonly headers: (first: Height, count: number) => Promise<Uint8Array>
  /** The whole block with witnesses, or nothing when the node does not have it. */
  readonly block: (hash: Uint8Array) => Promise<Uint8Array | undefined>
  /** The transaction with its witnesses, mined, waiting or of a lost block; nothing when the node does not have it. */
  readonly transaction: (txid: Txid) => Promise<Uint8Array | undefined>
  /** Nothing while no block holds the transaction. */
  readonly inclusion: (txid: Txid) => Promise<BitcoinInclusion | undefined>
  /** What is unspent on an output script, counting the node's pool. */
  readonly coins: (script: Uint8Array) => Promise<readonly NodeCoin[]>
  /** All transactions that pay to an output script or spend from it, newest first, those of the pool before all. */
  readonly history: (script: Uint8Array) => Promise<readonly NodeTransaction[]>
  /**
   * The transaction that spends an output, or nothing while the node knows of none.
   *
   * @param script - The output's own: some nodes find spends by it.
   */
  readonly spend: (outpoint: NodeOutpoint, script: Uint8Array) => Promise<NodeTransaction | undefined>
  /** Feerates in sat per vbyte by target: what the node thinks is mined within so many blocks. May be empty. */
  readonly feeEstimates: () => Promise<ReadonlyMap<number, number>>
  /** Below this the node does not take a transaction now. */
  readonly minFeerate: () => Promise<Feerate>
  /** Hands over a signed transaction. Equal bytes are one transaction: sending them again does no harm. */
  readonly broadcast: (raw: Uint8Array) => Promise<Broadcast>
}
