import { InvariantError, SdkError } from '../../errors.ts'
import type { EthereumClient } from '../ethereum/index.ts'

/** What of a client can be asked from another thread; what it tells at once comes as a promise there. */
export const remoteMethods = [
  'sync',
  'account',
  'balance',
  'storage',
  'code',
  'payment',
  'mined',
  'block',
  'logs',
  'call',
  'tokenBalance',
  'conflicts',
  'faults',
] as const
export type RemoteMethod = (typeof remoteMethods)[number]

/** A client that runs in another thread. */
export type RemoteEthereumClient = Omit<EthereumClient, 'conflicts' | 'faults'> & {
  readonly [name in 'conflicts' | 'faults']: () => Promise<ReturnType<EthereumClient[name]>>
}

/** One end of a channel between threads: a `Worker`, what a worker calls `self`, or a `MessagePort` that was started. */
export interface ThreadPort {
  readonly postMessage: (message: unknown) => void
  readonly addEventListener: (type: 'message' | 'error' | 'messageerror', listener: (event: unknown) => void) => void
}

export interface Question {
  readonly lanekit: 'ask'
  readonly id: number
  readonly method: RemoteMethod
  readonly args: readonly unknown[]
}

/** What of an error another thread can be sent: all but its cause. */
export type PlainError = Pick<SdkError, 'code' | 'message' | 'retryable' | 'notes'>

export type Reply = { readonly lanekit: 'told'; readonly id: number } & (
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: PlainError }
  | { readonly kind: 'bug'; readonly message: string }
)

/** The message of an event, if it is one of ours: a thread may have others to send. */
export function messageOf<kind extends 'ask' | 'told'>(
  event: unknown,
  kind: kind,
): Extract<Question | Reply, { readonly lanekit: kind }> | undefined {
  const data = (event as { readonly data?: { readonly lanekit?: unknown } | null }).data
  return data?.lanekit === kind ? (data as Extract<Question | Reply, { readonly lanekit: kind }>) : undefined
}

/** Tries are made of functions, which no thread can send: the other one makes them again when they are looked at. */
export function withoutTries(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  if (Array.isArray(value)) return value
  const entries = Object.entries(value).filter(([name]) => !tries.has(name))
  return Object.fromEntries(entries.map(([name, one]) => [name, carriers.has(name) ? withoutTries(one) : one]))
}

const tries = new Set(['transactionsTrie', 'receiptsTrie'])
/** Where in an answer a block stands. */
const carriers = new Set(['value', 'block'])

export function replyOfError(id: number, error: unknown): Reply {
  if (!(error instanceof SdkError)) return { lanekit: 'told', id, kind: 'bug', message: String(error) }
  return { lanekit: 'told', id, kind: 'error', error: plainError(error) }
}

export function plainError({ code, message, retryable, notes }: SdkError): PlainError {
  return { code, message, retryable, notes }
}

/** The error that {@link plainError} took apart. */
export function revivedError({ code, message, retryable, notes }: PlainError): SdkError {
  return new SdkError(code, message, { retryable, notes })
}

export function errorOf(reply: Exclude<Reply, { readonly kind: 'value' }>): Error {
  if (reply.kind === 'bug') return new InvariantError(`In the thread of the light client: ${reply.message}`)
  return revivedError(reply.error)
}
