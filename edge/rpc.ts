import { pooledTransactionJson, type TransactionNames } from '../sdk/evm/transactionJson.ts'
import { readWire } from '../sdk/evm/wire.ts'
import { type Address, address, fromHex, isHex, type TxHash } from '../sdk/units.ts'
import { isRecord } from './executor/answer.ts'
import { logsBlocksMax, rpcCallsMax, syncMsDefault, syncMsMax } from './limits.ts'
import { type ProblemCode, problemKind } from './problems.ts'

/** An error as JSON-RPC carries it. */
export interface RpcError {
  readonly code: number
  readonly message: string
  readonly data?: unknown
}

/** Of a request: what its answer is named by. Nothing in a notification, which gets no answer. */
export type RpcId = string | number | null | undefined

/** What one call asks of the edge. */
export type RpcTask =
  | { readonly kind: 'send'; readonly raw: Uint8Array }
  | { readonly kind: 'sendSync'; readonly raw: Uint8Array; readonly timeoutMs: number }
  /** The first nonce that neither the chain nor the edge has. */
  | { readonly kind: 'nextNonce'; readonly sender: Address }
  /** A transaction that the edge may have before its executor does. */
  | { readonly kind: 'transaction'; readonly hash: TxHash; readonly params: readonly unknown[] }
  /** Known without asking. */
  | { readonly kind: 'known'; readonly result: unknown }
  | { readonly kind: 'read'; readonly method: string; readonly params: readonly unknown[] }
  | { readonly kind: 'refused'; readonly error: RpcError }

/** One call, read. */
export interface RpcCall {
  readonly id: RpcId
  readonly task: RpcTask
}

/** Methods that only read, and go on to the executor as they are. */
const reads: ReadonlySet<string> = new Set([
  'eth_blobBaseFee',
  'eth_blockNumber',
  'eth_call',
  'eth_createAccessList',
  'eth_estimateGas',
  'eth_feeHistory',
  'eth_gasPrice',
  'eth_getBalance',
  'eth_getBlockByHash',
  'eth_getBlockByNumber',
  'eth_getBlockReceipts',
  'eth_getBlockTransactionCountByHash',
  'eth_getBlockTransactionCountByNumber',
  'eth_getCode',
  'eth_getLogs',
  'eth_getProof',
  'eth_getStorageAt',
  'eth_getTransactionByBlockHashAndIndex',
  'eth_getTransactionByBlockNumberAndIndex',
  'eth_getTransactionByHash',
  'eth_getTransactionCount',
  'eth_getTransactionReceipt',
  'eth_getUncleCountByBlockHash',
  'eth_getUncleCountByBlockNumber',
  'eth_maxPriorityFeePerGas',
  'eth_syncing',
  // Of the embedded executor: a block under its sequencer's signature, which a light client checks by itself.
  'lanekit_sequencedBlock',
  'net_listening',
  'net_version',
  'web3_clientVersion',
])

/** Every method of the endpoint. */
export const rpcMethods: readonly string[] = [
  ...reads,
  'eth_accounts',
  'eth_chainId',
  'eth_sendRawTransaction',
  'eth_sendRawTransactionSync',
].sort()

/**
 * Reads the body of a JSON-RPC request: one call, or an array of at most {@link rpcCallsMax}. Never throws. What is
 * wrong with one call is that call's answer; what is wrong with the whole is the whole answer.
 */
export function readCalls(
  json: unknown,
  chain: number,
):
  | { readonly ok: true; readonly isArray: boolean; readonly calls: readonly RpcCall[] }
  | { readonly ok: false; readonly error: RpcError } {
  if (!Array.isArray(json)) return { ok: true, isArray: false, calls: [readCall(json, chain)] }
  if (json.length === 0) return { ok: false, error: { code: -32600, message: 'The array of calls is empty.' } }
  if (json.length > rpcCallsMax)
    return { ok: false, error: { code: -32600, message: `An array has at most ${rpcCallsMax} calls.` } }
  return { ok: true, isArray: true, calls: json.map((entry) => readCall(entry, chain)) }
}

function readCall(json: unknown, chain: number): RpcCall {
  if (!isRecord(json)) return { id: null, task: no(-32600, 'A call is an object.') }
  const { id, method, params = [] } = json
  const isId = id === undefined || id === null || typeof id === 'string' || typeof id === 'number'
  if (!isId || typeof method !== 'string') return { id: null, task: no(-32600, 'A call has an id and a method.') }
  if (!Array.isArray(params)) return { id, task: no(-32602, 'The parameters are an array.') }
  return { id, task: taskOf(method, params, chain) }
}

