import { SdkError } from '../errors.ts'
import {
  type Answer,
  type Counterpart,
  exchange,
  type Fetch,
  fieldsOf,
  nonsense,
  parseJson,
  quoted,
  unreachable,
} from './http.ts'

/** Who asks. They travel in a header only: a URL ends up in logs. */
export type BitcoindCredentials =
  | { readonly user: string; readonly password: string }
  /** Content of bitcoind's `.cookie` file, `user:password`: new at each of its starts, so asked for again when refused. */
  | { readonly cookie: () => string | Promise<string> }

export interface BitcoindRpcOptions {
  /** Without user or password in it. */
  readonly url: string
  readonly credentials?: BitcoindCredentials
  readonly fetch?: Fetch
  /** Per request, the body included. */
  readonly timeoutMs?: number
}

/** Largest answer that is read: a block in hexadecimal takes 8 MB, the activity of a busy script more. */
export const bitcoindAnswerBytesMax = 64 * 1024 * 1024
const timeoutMsDefault = 30_000

export const bitcoindNode: Counterpart = { name: 'node', unreachable: 'node/unreachable', nonsense: 'node/nonsense' }

/** A call and its parameters. */
export type Call = readonly [method: string, params: readonly unknown[]]
/** What came of a call: bitcoind's result, or its definite error. */
export type Outcome =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly method: string; readonly code: number; readonly message: string }

/** JSON-RPC with bitcoind. */
export interface BitcoindRpc {
  /** Outcomes in the order of the calls. Throws `node/unreachable`, `node/nonsense`, and `node/refused` without a JSON answer. */
  readonly outcomes: (calls: readonly Call[]) => Promise<readonly Outcome[]>
  /** The outcome of one call. Throws as above. */
  readonly outcome: (method: string, params: readonly unknown[]) => Promise<Outcome>
  /** The result of one call; throws its error as `node/refused` too. */
  readonly ask: (method: string, params: readonly unknown[]) => Promise<unknown>
}

/** bitcoind starts up, or has too much to do (Bitcoin Core, src/rpc/protocol.h and its HTTP server). */
const [warmingUp, tooBusy] = [-28, 503]

/** Throws `units/malformed` for a URL that carries a user or a password. */
export function bitcoindRpc(options: BitcoindRpcOptions): BitcoindRpc {
  const post = poster(options)
  let id = 0
  const outcomes = async (calls: readonly Call[]) => {
    const first = id + 1
    id += calls.length
    const requests = calls.map(([method, params], at) => ({ jsonrpc: '2.0', id: first + at, method, params }))
    const told = await post(requests.length === 1 ? requests[0] : requests)
    const list: readonly unknown[] = Array.isArray(told) ? told : [told]
    // A batch is answered in any order.
    const byId = new Map(list.map((answer) => [fieldsOf(answer)?.id, answer]))
    return calls.map(([method], at) => readOutcome(method, byId.get(first + at)))
  }
  const outcome = async (method: string, params: readonly unknown[]) => {
    const [only] = await outcomes([[method, params]])
    return only as Outcome
  }
  const ask = async (method: string, params: readonly unknown[]) => resultOf(await outcome(method, params))
  return { outcomes, outcome, ask }
}

/** The result of a call; throws its error as `node/refused`. */
export function resultOf(outcome: Outcome): unknown {
  if (outcome.ok) return outcome.result
  throw refusedCall(outcome)
}

/**
 * The error of a call as bitcoind's definite no, with what it said as cause.
 *
 * @param notes - What would help.
 */
export function refusedCall(
  { method, code, message }: Outcome & { readonly ok: false },
  options: { readonly retryable?: boolean; readonly notes?: readonly string[] } = {},
): SdkError {
  return new SdkError('node/refused', `The node refused ${method}: ${quoted(message)} (${code}).`, {
    ...options,
    cause: { code, message: quoted(message), data: null },
  })
}

function readOutcome(method: string, told: unknown): Outcome {
  const fields = fieldsOf(told)
  const error = fieldsOf(fields?.error)
  if (error) {
    const { code, message } = error
    if (!Number.isSafeInteger(code) || typeof message !== 'string')
      throw nonsense(bitcoindNode, `${method} brought an error without its code`)
    if (code === warmingUp) throw unreachable(bitcoindNode)
    return { ok: false, method, code: code as number, message }
  }
  if (fields?.result === undefined) throw nonsense(bitcoindNode, `${method} brought no JSON-RPC result`)
  return { ok: true, result: fields.result }
}

/** Sends a body and gives the JSON that comes back, whatever its HTTP status. */
function poster({ url, credentials, fetch = globalThis.fetch, timeoutMs = timeoutMsDefault }: BitcoindRpcOptions) {
  const { username, password } = new URL(url)
  if (username || password)
    throw new SdkError('units/malformed', 'The URL of a node carries no user and no password.', {
      notes: ['Hand them over as credentials.'],
    })
  let authorization: string | undefined
  const send = async (body: string) => {
    authorization ??= credentials && (await authorizationOf(credentials))
    return exchange(fetch, {
      counterpart: bitcoindNode,
      url,
      init: {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(authorization ? { authorization } : {}) },
        body,
      },
      timeoutMs,
      bodyBytesMax: bitcoindAnswerBytesMax,
    })
  }
  return async (body: unknown): Promise<unknown> => {
    const text = JSON.stringify(body)
    let answer = await send(text)
    if (answer.status === 401 && credentials && 'cookie' in credentials) {
      authorization = undefined
      answer = await send(text)
    }
    return readJson(answer)
  }
}

function readJson({ status, body }: Answer): unknown {
  const told = parseJson(body)
  // Errors come with an HTTP status too, so the body is asked before the status.
  if (typeof told === 'object' && told !== null) return told
  if (status === tooBusy) throw unreachable(bitcoindNode, status)
  if (status === 200) throw nonsense(bitcoindNode, 'the answer is no JSON')
  throw new SdkError('node/refused', `The node refused with HTTP status ${status}.`, {
    notes: status === 401 ? ['The credentials are not those of this node.'] : [],
  })
}

async function authorizationOf(credentials: BitcoindCredentials): Promise<string> {
  const pair = 'cookie' in credentials ? await readCookie(credentials) : `${credentials.user}:${credentials.password}`
  return `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(pair)))}`
}

async function readCookie({ cookie }: Extract<BitcoindCredentials, { readonly cookie: unknown }>): Promise<string> {
  try {
    return (await cookie()).trim()
  } catch {
    // bitcoind writes it when it starts and removes it when it ends. No cause: it would name a place on the disk.
    throw new SdkError('node/unreachable', 'The cookie of the node cannot be read.', { retryable: true })
  }
}
