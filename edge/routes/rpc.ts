import { Hono } from 'hono'
import { SdkError } from '../../sdk/errors.ts'
import type { TxStatus } from '../../sdk/ports.ts'
import type { Address, TxHash } from '../../sdk/units.ts'
import type { ChainConfig } from '../config.ts'
import { readQuantity } from '../executor/answer.ts'
import { type Passed, passThrough, type Read } from '../executor/passage.ts'
import { receiptPauseMs, rpcBodyBytesMax, rpcVerdictMs } from '../limits.ts'
import type { Env } from '../objects.ts'
import { chainName, shardName, shardOf } from '../placement.ts'
import {
  pendingTransaction,
  type RpcCall,
  type RpcError,
  type RpcTask,
  readCalls,
  rpcErrorOf,
  syncErrors,
} from '../rpc.ts'
import type { Answer } from '../shard.ts'
import { allowOnly, ask, chainOf, Refusal } from './answer.ts'
import { mediaTypeOf, readBody } from './body.ts'
import { admit, demandGoodFaith, noteBadFaith } from './gate.ts'
import { storeAll } from './submission.ts'

/** What a call comes to: the `result` or `error` of its answer. */
type Reply = { readonly result: unknown } | { readonly error: unknown }

/** An Ethereum node's JSON-RPC, for any wallet: sendings through the shards, reads through to the executor. */
export function rpc() {
  return new Hono<{ Bindings: Env }>()
    .post('/:chain', async (context) => {
      const chain = chainOf(context.env, context.req.param('chain'))
      admit(context, 'rpc')
      demandGoodFaith(context)
      const read = readCalls(await readJson(context.req.raw), chain.id)
      if (!read.ok) return context.json({ jsonrpc: '2.0', id: null, error: read.error })
      const replies = await answerAll(context.env, chain, read.calls)
      noteBadFaith(context, replies.filter(isNone).length)
      const answers = read.calls.flatMap(({ id }, at) =>
        id === undefined ? [] : [{ jsonrpc: '2.0', id, ...replies[at] }],
      )
      if (answers.length === 0) return context.body(null, 204)
      return context.json(read.isArray ? answers : answers[0])
    })
    .all('/:chain', allowOnly('POST'))
}

async function readJson(request: Request): Promise<unknown> {
  if (mediaTypeOf(request) !== 'application/json') throw new Refusal('unsupported-media-type', 'Send application/json.')
  const bytes = await readBody(request, rpcBodyBytesMax, { code: 'batch-too-large', what: 'A request' })
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes))
  } catch {
    throw new Refusal('malformed-call', 'The body is not JSON in UTF-8.')
  }
}

/** Sendings are stored together, and all reads go on in one array; each reply stands where its call stands. */
async function answerAll(env: Env, chain: ChainConfig, calls: readonly RpcCall[]): Promise<readonly Reply[]> {
  const sendings = calls.flatMap(({ task }) => (task.kind === 'send' || task.kind === 'sendSync' ? [task] : []))
  const questions = calls.flatMap(({ task }) => questionOf(task) ?? [])
  const [stored, passed] = await Promise.all([store(env, chain, sendings), pass(chain, questions)])
  let sending = 0
  let question = 0
  const replies = calls.map(async ({ task }): Promise<Reply> => {
    switch (task.kind) {
      case 'known':
        return { result: task.result }
      case 'refused':
        return { error: task.error }
      case 'send':
        return sentReply(stored[sending++])
      case 'sendSync':
        return syncReply(env, chain, stored[sending++], task.timeoutMs)
      case 'read':
        return passed[question++] ?? noAnswer
      case 'nextNonce':
        return nonceReply(env, chain, task.sender, passed[question++])
      case 'transaction':
        return transactionReply(env, chain, task.hash, passed[question++])
    }
  })
  return Promise.all(replies)
}

/** True of the refusal of bytes that are no transaction. */
function isNone(reply: Reply): boolean {
  const { data } = ('error' in reply ? reply.error : {}) as { readonly data?: { readonly code?: unknown } }
  return data?.code === 'invalid-transaction'
}

/** What a call needs to have asked of the executor. */
function questionOf(task: RpcTask): Read | undefined {
  switch (task.kind) {
    case 'read':
      return { method: task.method, params: task.params }
    case 'nextNonce':
      return { method: 'eth_getTransactionCount', params: [task.sender, 'pending'] }
    case 'transaction':
      return { method: 'eth_getTransactionByHash', params: task.params }
    default:
      return undefined
  }
}

const noAnswer: Reply = { error: rpcErrorOf('executor-unavailable', 'The node does not answer.') }

