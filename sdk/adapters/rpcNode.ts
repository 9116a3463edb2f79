import { type Decoded, SdkError } from '../errors.ts'
import { headerFromJson, receiptFromJson } from '../evm/blockJson.ts'
import { transactionFromJson } from '../evm/transactionJson.ts'
import { withdrawalFromJson } from '../evm/withdrawal.ts'
import type { EvmNode, NodeAccount, NodeBlock, NodeRefusal } from '../ports.ts'
import { type Address, blockHash, chainId, fromHex, type Hex, isHex, toHex, txHash } from '../units.ts'
import { type Counterpart, exchange, type Fetch, fieldsOf, nonsense, parseJson, quoted, unreachable } from './http.ts'
import {
  readAccessList,
  readBytes,
  readCount,
  readQuantity,
  readTrace,
  readWord,
  writeCall,
  writeQuantity,
} from './rpcShapes.ts'

export interface RpcNodeOptions {
  readonly url: string
  readonly fetch?: Fetch
  /** Per request, the body included. */
  readonly timeoutMs?: number
}

/** Largest answer that is read. A full mainnet block in JSON takes about 2 MB, a large trace 10 MB. */
export const rpcAnswerBytesMax = 64 * 1024 * 1024
const timeoutMsDefault = 20_000
const blockTransactionsMax = 16_384
const receiptsInFlightMax = 8

const node: Counterpart = { name: 'node', unreachable: 'node/unreachable', nonsense: 'node/nonsense' }
const methodNotFound = -32601

/**
 * An Ethereum node over JSON-RPC 2.0 (execution-apis). Nothing it says is believed: answers are held to their
 * shapes, blocks are turned into the bytes that consensus hashes, and proving them is the caller's next step.
 *
 * Throws `node/unreachable` (retryable), `node/refused` with a {@link NodeRefusal} as cause, `node/nonsense`.
 * No message holds the address of the node, which often carries a key.
 */
export function rpcNode(options: RpcNodeOptions): EvmNode {
  const ask = asker(options)
  return {
    chainId: async () => chainId(want(readCount(await ask('eth_chainId', [])), 'eth_chainId')),
    nonce: async (account, tag) =>
      want(readCount(await ask('eth_getTransactionCount', [account, tag])), 'eth_getTransactionCount'),
    balance: async (account) => want(readQuantity(await ask('eth_getBalance', [account, 'latest'])), 'eth_getBalance'),
    code: async (account) => want(readBytes(await ask('eth_getCode', [account, 'latest'])), 'eth_getCode'),
    account: (account, block) => accountAt(ask, account, block),
    slot: async (account, slot, block) =>
      fromHex(want(readWord(await ask('eth_getStorageAt', [account, slot, writeQuantity(block)])), 'eth_getStorageAt')),
    fees: () => fees(ask),
    call: async (call) => want(readBytes(await ask('eth_call', [writeCall(call), 'latest'])), 'eth_call'),
    estimateGas: async (call) => want(readQuantity(await ask('eth_estimateGas', [writeCall(call)])), 'eth_estimateGas'),
    createAccessList: async (call) =>
      want(readAccessList(await ask('eth_createAccessList', [writeCall(call), 'latest'])), 'eth_createAccessList'),
    trace: async (call) => {
      const run = (tracer: object) => ask('debug_traceCall', [writeCall(call), 'latest', tracer])
      const [prestate, difference, outcome] = await Promise.all([
        run({ tracer: 'prestateTracer' }),
        run({ tracer: 'prestateTracer', tracerConfig: { diffMode: true } }),
        run({ tracer: 'callTracer', tracerConfig: { onlyTopCall: true } }),
      ])
      return want(readTrace({ prestate, difference, run: outcome }), 'debug_traceCall')
    },
    block: (which) => block(ask, which),
    send: async (raw) =>
      txHash(want(readWord(await ask('eth_sendRawTransaction', [toHex(raw)])), 'eth_sendRawTransaction')),
    request: (method, params) => ask(method, params),
  }
}

type Ask = (method: string, params: readonly unknown[]) => Promise<unknown>

function asker({ url, fetch = globalThis.fetch, timeoutMs = timeoutMsDefault }: RpcNodeOptions): Ask {
  let id = 0
  return async (method, params) => {
    id += 1
    const asked = id
    const { status, body } = await exchange(fetch, {
      counterpart: node,
      url,
      init: {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id: asked, method, params }),
      },
      timeoutMs,
      bodyBytesMax: rpcAnswerBytesMax,
    })
    const told = fieldsOf(parseJson(body))
    // Some nodes send JSON-RPC errors with an HTTP status, so the body is asked before the status.
    const refusal = readRefusal(told?.error)
    if (refusal) throw refused(method, refusal)
    if (status === 429 || status >= 500) throw unreachable(node, status)
    if (status !== 200) throw refused(method, { code: status, message: `HTTP status ${status}`, data: null })
    if (!told || told.id !== asked || told.result === undefined)
      throw nonsense(node, `${method} brought no JSON-RPC result`)
    return told.result
  }
}

const refusalDataCharsMax = 131_072

