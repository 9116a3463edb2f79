import { invariant } from '../../../../sdk/errors.ts'
import { bloomOf, createdAddress, encodeHeader, type Header, type Log } from '../../../../sdk/evm/index.ts'
import { pooledTransactionJson, type TransactionNames, transactionJson } from '../../../../sdk/evm/transactionJson.ts'
import { bytesOf, numberOf, readWire, type Wire } from '../../../../sdk/evm/wire.ts'
import { decodeRlp, encodeRlp, type RlpItem } from '../../../../sdk/rlp.ts'
import { type Hex, toHex } from '../../../../sdk/units.ts'
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

function headerJson(header: Header): Json {
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
export function minedJson({ block: archived, index }: Position): Json {
  const { block, transactions } = archived
  const transaction = transactions[index]
  invariant(transaction, 'a position is one of the block')
  const wire = wireOf(transaction.raw)
  return {
    ...transactionJson(wire, transaction),
    gasPrice: quantityHex(gasPriceOf(wire, block.header)),
    blockHash: block.hash,
    blockNumber: quantityHex(block.header.number),
    blockTimestamp: quantityHex(block.header.timestamp),
    transactionIndex: quantityHex(index),
  }
}

/** A transaction in no block. */
export function pooledJson(transaction: TransactionNames & { readonly raw: Uint8Array }): Json {
  return pooledTransactionJson(wireOf(transaction.raw), transaction)
}

function wireOf(raw: Uint8Array): Wire {
  const read = readWire(raw)
  invariant(read.ok, 'a stored transaction can be read')
  return read.value
}

/** Wei a unit of gas cost its sender (EIP-1559). */
function gasPriceOf(wire: Wire, header: Header): bigint {
  if (wire.type < 2) return numberOf(wire, 'gasPrice')
  const base = baseFeeOf(header)
  const [cap, tip] = [numberOf(wire, 'maxFeePerGas'), numberOf(wire, 'maxPriorityFeePerGas')]
  return cap < base + tip ? cap : base + tip
}

/** Wei a unit of gas left the block's recipient, above the base fee. */
export function tipOf(raw: Uint8Array, header: Header): bigint {
  return gasPriceOf(wireOf(raw), header) - baseFeeOf(header)
}

export function baseFeeOf(header: Header): bigint {
  return 'baseFeePerGas' in header ? header.baseFeePerGas : 0n
}

/** The receipts of a whole block. */
export function receiptsJson(block: ArchivedBlock): readonly Json[] {
  let [before, logs] = [0n, 0]
  return block.transactions.map((_, index) => {
    const json = receiptFrom({ block, index }, { before, logs })
    const receipt = receiptOf(block.transactions[index] as ArchivedBlock['transactions'][number])
    before = receipt.cumulativeGasUsed
    logs += receipt.logs.length
    return json
  })
}

export function receiptJson(position: Position): Json {
  return receiptFrom(position, standingOf(position))
}

/** What a block held before one of its transactions. */
interface Standing {
  readonly before: bigint
  readonly logs: number
}

function standingOf({ block, index }: Position): Standing {
  let [before, logs] = [0n, 0]
  for (const transaction of block.transactions.slice(0, index)) {
    const receipt = receiptOf(transaction)
    before = receipt.cumulativeGasUsed
    logs += receipt.logs.length
  }
  return { before, logs }
}

function receiptFrom(position: Position, { before, logs }: Standing): Json {
  const { block: archived, index } = position
  const { block, transactions } = archived
  const transaction = transactions[index]
  invariant(transaction, 'a position is one of the block')
  const receipt = receiptOf(transaction)
  const wire = wireOf(transaction.raw)
  const to = bytesOf(wire, 'to')
  const { from } = transaction
  const nonce = Number(numberOf(wire, 'nonce'))
  return {
    transactionHash: transaction.hash,
    transactionIndex: quantityHex(index),
    blockHash: block.hash,
    blockNumber: quantityHex(block.header.number),
    from,
    to: to.length === 0 ? null : toHex(to),
    contractAddress: to.length === 0 ? createdAddress({ from, nonce }) : null,
    cumulativeGasUsed: quantityHex(receipt.cumulativeGasUsed),
    gasUsed: quantityHex(receipt.cumulativeGasUsed - before),
    effectiveGasPrice: quantityHex(gasPriceOf(wire, block.header)),
    type: quantityHex(wire.type),
    status: receipt.outcome === 'succeeded' ? '0x1' : '0x0',
    logs: receipt.logs.map((log, at) => logJson(log, position, logs + at)),
    logsBloom: toHex(bloomOf(receipt.logs)),
  }
}

/** @param logIndex - In the block. */
export function logJson({ address, topics, data }: Log, { block, index }: Position, logIndex: number): Json {
  const { header, hash } = block.block
  return {
    address,
    topics: topics.map(toHex),
    data: toHex(data),
    blockNumber: quantityHex(header.number),
    blockHash: hash,
    blockTimestamp: quantityHex(header.timestamp),
    transactionHash: block.transactions[index]?.hash,
    transactionIndex: quantityHex(index),
    logIndex: quantityHex(logIndex),
    removed: false,
  }
}
