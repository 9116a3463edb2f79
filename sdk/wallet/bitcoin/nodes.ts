import { chooseFeerate } from '../../bitcoin/index.ts'
import { invariant, SdkError } from '../../errors.ts'
import type { BitcoinNode, BroadcastCode } from '../../ports.ts'
import { type Feerate, feerate, type Height } from '../../units.ts'

/** Most questions that are open at one node at once. */
export const questionsInFlightMax = 8

/** What all nodes together made of a broadcast. */
export type Reception =
  /** At least one has it. */
  | { readonly kind: 'taken' }
  /** All that answered said a definite no; these are the words of one. It can still enter a block some other way. */
  | { readonly kind: 'refused'; readonly code: BroadcastCode; readonly detail: string }
  /** Nobody answered, so it may have arrived or not. */
  | { readonly kind: 'unknown' }

/** Several nodes that are asked together. One that cannot be reached is passed over while another answers. */
export interface Nodes {
  /** The answers of all nodes that gave one, at least one. Throws what the first node threw when none did. */
  readonly ask: <answer>(question: (node: BitcoinNode) => Promise<answer>) => Promise<readonly answer[]>
  /** The newest height that more than half of the nodes have reached: one node alone moves it neither up nor down. */
  readonly tip: () => Promise<Height>
  /**
   * What should be mined within so many blocks: the lower median of what the nodes say, none of them below what that
   * node takes. At most `max`.
   */
  readonly feerate: (targetBlocks: number, max: Feerate) => Promise<Feerate>
  /** What a transaction must pay to be taken by half of the nodes. */
  readonly minFeerate: () => Promise<Feerate>
  readonly broadcast: (raw: Uint8Array) => Promise<Reception>
}

export function nodesOf(nodes: readonly BitcoinNode[]): Nodes {
  invariant(nodes.length > 0, 'a wallet has a node to ask')

  async function ask<answer>(question: (node: BitcoinNode) => Promise<answer>): Promise<readonly answer[]> {
    const outcomes = await Promise.allSettled(nodes.map(question))
    const answers = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
    for (const failure of failures) if (!isNodeFailure(failure) || answers.length === 0) throw failure
    return answers
  }

  return {
    ask,
    tip: async () => lowerMedian((await ask((node) => node.tip())).map(({ height }) => height)),
    async feerate(targetBlocks, max) {
      const rates = await ask(async (node) => {
        const [estimates, min] = await Promise.all([node.feeEstimates(), node.minFeerate()])
        const least = feerate(Math.min(min, max))
        return chooseFeerate(estimates, { targetBlocks, min: least, max, otherwise: least })
      })
      return lowerMedian(rates)
    },
    minFeerate: async () => lowerMedian(await ask((node) => node.minFeerate())),
    async broadcast(raw) {
      const receptions = await Promise.all(nodes.map((node) => receptionOf(node, raw)))
      const [first] = receptions
      const best =
        receptions.find(({ kind }) => kind === 'taken') ?? receptions.find(({ kind }) => kind === 'refused') ?? first
      invariant(best, 'every node has an outcome')
      return best
    },
  }
}

async function receptionOf(node: BitcoinNode, raw: Uint8Array): Promise<Reception> {
  try {
    const answer = await node.broadcast(raw)
    if (answer.ok || answer.code === 'already-known') return { kind: 'taken' }
    return { kind: 'refused', code: answer.code, detail: answer.detail }
  } catch (error) {
    if (isNodeFailure(error)) return { kind: 'unknown' }
    throw error
  }
}

function isNodeFailure(error: unknown): boolean {
  return error instanceof SdkError && error.code.startsWith('node/')
}

/** Of an even number of values, the lower one in the middle. */
function lowerMedian<value extends number>(values: readonly value[]): value {
  const median = [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)]
  invariant(median !== undefined, 'at least one node answered')
  return median
}
