import { type ErrorCode, SdkError } from '../errors.ts'
import { watchdog } from './watchdog.ts'

/** The function behind every HTTP adapter: the platform's own, unless a program hands in another. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** The counterpart of an adapter: what messages call it, and the codes of its two ways to fail. */
export interface Counterpart {
  readonly name: string
  readonly unreachable: ErrorCode
  readonly nonsense: ErrorCode
}

export interface Exchange {
  readonly counterpart: Counterpart
  readonly url: string
  readonly init: RequestInit
  readonly timeoutMs: number
  readonly bodyBytesMax: number
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Uint8Array
}

/**
 * One request and its whole answer, whatever its status.
 *
 * Throws the counterpart's `unreachable` (retryable) when the network fails or the time is up, and its
 * `nonsense` for a body beyond `bodyBytesMax`. Messages and causes never hold the address.
 */
export async function exchange(fetch: Fetch, asked: Exchange): Promise<Answer> {
  const { counterpart, url, init, timeoutMs, bodyBytesMax } = asked
  const watch = watchdog() // React Native has no AbortSignal.timeout.
  watch.within(timeoutMs)
  try {
    const response = await fetch(url, { ...init, signal: watch.signal }).catch(() => {
      throw unreachable(counterpart)
    })
    return await readAnswer(counterpart, response, bodyBytesMax)
  } finally {
    watch.stop()
  }
}

/** The whole of a response that has begun. Throws as {@link exchange} does. */
export async function readAnswer(counterpart: Counterpart, response: Response, bodyBytesMax: number): Promise<Answer> {
  let body: Uint8Array | undefined
  try {
    body = await readBody(response, bodyBytesMax)
  } catch {
    throw unreachable(counterpart)
  }
  if (!body) throw nonsense(counterpart, `the answer is larger than ${bodyBytesMax} bytes`)
  return { status: response.status, headers: response.headers, body }
}

/** The network failed; the very same call may succeed later. No cause: it would name the server. */
export function unreachable({ name, unreachable: code }: Counterpart, status?: number): SdkError {
  const why = status === undefined ? 'did not answer' : `answered with HTTP status ${status}`
  return new SdkError(code, `The ${name} ${why}.`, { retryable: true })
}

/** The counterpart broke its contract. */
export function nonsense({ name, nonsense: code }: Counterpart, why: string): SdkError {
  return new SdkError(code, `The ${name} answered nonsense: ${why}.`)
}

/** Parses UTF-8 JSON; `undefined`, which no JSON is, when the bytes are something else. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes))
  } catch {
    return undefined
  }
}

/** The fields of a JSON object, or nothing when `json` is not one. */
export function fieldsOf(json: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined
  return json as Readonly<Record<string, unknown>>
}

const quotedCharsMax = 200

/** What a counterpart said, fit for a message: one bounded line without addresses of servers. */
export function quoted(text: string): string {
  const line = text
    .slice(0, 4 * quotedCharsMax)
    .replace(/\b[a-z][a-z0-9+.-]*:\/\/\S+/gi, '(address left out)')
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim()
  return line.length > quotedCharsMax ? `${line.slice(0, quotedCharsMax)}…` : line
}

/** The whole body, or nothing when it is larger than `bytesMax`. */
async function readBody(response: Response, bytesMax: number): Promise<Uint8Array | undefined> {
  // React Native's fetch offers no stream, and a body of nothing has none either.
  if (!response.body) {
    const whole = new Uint8Array(await response.arrayBuffer())
    return whole.length > bytesMax ? undefined : whole
  }
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunksOf(response.body)) {
    size += chunk.length
    if (size > bytesMax) return undefined
    chunks.push(chunk)
  }
  const body = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    body.set(chunk, at)
    at += chunk.length
  }
  return body
}

/** The chunks of a stream; leaving the loop early tells the other side to stop. */
export async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  // Not every browser iterates streams, so the reader is asked by hand.
  const reader = stream.getReader()
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value
  } finally {
    // A stream that already broke refuses to be cancelled; there is nothing left to stop.
    await reader.cancel().catch(() => undefined)
  }
}
