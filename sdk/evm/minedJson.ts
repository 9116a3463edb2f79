import { invariant } from '../errors.ts'
import { type BlockHash, type Hex, toHex } from '../units.ts'
import type { Header } from './block.ts'
import { bloomOf, type Log, type Receipt } from './receipt.ts'
import { createdAddress } from './sender.ts'
import { type TransactionNames, transactionJson } from './transactionJson.ts'
import { bytesOf, numberOf, readWire, type Wire } from './wire.ts'

/** Headers, and transactions, receipts and logs that a block holds, as JSON-RPC (execution-apis) tells them. */

type Json = Readonly<Record<string, unknown>>

/** Where in which block. */
export interface MinedPlace {
  readonly hash: BlockHash
  readonly header: Header
  readonly index: number
}

/** A transaction, in the block that it is told to be in. */
export interface MinedTransaction extends TransactionNames {
  readonly raw: Uint8Array
}

/** What a block held before one of its transactions. */
export interface MinedBefore {
  readonly gasUsed: bigint
  readonly logs: number
}

/** Every field of a header, under the names of JSON-RPC. */
export function headerJson(header: Header): Json {
  return {
    parentHash: header.parentHash,
    sha3Uncles: toHex(header.ommersHash),
    miner: header.miner,
    stateRoot: toHex(header.stateRoot),
    transactionsRoot: toHex(header.transactionsRoot),
    receiptsRoot: toHex(header.receiptsRoot),
    logsBloom: toHex(header.logsBloom),
    difficulty: quantityHex(header.difficulty),
    number: quantityHex(header.number),
    gasLimit: quantityHex(header.gasLimit),
    gasUsed: quantityHex(header.gasUsed),
    timestamp: quantityHex(header.timestamp),
    extraData: toHex(header.extraData),
    mixHash: toHex(header.mixHash),
    nonce: toHex(header.nonce),
    ...('baseFeePerGas' in header ? { baseFeePerGas: quantityHex(header.baseFeePerGas) } : {}),
    ...('withdrawalsRoot' in header ? { withdrawalsRoot: toHex(header.withdrawalsRoot) } : {}),
    ...('blobGasUsed' in header
      ? {
          blobGasUsed: quantityHex(header.blobGasUsed),
          excessBlobGas: quantityHex(header.excessBlobGas),
          parentBeaconBlockRoot: toHex(header.parentBeaconBlockRoot),
        }
      : {}),
    ...('requestsHash' in header ? { requestsHash: toHex(header.requestsHash) } : {}),
  }
}

/** A transaction in its block. */
export function minedTransactionJson(transaction: MinedTransaction, { hash, header, index }: MinedPlace): Json {
  const wire = wireOf(transaction.raw)
  return {
    ...transactionJson(wire, transaction),
    gasPrice: quantityHex(gasPriceOf(wire, header)),
    blockHash: hash,
    blockNumber: quantityHex(header.number),
    blockTimestamp: quantityHex(header.timestamp),
    transactionIndex: quantityHex(index),
  }
}

/** A receipt with all that follows from its transaction and from what the block held `before`. */
export function receiptJson(
  told: { readonly transaction: MinedTransaction; readonly receipt: Receipt; readonly before: MinedBefore },
  place: MinedPlace,
): Json {
  const { transaction, receipt, before } = told
  const { hash, header, index } = place
  const { from } = transaction
  const wire = wireOf(transaction.raw)
  const to = bytesOf(wire, 'to')
  const nonce = Number(numberOf(wire, 'nonce'))
  return {
    transactionHash: transaction.hash,
    transactionIndex: quantityHex(index),
    blockHash: hash,
    blockNumber: quantityHex(header.number),
    from,
    to: to.length === 0 ? null : toHex(to),
    contractAddress: to.length === 0 ? createdAddress({ from, nonce }) : null,
    cumulativeGasUsed: quantityHex(receipt.cumulativeGasUsed),
    gasUsed: quantityHex(receipt.cumulativeGasUsed - before.gasUsed),
    effectiveGasPrice: quantityHex(gasPriceOf(wire, header)),
    type: quantityHex(wire.type),
    ...(typeof receipt.outcome === 'string'
      ? { status: receipt.outcome === 'succeeded' ? '0x1' : '0x0' }
      : { root: toHex(receipt.outcome.stateRoot) }),
    logs: receipt.logs.map((log, at) => logJson(log, { ...place, transaction: transaction.hash }, before.logs + at)),
    logsBloom: toHex(bloomOf(receipt.logs)),
  }
}

/** @param logIndex - In the block. */
export function logJson(
  { address, topics, data }: Log,
  { hash, header, index, transaction }: MinedPlace & { readonly transaction: Hex | undefined },
  logIndex: number,
): Json {
  return {
    address,
    topics: topics.map(toHex),
    data: toHex(data),
    blockNumber: quantityHex(header.number),
    blockHash: hash,
    blockTimestamp: quantityHex(header.timestamp),
    transactionHash: transaction,
    transactionIndex: quantityHex(index),
    logIndex: quantityHex(logIndex),
    removed: false,
  }
}

/** Wei a unit of gas left the block's recipient, above the base fee. */
export function tipOf(raw: Uint8Array, header: Header): bigint {
  return gasPriceOf(wireOf(raw), header) - baseFeeOf(header)
}

export function baseFeeOf(header: Header): bigint {
  return 'baseFeePerGas' in header ? header.baseFeePerGas : 0n
}

/** Wei a unit of gas cost its sender (EIP-1559). */
function gasPriceOf(wire: Wire, header: Header): bigint {
  if (wire.type < 2) return numberOf(wire, 'gasPrice')
  const base = baseFeeOf(header)
  const [cap, tip] = [numberOf(wire, 'maxFeePerGas'), numberOf(wire, 'maxPriorityFeePerGas')]
  return cap < base + tip ? cap : base + tip
}

function wireOf(raw: Uint8Array): Wire {
  const read = readWire(raw)
  invariant(read.ok, 'a transaction of a block can be read')
  return read.value
}

function quantityHex(value: bigint | number): Hex {
  return `0x${value.toString(16)}`
}
