import { encodeBatch, undeclared } from '../../sdk/batch/index.ts'
import { SdkError } from '../../sdk/errors.ts'
import { type TxHash, toHex } from '../../sdk/units.ts'
import type { ChainConfig } from '../config.ts'
import { type Answer, inclusionIn, isRecord } from './answer.ts'
import type { Executor, Outcome, Sending } from './port.ts'
import { outcomeOfError } from './verdict.ts'

/** What an executor offers beyond what every node does. Nothing where it was not found out yet. */
export interface Offers {
  /** Whether it has `lanekit_executeBatch`. */
  runsEnvelopes: boolean | undefined
  /** How it takes the time to wait in `eth_sendRawTransactionSync`: null where it does not, or has no such method. */
  syncWait: number | string | null | undefined
  /** Until when it is too slow for that. */
  syncRestUntil: number
}

const methodNotFound = -32601

/** How a whole window is sent at once. */
export interface EnvelopeRoad {
  readonly chain: Pick<ChainConfig, 'id' | 'fork'>
  readonly offers: Offers
  /** Nothing when no readable answer came. Never throws. */
  readonly ask: (method: string, params: readonly unknown[]) => Promise<Answer | undefined>
  readonly now: () => number
}

/**
 * Hands all lanes of a window to an executor as one envelope, with their declarations, in the window's order. False when
 * it does not run envelopes, or not this one: then nothing of it was taken, and the lanes are to be sent one by one.
 */
export async function forwardEnvelope(
  lanes: readonly (readonly Sending[])[],
  { until, report }: Parameters<Executor['forward']>[1],
  { chain, offers, ask, now }: EnvelopeRoad,
): Promise<boolean> {
  const all = lanes.flat().sort((one, other) => one.position - other.position)
  if (offers.runsEnvelopes === false || all.length === 0 || now() > until) return false
  const envelope = envelopeOf(all, chain)
  if (!envelope) return false
  const answer = await ask('lanekit_executeBatch', [toHex(envelope)])
  if (!answer) {
    report(all.map(({ hash }) => [hash, { kind: 'unknown' }] as const)) // It may have arrived: only the hash tells.
    return true
  }
  if (!answer.ok) {
    if (answer.code === methodNotFound) offers.runsEnvelopes = false
    return false // Refused as a whole, before anything ran.
  }
  offers.runsEnvelopes = true
  const told = outcomesIn(answer.result)
  report(all.map(({ hash }) => [hash, told.get(hash) ?? { kind: 'unknown' }] as const))
  return true
}

/** Nothing when it is larger than envelopes may be: a window is measured without its declarations. */
function envelopeOf(all: readonly Sending[], { id, fork }: EnvelopeRoad['chain']): Uint8Array | undefined {
  const transactions = all.map(({ raw, declaration }) => {
    // What is implied stands beside an unknown access too; an envelope says nothing of it then.
    const isUnknown = declaration.source === 'unknown'
    return { raw, declaration: isUnknown ? undeclared(declaration.gas) : declaration }
  })
  try {
    return encodeBatch({ chainId: id, fork, transactions })
  } catch (error) {
    if (error instanceof SdkError && error.code === 'batch/too-large') return undefined
    throw error
  }
}

/** What became of each transaction, as far as the answer can be read. */
function outcomesIn(result: unknown): ReadonlyMap<string, Outcome> {
  const outcomes = new Map<string, Outcome>()
  const list = isRecord(result) && Array.isArray(result.transactions) ? result.transactions : []
  for (const entry of list) {
    if (!isRecord(entry) || typeof entry.hash !== 'string') continue
    const outcome = outcomeIn(entry, entry.hash as TxHash)
    if (outcome) outcomes.set(entry.hash, outcome)
  }
  return outcomes
}

function outcomeIn({ status, error, receipt }: Readonly<Record<string, unknown>>, hash: TxHash): Outcome | undefined {
  if (status === 'included') {
    const inclusion = inclusionIn(receipt, hash)
    return inclusion ? { kind: 'included', inclusion } : { kind: 'accepted' }
  }
  if (status !== 'skipped' || !isRecord(error)) return undefined
  const { code, message } = error
  return typeof code === 'number' && typeof message === 'string' ? outcomeOfError(code, message) : undefined
}
