import type { NodeBlock, NodeCall } from '../ports.ts'
import type { Address, BlockHash, ChainId, Hex, Slot, TxHash } from '../units.ts'

/**
 * One beacon node, by its light client's questions (Beacon API, `eth/v1/beacon/light_client`). Answers are JSON that
 * nobody has looked at: whoever asks decodes and proves them. Every call throws `node/unreachable`, `node/nonsense` or
 * `node/refused`.
 */
export interface BeaconNode {
  /** Root of the validators at genesis: which chain this is. */
  readonly genesis: () => Promise<Hex>
  /** Root of the block that the node calls final, for those who ask several where to begin. */
  readonly finalizedRoot: () => Promise<Hex>
  readonly bootstrap: (root: Hex) => Promise<unknown>
  /** At most `count` updates from a period on. */
  readonly updates: (period: number, count: number) => Promise<readonly unknown[]>
  readonly finalityUpdate: () => Promise<unknown>
  readonly optimisticUpdate: () => Promise<unknown>
}

/** What `eth_getProof` tells of an account (EIP-1186), reduced to what proves it. */
interface AccountProof {
  readonly account: readonly Uint8Array[]
  /** In the order asked. */
  readonly slots: readonly (readonly Uint8Array[])[]
}

/**
 * One Ethereum node, by its questions about a block that the asker has chosen. Nothing it says is believed. Every call
 * throws `node/unreachable`, `node/nonsense` or `node/refused`.
 */
export interface ProofNode {
  readonly chainId: () => Promise<ChainId>
  /** In consensus encoding (RLP); nothing where the node has no such block. */
  readonly header: (which: BlockHash | number) => Promise<Uint8Array | undefined>
  readonly block: (which: BlockHash | number) => Promise<NodeBlock | undefined>
  readonly receipts: (which: BlockHash) => Promise<readonly Uint8Array[]>
  readonly proof: (account: Address, slots: readonly Slot[], block: number) => Promise<AccountProof>
  readonly code: (account: Address, block: number) => Promise<Uint8Array>
  /** The block that holds a transaction; nothing where the node knows of none. */
  readonly blockOf: (transaction: TxHash) => Promise<BlockHash | undefined>
  /** Places that a call looks at, as a hint; nothing where the node cannot tell. */
  readonly places: (
    call: NodeCall,
    block: number,
  ) => Promise<readonly { readonly address: Address; readonly slots: readonly Slot[] }[]>
}

/** A {@link ProofNode} of a chain that one sequencer orders, which hands out its signatures. */
export interface SequencedNode extends ProofNode {
  /** The header (RLP) and 65 bytes of signature; nothing where the node has no such block. */
  readonly signedHeader: (
    which: BlockHash | number | 'latest',
  ) => Promise<{ readonly header: Uint8Array; readonly signature: Uint8Array } | undefined>
}

/** Who tells the newest block of a rollup before it is on the L1. Not believed: the sequencer's signature is what counts. */
export interface UnsafeHeads {
  /** Data and 65 bytes of signature, as rollup nodes gossip them. Throws `node/unreachable`, `node/refused`, `node/nonsense`. */
  readonly latest: () => Promise<{ readonly data: Uint8Array; readonly signature: Uint8Array }>
}
