import { invariant } from '../../../../sdk/errors.ts'
import { encodeHeader, type Log } from '../../../../sdk/evm/index.ts'
import {
  headerJson,
  type MinedBefore,
  type MinedPlace,
  logJson as minedLogJson,
  receiptJson as minedReceiptJson,
  minedTransactionJson,
} from '../../../../sdk/evm/minedJson.ts'
import { pooledTransactionJson, type TransactionNames } from '../../../../sdk/evm/transactionJson.ts'
import { readWire } from '../../../../sdk/evm/wire.ts'
import { decodeRlp, encodeRlp, type RlpItem } from '../../../../sdk/rlp.ts'
import type { Hex } from '../../../../sdk/units.ts'
import { type ArchivedBlock, type Position, receiptOf } from './archive.ts'

/** Blocks, transactions, receipts and logs as Ethereum's JSON-RPC (execution-apis) writes them. */

export type Json = Readonly<Record<string, unknown>>

export function quantityHex(value: bigint | number): Hex {
  return `0x${value.toString(16)}`
}

/** A block with its transactions, or their hashes. */
export function blockJson(archived: ArchivedBlock, isWhole: boolean): Json {
  const { block, transactions } = archived
  const told = isWhole
    ? transactions.map((_, index) => minedJson({ block: archived, index }))
    : transactions.map(({ hash }) => hash)
  return {
    hash: block.hash,
    ...headerJson(block.header),
    size: quantityHex(sizeOf(archived)),
    transactions: told,
    uncles: [],
    withdrawals: [],
  }
}

/** Bytes of the block in consensus encoding: header, transactions, no ommers, no withdrawals. */
function sizeOf({ block, transactions }: ArchivedBlock): number {
  const itemOf = (bytes: Uint8Array): RlpItem => {
    const decoded = decodeRlp(bytes)
    invariant(decoded.ok, 'a stored block can be read')
    return decoded.value
  }
  const isTyped = (raw: Uint8Array) => (raw[0] ?? 0) < 0xc0
  const bodies = transactions.map(({ raw }) => (isTyped(raw) ? raw : itemOf(raw)))
  return encodeRlp([itemOf(encodeHeader(block.header)), bodies, [], []]).length
}

/** A transaction in its block. */
export function minedJson(position: Position): Json {
  return minedTransactionJson(transactionAt(position), placeOf(position))
}

function transactionAt({ block, index }: Position): ArchivedBlock['transactions'][number] {
  const transaction = block.transactions[index]
  invariant(transaction, 'a position is one of the block')
  return transaction
}

function placeOf({ block: { block }, index }: Position): MinedPlace {
  return { hash: block.hash, header: block.header, index }
}

/** A transaction in no block. */
export function pooledJson(transaction: TransactionNames & { readonly raw: Uint8Array }): Json {
  const read = readWire(transaction.raw)
  invariant(read.ok, 'a stored transaction can be read')
  return pooledTransactionJson(read.value, transaction)
}

/** The receipts of a whole block. */
export function receiptsJson(block: ArchivedBlock): readonly Json[] {
  let before: MinedBefore = { gasUsed: 0n, logs: 0 }
  return block.transactions.map((transaction, index) => {
    const json = receiptFrom({ block, index }, before)
    before = after(before, transaction)
    return json
  })
}

export function receiptJson({ block, index }: Position): Json {
  const before = block.transactions.slice(0, index).reduce(after, { gasUsed: 0n, logs: 0 })
  return receiptFrom({ block, index }, before)
}

function after({ logs }: MinedBefore, transaction: ArchivedBlock['transactions'][number]): MinedBefore {
  const receipt = receiptOf(transaction)
  return { gasUsed: receipt.cumulativeGasUsed, logs: logs + receipt.logs.length }
}

function receiptFrom(position: Position, before: MinedBefore): Json {
  const transaction = transactionAt(position)
  return minedReceiptJson({ transaction, receipt: receiptOf(transaction), before }, placeOf(position))
}

/** @param logIndex - In the block. */
export function logJson(log: Log, position: Position, logIndex: number): Json {
  const transaction = position.block.transactions[position.index]?.hash
  return minedLogJson(log, { ...placeOf(position), transaction }, logIndex)
}
