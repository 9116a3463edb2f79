import { SdkError } from '../errors.ts'
import type { RelayProblem } from '../ports.ts'
import { type Answer, type Counterpart, fieldsOf, nonsense, parseJson, unreachable } from './http.ts'
import { readProblem } from './relayShapes.ts'

/** The edge, as messages and codes of all its adapters call it. */
export const relay: Counterpart = { name: 'relay', unreachable: 'relay/unreachable', nonsense: 'relay/nonsense' }

/** The problem an answer states; without one a failing server says nothing, and any other broke the contract. */
export function problemOf({ status, headers, body }: Answer): RelayProblem {
  const fields = fieldsOf(parseJson(body))
  const problem = readProblem(fields && { ...fields, retryAfterSeconds: retryAfter(headers) })
  if (problem) return problem
  if (status === 429 || status >= 500) throw unreachable(relay, status)
  throw nonsense(relay, `HTTP status ${status} without a problem document`)
}

/** A refusal of the edge; its code is the first note. */
export function refused({ code, detail, retryable }: RelayProblem): SdkError {
  return new SdkError('relay/refused', `The relay refused: ${detail} (${code}).`, { retryable, notes: [code] })
}

/** What was read, or `relay/nonsense`. */
export function want<value>(value: value | undefined, why: string): value {
  if (value === undefined) throw nonsense(relay, why)
  return value
}

/** RFC 9110, "Retry-After": only the form in seconds, which is what the edge sends. */
function retryAfter(headers: Headers): number | null {
  const text = headers.get('retry-after') ?? ''
  return /^\d{1,6}$/.test(text) ? Number(text) : null
}
