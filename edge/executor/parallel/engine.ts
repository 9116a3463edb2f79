import type { Declaration, Plan } from '../../../sdk/batch/index.ts'
import type { Decoded } from '../../../sdk/errors.ts'
import type { Fork, Header, Receipt, Signed } from '../../../sdk/evm/index.ts'
import type { Address, BlockHash, ChainId, Hex, Slot, TxHash } from '../../../sdk/units.ts'
import type {
  BlobPrices,
  Block,
  Failure,
  Precompiles,
  RefusalCode,
  State,
  TouchedPlaces,
} from '../../../sdk/vm/index.ts'

/**
 * A chain on one machine: runs transactions in their order, block by block, and seals each block with true roots.
 *
 * Nothing is durable here: whoever needs that stores {@link ExecutedBlock.record} before telling anybody, and makes the
 * next engine from a snapshot and the records after it ({@link Engine.replay}).
 */
export interface Engine {
  readonly chainId: ChainId
  readonly fork: Fork
  /** The newest block. */
  readonly head: () => SealedBlock
  /** Number of the oldest block whose state is kept. */
  readonly oldest: () => number
  /**
   * Runs a batch as the next block and seals it. A transaction that no block may hold is skipped, with a code; a batch that
   * cannot be right is refused before anything runs. One at a time: a second call waits for the first.
   *
   * What is declared only makes it faster. The block is the same whatever was declared, and with any number of workers.
   */
  readonly execute: (batch: EngineBatch) => Promise<ExecutedBlock | RefusedBatch>
  /** The state after a kept block, asked synchronously: what `lanekit/vm` reads. Nothing when it is not kept. */
  readonly state: (block: number) => State | undefined
  /** A kept block as transactions see it, for calls on top of {@link Engine.state}. */
  readonly context: (block: number) => Block | undefined
  /** Proofs against the state root of a kept block, as `eth_getProof` (EIP-1186) lists them. */
  readonly prove: (block: number, address: Address, slots: readonly Slot[]) => AccountProof | undefined
  /** Everything a new engine starts from, as of the newest block. Read it before the next block is executed. */
  readonly snapshot: () => Snapshot
  /** Takes over a block that ran before, without running it. Refused, and nothing changed, when it does not fit. */
  readonly replay: (record: BlockRecord) => Decoded<SealedBlock>
  /** Ends the workers. */
  readonly stop: () => Promise<void>
}

export interface EngineOptions {
  readonly chainId: ChainId
  readonly fork: Fork
  readonly start: Genesis | Snapshot
  /** Threads beside the one that commits, 0 to {@link engineLimits}`.workersMax`. 0 runs one transaction after the other. */
  readonly workers?: number
  /** Parts the state is split into by the hash of the address: 1 to {@link engineLimits}`.shardsMax`. */
  readonly shards?: number
  /** Shared memory that the workers read the state from, all shards together. Beyond it they stay behind; where not even the start has room, what they run is not believed. */
  readonly stateBytes?: number
  /** Newest blocks whose state stays readable. */
  readonly blocksKept?: number
  /** Contracts that need large libraries. One that is missing skips the transaction. */
  readonly precompiles?: Precompiles
  /** Where the script of a worker thread stands; needed from 1 worker on. */
  readonly workerScript?: URL
  /** Milliseconds after which a worker counts as stuck; it is ended, and what it had claimed runs where the commits are. */
  readonly patienceMs?: number
  /** Whether each block first calls EIP-4788's and EIP-2935's contracts, when they have code. By default it does. */
  readonly systemCalls?: boolean
  readonly blobPrices?: BlobPrices
}

/** Bounds of an engine. */
export const engineLimits = {
  workersMax: 64,
  /** Bits of a word. */
  shardsMax: 31,
  batchTransactionsMax: 100_000,
  blocksKeptMax: 1_024,
} as const

/** Block 0: what the chain begins with. */
export interface Genesis {
  readonly kind: 'genesis'
  readonly accounts: Iterable<AccountContent>
  readonly environment: Environment
}

/** A later beginning: the whole state after `header`'s block. */
export interface Snapshot {
  readonly kind: 'snapshot'
  readonly accounts: Iterable<AccountContent>
  readonly header: Header
  /** Hashes of the blocks up to 255 before `header`'s, the oldest first. */
  readonly hashes: readonly BlockHash[]
}

export interface AccountContent {
  readonly address: Address
  readonly nonce: bigint
  /** In wei. */
  readonly balance: bigint
  readonly code: Uint8Array
  /** 32 bytes each, none of them zero. */
  readonly slots: readonly SlotValue[]
}

export interface SlotValue {
  readonly slot: Slot
  readonly value: Uint8Array
}

