import type { Address, BatchId, BlockHash, ChainId, Hex, Slot, TxHash } from './units.ts'

export type { BeaconNode, ProofNode, SequencedNode, UnsafeHeads } from './ports/beacon.ts'
export type {
  BitcoinCoinbase,
  BitcoinInclusion,
  BitcoinNode,
  BitcoinPlace,
  BitcoinSigner,
  BitcoinSignRequest,
  BlockFilter,
  Broadcast,
  BroadcastCode,
  ChannelSignRequest,
  FilterSource,
  NodeCoin,
  NodeOutpoint,
  NodeTransaction,
} from './ports/bitcoin.ts'
export type {
  BackupLink,
  ChannelLink,
  ChannelPeer,
  KeptBackup,
  LinkDeposit,
  LinkMessage,
  LinkStanding,
  Peers,
  SignedReceipt,
  TowerLink,
} from './ports/channel.ts'

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
  /**
   * Asks the platform to keep what is stored, and says whether it will; `false` where it may be evicted. Absent where nothing but its owner
   * removes it.
   */
  readonly persists?: () => Promise<boolean>
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
      /** False when it was executed and reverted: its nonce and its fee are gone, its effects are not. */
      readonly succeeded: boolean
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
  /** In consensus encoding (RLP), in order; absent where the node did not tell them. */
  readonly withdrawals?: readonly Uint8Array[]
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

/** An account as the state after a block has it; zeros and no code when it does not exist. */
export interface NodeAccount {
  readonly nonce: number
  readonly balance: bigint
  readonly code: Uint8Array
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
  /** State after the block of this number, which a node may refuse when it is not one of the newest. */
  readonly account: (account: Address, block: number) => Promise<NodeAccount>
  /** The 32 bytes in a slot, likewise. */
  readonly slot: (account: Address, slot: Slot, block: number) => Promise<Uint8Array>
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
