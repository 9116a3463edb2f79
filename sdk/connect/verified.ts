import { type CustomTransport, custom } from 'viem'
import type { BlockChoice, EthereumClient } from '../client/ethereum/index.ts'
import { SdkError } from '../errors.ts'
import {
  type Address,
  address,
  blockHash,
  fromHex,
  type Hex,
  isHex,
  slot,
  type TxHash,
  toHex,
  txHash,
} from '../units.ts'
import type { LogFilter, ProvenLog, VerifiedBlock } from '../verify/ethereum/index.ts'
import { rpcCodes, rpcError } from './rpcError.ts'
import { blockJson, receiptsJson, transactionJsonAt } from './verifiedBlocks.ts'

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
 * A viem transport whose every answer is proven: balances, nonces, code, storage, calls, whole blocks, transactions,
 * receipts, and logs, all logs of a range among them. Methods that cannot be proven are refused (4200), unless `unverified` names them.
 *
 * What a block's hash does not commit to is left out: withdrawals, and the size that counts them, where no node told them. What a
 * node tells of no transaction is `null`, and proves no absence.
 */
export function verified(client: ProvingClient, options: VerifiedOptions = {}): CustomTransport {
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

/** A light client on this thread or in a worker. */
export type ProvingClient = Omit<EthereumClient, 'conflicts' | 'faults'>

interface Context {
  readonly client: ProvingClient
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
  eth_getBlockByNumber: async (context, [block, isWhole]) =>
    blockJson(await wholeBlock(context, choiceOf(context, block)), isWhole === true),
  eth_getBlockByHash: async (context, [hash, isWhole]) =>
    blockJson(await wholeBlock(context, hashChoiceOf(context, hash)), isWhole === true),
  eth_getBlockReceipts: async (context, [block]) => {
    const choice = isHex(block, 32) ? hashChoiceOf(context, block) : choiceOf(context, block)
    return receiptsJson(await wholeBlock(context, choice))
  },
  eth_getBlockTransactionCountByNumber: async (context, [block]) =>
    quantity((await wholeBlock(context, choiceOf(context, block))).receipts.length),
  eth_getBlockTransactionCountByHash: async (context, [hash]) =>
    quantity((await wholeBlock(context, hashChoiceOf(context, hash))).receipts.length),
  eth_getTransactionByBlockNumberAndIndex: async (context, [block, index]) =>
    transactionJsonAt(await wholeBlock(context, choiceOf(context, block)), Number(readQuantity(index))),
  eth_getTransactionByBlockHashAndIndex: async (context, [hash, index]) =>
    transactionJsonAt(await wholeBlock(context, hashChoiceOf(context, hash)), Number(readQuantity(index))),
  eth_getTransactionByHash: async ({ client, latest }, [hash]) => {
    const found = await client.mined(readTxHash(hash), latest)
    return found && transactionJsonAt(found.value.block, found.value.index)
  },
  eth_getTransactionReceipt: async ({ client, latest }, [hash]) => {
    const found = await client.mined(readTxHash(hash), latest)
    return found && receiptsJson(found.value.block)[found.value.index]
  },
}

async function wholeBlock({ client }: Context, choice: BlockChoice): Promise<VerifiedBlock> {
  return (await client.block(choice)).value
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
  if (typeof json === 'string' && /^0x[0-9a-fA-F]{1,13}$/.test(json)) return { under: latest, block: Number(json) }
  throw malformed('the block is not a number, latest, safe or finalized')
}

function hashChoiceOf({ latest }: Context, json: unknown): BlockChoice {
  if (!isHex(json, 32)) throw malformed('the hash of a block is malformed')
  return { under: latest, block: blockHash(json) }
}

function readTxHash(json: unknown): TxHash {
  if (!isHex(json, 32)) throw malformed('the hash of a transaction is malformed')
  return txHash(json)
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
  const addresses = (told == null ? [] : Array.isArray(told) ? told : [told]).map(readAddress)
  if (!Array.isArray(topics)) throw malformed('the topics are not a list')
  const filter: LogFilter = { addresses, topics: topics.map(readTopics) }
  return [filter, { hashes: true, ...rangeOf(context, { fromBlock, toBlock, blockHash }) }]
}

/** A block by its hash, a range from a number on, or the one block that both ends name. */
function rangeOf(
  context: Context,
  { fromBlock, toBlock, blockHash }: Readonly<Record<'fromBlock' | 'toBlock' | 'blockHash', unknown>>,
): Parameters<EthereumClient['logs']>[1] {
  if (blockHash != null) {
    if (fromBlock != null || toBlock != null) throw malformed('a range is named by numbers or by a hash')
    return { to: hashChoiceOf(context, blockHash) }
  }
  const [first, to] = [choiceOf(context, fromBlock), choiceOf(context, toBlock)]
  if (typeof first === 'string') {
    if (first === to) return { to }
    throw malformed('the first block is not a number')
  }
  const from = typeof first === 'object' ? first.block : first
  if (typeof from !== 'number') throw malformed('the first block is not a number')
  return { from, to }
}

function readTopics(json: unknown): readonly Uint8Array[] {
  const choices = json == null ? [] : Array.isArray(json) ? json : [json]
  return choices.map((topic) => {
    if (!isHex(topic, 32)) throw malformed('a topic is not 32 bytes')
    return fromHex(topic)
  })
}

function writeLog({ log, blockHash, blockNumber, transactionIndex, transactionHash, logIndex }: ProvenLog) {
  return {
    address: log.address,
    topics: log.topics.map(toHex),
    data: toHex(log.data),
    blockHash,
    blockNumber: quantity(blockNumber),
    transactionIndex: quantity(transactionIndex),
    logIndex: quantity(logIndex),
    transactionHash,
    removed: false,
  }
}

function fieldsOf(json: unknown): Readonly<Record<string, unknown>> {
  if (typeof json !== 'object' || json === null) throw malformed('an object is missing')
  return json as Readonly<Record<string, unknown>>
}
