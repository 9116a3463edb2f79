import { type CustomTransport, custom } from 'viem'
import type { BlockChoice, EthereumClient } from '../client/ethereum/index.ts'
import { SdkError } from '../errors.ts'
import { type Address, address, fromHex, type Hex, isHex, slot, toHex } from '../units.ts'
import type { LogFilter, ProvenLog } from '../verify/ethereum/index.ts'
import { rpcCodes, rpcError } from './rpcError.ts'

export interface VerifiedOptions {
  /** Which block `latest` stands for: the youngest signed one without a choice, which can still be reorganised. */
  readonly latest?: 'finalized' | 'optimistic'
  /**
   * Methods that go to somebody else as they are, and who that is. None without it.
   *
   * Funds at risk: their answers are not proven.
   */
  readonly unverified?: {
    readonly methods: readonly string[]
    readonly request: (method: string, params: readonly unknown[]) => Promise<unknown>
  }
}

/**
 * A viem transport whose every answer is proven: balances, nonces, code, storage, calls and logs, all logs of a range
 * among them. Methods that cannot be proven are refused (4200), unless `unverified` names them.
 *
 * Logs carry no hash of their transaction: receipts do not name one.
 */
export function verified(client: EthereumClient, options: VerifiedOptions = {}): CustomTransport {
  const { unverified } = options
  const request = async ({ method, params }: { method: string; params?: unknown }): Promise<unknown> => {
    const list = Array.isArray(params) ? params : []
    const answer = Object.hasOwn(methods, method) ? methods[method] : undefined
    if (answer) return answer({ client, latest: options.latest ?? 'optimistic' }, list).catch(told)
    if (unverified?.methods.includes(method)) return unverified.request(method, list)
    throw rpcError(rpcCodes.unsupported, `${method} cannot be proven, and what is not proven is refused.`)
  }
  return custom({ request }, { key: 'verified', name: 'Verified', retryCount: 0 })
}

/** What failed, with the code and the advice of the client. */
function told(error: unknown): never {
  if (!(error instanceof SdkError)) throw error
  const code = error.code === 'node/unreachable' ? rpcCodes.disconnected : rpcCodes.internal
  throw rpcError(code, [error.message, ...error.notes].join(' '), { code: error.code })
}

interface Context {
  readonly client: EthereumClient
  readonly latest: 'finalized' | 'optimistic'
}

const methods: Readonly<Record<string, (context: Context, params: readonly unknown[]) => Promise<unknown>>> = {
  eth_chainId: async ({ client }) => quantity(client.network.chainId),
  net_version: async ({ client }) => String(client.network.chainId),
  eth_blockNumber: async ({ client, latest }) => {
    const { chain } = await client.sync()
    return quantity(chain[latest].execution?.number ?? 0)
  },
  eth_getBalance: async (context, [account, block]) => {
    const { value } = await context.client.balance(readAddress(account), choiceOf(context, block))
    return quantity(value)
  },
  eth_getTransactionCount: async (context, [account, block]) => {
    const { value } = await context.client.account(readAddress(account), choiceOf(context, block))
    return quantity(value?.nonce ?? 0n)
  },
  eth_getCode: async (context, [account, block]) => {
    const { value } = await context.client.code(readAddress(account), choiceOf(context, block))
    return toHex(value)
  },
  eth_getStorageAt: async (context, [account, name, block]) => {
    if (typeof name !== 'string' || !/^0x[0-9a-fA-F]{1,64}$/.test(name)) throw malformed('the slot is malformed')
    const place = slot(`0x${name.slice(2).padStart(64, '0')}`)
    const { value } = await context.client.storage(readAddress(account), [place], choiceOf(context, block))
    return toHex(value[0] as Uint8Array)
  },
  eth_call: async (context, [call, block, ...overrides]) => {
    if (overrides.some((one) => one != null)) throw malformed('overrides change the state, so nothing would be proven')
    const { value } = await context.client.call(readCall(call), choiceOf(context, block))
    if (value.status === 'succeeded') return toHex(value.output)
    throw rpcError(rpcCodes.reverted, 'execution reverted', toHex(value.output))
  },
  eth_getLogs: async (context, [filter]) => {
    const { value } = await context.client.logs(...readRange(context, filter))
    return value.map(writeLog)
  },
}

