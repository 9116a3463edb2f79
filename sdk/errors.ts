/**
 * Every way the world can fail this library, as a stable name: room, slash, reason.
 * Codes are public API: they survive bundling, JSON and the wire. A code is never reused.
 */
export type ErrorCode =
  | 'units/malformed'
  | 'units/out-of-range'
  | 'cipher/unavailable'
  | 'crypto/malformed-key'
  | 'keys/malformed-mnemonic'
  | 'keys/malformed-path'
  | 'keys/locked'
  | 'keys/unknown-account'
  | 'vault/malformed'
  | 'vault/malformed-password'
  | 'vault/missing'
  | 'vault/unsupported'
  | 'vault/wrong-password'
  | 'store/conflict'
  | 'store/corrupt'
  | 'store/full'
  | 'store/malformed-commit'
  | 'store/unavailable'
  | 'signer/refused'
  | 'signer/wrong-signature'
  | 'evm/malformed-transaction'
  | 'evm/malformed-typed-data'
  | 'evm/unsupported-fork'
  | 'batch/malformed'
  | 'batch/too-large'
  | 'relay/nonsense'
  | 'relay/refused'
  | 'relay/unreachable'
  | 'node/nonsense'
  | 'node/refused'
  | 'node/unreachable'
  | 'client/busy'
  | 'client/conflict'
  | 'client/malformed-anchor'
  | 'client/not-provable'
  | 'client/stale-checkpoint'
  | 'client/stopped'
  | 'client/wrong-clock'
  | 'client/wrong-network'
  | 'till/busy'
  | 'till/malformed-terms'
  | 'wallet/busy'
  | 'wallet/channel-elsewhere'
  | 'wallet/channel-not-open'
  | 'wallet/changed-price'
  | 'wallet/closed'
  | 'wallet/fee-too-high'
  | 'wallet/fee-too-low'
  | 'wallet/foreign-till'
  | 'wallet/insufficient-funds'
  | 'wallet/no-answer'
  | 'wallet/no-backup'
  | 'wallet/no-boxes'
  | 'wallet/no-channel'
  | 'wallet/nonce-gap'
  | 'wallet/nonce-taken'
  | 'wallet/outbox-full'
  | 'wallet/payment-id-used'
  | 'wallet/payment-refused'
  | 'wallet/too-dear'
  | 'wallet/too-large'
  | 'wallet/too-late'
  | 'wallet/unknown-channel'
  | 'wallet/unknown-scheme'
  | 'wallet/unknown-transaction'
  | 'wallet/unserved'
  | 'wallet/would-revert'
  | 'wallet/wrong-chain'
  | 'wallet/wrong-kind'

/**
 * The world failed: a network, a disk, another tab, a person.
 *
 * Thrown, never returned; a refusal that callers should expect is a value instead ({@link Decoded}).
 * The message never holds a secret, an address of a server, or a version.
 */
export class SdkError extends Error {
  override readonly name = 'SdkError'
  readonly code: ErrorCode
  /** True when the very same call may succeed later. */
  readonly retryable: boolean
  /** What the reader should know or do next, one fact a line. */
  readonly notes: readonly string[]

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly retryable?: boolean; readonly notes?: readonly string[]; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retryable = options.retryable ?? false
    this.notes = options.notes ?? []
  }
}

/** A bug of ours: the program contradicts itself. Never caught below the outermost shell. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

/** The answer of a decoder or verifier: the value, or why it was refused. Decoders never throw. */
export type Decoded<value> =
  | { readonly ok: true; readonly value: value }
  | { readonly ok: false; readonly reason: string }

/** Accepts `value`. */
export function accepted<value>(value: value): Decoded<value> {
  return { ok: true, value }
}

/** Refuses, and says why in one sentence without its full stop. */
export function refused(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason }
}

/**
 * Stops the program when `fact` does not hold. On in production.
 *
 * @param fact - What must be true here.
 * @param rule - The rule in words, as it should read in a report.
 */
export function invariant(fact: unknown, rule: string): asserts fact {
  if (!fact) throw new InvariantError(`Broken invariant: ${rule}.`)
}

/** Closes a `switch` over a union: compiles only when every member is handled. */
export function unreachable(value: never): never {
  throw new InvariantError(`Unhandled case: ${JSON.stringify(value)}.`)
}
