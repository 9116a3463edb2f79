import { type Decoded, SdkError } from '../errors.ts'
import type { BitcoinNode, Clock } from '../ports.ts'

/** The last thing that a node did wrong. */
export interface NodeFault {
  /** Its place among the nodes, from 0. */
  readonly node: number
  /** In milliseconds since 1970. */
  readonly at: number
  /** `node/unreachable`, `node/refused`, or `node/nonsense` for what does not hold against the chain. */
  readonly error: SdkError
}

/** An answer, and which node gave it. */
export interface Told<value> {
  readonly node: number
  readonly value: value
}

/** Asks one node. Throws `node/...` for an answer that does not hold. */
export type Question<value, node = BitcoinNode> = (node: node, index: number) => Promise<value>

/**
 * Several nodes that are asked as one, none of them trusted. A node that fails or lies does not stop the others.
 *
 * Throws when there is no answer left: `node/nonsense` when one of them lied, else `node/refused` when one refused, else
 * `node/unreachable`. Each node's own words are a note.
 */
export interface Panel<node = BitcoinNode> {
  readonly size: number
  /**
   * Asks every node, and waits for all but those that did not answer the last time: these are asked along, so that they
   * come back when they can, and waited for only when nobody else has an answer.
   */
  readonly ask: <value>(question: Question<value, node>) => Promise<readonly Told<value>[]>
  /** Asks every node, and waits for all. */
  readonly askAll: <value>(question: Question<value, node>) => Promise<readonly Told<value>[]>
  /** Holds against a node what others proved. */
  readonly accuse: (node: number, error: SdkError) => void
  readonly faults: () => readonly NodeFault[]
}

/** @param kind - What the nodes are called in messages. */
export function createPanel<node = BitcoinNode>(
  nodes: readonly node[],
  clock: Pick<Clock, 'now'>,
  kind = 'Bitcoin',
): Panel<node> {
  const faults = new Map<number, NodeFault>()
  /** Those that did not answer the last time, and those of them that a question is out to. */
  const [silent, sought] = [new Set<number>(), new Set<number>()]
  const everyone = nodes.map((_, index) => index)
  let bug: { readonly error: unknown } | null = null

  const accuse = (node: number, error: SdkError) => {
    faults.set(node, { node, at: clock.now(), error })
  }

  const put = async <value>(index: number, question: Question<value, node>): Promise<Told<value> | SdkError> => {
    try {
      const value = await question(nodes[index] as node, index)
      silent.delete(index)
      return { node: index, value }
    } catch (error) {
      if (!isNodeFault(error)) throw error
      if (error.code === 'node/unreachable') silent.add(index)
      else silent.delete(index)
      accuse(index, error)
      return error
    }
  }

  const askThese = async <value>(indices: readonly number[], question: Question<value, node>) => {
    const outcomes = await Promise.all(indices.map((index) => put(index, question)))
    return {
      told: outcomes.filter((outcome) => !(outcome instanceof SdkError)) as readonly Told<value>[],
      failed: outcomes.filter((outcome) => outcome instanceof SdkError),
    }
  }

  const seek = (index: number, question: Question<unknown, node>) => {
    if (sought.has(index)) return
    sought.add(index)
    put(index, question).then(
      () => sought.delete(index),
      (error: unknown) => {
        bug = { error }
      },
    )
  }

  return {
    size: nodes.length,
    accuse,
    faults: () => [...faults.values()].sort((a, b) => a.node - b.node),
    ask: async (question) => {
      if (bug) throw bug.error
      const [waited, others] = [everyone.filter((index) => !silent.has(index)), [...silent]]
      if (waited.length > 0) for (const index of others) seek(index, question)
      const first = await askThese(waited, question)
      if (first.told.length > 0) return first.told
      const last = await askThese(others, question)
      if (last.told.length > 0) return last.told
      throw failureOf(kind, [...first.failed, ...last.failed])
    },
    askAll: async (question) => {
      const { told, failed } = await askThese(everyone, question)
      if (told.length > 0) return told
      throw failureOf(kind, failed)
    },
  }
}

/** The node's answer does not hold. */
export function liedNode(why: string, options: { readonly retryable?: boolean } = {}): SdkError {
  return new SdkError('node/nonsense', `The node answered nonsense: ${why}.`, options)
}

/** The value of what a node told, or the word that it lied. */
export function held<value>(decoded: Decoded<value>): value {
  if (!decoded.ok) throw liedNode(decoded.reason)
  return decoded.value
}

/** True for what a node did, and false for bugs of ours. */
export function isNodeFault(error: unknown): error is SdkError {
  return error instanceof SdkError && error.code.startsWith('node/')
}

const words = {
  'node/nonsense': (kind: string) => `Of the ${kind} nodes that answered, none told what holds.`,
  'node/refused': (kind: string) => `Of the ${kind} nodes that answered, all refused.`,
  'node/unreachable': (kind: string) => `No ${kind} node could be asked.`,
} as const

/** All nodes of a kind failed: what that comes to, worst first. */
export function failureOf(kind: string, faults: readonly SdkError[]): SdkError {
  const codes = ['node/nonsense', 'node/refused'] as const
  const code = codes.find((one) => faults.some((fault) => fault.code === one)) ?? 'node/unreachable'
  return new SdkError(code, words[code](kind), {
    retryable: faults.some(({ retryable }) => retryable),
    notes: faults.map(({ message }) => message),
  })
}
