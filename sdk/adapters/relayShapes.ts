import type { RelayAck, RelayEvent, RelayItem, RelayProblem, TxStatus } from '../ports.ts'
import { batchId, blockHash, isHex, type TxHash, txHash } from '../units.ts'
import { fieldsOf, quoted } from './http.ts'

/**
 * The JSON of the edge (docs/http.md), read without believing any of it.
 * Every reader returns nothing when the JSON is not of its shape.
 */

/** Most transactions that one answer may speak of; the edge takes 256 in a batch. */
export const relayItemsMax = 256
/** Most predecessors that one transaction may be told to wait for. */
const waitsForMax = 16_384

type Fields = Readonly<Record<string, unknown>>

/** The answer to a submission: `{ batch, items }`. */
export function readAck(json: unknown): RelayAck | undefined {
  const { batch, items } = fieldsOf(json) ?? {}
  if (!isHex(batch, 32) || !Array.isArray(items) || items.length > relayItemsMax) return undefined
  const read: RelayItem[] = []
  for (const item of items) {
    const one = readItem(item)
    if (!one) return undefined
    read.push(one)
  }
  return { ok: true, batch: batchId(batch), items: read }
}

/** A problem document (RFC 9457), or the same fields inside an item. */
export function readProblem(json: unknown): RelayProblem | undefined {
  const fields = fieldsOf(json)
  const { code, detail, retryable, retryAfterSeconds = null } = fields ?? {}
  if (!isCode(code) || typeof detail !== 'string' || typeof retryable !== 'boolean') return undefined
  if (retryAfterSeconds !== null && !isCount(retryAfterSeconds)) return undefined
  return { code, detail: quoted(detail), retryable, retryAfterSeconds }
}

/** `{ hash, status }` as the status routes answer. */
export function readTold(json: unknown): { readonly hash: TxHash; readonly status: TxStatus } | undefined {
  const { hash, status } = fieldsOf(json) ?? {}
  const read = readStatus(status)
  return isHex(hash, 32) && read ? { hash: txHash(hash), status: read } : undefined
}

/** The data of one `status` event. */
export function readEvent(json: unknown): RelayEvent | undefined {
  const told = readTold(json)
  const sequence = fieldsOf(json)?.sequence
  return told && isCount(sequence) ? { sequence, ...told } : undefined
}

function readItem(json: unknown): RelayItem | undefined {
  const fields = fieldsOf(json)
  if (fields?.ok === true) {
    const told = readTold(fields)
    return told && { ok: true, ...told }
  }
  const problem = readProblem(fields?.problem)
  if (fields?.ok !== false || !isCount(fields.index) || !problem) return undefined
  return { ok: false, index: fields.index, problem }
}

function readStatus(json: unknown): TxStatus | undefined {
  const fields = fieldsOf(json)
  switch (fields?.state) {
    case 'queued':
    case 'expired':
      return { state: fields.state }
    case 'held':
      return isCount(fields.missingNonce) ? { state: 'held', missingNonce: fields.missingNonce } : undefined
    case 'planned':
      return readPlanned(fields)
    case 'accepted': {
      const place = readLane(fields)
      return place && { state: 'accepted', ...place }
    }
    case 'included':
    case 'finalized':
      return readIncluded(fields.state, fields)
    case 'rejected':
      if (!isCode(fields.code) || typeof fields.detail !== 'string') return undefined
      return { state: 'rejected', code: fields.code, detail: quoted(fields.detail) }
    case 'replaced':
      return isHex(fields.by, 32) ? { state: 'replaced', by: txHash(fields.by) } : undefined
    default:
      return undefined
  }
}

function readPlanned(fields: Fields): TxStatus | undefined {
  const place = readLane(fields)
  const { waitsFor } = fields
  if (!place || !Array.isArray(waitsFor) || waitsFor.length > waitsForMax) return undefined
  if (!waitsFor.every((hash) => isHex(hash, 32))) return undefined
  return { state: 'planned', ...place, waitsFor: waitsFor.map((hash) => txHash(hash)) }
}

function readIncluded(state: 'included' | 'finalized', fields: Fields): TxStatus | undefined {
  const place = readLane(fields)
  const { blockNumber, blockHash: hash, index, succeeded } = fields
  if (!place || !isCount(blockNumber) || !isHex(hash, 32) || !isCount(index)) return undefined
  if (typeof succeeded !== 'boolean') return undefined
  return { state, ...place, blockNumber, blockHash: blockHash(hash), index, succeeded }
}

function readLane({ window, lane }: Fields): { readonly window: number; readonly lane: number } | undefined {
  return isCount(window) && isCount(lane) ? { window, lane } : undefined
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** Stable codes are words with dashes; anything else is no code. */
function isCode(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z0-9][a-z0-9/-]{0,63}$/.test(value)
}
