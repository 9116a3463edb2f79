import { invariant, SdkError } from '../../errors.ts'
import type { SequencedNode } from '../../ports.ts'
import type { Address, Slot } from '../../units.ts'
import type { ProvenAccount } from '../../verify/ethereum/index.ts'
import type { Verified } from '../../verify/index.ts'
import {
  isEquivocation,
  type SequencedBlock,
  type SequencedVerdict,
  type SignedHeader,
  verifySequenced,
} from '../../verify/sequenced/index.ts'
import { liedNode } from '../panel.ts'
import { accountUnder, storageUnder } from './under.ts'

/** Two blocks of one number that the sequencer signed: evidence that anybody can judge. */
export interface Equivocation {
  readonly one: SignedHeader
  readonly other: SignedHeader
}

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
  readonly equivocations: () => readonly Equivocation[]
}

type Head = Verified<SequencedBlock, SequencedVerdict>

export function createSequencedClient(parts: SequencedClientParts): SequencedClient {
  const { chainId, sequencer, nodes } = parts
  invariant(nodes.length > 0, 'a client has a node to ask')
  const equivocations: Equivocation[] = []
  let youngest: Head | null = null

  const take = (head: Head): Head => {
    if (youngest && isEquivocation(youngest.value, head.value))
      equivocations.push({ one: youngest.value.signed, other: head.value.signed })
    if (equivocations.length > 0) throw twoFaced()
    if (youngest && head.value.header.number < youngest.value.header.number)
      throw liedNode('it goes back behind a block that the sequencer signed', { retryable: true })
    youngest = head
    return head
  }
  const headOf = async (node: SequencedNode, index: number): Promise<Head> => {
    const signed = await node.signedHeader('latest')
    if (!signed) throw liedNode('it has no block', { retryable: true })
    const head = verifySequenced({ chainId, sequencer, signed, sources: [`node ${index}`] })
    if (!head.ok) throw liedNode(head.reason)
    return take(head.value)
  }
  const first = async <value>(question: (node: SequencedNode, index: number) => Promise<value>): Promise<value> => {
    const faults: SdkError[] = []
    for (const [index, node] of nodes.entries()) {
      try {
        return await question(node, index)
      } catch (error) {
        if (!(error instanceof SdkError) || error.code === 'client/conflict') throw error
        faults.push(error)
      }
    }
    throw faults.find(({ code }) => code === 'node/nonsense') ?? faults[0]
  }
  return {
    head: () => first(headOf),
    account: (address) =>
      first(async (node, index) => {
        const { value, verdict } = await headOf(node, index)
        const { proven, ...held } = await accountUnder(node, value.header, address)
        return { value: held.value, verdict: { ...verdict, proven: [...proven, ...verdict.proven] } }
      }),
    storage: (address, slots) =>
      first(async (node, index) => {
        const { value, verdict } = await headOf(node, index)
        const { proven, ...held } = await storageUnder(node, value.header, { address, slots })
        return { value: held.value, verdict: { ...verdict, proven: [...proven, ...verdict.proven] } }
      }),
    equivocations: () => equivocations,
  }
}

function twoFaced(): SdkError {
  return new SdkError('client/conflict', 'The sequencer has signed two blocks of one number.', {
    notes: ['The client has stopped, and keeps both as evidence.'],
  })
}
