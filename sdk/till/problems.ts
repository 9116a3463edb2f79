import type { Context } from 'hono'

/** One kind of refusal: its HTTP status, its title, and whether the very same request may succeed later. */
interface ProblemKind {
  readonly status: 400 | 402 | 404 | 405 | 413 | 500 | 503
  readonly title: string
  readonly retryable: boolean
}

const no = (status: ProblemKind['status'], title: string): ProblemKind => ({ status, title, retryable: false })
const later = (status: ProblemKind['status'], title: string): ProblemKind => ({ status, title, retryable: true })

/** Every refusal of a till over HTTP. Codes are public API (docs/till.md); one is never reused. */
const kinds = {
  'unknown-channel': no(404, 'The path names no channel'),
  'method-not-allowed': no(405, 'The path does not take this method'),

  'payment-required': no(402, 'This costs something'),
  'malformed-payment': no(400, 'The payment cannot be read'),
  'request-too-large': no(413, 'The request is too large to be sold'),

  busy: later(503, 'Too many are waiting'),
  unavailable: later(503, 'A part of the till did not answer'),
  internal: no(500, 'The till made a mistake'),
} as const satisfies Record<string, ProblemKind>

/** Names a kind of refusal. Stable: survives releases and the wire. */
export type TillProblemCode = keyof typeof kinds

/** All codes, for the test that compares them with docs/till.md. */
export const tillProblemCodes = /* @__PURE__ */ Object.keys(kinds) as readonly TillProblemCode[]

/** How long to wait before the same request may succeed. */
const retryAfterSeconds = 2

/**
 * Answers with a problem (RFC 9457).
 *
 * @param detail - One sentence on this very case. Never holds what a stranger should not know.
 */
export function answerProblem(
  context: Context,
  code: TillProblemCode,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const { status, title, retryable } = kinds[code]
  const body = { type: `urn:lanekit:problem:${code}`, title, status, code, detail, retryable }
  const wait = retryable ? { 'retry-after': String(retryAfterSeconds) } : {}
  const type = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' }
  return context.body(JSON.stringify(body), status, { ...type, ...wait, ...headers })
}
