import type { Feerate, Height, Sats, Txid } from '../units.ts'

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

/** The first transaction of a block, and the node's proof of it: it shows how deep the tree of transactions is. */
export interface BitcoinCoinbase {
  /** With its witness or without. */
  readonly transaction: Uint8Array
  /** A `merkleblock` message (BIP-37). */
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
  /** Nothing when the node does not have the block. */
  readonly coinbase: (block: Uint8Array) => Promise<BitcoinCoinbase | undefined>
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

/** A basic filter of one block (BIP-158), and the header that names it and all before it (BIP-157), 32 bytes. */
export interface BlockFilter {
  readonly filter: Uint8Array
  readonly header: Uint8Array
}

/** Who tells block filters. Nothing in a block commits to them: ask several that do not know of each other. */
export interface FilterSource {
  /** One for each block, in the order asked. Throws as {@link BitcoinNode} does, `node/refused` for blocks it does not have. */
  readonly filters: (blocks: readonly Uint8Array[]) => Promise<readonly BlockFilter[]>
}

/** A signature that a transaction of the wallet's own coins wants. */
export interface BitcoinSignRequest {
  /** The whole transaction as a PSBT (BIP-174), for a screen to show. */
  readonly psbt: Uint8Array
  readonly scheme: 'ecdsa' | 'schnorr'
  /** 32 bytes. */
  readonly digest: Uint8Array
  /** Steps from the master key, hardened ones with 2^31 added (BIP-32). */
  readonly path: readonly number[]
  /** What a `schnorr` key is tweaked by before it signs (BIP-341), else `null`. */
  readonly tweak: Uint8Array | null
}

/** A signature by the key of one channel. `paid` is what the payee gets by it, nothing for a refund or for an invoice of one's own. */
export interface ChannelSignRequest {
  readonly kind: 'update' | 'close' | 'refund' | 'invoice'
  readonly index: number
  /** 32 bytes. */
  readonly digest: Uint8Array
  readonly paid: Sats
}

/**
 * Holds a wallet's Bitcoin keys, in this process or elsewhere; may ask a person. Every call throws `signer/refused` or
 * `keys/locked`.
 */
export interface BitcoinSigner {
  /**
   * The account's extended public key (BIP-84 for `wpkh`, BIP-86 for `tr`, BIP-48 for a share in a `multisig`), and
   * where it comes from.
   */
  readonly accountKey: (kind: 'wpkh' | 'tr' | 'multisig') => Promise<{
    readonly xpub: string
    /** First four bytes of the master key's HASH160, as eight lower-case digits. */
    readonly fingerprint: string
    readonly path: readonly number[]
  }>
  /** 64 bytes: r and s (low), or R and s. */
  readonly sign: (request: BitcoinSignRequest) => Promise<Uint8Array>
  /** The key of channel `index`, 33 bytes. From the seed alone, so that a refund needs nothing else. */
  readonly channelKey: (index: number) => Promise<Uint8Array>
  /** ECDSA by that key, 64 bytes: r, s (low). */
  readonly signChannel: (request: ChannelSignRequest) => Promise<Uint8Array>
  /** ECDH of that key and another: SHA-256 of the compressed point. */
  readonly channelSecret: (index: number, publicKey: Uint8Array) => Promise<Uint8Array>
}
