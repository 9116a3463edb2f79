/** One kind of refusal: its HTTP status, its title, and whether the very same request may succeed later. */
export interface ProblemKind {
  readonly status: 400 | 401 | 403 | 404 | 405 | 409 | 410 | 413 | 415 | 422 | 426 | 429 | 500 | 503
  readonly title: string
  readonly retryable: boolean
}

const no = (status: ProblemKind['status'], title: string): ProblemKind => ({ status, title, retryable: false })
const later = (status: ProblemKind['status'], title: string): ProblemKind => ({ status, title, retryable: true })

/** Every refusal of the edge. Codes are public API (docs/http.md); one is never reused. */
const kinds = {
  'unknown-route': no(404, 'There is nothing at this path'),
  'method-not-allowed': no(405, 'The path does not take this method'),
  'unsupported-media-type': no(415, 'The body is of a type that is not read here'),
  'upgrade-required': no(426, 'The path is a WebSocket'),
  'malformed-cursor': no(400, 'The cursor is not a sequence number'),
  'unknown-chain': no(404, 'This edge does not serve the chain'),
  'unknown-batch': no(404, 'The batch is not known here'),
  'unknown-window': no(404, 'The plan of the window is not kept here'),
  'unknown-transaction': no(404, 'The transaction is not known here'),
  'unknown-sender': no(404, 'The path names no account'),
  'malformed-call': no(400, 'The body is not JSON'),
  'malformed-wait': no(400, 'The time to wait is not a number of milliseconds within bounds'),
  'malformed-key': no(400, 'The Idempotency-Key is too long or has other characters than printable ones'),
  'idempotency-in-progress': later(409, 'A request with this key is being answered'),
  'idempotency-key-reused': no(422, 'Another request has this key'),
  'cursor-expired': no(410, 'The log no longer reaches back to the cursor'),

  'malformed-envelope': no(400, 'The envelope cannot be read'),
  'unsupported-version': no(400, 'The envelope is of another version'),
  'batch-too-large': no(413, 'The batch is too large'),
  'wrong-digest': no(422, 'The digest is not that of the content'),
  'index-out-of-range': no(422, 'A place index points nowhere'),
  'unordered-keys': no(422, 'Addresses, slots or indices do not ascend'),

  'wrong-chain': no(422, 'It was made for another chain'),
  'invalid-transaction': no(422, 'No node would take the transaction'),
  'gas-too-low': no(422, 'The gas limit is below what the transaction costs before it runs'),
  'gas-too-high': no(422, 'The gas limit is higher than the chain allows'),
  'nonce-too-low': no(409, 'The nonce was used by another transaction'),
  'nonce-conflict': no(409, 'Another transaction with this nonce is already in a block'),
  // The same bytes are fine once what is missing has come: a sender that gave them up would leave a gap of its own.
  'nonce-gap-too-wide': later(409, 'Too many nonces are missing before this one'),
  'fee-too-low': no(409, 'The fees are too low'),
  'insufficient-funds': no(422, 'The sender cannot pay for the transaction'),
  cancelled: no(409, 'Its sender has stopped the transaction'),
  'too-late-to-cancel': no(409, 'The transaction may have left already'),
  'executor-refused': no(422, 'The executor refuses the transaction'),

  'unknown-channel': no(404, 'The path names no channel'),
  unauthorized: no(401, 'The token is missing, or another one has claimed this side'),
  'malformed-message': no(400, 'The message, its sequence or its epoch cannot be read'),
  'message-too-large': no(413, 'The message is too large'),
  'conflicting-message': no(409, 'Another message has this sequence'),
  'message-gap': no(409, 'An earlier message is missing'),
  'message-expired': no(410, 'The sequence was used too long ago to be compared'),
  'stale-epoch': no(409, 'A later device or restore has taken over'),
  'cursor-ahead': no(409, 'The cursor is beyond the last message'),
  'unknown-network': no(404, 'This edge watches no Bitcoin network'),
  'unknown-backup': no(404, 'No backup is kept here'),
  'stale-backup': no(409, 'A newer backup is kept already'),
  'conflicting-backup': no(409, 'Another backup is kept under this number'),
  'unknown-deposit': no(404, 'Nothing is deposited here'),
  'malformed-deposit': no(400, 'The deposit cannot be read'),
  'stale-deposit': no(409, 'A better closing is deposited already'),
  'conflicting-deposit': no(409, 'Another closing is deposited under this number'),

  'unknown-tower': no(404, 'Nothing is watched under this name'),
  'malformed-tower': no(400, 'What is to be watched cannot be read'),
  'conflicting-tower': no(409, 'The name is used for another channel'),
  'malformed-state': no(400, 'The state cannot be read'),
  'state-too-large': no(413, 'The state is too large'),
  'state-gap': no(409, 'An earlier state is missing'),
  'conflicting-state': no(409, 'Another state has this number'),
  'tower-quota': later(429, 'So many towers were registered of late'),
  'tower-full': no(409, 'The tower keeps as much of this channel as it may'),
  'tower-ended': no(409, 'The channel has ended'),

  'unknown-webhook': no(404, 'No webhook is registered'),
  'malformed-webhook': no(400, 'The webhook cannot be registered'),
  'unknown-message': no(404, 'No such message is kept'),
  'unbundled-chain': no(404, 'No light client of the chain is served here'),
  'unknown-update': no(404, 'The beacon node does not have it'),
  'malformed-accounts': no(400, 'The accounts, slots or periods cannot be read'),
  'source-unavailable': later(503, 'A node of the chain does not answer'),

  'rate-limited': later(429, 'Too many requests'),
  'policy-denied': no(403, 'A rule of the operator forbids the transaction'),
  'policy-review': later(503, 'A person looks at the transaction first'),
  'not-ready': later(503, 'The edge does not serve every chain in time'),
  draining: later(503, 'The edge takes no new transactions'),
  backpressure: later(503, 'The queue is full'),
  'executor-unavailable': later(503, 'The executor does not answer'),
  unavailable: later(503, 'A part of the edge did not answer'),
  misconfigured: no(500, 'The operator has to correct the configuration'),
  internal: no(500, 'The edge made a mistake'),
} as const satisfies Record<string, ProblemKind>

/** Names a kind of refusal. Stable: survives releases and the wire. */
export type ProblemCode = keyof typeof kinds

/** The kind behind a code. */
export function problemKind(code: ProblemCode): ProblemKind {
  return kinds[code]
}

/** All codes, for the test that compares them with docs/http.md. */
export const problemCodes = /* @__PURE__ */ Object.keys(kinds) as readonly ProblemCode[]

/** A refusal as RFC 9457 writes it, with the fields a program acts on. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: ProblemKind['status']
  readonly code: ProblemCode
  readonly detail: string
  readonly retryable: boolean
  readonly retryAfterSeconds: number | null
}

/** How long to wait before the same request may succeed. */
export const retryAfterSeconds = 2

/**
 * Describes a refusal.
 *
 * @param detail - One sentence on this very case. Never holds what the edge would not tell a stranger.
 */
export function problem(code: ProblemCode, detail: string): Problem {
  const { status, title, retryable } = kinds[code]
  const type = `urn:lanekit:problem:${code}`
  return { type, title, status, code, detail, retryable, retryAfterSeconds: retryable ? retryAfterSeconds : null }
}
