import type { Address, BlockHash, Hex } from '../units.ts'
import type { ConfirmedVerdict } from './bitcoin/output.ts'

/**
 * How far an answer is proven, by what it hangs on. They are kinds of trust, not one scale: compare for equality, or
 * name those you accept.
 *
 * - `finalized`: Ethereum, proven against a finalized block that follows from a checkpoint the user pinned.
 * - `optimistic`: Ethereum, signed by the current sync committee, not finalized: it can still be reorganised.
 * - `committed`: two thirds of the validator set of a BFT chain have signed.
 * - `proposed`: the state root of an L2, posted on its verified L1; its dispute window is still open.
 * - `sequenced`: signed by the known sequencer of an L2, which could still leave it out.
 * - `confirmed`: Bitcoin, under proof of work; as strong as the blocks above it are many and heavy.
 * - `node`: fits the header that one named node told, and of that header nothing is proven. It shows that the node
 *   does not contradict itself, and binds it to its word; a node that lies from the header on passes.
 */
export type Level = 'finalized' | 'optimistic' | 'committed' | 'proposed' | 'sequenced' | 'confirmed' | 'node'

/** The trusted starting point of a proof about one block. At level `node` it is trusted without a reason. */
export interface Anchor {
  readonly kind: 'block'
  readonly hash: BlockHash
}

/** A beacon block that the user pinned: what all finality and every signature is judged from. */
export interface CheckpointAnchor {
  readonly kind: 'checkpoint'
  readonly network: string
  readonly slot: number
  /** `hash_tree_root` of its header. */
  readonly root: Hex
}

/**
 * What was proven. Nothing beside it was: above all, not that nothing was left out, but where the name says so.
 *
 * - `account-absence`: the state holds nothing at the address, as shown by the place where it would be.
 * - `block-transactions`: these are all the transactions of the block, in order.
 * - `block-receipts`: these are all the receipts of the block, in order.
 * - `block-withdrawals`: these are all the withdrawals of the block, in order.
 * - `logs-complete`: these are all the logs that fit, of every block of the range.
 * - `ancestry`: the block is an ancestor of the one that was signed.
 * - `output-root`: the block has the output root that stands in a dispute game on its L1.
 * - `super-root`: that game is about a super root, of several chains at one second, and the output root stands in it.
 * - `sequencer-signature`: the known sequencer has signed the block.
 * - `sequencer-key`: the sequencer is the one that the chain's own contract on its L1 names.
 */
export type Claim =
  | 'transaction-inclusion'
  | 'receipt-inclusion'
  | 'block-transactions'
  | 'block-receipts'
  | 'block-withdrawals'
  | 'account'
  | 'account-absence'
  | 'storage'
  | 'code'
  | 'logs-complete'
  | 'call'
  | 'ancestry'
  | 'output-root'
  | 'super-root'
  | 'sequencer-signature'
  | 'sequencer-key'

/** What was proven of an answer under a block that one node told. */
export interface NodeVerdict {
  readonly level: Extract<Level, 'node'>
  readonly anchor: Anchor
  readonly proven: readonly Claim[]
  /** Who told the facts, by the names the caller gave them. Verifiers ask nobody, so they cannot know more. */
  readonly sources: readonly string[]
}

/** What was proven of an answer under a block that a sync committee signed. */
export interface BeaconVerdict {
  readonly level: Extract<Level, 'finalized' | 'optimistic'>
  readonly anchor: CheckpointAnchor
  /** The execution block that the answer is of. */
  readonly block: {
    readonly number: number
    readonly hash: BlockHash /** In seconds since 1970. */
    readonly timestamp: number
  }
  /** How many of the committee's places signed. */
  readonly participation: { readonly signed: number; readonly of: number }
  readonly proven: readonly Claim[]
  readonly sources: readonly string[]
}

/** What was proven of a block that the validators of a BFT chain committed. */
export interface CommittedVerdict {
  readonly level: Extract<Level, 'committed'>
  /** The block that the user pinned. */
  readonly anchor: { readonly kind: 'header'; readonly chainId: string; readonly height: bigint; readonly hash: Hex }
  readonly block: { readonly height: bigint; readonly hash: Hex }
  /** Voting power that committed, and all there is. */
  readonly power: { readonly committed: bigint; readonly of: bigint }
  readonly proven: readonly ['header']
  readonly sources: readonly string[]
}

interface BlockName {
  readonly number: number
  readonly hash: BlockHash
  /** In seconds since 1970. */
  readonly timestamp: number
}

/** What was proven of a block of a rollup, by its proposal on verified L1. */
export interface ProposedVerdict {
  readonly level: Extract<Level, 'proposed'>
  /** What the L1 block hangs on. */
  readonly anchor: CheckpointAnchor
  readonly l1: { readonly number: number; readonly hash: BlockHash; readonly level: BeaconVerdict['level'] }
  readonly block: BlockName
  /**
   * `open`: the claim can still be lost. `defended`: everybody could contest it, and it stood. `permissioned`: it stands by the word
   * of named accounts. `createdAt` is in seconds since 1970.
   */
  readonly game: {
    readonly address: Address
    readonly type: number
    readonly status: 'open' | 'defended' | 'permissioned'
    readonly createdAt: number
  }
  readonly proven: readonly Claim[]
  readonly sources: readonly string[]
}

/** What was proven of a block that a known sequencer signed. */
export interface SequencedVerdict {
  readonly level: Extract<Level, 'sequenced'>
  /** Whose word is taken. */
  readonly anchor: { readonly kind: 'sequencer'; readonly chainId: number; readonly sequencer: Address }
  /** Where the sequencer was read by proof; absent where the user named it. */
  readonly signer?: {
    readonly anchor: CheckpointAnchor
    readonly l1: { readonly number: number; readonly hash: BlockHash; readonly level: BeaconVerdict['level'] }
  }
  readonly block: BlockName
  readonly proven: readonly Claim[]
  readonly sources: readonly string[]
}

/** What was proven of an answer, and how far. Compare `level` first: it decides what else there is. */
export type Verdict =
  | NodeVerdict
  | BeaconVerdict
  | CommittedVerdict
  | ConfirmedVerdict
  | ProposedVerdict
  | SequencedVerdict

/** An answer, and how far it can be relied on. */
export interface Verified<value, verdict extends Verdict = NodeVerdict> {
  readonly value: value
  readonly verdict: verdict
}
