import { invariant } from '../../../../sdk/errors.ts'
import { bloomOf, createdAddress, encodeHeader, type Header, type Log } from '../../../../sdk/evm/index.ts'
import { bytesOf, layouts, listOf, numberOf, readWire, shapes, type Wire } from '../../../../sdk/evm/wire.ts'
import { decodeRlp, encodeRlp, isBytes, type RlpItem, toBigInt } from '../../../../sdk/rlp.ts'
import { type Address, type Hex, type TxHash, toHex } from '../../../../sdk/units.ts'
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
    ...transactionJson(transaction),
    gasPrice: quantityHex(gasPriceOf(wire, block.header)),
    blockHash: block.hash,
    blockNumber: quantityHex(block.header.number),
    blockTimestamp: quantityHex(block.header.timestamp),
    transactionIndex: quantityHex(index),
  }
}

/** A transaction in no block. */
export function pooledJson(transaction: Signature): Json {
  const wire = wireOf(transaction.raw)
  const price = wire.type < 2 ? numberOf(wire, 'gasPrice') : numberOf(wire, 'maxFeePerGas')
  const nowhere = { blockHash: null, blockNumber: null, transactionIndex: null }
  return { ...transactionJson(transaction), gasPrice: quantityHex(price), ...nowhere }
}

interface Signature {
  readonly hash: TxHash
  readonly from: Address
  readonly raw: Uint8Array
}

function transactionJson({ hash, from, raw }: Signature): Json {
  const wire = wireOf(raw)
  const { v, r, s } = wire.signature
  return {
    hash,
    type: quantityHex(wire.type),
    from,
    ...Object.fromEntries(layouts[wire.type].map((name) => [name, fieldJson(wire, name)])),
    ...(wire.type === 0 ? chainOf(v) : { yParity: quantityHex(v) }),
    v: quantityHex(v),
    r: quantityHex(toBigInt(r)),
    s: quantityHex(toBigInt(s)),
  }
}

/** EIP-155. */
function chainOf(v: bigint): Json {
  return v >= 35n ? { chainId: quantityHex((v - 35n) / 2n) } : {}
}

function wireOf(raw: Uint8Array): Wire {
  const read = readWire(raw)
  invariant(read.ok, 'a stored transaction can be read')
  return read.value
}

function fieldJson(wire: Wire, name: (typeof layouts)[0][number]): unknown {
  const shape = shapes[name]
  if (typeof shape === 'object') return quantityHex(numberOf(wire, name))
  switch (shape) {
    case 'recipient': {
      const bytes = bytesOf(wire, name)
      return bytes.length === 0 ? null : toHex(bytes)
    }
    case 'bytes':
      return toHex(bytesOf(wire, name))
    case 'hashes':
      return listOf(wire, name).map(hexOf)
    case 'accessList':
      return listOf(wire, name).map((entry) => {
        const [account, keys] = entry as readonly [RlpItem, readonly RlpItem[]]
        return { address: hexOf(account), storageKeys: keys.map(hexOf) }
      })
    case 'authorizations':
      return listOf(wire, name).map((entry) => {
        const [chainId, account, nonce, yParity, r, s] = entry as readonly Uint8Array[]
        const number = (bytes: Uint8Array | undefined) => quantityHex(toBigInt(bytes ?? new Uint8Array(0)))
        return {
          chainId: number(chainId),
          address: toHex(account as Uint8Array),
          nonce: number(nonce),
          yParity: number(yParity),
          r: number(r),
          s: number(s),
        }
      })
  }
}

function hexOf(item: RlpItem): Hex {
  return isBytes(item) ? toHex(item) : '0x'
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