/** Whatever the executor does, a sending in the same array has its own answer. */
async function pass(chain: ChainConfig, reads: readonly Read[]): Promise<readonly (Passed | undefined)[]> {
  if (reads.length === 0) return []
  try {
    return await passThrough(chain.executors, reads)
  } catch (error) {
    if (error instanceof SdkError) return []
    throw error
  }
}

async function store(env: Env, chain: ChainConfig, sendings: readonly { readonly raw: Uint8Array }[]) {
  if (sendings.length === 0) return []
  const transactions = sendings.map(({ raw }) => ({ raw, declaration: null }))
  const { answers } = await storeAll(env, chain, transactions)
  return told(env, chain, answers)
}

/**
 * A node says a definite no at once, and wallets count on it: so the executor's is waited for, but not for long. What
 * the answers say is stored long before.
 */
async function told(env: Env, chain: ChainConfig, answers: readonly Answer[]): Promise<readonly Answer[]> {
  // Nobody asks an executor about what waits for a nonce.
  const awaited = answers.flatMap((answer) =>
    answer.ok && answer.status.state !== 'held' ? [{ hash: answer.hash, sequence: answer.sequence }] : [],
  )
  if (awaited.length === 0) return answers
  const object = env.CHAIN.getByName(chainName(chain.id))
  const statuses = await ask(() => object.outcomes(awaited, rpcVerdictMs, 'verdict')).catch(() => [])
  const today = new Map(awaited.map(({ hash }, at) => [hash, statuses[at]]))
  return answers.map((answer) => (answer.ok ? { ...answer, status: today.get(answer.hash) ?? answer.status } : answer))
}

/** A definite no of the executor, which is the answer to the same bytes for a while, is told as one. */
function failureOf(status: TxStatus): RpcError | undefined {
  if (status.state === 'rejected') return rpcErrorOf(codeOf(status.code), status.detail)
  if (status.state === 'replaced') return rpcErrorOf('nonce-too-low', `Transaction ${status.by} used the nonce.`)
  return undefined
}

function codeOf(code: string) {
  return code as Parameters<typeof rpcErrorOf>[0]
}

function sentReply(answer: Answer | undefined): Reply {
  if (!answer) return noAnswer
  if (!answer.ok) return { error: rpcErrorOf(answer.code, answer.detail) }
  const error = failureOf(answer.status)
  return error ? { error } : { result: answer.hash }
}

async function syncReply(env: Env, chain: ChainConfig, answer: Answer | undefined, timeoutMs: number): Promise<Reply> {
  if (!answer?.ok) return sentReply(answer)
  const { hash, sequence } = answer
  if (answer.status.state === 'held') return { error: syncErrors.gap(answer.status.missingNonce) }
  const deadline = Date.now() + timeoutMs
  const object = env.CHAIN.getByName(chainName(chain.id))
  const [status = null] =
    answer.status.state === 'included' || answer.status.state === 'finalized'
      ? [answer.status]
      : await ask(() => object.outcomes([{ hash, sequence }], timeoutMs, 'end'))
  if (status?.state === 'held') return { error: syncErrors.gap(status.missingNonce) }
  if (status?.state === 'expired') return { error: syncErrors.unready(hash) }
  const error = status ? failureOf(status) : undefined
  if (error) return { error }
  if (status?.state !== 'included' && status?.state !== 'finalized') return { error: syncErrors.late(hash, timeoutMs) }
  for (;;) {
    const [passed] = await pass(chain, [{ method: 'eth_getTransactionReceipt', params: [hash] }])
    if (passed && 'result' in passed && passed.result !== null) return passed
    // Another executor than the one that told of the block may be a moment behind.
    if (Date.now() + receiptPauseMs > deadline) return { error: syncErrors.late(hash, timeoutMs) }
    await new Promise((resolve) => setTimeout(resolve, receiptPauseMs))
  }
}

async function nonceReply(env: Env, chain: ChainConfig, sender: Address, passed: Passed | undefined): Promise<Reply> {
  const pending = passed && 'result' in passed ? readQuantity(passed.result) : undefined
  if (pending === undefined) return passed ?? noAnswer
  const shard = env.SHARD.getByName(shardName(chain.id, shardOf(sender)))
  const { nextFree } = await ask(() => shard.nonces(sender, pending))
  return { result: `0x${nextFree.toString(16)}` }
}

/** What is on its way, but not with the executor yet, is no lost transaction. */
async function transactionReply(
  env: Env,
  chain: ChainConfig,
  hash: TxHash,
  passed: Passed | undefined,
): Promise<Reply> {
  if (!passed || !('result' in passed) || passed.result !== null) return passed ?? noAnswer
  const found = await ask(() => env.CHAIN.getByName(chainName(chain.id)).raw(hash))
  return { result: found && pendingTransaction(found.raw, { hash, from: found.sender }) }
}
