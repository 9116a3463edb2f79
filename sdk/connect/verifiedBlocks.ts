import { SdkError } from '../errors.ts'
import { senderOf, transactionHash } from '../evm/index.ts'
import {
  headerJson,
  type MinedBefore,
  type MinedTransaction,
  minedTransactionJson,
  receiptJson,
} from '../evm/minedJson.ts'
import type { VerifiedBlock } from '../verify/ethereum/index.ts'

/** Verified blocks as JSON-RPC tells them. What is not proven is left out. */

type Json = Readonly<Record<string, unknown>>

/** A block with its transactions, or their hashes. It has withdrawals, and a size, where they were told and proven. */
export function blockJson(block: VerifiedBlock, isWhole: boolean): Json {
  const { hash, header, facts } = block
  const transactions = isWhole
    ? facts.transactions.map((_, index) => transactionJsonAt(block, index))
    : facts.transactions.map(transactionHash)
  return { hash, ...headerJson(header), transactions, uncles: [], ...withdrawalsJson(block) }
}

function withdrawalsJson({ withdrawals, facts }: VerifiedBlock): Json {
  if (!withdrawals) return {}
  const told = withdrawals.map(({ index, validatorIndex, address, amount }) => ({
    index: quantityHex(index),
    validatorIndex: quantityHex(validatorIndex),
    address,
    amount: quantityHex(amount),
  }))
  return { size: quantityHex(sizeOf(facts)), withdrawals: told }
}

/** Bytes of the whole block in RLP: header, transactions (typed ones as strings), uncles, of which there are none, withdrawals. */
function sizeOf({ header, transactions, withdrawals = [] }: VerifiedBlock['facts']): number {
  const body = transactions.map((raw) => ((raw[0] as number) < 0xc0 ? inRlp(raw.length) : raw.length))
  const parts = [header.length, inRlp(sum(body)), 1, inRlp(sum(withdrawals.map(({ length }) => length)))]
  return inRlp(sum(parts))
}

/** Bytes of a list, or of a string of more than one byte, with what says how long it is. */
function inRlp(length: number): number {
  return length < 56 ? length + 1 : length + 1 + Math.ceil(length.toString(16).length / 2)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}

function quantityHex(value: bigint | number): string {
  return `0x${value.toString(16)}`
}

/** A transaction in its block; `null` where the block has none at the index. */
export function transactionJsonAt(block: VerifiedBlock, index: number): Json | null {
  const raw = block.facts.transactions[index]
  return raw ? minedTransactionJson(named(raw), { ...block, index }) : null
}

/** The receipts of a whole block, with gas and logs counted over it. */
export function receiptsJson(block: VerifiedBlock): readonly Json[] {
  let before: MinedBefore = { gasUsed: 0n, logs: 0 }
  return block.receipts.map((receipt, index) => {
    const transaction = named(block.facts.transactions[index] as Uint8Array)
    const json = receiptJson({ transaction, receipt, before }, { ...block, index })
    before = { gasUsed: receipt.cumulativeGasUsed, logs: before.logs + receipt.logs.length }
    return json
  })
}

function named(raw: Uint8Array): MinedTransaction {
  const from = senderOf(raw)
  // It is proven that the block holds these bytes; a fork that brought another form would come here.
  if (!from.ok)
    throw new SdkError('client/not-provable', `A transaction of the block cannot be read: ${from.reason}.`, {
      notes: ['It may be of a type that this version does not know: update.'],
    })
  return { raw, hash: transactionHash(raw), from: from.value }
}