function readRefusal(json: unknown): NodeRefusal | undefined {
  const { code, message, data } = fieldsOf(json) ?? {}
  if (!Number.isSafeInteger(code) || typeof message !== 'string') return undefined
  const reverted = isHex(data) && data.length <= refusalDataCharsMax ? data : null
  return { code: code as number, message: quoted(message), data: reverted }
}

function refused(method: string, refusal: NodeRefusal): SdkError {
  return new SdkError('node/refused', `The node refused ${method}: ${refusal.message} (${refusal.code}).`, {
    cause: refusal,
  })
}

function want<value>(value: value | undefined, method: string): value {
  if (value === undefined) throw nonsense(node, `the result of ${method} is not of its shape`)
  return value
}

async function accountAt(ask: Ask, account: Address, block: number): Promise<NodeAccount> {
  const place = [account, writeQuantity(block)]
  const [nonce, balance, code] = await Promise.all([
    ask('eth_getTransactionCount', place),
    ask('eth_getBalance', place),
    ask('eth_getCode', place),
  ])
  return {
    nonce: want(readCount(nonce), 'eth_getTransactionCount'),
    balance: want(readQuantity(balance), 'eth_getBalance'),
    code: want(readBytes(code), 'eth_getCode'),
  }
}

/** EIP-1559: the base fee of the next block, and what the node suggests for the tip. */
async function fees(ask: Ask) {
  const [history, tip] = await Promise.all([
    ask('eth_feeHistory', [writeQuantity(1), 'latest', []]),
    ask('eth_maxPriorityFeePerGas', []),
  ])
  const { baseFeePerGas } = fieldsOf(history) ?? {}
  const next = Array.isArray(baseFeePerGas) && baseFeePerGas.length <= 2 ? baseFeePerGas.at(-1) : undefined
  return {
    baseFeePerGas: want(readQuantity(next), 'eth_feeHistory'),
    maxPriorityFeePerGas: want(readQuantity(tip), 'eth_maxPriorityFeePerGas'),
  }
}

async function block(ask: Ask, which: number | Hex | 'latest' | 'finalized'): Promise<NodeBlock | undefined> {
  const byHash = isHex(which, 32)
  const named = typeof which === 'number' ? writeQuantity(which) : which
  const told = await ask(byHash ? 'eth_getBlockByHash' : 'eth_getBlockByNumber', [named, true])
  if (told === null) return undefined
  const fields = fieldsOf(told)
  const hash = readWord(fields?.hash)
  const number = readCount(fields?.number)
  const list = fields?.transactions
  if (!hash || number === undefined || !Array.isArray(list) || list.length > blockTransactionsMax)
    throw nonsense(node, 'the block is not of its shape')
  const receipts = list.length === 0 ? [] : await receiptsOf(ask, hash, list)
  return {
    number,
    hash: blockHash(hash),
    header: bytesFrom(headerFromJson(fields), 'header'),
    transactions: list.map((json) => bytesFrom(transactionFromJson(json), 'transaction')),
    receipts: receipts.map((json) => bytesFrom(receiptFromJson(json), 'receipt')),
    ...withdrawalsIn(fields?.withdrawals),
  }
}

/** What a node tells of withdrawals, where it tells of them. */
function withdrawalsIn(json: unknown): Pick<NodeBlock, 'withdrawals'> {
  if (json === undefined || json === null) return {}
  if (!Array.isArray(json) || json.length > blockTransactionsMax) throw nonsense(node, 'the withdrawals are not a list')
  return { withdrawals: json.map((one) => bytesFrom(withdrawalFromJson(one), 'withdrawal')) }
}

/** All receipts of a block: in one call where the node knows it, else one by one. Asked by hash, so that a
 * block that another one replaced meanwhile does not lend its receipts. */
async function receiptsOf(ask: Ask, hash: Hex, transactions: readonly unknown[]): Promise<readonly unknown[]> {
  let told: unknown
  try {
    told = await ask('eth_getBlockReceipts', [hash])
  } catch (error) {
    if (!(error instanceof SdkError) || (error.cause as NodeRefusal | undefined)?.code !== methodNotFound) throw error
    told = await receiptsOneByOne(ask, transactions)
  }
  if (!Array.isArray(told) || told.length !== transactions.length)
    throw nonsense(node, 'the receipts are not those of the block')
  return told
}

async function receiptsOneByOne(ask: Ask, transactions: readonly unknown[]): Promise<readonly unknown[]> {
  const receipts: unknown[] = []
  for (let at = 0; at < transactions.length; at += receiptsInFlightMax) {
    const some = transactions.slice(at, at + receiptsInFlightMax)
    receipts.push(
      ...(await Promise.all(
        some.map((json) =>
          ask('eth_getTransactionReceipt', [want(readWord(fieldsOf(json)?.hash), 'eth_getBlockByNumber')]),
        ),
      )),
    )
  }
  return receipts
}

function bytesFrom(decoded: Decoded<Uint8Array>, what: string): Uint8Array {
  if (!decoded.ok) throw nonsense(node, `a ${what} is malformed (${decoded.reason})`)
  return decoded.value
}