function malformed(why: string): Error {
  return rpcError(rpcCodes.invalidParams, `The parameters do not fit: ${why}.`)
}

function quantity(value: bigint | number): Hex {
  return `0x${value.toString(16)}`
}

function choiceOf({ latest }: Context, json: unknown): BlockChoice {
  if (json == null || json === 'latest') return latest
  if (json === 'finalized' || json === 'safe') return 'finalized'
  if (typeof json === 'string' && /^0x[0-9a-fA-F]{1,13}$/.test(json)) return Number(json)
  throw malformed('the block is not a number, latest, safe or finalized')
}

function readAddress(json: unknown): Address {
  if (!isHex(json, 20)) throw malformed('an account is malformed')
  return address(json)
}

function readCall(json: unknown): Parameters<EthereumClient['call']>[0] {
  const { from, to, data, input, value, gas, ...rest } = fieldsOf(json)
  const bytes = data ?? input ?? '0x'
  if (to == null || !isHex(bytes)) throw malformed('the call has no recipient, or its data is malformed')
  // Fees play no part in a call; all else would change what it comes to.
  const foreign = Object.keys(rest).filter(
    (name) => rest[name] != null && !/^(?:max.*|gasPrice|nonce|type|chainId)$/.test(name),
  )
  if (foreign.length > 0) throw malformed(`${foreign[0]} is not supported`)
  return {
    to: readAddress(to),
    data: fromHex(bytes),
    ...(from == null ? {} : { from: readAddress(from) }),
    ...(value == null ? {} : { value: readQuantity(value) }),
    ...(gas == null ? {} : { gas: readQuantity(gas) }),
  }
}

function readQuantity(json: unknown): bigint {
  if (typeof json !== 'string' || !/^0x[0-9a-fA-F]{1,64}$/.test(json)) throw malformed('a number is malformed')
  return BigInt(json)
}

function readRange(context: Context, json: unknown): Parameters<EthereumClient['logs']> {
  const { address: told, topics = [], fromBlock, toBlock, blockHash } = fieldsOf(json)
  if (blockHash != null) throw malformed('a range is named by its numbers')
  const from = choiceOf(context, fromBlock)
  if (typeof from !== 'number') throw malformed('the first block is not a number')
  const addresses = (told == null ? [] : Array.isArray(told) ? told : [told]).map(readAddress)
  if (!Array.isArray(topics)) throw malformed('the topics are not a list')
  const filter: LogFilter = { addresses, topics: topics.map(readTopics) }
  return [filter, { from, to: choiceOf(context, toBlock) }]
}

function readTopics(json: unknown): readonly Uint8Array[] {
  const choices = json == null ? [] : Array.isArray(json) ? json : [json]
  return choices.map((topic) => {
    if (!isHex(topic, 32)) throw malformed('a topic is not 32 bytes')
    return fromHex(topic)
  })
}

function writeLog({ log, blockHash, blockNumber, transactionIndex, logIndex }: ProvenLog) {
  return {
    address: log.address,
    topics: log.topics.map(toHex),
    data: toHex(log.data),
    blockHash,
    blockNumber: quantity(blockNumber),
    transactionIndex: quantity(transactionIndex),
    logIndex: quantity(logIndex),
    transactionHash: null,
    removed: false,
  }
}

function fieldsOf(json: unknown): Readonly<Record<string, unknown>> {
  if (typeof json !== 'object' || json === null) throw malformed('an object is missing')
  return json as Readonly<Record<string, unknown>>
}