function taskOf(method: string, params: readonly unknown[], chain: number): RpcTask {
  const [first, second] = params
  switch (method) {
    case 'eth_chainId':
      return { kind: 'known', result: `0x${chain.toString(16)}` }
    case 'net_version':
      return { kind: 'known', result: `${chain}` }
    case 'eth_accounts':
      return { kind: 'known', result: [] }
    case 'eth_sendRawTransaction':
      return isHex(first) ? { kind: 'send', raw: fromHex(first) } : notSigned
    case 'eth_sendRawTransactionSync':
      return isHex(first) ? { kind: 'sendSync', raw: fromHex(first), timeoutMs: timeoutOf(second) } : notSigned
    case 'eth_getTransactionCount':
      if (second !== 'pending' || !isHex(first, 20)) break
      return { kind: 'nextNonce', sender: address(first) }
    case 'eth_getTransactionByHash':
      return isHex(first, 32)
        ? { kind: 'transaction', hash: first.toLowerCase() as TxHash, params }
        : { kind: 'read', method, params }
    case 'eth_getLogs':
      if (isTooWide(first)) return no(-32005, `Logs are told of at most ${logsBlocksMax} blocks at once.`)
      break
  }
  if (!reads.has(method))
    return no(-32601, `The method ${method.slice(0, 64)} does not exist or is not available here.`)
  return { kind: 'read', method, params }
}

const notSigned = no(-32602, 'The first parameter is a signed transaction, 0x and hexadecimal digits.')

function no(code: number, message: string): { readonly kind: 'refused'; readonly error: RpcError } {
  return { kind: 'refused', error: { code, message } }
}

/** EIP-7966: a number or a quantity; one that is not valid counts as absent. */
function timeoutOf(value: unknown): number {
  const number = typeof value === 'string' && /^0x[0-9a-fA-F]{1,8}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 1 || number > syncMsMax) return syncMsDefault
  return number
}

function isTooWide(filter: unknown): boolean {
  if (!isRecord(filter)) return false
  const [from, to] = [Number(filter.fromBlock), Number(filter.toBlock)]
  return to - from >= logsBlocksMax
}

/**
 * A refusal in the words that wallets know: libraries tell errors apart by them. The edge's own code stands in `data`.
 * What may succeed later has a code on which libraries come back by themselves, with the same bytes.
 */
export function rpcErrorOf(code: ProblemCode, detail: string): RpcError {
  const { retryable } = problemKind(code)
  const data = { code, retryable }
  const phrase = phrases[code]
  if (phrase) return { code: -32000, message: `${phrase}: ${detail}`, data }
  if (!retryable) return { code: -32003, message: detail, data }
  return { code: code === 'backpressure' ? -32005 : -32603, message: detail, data }
}

/** As geth says it, and viem, ethers and cast read it. */
const phrases: Partial<Record<ProblemCode, string>> = {
  'nonce-too-low': 'nonce too low',
  'nonce-conflict': 'nonce too low',
  'nonce-gap-too-wide': 'nonce too high',
  'fee-too-low': 'replacement transaction underpriced',
  'insufficient-funds': 'insufficient funds for gas * price + value',
  'gas-too-low': 'intrinsic gas too low',
  'gas-too-high': 'exceeds block gas limit',
  'wrong-chain': 'invalid chain id for signer',
  'invalid-transaction': 'invalid transaction',
}

/** Errors of `eth_sendRawTransactionSync` (EIP-7966): 4 time is up, 5 not ready, 6 a nonce is missing. */
export const syncErrors = {
  late: (hash: TxHash, ms: number): RpcError => ({
    code: 4,
    message: `The transaction was stored but was in no block after ${ms} ms.`,
    data: hash,
  }),
  unready: (hash: TxHash): RpcError => ({
    code: 5,
    message: 'The transaction was stored and is not ready to be executed.',
    data: hash,
  }),
  gap: (missingNonce: number): RpcError => ({
    code: 6,
    message: `The transaction was stored and waits: nonce ${missingNonce} is missing.`,
    data: `0x${missingNonce.toString(16)}`,
  }),
}

/** A transaction that is in no block yet, as `eth_getTransactionByHash` tells it. The bytes were judged long ago. */
export function pendingTransaction(raw: Uint8Array, names: TransactionNames): Readonly<Record<string, unknown>> | null {
  const read = readWire(raw)
  return read.ok ? pooledTransactionJson(read.value, names) : null
}
