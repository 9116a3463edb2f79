import { callsMax } from './limits.ts'
import { isRecord, type Params, readParams } from './params.ts'

/** An error as JSON-RPC carries it. */
export interface RpcError {
  readonly code: number
  readonly message: string
  readonly data?: unknown
}

/** What a method answers. */
export type Answer = { readonly result: unknown } | { readonly error: RpcError }

/** Answers a call, whatever its parameters are. */
export type Method = (params: readonly unknown[]) => Answer | Promise<Answer>

/** Methods by name. */
export type Methods = Readonly<Record<string, Method>>

/** Answers with a result. */
export function told(result: unknown): Answer {
  return { result }
}

/** Refuses, with a code and words that wallets know. */
export function no(code: number, message: string, data?: unknown): { readonly error: RpcError } {
  return { error: { code, message, ...(data === undefined ? {} : { data }) } }
}

/** Codes of JSON-RPC 2.0, and of Ethereum's nodes. */
export const codes = {
  parse: -32700,
  request: -32600,
  method: -32601,
  params: -32602,
  internal: -32603,
  /** geth's answer to anything else. */
  server: -32000,
  limit: -32005,
  reverted: 3,
} as const

/** A method that first reads its parameters; it runs only when all of them fit. */
export function method<asked>(
  read: (params: Params) => asked,
  run: (asked: asked) => Answer | Promise<Answer>,
): Method {
  return (values) => {
    const params = readParams(values)
    const asked = read(params)
    const fault = params.fault()
    return fault === undefined ? run(asked) : no(codes.params, `Invalid parameters: ${fault}`)
  }
}

/**
 * Answers the body of a request: one call, or an array of at most {@link callsMax}, one after the other. Notifications
 * get no answer; a body of nothing else gets none at all. What a method throws passes through: it is a bug of ours.
 */
export async function answerBody(text: string, methods: Methods): Promise<string | undefined> {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return JSON.stringify(envelope(null, no(codes.parse, 'The body is not JSON')))
  }
  if (!Array.isArray(json)) {
    const answer = await answerCall(json, methods)
    return answer && JSON.stringify(answer)
  }
  if (json.length === 0 || json.length > callsMax)
    return JSON.stringify(envelope(null, no(codes.request, `An array has 1 to ${callsMax} calls`)))
  const answers: object[] = []
  for (const call of json) {
    const answer = await answerCall(call, methods)
    if (answer) answers.push(answer)
  }
  return answers.length > 0 ? JSON.stringify(answers) : undefined
}

async function answerCall(json: unknown, methods: Methods): Promise<object | undefined> {
  if (!isRecord(json)) return envelope(null, no(codes.request, 'A call is an object'))
  const { id, method: name, params = [] } = json
  const isId = id === undefined || id === null || typeof id === 'string' || typeof id === 'number'
  if (!isId || typeof name !== 'string') return envelope(null, no(codes.request, 'A call has an id and a method'))
  const answer = await answerOf(name, params, methods)
  return id === undefined ? undefined : envelope(id, answer)
}

async function answerOf(name: string, params: unknown, methods: Methods): Promise<Answer> {
  const known = Object.hasOwn(methods, name) ? methods[name] : undefined
  if (!known) return no(codes.method, `The method ${name.slice(0, 64)} does not exist or is not available`)
  if (!Array.isArray(params)) return no(codes.params, 'Invalid parameters: they are not an array')
  return known(params)
}

function envelope(id: string | number | null, answer: Answer): object {
  return { jsonrpc: '2.0', id, ...answer }
}

/** Whether a parameter that may be left out says anything. */
export function isGiven(json: unknown): boolean {
  if (json === undefined || json === null) return false
  return !isRecord(json) || Object.keys(json).length > 0
}
