import { SdkError } from '../errors.ts'
import type { BitcoinNode } from '../ports.ts'

/** What a node did wrong when it was asked last. */
export interface NodeFault {
  /** Its place among the nodes, from 0. */
  readonly node: number
  /** `node/unreachable`, `node/refused`, or `node/nonsense` for what does not hold against the chain. */
  readonly error: SdkError
}

/** An answer, and which node gave it. */
export interface Told<value> {
  readonly node: number
  readonly value: value
}

/** Several nodes that are asked as one, none of them trusted. */
export interface Panel {
  readonly nodes: readonly BitcoinNode[]
  /**
   * Asks every node at once and waits for all. A node that fails, or whose answer the question refuses by throwing
   * `node/...`, does not stop the others.
   *
   * Throws when there is no answer left: `node/nonsense` when one of them lied, else `node/refused` when one refused,
   * else `node/unreachable`. Each node's own words are a note.
   */
  readonly ask: <value>(
    question: (node: BitcoinNode, index: number) => Promise<value>,
  ) => Promise<readonly Told<value>[]>
  readonly faults: () => readonly NodeFault[]
}

export function createPanel(nodes: readonly BitcoinNode[]): Panel {
  const faults = new Map<number, SdkError>()
  return {
    nodes,
    faults: () => [...faults].sort(([a], [b]) => a - b).map(([node, error]) => ({ node, error })),
    ask: async (question) => {
      const outcomes = await Promise.allSettled(nodes.map((node, index) => question(node, index)))
      const told = outcomes.flatMap((outcome, node) => {
        if (outcome.status === 'fulfilled') {
          faults.delete(node)
          return [{ node, value: outcome.value }]
        }
        if (!isNodeFault(outcome.reason)) throw outcome.reason
        faults.set(node, outcome.reason)
        return []
      })
      if (told.length > 0) return told
      throw failureOf(outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason as SdkError))
    },
  }
}

/** The node's answer does not hold. */
export function liedNode(why: string, options: { readonly retryable?: boolean } = {}): SdkError {
  return new SdkError('node/nonsense', `The node answered nonsense: ${why}.`, options)
}

/** True for what a node did, and false for bugs of ours. */
export function isNodeFault(error: unknown): error is SdkError {
  return error instanceof SdkError && error.code.startsWith('node/')
}

/** All nodes failed: what that comes to, worst first. */
function failureOf(faults: readonly SdkError[]): SdkError {
  const codes = ['node/nonsense', 'node/refused'] as const
  const code = codes.find((one) => faults.some((fault) => fault.code === one)) ?? 'node/unreachable'
  const words = {
    'node/nonsense': 'Of the Bitcoin nodes that answered, none told the truth.',
    'node/refused': 'Of the Bitcoin nodes that answered, all refused.',
    'node/unreachable': 'No Bitcoin node could be asked.',
  }
  return new SdkError(code, words[code], {
    retryable: faults.some(({ retryable }) => retryable),
    notes: faults.map(({ message }, node) => `Node ${node}: ${message}`),
  })
}
