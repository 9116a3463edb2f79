import type { Declaration } from '../batch/access.ts'
import { invariant, unreachable } from '../errors.ts'
import type { BlockHash, TxHash, Wei } from '../units.ts'

/** Why bytes were made. */
export type Wish = 'send' | 'speed-up' | 'cancel'

/** A definite no: why bytes are not sent again by themselves. */
export interface Refusal {
  readonly code: string
  readonly detail: string
}

/**
 * Bytes once signed under an intent's nonce.
 *
 * Funds at risk: whoever holds them can have them executed for as long as the nonce is open, whatever a relay said.
 */
export interface Attempt {
  readonly hash: TxHash
  readonly bytes: Uint8Array
  readonly declaration: Declaration
  /** Value plus gas at the highest price that was signed for. */
  readonly costMax: Wei
  readonly wish: Wish
  readonly refusal: Refusal | null
}

/** Where a block holds one of the intent's hashes, as verified against that block's roots. */
export interface Inclusion {
  readonly hash: TxHash
  readonly blockNumber: number
  readonly blockHash: BlockHash
  readonly index: number
}

/**
 * What is known of a nonce. Only what was checked is told apart here; what a relay merely says is asked again after
 * a restart.
 *
 * - `open`: some attempt may still be executed.
 * - `included`, then `finalized`: one of the attempts took the nonce.
 * - `lost`: bytes that were signed elsewhere took it, and that is final. Before, it is not told apart from `open`.
 */
export type Phase = { readonly name: 'open' } | ({ readonly name: 'included' } & Inclusion) | EndPhase

/** Nothing can change any more. */
export type EndPhase = ({ readonly name: 'finalized' } & Inclusion) | { readonly name: 'lost' }

/** What the wallet wants under one nonce. Its bytes may be replaced; the nonce is kept until it is finalized. */
export interface Intent {
  readonly nonce: number
  /** In the order of signing; at least one. */
  readonly attempts: readonly [Attempt, ...Attempt[]]
  readonly phase: Phase
}

export type IntentEvent =
  /** Further bytes were signed for this nonce. */
  | { readonly type: 'replaced'; readonly attempt: Attempt }
  /** The relay said a definite no to these bytes. */
  | { readonly type: 'refused'; readonly hash: TxHash; readonly refusal: Refusal }
  /** Verified: a block holds one of the hashes. */
  | { readonly type: 'included'; readonly inclusion: Inclusion }
  /** The chain no longer holds the block of the inclusion. */
  | { readonly type: 'reorganized' }
  /** The block of the inclusion is final. */
  | { readonly type: 'finalized' }
  /** A final block has used the nonce, and none of the hashes did it. */
  | { readonly type: 'lost' }

/**
 * The one step of an intent: pure, total, and the same again when an event comes twice.
 *
 * @returns The intent after the event; the very same object when nothing changed, so nothing needs storing.
 */
export function intentStep(intent: Intent, event: IntentEvent): Intent {
  const after = decide(intent, event)
  checkStep(intent, after)
  return after
}

/** The bytes to send: the last that were not refused. Nothing when the intent is vacant or decided. */
export function currentAttempt(intent: Intent): Attempt | undefined {
  if (intent.phase.name !== 'open') return undefined
  return intent.attempts.filter((attempt) => attempt.refusal === null).at(-1)
}

/** True when every attempt was refused: the nonce waits for other bytes. [OB5] */
export function isVacant(intent: Intent): boolean {
  return intent.phase.name === 'open' && currentAttempt(intent) === undefined
}

/** True when nothing can change any more. */
export function isEnded(intent: Intent): boolean {
  return intent.phase.name === 'finalized' || intent.phase.name === 'lost'
}

function decide(intent: Intent, event: IntentEvent): Intent {
  if (isEnded(intent)) return intent // OB7: an ended intent never changes.
  switch (event.type) {
    case 'replaced':
      return withAttempt(intent, event.attempt)
    case 'refused':
      return withRefusal(intent, event.hash, event.refusal)
    case 'included':
      return withInclusion(intent, event.inclusion)
    case 'reorganized':
      return intent.phase.name === 'included' ? { ...intent, phase: { name: 'open' } } : intent
    case 'finalized':
      return intent.phase.name === 'included' ? { ...intent, phase: { ...intent.phase, name: 'finalized' } } : intent
    case 'lost':
      return intent.phase.name === 'open' ? { ...intent, phase: { name: 'lost' } } : intent
    default:
      return unreachable(event)
  }
}

function withAttempt(intent: Intent, attempt: Attempt): Intent {
  const known = intent.attempts.some(({ hash }) => hash === attempt.hash)
  if (known || intent.phase.name !== 'open') return intent
  return { ...intent, attempts: [...intent.attempts, attempt] }
}

function withRefusal(intent: Intent, hash: TxHash, refusal: Refusal): Intent {
  if (intent.phase.name !== 'open') return intent
  return mapAttempt(intent, hash, (attempt) => (attempt.refusal ? attempt : { ...attempt, refusal }))
}

/** A block speaks louder than a relay: bytes it holds were not refused. [OB6] */
function withInclusion(intent: Intent, inclusion: Inclusion): Intent {
  const { phase } = intent
  if (!intent.attempts.some(({ hash }) => hash === inclusion.hash)) return intent
  if (phase.name === 'included' && phase.hash === inclusion.hash && phase.blockHash === inclusion.blockHash)
    return intent
  const cleared = mapAttempt(intent, inclusion.hash, (attempt) =>
    attempt.refusal ? { ...attempt, refusal: null } : attempt,
  )
  return { ...cleared, phase: { name: 'included', ...inclusion } }
}

function mapAttempt(intent: Intent, hash: TxHash, change: (attempt: Attempt) => Attempt): Intent {
  let changed = false
  const each = (attempt: Attempt) => {
    const next = attempt.hash === hash ? change(attempt) : attempt
    changed ||= next !== attempt
    return next
  }
  const [first, ...rest] = intent.attempts
  const attempts: Intent['attempts'] = [each(first), ...rest.map(each)]
  return changed ? { ...intent, attempts } : intent
}

function checkStep(before: Intent, after: Intent): void {
  invariant(after.nonce === before.nonce, 'an intent keeps its nonce')
  invariant(
    before.attempts.every((attempt, at) => after.attempts[at]?.bytes === attempt.bytes),
    'signed bytes are never forgotten while their nonce is open',
  )
  invariant(!isEnded(before) || after === before, 'an ended intent never changes')
}
