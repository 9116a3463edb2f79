import type { Address, ChainId, TxHash } from '../units.ts'
import { type Attempt, type EndPhase, type Intent, type IntentEvent, intentStep, isEnded, isVacant } from './intent.ts'

/** A nonce that is used for good, and by what. */
export interface Ended {
  readonly nonce: number
  readonly phase: EndPhase
}

/**
 * The signed transactions of one account on one chain: every nonce the wallet has used and the chain has not
 * finalized, and a short history of those it has. Rules: OUTBOX.md.
 */
export interface Outbox {
  readonly chain: ChainId
  readonly account: Address
  /** Ascending by nonce, no nonce twice. One that has ended stays until the next change, for others to see. */
  readonly intents: readonly Intent[]
  /** Ascending by nonce, at most {@link historyMax}, the newest. */
  readonly history: readonly Ended[]
}

/** Most intents of one account that may be undecided at once. */
export const openIntentsMax = 1024
/** Largest stored outbox that takes further transactions; stores take a third more, for what becomes of them. */
export const outboxBytesMax = 786_432
/** Most ended intents that one account remembers. */
export const historyMax = 64

/** The outbox of an account that has sent nothing. */
export function emptyOutbox(chain: ChainId, account: Address): Outbox {
  return { chain, account, intents: [], history: [] }
}

/**
 * The nonces for the next `count` transactions: the lowest that the chain has not used and no undecided intent
 * holds, so that a refused transaction's nonce is filled first and no gap stays. [OB4] [OB5]
 *
 * @param pending - The account's next nonce as the node tells it, its own pool counted.
 */
export function freeNonces(outbox: Outbox, pending: number, count: number): readonly number[] {
  const held = new Set(outbox.intents.filter((intent) => !isVacant(intent)).map(({ nonce }) => nonce))
  // A used nonce says that all before it are used, whatever a node that lags behind tells.
  const used = [...outbox.history, ...outbox.intents.filter(({ phase }) => phase.name !== 'open')]
  const floor = Math.max(-1, ...used.map(({ nonce }) => nonce)) + 1
  const nonces: number[] = []
  for (let nonce = Math.max(pending, floor); nonces.length < count; nonce++) if (!held.has(nonce)) nonces.push(nonce)
  return nonces
}

/** Adds freshly signed bytes: as a new intent, or as a further attempt of the intent that holds the nonce. */
export function withAttempt(outbox: Outbox, nonce: number, attempt: Attempt): Outbox {
  if (outbox.intents.some((intent) => intent.nonce === nonce))
    return applyEvent(outbox, nonce, { type: 'replaced', attempt })
  const fresh: Intent = { nonce, attempts: [attempt], phase: { name: 'open' } }
  const { intents, ...rest } = pruned(outbox)
  return { ...rest, intents: [...intents, fresh].sort((one, other) => one.nonce - other.nonce) }
}

/** Takes one event of one intent; the very same outbox when it changes nothing. */
export function applyEvent(outbox: Outbox, nonce: number, event: IntentEvent): Outbox {
  const intent = outbox.intents.find((one) => one.nonce === nonce)
  const after = intent && intentStep(intent, event)
  if (after === intent || !after) return outbox
  const { intents, ...rest } = pruned(outbox)
  return { ...rest, intents: intents.map((one) => (one === intent ? after : one)) }
}

/** The intent that a hash belongs to. */
export function intentOf(outbox: Outbox, hash: TxHash): Intent | undefined {
  return outbox.intents.find(({ attempts }) => attempts.some((attempt) => attempt.hash === hash))
}

/** Intents that have not ended: what a starting wallet takes up again. */
export function undecided(outbox: Outbox): readonly Intent[] {
  return outbox.intents.filter((intent) => !isEnded(intent))
}

/** Moves what ended before into the history, without its bytes. [OB7] */
function pruned(outbox: Outbox): Outbox {
  const ended = outbox.intents.flatMap(({ nonce, phase }) =>
    phase.name === 'finalized' || phase.name === 'lost' ? [{ nonce, phase }] : [],
  )
  if (ended.length === 0) return outbox
  const history = [...outbox.history, ...ended].sort((one, other) => one.nonce - other.nonce)
  return { ...outbox, intents: undecided(outbox), history: history.slice(-historyMax) }
}
