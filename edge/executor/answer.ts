import { SdkError } from '../../sdk/errors.ts'
import { blockHash, isHex, type TxHash, txHash } from '../../sdk/units.ts'
import type { Block, Inclusion } from './port.ts'

/** The answer to one JSON-RPC call. */
export type Answer =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly code: number; readonly message: string }

/** Reads one JSON-RPC answer and the id it is for. Nothing when it is neither a result nor an error. */
export function readAnswer(value: unknown): { readonly id: unknown; readonly answer: Answer } | undefined {
  if (!isRecord(value)) return undefined
  const { id, error } = value
  if (isRecord(error)) {
    const code = typeof error.code === 'number' ? error.code : 0
    const message = typeof error.message === 'string' ? error.message : ''
    // Some nodes put the reason into `data` and a general phrase into `message`.
    const data = typeof error.data === 'string' ? ` ${error.data}` : ''
    return { id, answer: { ok: false, code, message: `${message}${data}` } }
  }
  return 'result' in value ? { id, answer: { ok: true, result: value.result } } : undefined
}

/** Reads a quantity that fits a number. Nothing when it is not one. */
export function readQuantity(value: unknown): number | undefined {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{1,14}$/.test(value)) return undefined
  const number = Number.parseInt(value.slice(2), 16)
  return Number.isSafeInteger(number) ? number : undefined
}

/** Reads a block whose transactions are hashes. Throws `node/nonsense`. */
export function readBlock(value: unknown): Block {
  if (!isRecord(value)) throw nonsense('a block')
  const number = readQuantity(value.number)
  const { hash, parentHash, transactions } = value
  if (number === undefined || !isHex(hash, 32) || !isHex(parentHash, 32) || !Array.isArray(transactions))
    throw nonsense('a block')
  return {
    number,
    hash: blockHash(hash),
    parentHash: blockHash(parentHash),
    transactions: transactions.map((entry) => {
      if (!isHex(entry, 32)) throw nonsense("a block's transactions")
      return txHash(entry)
    }),
  }
}

/** Reads where a receipt says its transaction stands. Throws `node/nonsense`. */
export function readInclusion(value: unknown): Inclusion {
  if (!isRecord(value)) throw nonsense('a receipt')
  const { transactionHash, blockHash: block } = value
  const blockNumber = readQuantity(value.blockNumber)
  const index = readQuantity(value.transactionIndex)
  const gasUsed = readQuantity(value.gasUsed)
  const isComplete = blockNumber !== undefined && index !== undefined && gasUsed !== undefined
  if (!isComplete || !isHex(transactionHash, 32) || !isHex(block, 32)) throw nonsense('a receipt')
  return {
    hash: txHash(transactionHash),
    blockNumber,
    blockHash: blockHash(block),
    index,
    succeeded: value.status !== '0x0',
    gasUsed,
  }
}

/** Where a receipt says that this transaction stands. Nothing when it is none, or of another one. Never throws. */
export function inclusionIn(receipt: unknown, hash: TxHash): Inclusion | undefined {
  try {
    const inclusion = readInclusion(receipt)
    return inclusion.hash === hash ? inclusion : undefined
  } catch {
    return undefined
  }
}

/** The node answered, but not what was asked for. */
export function nonsense(what: string): SdkError {
  return new SdkError('node/nonsense', `The executor's answer is not ${what}.`, { retryable: true })
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
