import { invariant } from '../../errors.ts'
import type { SequencedNode } from '../../ports.ts'
import type { Address, Slot } from '../../units.ts'
import type { ProvenAccount } from '../../verify/ethereum/index.ts'
import type { Verified } from '../../verify/index.ts'
import {
  type SequencedBlock,
  type SequencedVerdict,
  type SignedHeader,
  verifySequenced,
} from '../../verify/sequenced/index.ts'
import { held, liedNode } from '../panel.ts'
import { type Equivocation, firstOf, followHeads } from './signedHeads.ts'
import { accountUnder, storageUnder } from './under.ts'

export interface SequencedClientParts {
  readonly chainId: number
  /** Whose word is taken. */
  readonly sequencer: Address
  /** Asked for the newest block one after the other; none of them believed without the signature. */
  readonly nodes: readonly SequencedNode[]
}

/**
 * A chain by the word of its sequencer: every answer is proven under a block that it signed (`sequenced`).
 *
 * Funds at risk: the sequencer can leave a block out, or sign two. The client never goes back behind a block it has seen, and stops
 * with `client/conflict` at the second one, keeping both.
 *
 * Calls throw `node/unreachable`, `node/refused` or `node/nonsense` when no node proves an answer.
 */
export interface SequencedClient {
  readonly head: () => Promise<Verified<SequencedBlock, SequencedVerdict>>
  /** The account, or `null` when it provably does not exist. */
  readonly account: (address: Address) => Promise<Verified<ProvenAccount | null, SequencedVerdict>>
  /** 32 bytes a slot. */
  readonly storage: (
    address: Address,
    slots: readonly Slot[],
  ) => Promise<Verified<readonly Uint8Array[], SequencedVerdict>>
  readonly equivocations: () => readonly Equivocation<SignedHeader>[]
}

export function createSequencedClient(parts: SequencedClientParts): SequencedClient {
  const { chainId, sequencer, nodes } = parts
  invariant(nodes.length > 0, 'a client has a node to ask')
  const heads = followHeads<SequencedBlock>()
  const headOf = async (node: SequencedNode, index: number) => {
    const signed = await node.signedHeader('latest')
    if (!signed) throw liedNode('it has no block', { retryable: true })
    return heads.take(held(verifySequenced({ chainId, sequencer, signed, sources: [`node ${index}`] })))
  }
  return {
    head: () => firstOf(nodes, headOf),
    account: (address) =>
      firstOf(nodes, async (node, index) => {
        const { value, verdict } = await headOf(node, index)
        const { proven, ...answer } = await accountUnder(node, value.header, address)
        return { ...answer, verdict: { ...verdict, proven: [...proven, ...verdict.proven] } }
      }),
    storage: (address, slots) =>
      firstOf(nodes, async (node, index) => {
        const { value, verdict } = await headOf(node, index)
        const { proven, ...answer } = await storageUnder(node, value.header, { address, slots })
        return { ...answer, verdict: { ...verdict, proven: [...proven, ...verdict.proven] } }
      }),
    equivocations: heads.equivocations,
  }
}
