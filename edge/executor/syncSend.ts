import type { TxHash } from '../../sdk/units.ts'
import { lanesInFlightMax, syncRestMs, syncSendMs } from '../limits.ts'
import { type Answer, inclusionIn } from './answer.ts'
import type { Offers } from './envelope.ts'
import type { Outcome, Sending } from './port.ts'
import { outcomeOfError } from './verdict.ts'

const method = 'eth_sendRawTransactionSync'
const methodNotFound = -32601
const wrongParameters = -32602
const notTaken: ReadonlySet<number> = new Set([methodNotFound, wrongParameters])
/** EIP-7966: it is in the pool, and was in no block within the time. */
const timedOut = 4

/** How a transaction is sent that is answered by its receipt (EIP-7966). */
export interface SyncRoad {
  readonly offers: Offers
  /** Nothing when no readable answer came. Never throws. */
  readonly ask: (method: string, params: readonly unknown[]) => Promise<Answer | undefined>
  readonly now: () => number
}

/** The time to wait as EIP-7966 has it, and as nodes take it whose numbers are all quantities. */
const waits = [syncSendMs, `0x${syncSendMs.toString(16)}`] as const

/**
 * Whether a window goes this way: a few transactions, none of which waits behind another, to an executor that offers it
 * and was quick of late. A longer one would hold up those behind it; so would a node that waits as long as it likes.
 *
 * An executor is asked what it offers by a call whose transaction is no bytes at all: nothing can be sent by that.
 */
export async function canSendSync(
  lanes: readonly (readonly Sending[])[],
  { offers, ask, now }: SyncRoad,
): Promise<boolean> {
  if (lanes.length > lanesInFlightMax || lanes.some((lane) => lane.length > 1)) return false
  if (now() < offers.syncRestUntil) return false
  if (offers.syncWait === undefined) {
    const answers = [await ask(method, ['0x', waits[0]]), await ask(method, ['0x', waits[1]])]
    if (answers.some((answer) => !answer)) return false // Nothing is known; the next window asks again.
    const taken = answers.findIndex((answer) => answer && !answer.ok && !notTaken.has(answer.code))
    offers.syncWait = waits[taken] ?? null
  }
  return offers.syncWait !== null
}

/** Sends one transaction, once: whatever comes back, these bytes do not go another way in this window. Never throws. */
export async function sendSync(raw: string, hash: TxHash, { offers, ask, now }: SyncRoad): Promise<Outcome> {
  const answer = await ask(method, [raw, offers.syncWait])
  if (!answer) return { kind: 'unknown' } // It may have arrived: only the hash tells.
  if (answer.ok) {
    const inclusion = inclusionIn(answer.result, hash)
    return inclusion ? { kind: 'included', inclusion } : { kind: 'unknown' }
  }
  switch (answer.code) {
    case timedOut:
      offers.syncRestUntil = now() + syncRestMs
      return { kind: 'accepted' }
    case methodNotFound:
    case wrongParameters:
      offers.syncWait = null
      return { kind: 'unsent' }
    default:
      return outcomeOfError(answer.code, answer.message)
  }
}
