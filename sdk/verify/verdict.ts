import type { BlockHash } from '../units.ts'

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

/** The trusted starting point of a proof. At level `node` it is trusted without a reason. */
export interface Anchor {
  readonly kind: 'block'
  readonly hash: BlockHash
}

/** What was proven. Nothing beside it was: above all, not that nothing was left out. */
export type Claim = 'transaction-inclusion' | 'receipt-inclusion'

/** What was proven of an answer, and how far. */
export interface Verdict {
  readonly level: Level
  readonly anchor: Anchor
  readonly proven: readonly Claim[]
  /** Who told the facts, by the names the caller gave them. Verifiers ask nobody, so they cannot know more. */
  readonly sources: readonly string[]
}

/** An answer, and how far it can be relied on. */
export interface Verified<value> {
  readonly value: value
  readonly verdict: Verdict
}
