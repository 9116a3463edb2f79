import { keccak256 } from '../crypto/engine.ts'
import { accepted, type Decoded, refused } from '../errors.ts'
import { decodeRlp, encodeRlp, isBytes, quantity, type RlpItem } from '../rlp.ts'
import { type Address, address, fromHex, sameBytes, toHex } from '../units.ts'
import { readFields } from './fields.ts'

/** Largest receipt that {@link decodeReceipt} reads. A log byte costs 8 gas, so a block of 60 M gas stays below 8 MiB. */
export const receiptBytesMax = 16_777_216

/** What contracts announced: up to four topics of 32 bytes to search by, and data. */
export interface Log {
  readonly address: Address
  readonly topics: readonly Uint8Array[]
  readonly data: Uint8Array
}

/** Whether the call went through; failed ones pay their gas and leave no log (EIP-658). */
export type Outcome = 'succeeded' | 'failed'

/** Before Byzantium a receipt told the state root after the transaction, not its outcome. */
export interface PostState {
  readonly stateRoot: Uint8Array
}

interface Executed {
  /** Gas used in the block up to and with this transaction. */
  readonly cumulativeGasUsed: bigint
  readonly logs: readonly Log[]
}

/**
 * What a block says of one executed transaction (Yellow Paper, section 4.3.1; EIP-2718). `type` is the transaction's.
 * The bloom filter is not kept: it follows from the logs ({@link bloomOf}).
 */
export type Receipt =
  | (Executed & { readonly type: 'legacy'; readonly outcome: Outcome | PostState })
  | (Executed & { readonly type: 'eip2930' | 'eip1559' | 'eip4844' | 'eip7702'; readonly outcome: Outcome })

/** At its index, the transaction type of EIP-2718. */
const receiptTypes = ['legacy', 'eip2930', 'eip1559', 'eip4844', 'eip7702'] as const

/** The receipt in consensus encoding (EIP-2718): what the receipts root commits to. */
export function encodeReceipt(receipt: Receipt): Uint8Array {
  return encodeFiltered(receipt, bloomOf(receipt.logs))
}

/** {@link encodeReceipt} for who has worked out the filter of its logs already. */
export function encodeFiltered(receipt: Receipt, bloom: Uint8Array): Uint8Array {
  const payload = encodeRlp([
    typeof receipt.outcome === 'string' ? quantity(receipt.outcome === 'succeeded' ? 1 : 0) : receipt.outcome.stateRoot,
    quantity(receipt.cumulativeGasUsed),
    bloom,
    receipt.logs.map((log) => [fromHex(log.address), log.topics, log.data]),
  ])
  if (receipt.type === 'legacy') return payload
  const bytes = new Uint8Array(1 + payload.length)
  bytes[0] = receiptTypes.indexOf(receipt.type)
  bytes.set(payload, 1)
  return bytes
}

/**
 * Reads a receipt in consensus encoding (EIP-2718). Never throws.
 *
 * Refuses any encoding but the one {@link encodeReceipt} gives, so also a bloom filter that is not that of the
 * logs, types beyond EIP-7702, and a state root in place of the outcome of a typed transaction.
 *
 * @returns Views into `bytes`, not copies.
 */
export function decodeReceipt(bytes: Uint8Array): Decoded<Receipt> {
  if (bytes.length > receiptBytesMax) return refused(`the receipt is longer than ${receiptBytesMax} bytes`)
  const first = bytes[0] ?? 0
  const typed = first < 0xc0
  const type = typed ? receiptTypes[first] : 'legacy'
  if (!type || (typed && type === 'legacy')) return refused('the receipt is of no known type')
  const decoded = decodeRlp(typed ? bytes.subarray(1) : bytes)
  if (!decoded.ok) return refused(`the receipt is not canonical RLP: ${decoded.reason}`)
  if (isBytes(decoded.value)) return refused('the receipt is not a list')
  return readReceipt(type, decoded.value)
}

/** The 2048-bit filter of logs: three bits for each address and topic (Yellow Paper, section 4.3.1). */
export function bloomOf(logs: readonly Log[]): Uint8Array {
  const bloom = new Uint8Array(256)
  for (const log of logs) {
    mark(bloom, fromHex(log.address))
    for (const topic of log.topics) mark(bloom, topic)
  }
  return bloom
}

/** False when nothing that was marked in the filter is this address or topic; true proves nothing. */
export function mayHold(bloom: Uint8Array, entry: Uint8Array): boolean {
  return bitsOf(entry).every((bit) => ((bloom[255 - (bit >> 3)] as number) >> (bit & 7)) & 1)
}

function mark(bloom: Uint8Array, entry: Uint8Array): void {
  for (const bit of bitsOf(entry)) {
    // Bit 0 is the lowest of the last byte.
    const byte = 255 - (bit >> 3)
    bloom[byte] = (bloom[byte] as number) | (1 << (bit & 7))
  }
}

function bitsOf(entry: Uint8Array): readonly number[] {
  const hash = keccak256(entry)
  return [0, 2, 4].map((at) => (((hash[at] as number) << 8) | (hash[at + 1] as number)) & 2047)
}

function readReceipt(type: Receipt['type'], items: readonly RlpItem[]): Decoded<Receipt> {
  const fields = readFields(items)
  const outcome = readOutcome(fields.data('outcome'))
  const cumulativeGasUsed = fields.scalar('cumulative gas', 8)
  const bloom = fields.fixed('bloom', 256)
  const logItems = fields.list('list of logs')
  const reason = fields.reason()
  if (reason !== undefined) return refused(`the receipt's ${reason}`)
  const logs: Log[] = []
  for (const item of logItems) {
    const log = readLog(item)
    if (!log.ok) return refused(`log ${logs.length}: ${log.reason}`)
    logs.push(log.value)
  }
  if (!sameBytes(bloom, bloomOf(logs))) return refused("the receipt's bloom is not that of its logs")
  if (!outcome) return refused("the receipt's outcome is malformed")
  if (type === 'legacy') return accepted({ type, outcome, cumulativeGasUsed, logs })
  if (typeof outcome !== 'string') return refused('a typed receipt holds a state root for its outcome')
  return accepted({ type, outcome, cumulativeGasUsed, logs })
}

function readOutcome(bytes: Uint8Array): Outcome | PostState | undefined {
  if (bytes.length === 0) return 'failed'
  if (bytes.length === 1 && bytes[0] === 1) return 'succeeded'
  return bytes.length === 32 ? { stateRoot: bytes } : undefined
}

function readLog(item: RlpItem): Decoded<Log> {
  if (isBytes(item)) return refused('it is not a list')
  const fields = readFields(item)
  const account = address(toHex(fields.fixed('address', 20)))
  const topics = fields.list('list of topics')
  const data = fields.data('data')
  const reason = fields.reason()
  if (reason !== undefined) return refused(`its ${reason}`)
  if (topics.length > 4) return refused('it has more than four topics')
  if (!topics.every(isTopic)) return refused('a topic is not 32 bytes')
  return accepted({ address: account, topics, data })
}

function isTopic(item: RlpItem): item is Uint8Array {
  return isBytes(item) && item.length === 32
}