/** What a block says of itself, before anything has run. */
export interface Environment {
  /** In seconds since 1970; beyond the parent's. */
  readonly timestamp: bigint
  readonly feeRecipient: Address
  readonly gasLimit: bigint
  /** In wei (EIP-1559). */
  readonly baseFeePerGas: bigint
  /** 32 bytes each; zeros when left out. */
  readonly prevRandao?: Uint8Array
  readonly parentBeaconBlockRoot?: Uint8Array
  readonly extraData?: Uint8Array
}

export interface EngineBatch {
  readonly transactions: readonly Signed[]
  /** What each is expected to touch, in the same order and in normal form (`normalise`). Without it all is unknown. */
  readonly declarations?: readonly Declaration[]
  /** Somebody's plan of these declarations' footprints; it is checked, and used only when it is right. */
  readonly plan?: Plan
  readonly environment: Environment
}

/** Why nothing of a batch was run. */
export interface RefusedBatch {
  readonly kind: 'refused'
  readonly code: BatchRefusalCode
  /** What is wrong, as a sentence without its full stop. */
  readonly detail: string
}

export type BatchRefusalCode = 'batch/too-large' | 'batch/malformed' | 'batch/wrong-plan' | 'batch/wrong-environment'

/** A block and its hash. */
export interface SealedBlock {
  readonly header: Header
  readonly hash: BlockHash
}

export interface ExecutedBlock {
  readonly kind: 'executed'
  readonly block: SealedBlock
  /** In the order of the block. */
  readonly transactions: readonly RunTransaction[]
  readonly skipped: readonly SkippedTransaction[]
  /** What a log stores, and {@link Engine.replay} takes. */
  readonly record: BlockRecord
  readonly access: BlockAccessList
  readonly figures: Figures
}

export interface RunTransaction {
  readonly signed: Signed
  /** Index in the batch; its place in the block is its place in the list. */
  readonly index: number
  readonly receipt: Receipt
  readonly gasUsed: bigint
  /** Wei paid for a unit of gas. */
  readonly gasPrice: bigint
  /** The contract a creation left. */
  readonly created: Address | null
  readonly failure: Failure | 'reverted' | null
  readonly output: Uint8Array
  /** What it touched. A block access list says who wrote what, but not who read it. */
  readonly access: TouchedPlaces
}

export interface SkippedTransaction {
  readonly index: number
  readonly hash: TxHash
  /** `block-full`: its gas limit is more than the block has left. `unsupported`: it needs a library that is not there. */
  readonly code: RefusalCode | 'block-full' | 'unsupported'
}

/** A block as a log keeps it: enough to have its state again without running it. */
export interface BlockRecord {
  /** In consensus encoding (RLP). */
  readonly header: Uint8Array
  readonly changes: readonly StateChange[]
}

/** What a block left of one account. */
export interface StateChange {
  readonly address: Address
  /** The account now; nothing when it is gone, with all its slots. */
  readonly account: { readonly nonce: bigint; readonly balance: bigint; readonly codeHash: Hex } | null
  /** Its code, when the block brought it. */
  readonly code: Uint8Array | null
  /** Whether all slots from before the block are gone. */
  readonly isCleared: boolean
  /** New values, 32 bytes; zeros for a slot that holds nothing now. */
  readonly slots: readonly SlotValue[]
}

/** What a block touched (EIP-7928). */
export interface BlockAccessList {
  readonly rlp: Uint8Array
  /** keccak256 of `rlp`. */
  readonly hash: Uint8Array
}

export interface AccountProof {
  readonly address: Address
  readonly nonce: bigint
  readonly balance: bigint
  readonly codeHash: Hex
  readonly storageRoot: Uint8Array
  /** Trie nodes from the state root down. They prove absence where the account does not exist. */
  readonly nodes: readonly Uint8Array[]
  readonly slots: readonly {
    readonly slot: Slot
    /** 32 bytes. */
    readonly value: Uint8Array
    readonly nodes: readonly Uint8Array[]
  }[]
}

/** How the run went. All but the last three are the same on every machine. */
export interface Figures {
  readonly gasUsed: number
  /** Of the transactions' true conflicts, in gas used: no number of workers is done sooner. */
  readonly criticalPathGas: number
  /** Gas of the longest of so many workers, by the declared plan with the gas that was used. */
  readonly makespanGas: readonly { readonly workers: number; readonly gas: number; readonly speedup: number }[]
  /** Lanes of the declared plan. */
  readonly lanes: number
  /** Transactions that touched a place in a way they had not declared. */
  readonly mispredictions: number
  /** Transactions that touched a shard they had not declared, and ran again at the same position. */
  readonly crossShard: number
  /** Runs that were thrown away because something they had read was changed before they came to be committed. */
  readonly reExecutions: number
  /** Transactions that a worker ran and whose run was taken. The others ran at the head of the queue. */
  readonly ranAhead: number
  /**
   * Time that the runs took which were taken, by themselves, over the time from the first transaction to the last commit:
   * how many times as fast as one after the other. An estimate: a run that was interrupted counts by its gas.
   */
  readonly achievedSpeedup: number
}
