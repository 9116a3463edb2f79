import { SdkError } from '../../sdk/errors.ts'
import { callsPerRequestMax, rpcAnswerBytesMax, rpcReadMs } from '../limits.ts'
import { isRecord } from './answer.ts'
import { post } from './jsonRpc.ts'

/** One question as a wallet asked it. */
export interface Read {
  readonly method: string
  readonly params: readonly unknown[]
}

/** An executor's own answer, as it came. */
export type Passed = { readonly result: unknown } | { readonly error: unknown }

/**
 * Asks the first executor that answers, in arrays, and hands on what it says without judging it. Each answer stands
 * where its question stands; where nothing readable came, there is nothing.
 *
 * Throws `node/unreachable` or `node/nonsense` when no executor answers.
 */
export async function passThrough(
  executors: readonly string[],
  reads: readonly Read[],
): Promise<readonly (Passed | undefined)[]> {
  const answers: (Passed | undefined)[] = []
  for (let from = 0; from < reads.length; from += callsPerRequestMax)
    answers.push(...(await passSome(executors, reads.slice(from, from + callsPerRequestMax))))
  return answers
}

async function passSome(executors: readonly string[], reads: readonly Read[]) {
  const bodies = reads.map(({ method, params }, id) => ({ jsonrpc: '2.0', id, method, params }))
  const reply = await postToFirst(executors, JSON.stringify(bodies.length === 1 ? bodies[0] : bodies))
  const answers: (Passed | undefined)[] = reads.map(() => undefined)
  for (const entry of Array.isArray(reply) ? reply : [reply]) {
    if (!isRecord(entry) || typeof entry.id !== 'number' || !(entry.id in answers)) continue
    const { id, error, result } = entry
    if (isRecord(error)) answers[id] = { error }
    else if ('result' in entry) answers[id] = { result }
  }
  return answers
}

async function postToFirst(executors: readonly string[], body: string): Promise<unknown> {
  let last: unknown = new SdkError('node/unreachable', 'There is no executor.', { retryable: true })
  for (const url of executors) {
    try {
      return await post(url, body, { timeoutMs: rpcReadMs, bytesMax: rpcAnswerBytesMax })
    } catch (error) {
      if (!(error instanceof SdkError)) throw error
      last = error
    }
  }
  throw last
}
