import { invariant, SdkError } from '../../sdk/errors.ts'
import { type Address, type TxHash, toHex } from '../../sdk/units.ts'
import type { ChainConfig, Finality } from '../config.ts'
import { callsPerRequestMax, envelopeMsMax, executorAnswerBytesMax, executorTimeoutMs } from '../limits.ts'
import { type Answer, isRecord, nonsense, readAnswer, readBlock, readInclusion, readQuantity } from './answer.ts'
import { type EnvelopeRoad, forwardEnvelope } from './envelope.ts'
import { forwardLanes } from './forward.ts'
import type { Health } from './health.ts'
import type { Block, Executor, Found, Head, Inclusion, Outcome, Sending } from './port.ts'
import { severalExecutors } from './several.ts'
import { canSendSync, type SyncRoad, sendSync } from './syncSend.ts'
import { outcomeOfError } from './verdict.ts'

interface Call {
  readonly method: string
  readonly params: readonly unknown[]
}

/** All executors of a chain as one; `health` is kept by the object that asks, for as long as it lives. */
export function executorsOf(chain: ChainConfig, health: Health): Executor {
  const { executors, finality } = chain
  const members = executors.map((url, index) => {
    const offers = health.offers[index]
    return jsonRpcExecutor({ executors: [url], finality }, offers && { chain, offers })
  })
  return severalExecutors(members, health, Date.now)
}

/**
 * An Ethereum node as executor, over JSON-RPC and HTTP.
 *
 * A window goes as one envelope where the node runs envelopes (`lanekit_executeBatch`), else transactions go one by one
 * with `eth_sendRawTransaction`, since an array promises no order; a few that wait for nothing go with
 * `eth_sendRawTransactionSync` where the node has it. Questions go in arrays.
 *
 * The address comes from configuration only.
 *
 * @param envelopes - What is kept of the node's offers; without it no envelope is tried.
 */
export function jsonRpcExecutor(
  { executors, finality }: Pick<ChainConfig, 'executors' | 'finality'>,
  envelopes?: Pick<EnvelopeRoad, 'chain' | 'offers'>,
): Executor {
  const [url] = executors
  invariant(url, 'a chain has an executor')
  const ask = (calls: readonly Call[]) => askAll(url, calls)
  const askOne = async (method: string, ...params: readonly unknown[]): Promise<unknown> => {
    const [answer] = await ask([{ method, params }])
    return resultOf(answer)
  }
  const send = async ({ raw }: Sending): Promise<Outcome> => {
    try {
      const [answer] = await ask([{ method: 'eth_sendRawTransaction', params: [toHex(raw)] }])
      if (!answer) return { kind: 'unknown' }
      return answer.ok ? { kind: 'accepted' } : outcomeOfError(answer.code, answer.message)
    } catch {
      return { kind: 'unknown' } // It may have arrived: only the hash tells.
    }
  }
  const askForOne: SyncRoad['ask'] = (method, params) => askPatiently(url, { method, params }, executorTimeoutMs)
  return {
    nonces: async (senders, at) => {
      const tag = at === 'latest' ? at : hexOf(at)
      const answers = await ask(senders.map((sender) => ({ method: 'eth_getTransactionCount', params: [sender, tag] })))
      const nonces = new Map<Address, number>()
      for (const [index, sender] of senders.entries()) {
        const answer = answers[index]
        const nonce = answer?.ok ? readQuantity(answer.result) : undefined
        if (nonce !== undefined) nonces.set(sender, nonce)
      }
      return nonces
    },
    forward: async (lanes, options) => {
      const timeoutMs = options.until - Date.now() + executorTimeoutMs // The lease lasts as long.
      const askForAll: EnvelopeRoad['ask'] = (method, params) => askPatiently(url, { method, params }, timeoutMs)
      const road = envelopes && { ...envelopes, ask: askForAll, now: Date.now }
      if (road && (await forwardEnvelope(lanes, options, road))) return
      const sync = envelopes && { offers: envelopes.offers, ask: askForOne, now: Date.now }
      const isSync = sync !== undefined && (await canSendSync(lanes, sync))
      const sendOne = isSync ? ({ raw, hash }: Sending) => sendSync(toHex(raw), hash, sync) : send
      await forwardLanes(lanes, options, { send: sendOne, now: Date.now })
    },
    find: (hashes) => findAll(ask, hashes),
    head: () => readHead(ask, finality),
    block: async (number) => {
      const result = await askOne('eth_getBlockByNumber', hexOf(number), false)
      return result === null ? undefined : readBlock(result)
    },
    inclusions: (block, wanted) => inclusionsOf(ask, block, wanted),
  }
}

type Ask = (calls: readonly Call[]) => Promise<readonly (Answer | undefined)[]>

async function findAll(ask: Ask, hashes: readonly TxHash[]): Promise<ReadonlyMap<TxHash, Found>> {
  const answers = await ask(
    hashes.flatMap((hash) => [
      { method: 'eth_getTransactionReceipt', params: [hash] },
      { method: 'eth_getTransactionByHash', params: [hash] },
    ]),
  )
  const found = new Map<TxHash, Found>()
  for (const [index, hash] of hashes.entries()) {
    const receipt = answers[2 * index]
    const transaction = answers[2 * index + 1]
    if (!receipt?.ok || !transaction?.ok) continue // No answer is no news.
    if (receipt.result !== null) found.set(hash, { kind: 'included', inclusion: readInclusion(receipt.result) })
    else found.set(hash, { kind: transaction.result === null ? 'missing' : 'pooled' })
  }
  return found
}

async function readHead(ask: Ask, finality: Finality): Promise<Head> {
  const newest = { method: 'eth_getBlockByNumber', params: ['latest', false] }
  const final = { method: 'eth_getBlockByNumber', params: ['finalized', false] }
  const [latest, finalized] = await ask(finality === 'tag' ? [newest, final] : [newest])
  const { number, hash } = readBlock(resultOf(latest))
  if (finality !== 'tag') return { number, hash, finalized: number - finality }
  // A young chain has no finalized block yet, and says so by null or by an error.
  const isFinal = finalized?.ok === true && finalized.result !== null
  return { number, hash, finalized: isFinal ? readBlock(finalized.result).number : -1 }
}

async function inclusionsOf(ask: Ask, block: Block, wanted: readonly TxHash[]): Promise<readonly Inclusion[]> {
  if (wanted.length === 0) return []
  const [all] = await ask([{ method: 'eth_getBlockReceipts', params: [hexOf(block.number)] }])
  const receipts = all?.ok && Array.isArray(all.result) ? all.result : await receiptsOf(ask, wanted)
  const wishes = new Set(wanted)
  const inclusions = receipts.map(readInclusion).filter(({ hash }) => wishes.has(hash))
  if (inclusions.length !== wishes.size || inclusions.some(({ blockHash }) => blockHash !== block.hash))
    throw nonsense('the receipts of the block that was asked for')
  return inclusions
}

/** For nodes without `eth_getBlockReceipts`. */
async function receiptsOf(ask: Ask, hashes: readonly TxHash[]): Promise<readonly unknown[]> {
  const answers = await ask(hashes.map((hash) => ({ method: 'eth_getTransactionReceipt', params: [hash] })))
  return answers.map(resultOf)
}

function resultOf(answer: Answer | undefined): unknown {
  if (!answer) throw nonsense('an answer to every call')
  if (!answer.ok) throw new SdkError('node/refused', 'The executor refused the call.', { notes: [answer.message] })
  return answer.result
}

/** Asks all, in arrays of a size that nodes take. Answers stand where their calls stand. */
async function askAll(url: string, calls: readonly Call[]): Promise<readonly (Answer | undefined)[]> {
  const answers: (Answer | undefined)[] = []
  for (let from = 0; from < calls.length; from += callsPerRequestMax)
    answers.push(...(await askSome(url, calls.slice(from, from + callsPerRequestMax))))
  return answers
}

async function askSome(url: string, calls: readonly Call[]): Promise<readonly (Answer | undefined)[]> {
  const bodies = calls.map(({ method, params }, id) => ({ jsonrpc: '2.0', id, method, params }))
  const reply = await post(url, JSON.stringify(bodies.length === 1 ? bodies[0] : bodies))
  const answers: (Answer | undefined)[] = calls.map(() => undefined)
  for (const entry of Array.isArray(reply) ? reply : [reply]) {
    const read = readAnswer(entry)
    if (read && typeof read.id === 'number' && read.id in answers) answers[read.id] = read.answer
  }
  return answers
}

/** One call that may take longer than others: it runs a whole window. Nothing when no readable answer came. */
async function askPatiently(url: string, call: Call, timeoutMs: number): Promise<Answer | undefined> {
  try {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 0, ...call })
    const limits = {
      timeoutMs: Math.max(executorTimeoutMs, Math.min(timeoutMs, envelopeMsMax)),
      bytesMax: executorAnswerBytesMax,
    }
    const read = readAnswer(await post(url, body, limits))
    return read?.id === 0 ? read.answer : undefined
  } catch {
    return undefined
  }
}

/** One request to an executor. Throws `node/unreachable` or `node/nonsense`; the answer is an object or an array. */
export async function post(
  url: string,
  body: string,
  { timeoutMs, bytesMax } = { timeoutMs: executorTimeoutMs, bytesMax: executorAnswerBytesMax },
): Promise<unknown> {
  let text: string
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    })
    text = await readText(response, bytesMax)
    if (response.status === 429 || response.status >= 500) throw unreachable(`It answered ${response.status}.`)
  } catch (error) {
    throw error instanceof SdkError ? error : unreachable('The connection failed or took too long.')
  }
  try {
    const json: unknown = JSON.parse(text)
    if (Array.isArray(json) || isRecord(json)) return json
  } catch {
    // Falls through: what is not JSON is nonsense like anything else that is not an answer.
  }
  throw nonsense('JSON-RPC')
}

/** The text of a response. Throws `node/nonsense` beyond `bytesMax`. */
export async function readText(response: Response, bytesMax: number): Promise<string> {
  const reader = response.body?.getReader()
  if (!reader) return ''
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    size += chunk.value.byteLength
    if (size > bytesMax) {
      await reader.cancel()
      throw nonsense('within the size that is read')
    }
    text += decoder.decode(chunk.value, { stream: true })
  }
  return text + decoder.decode()
}

function unreachable(note: string): SdkError {
  return new SdkError('node/unreachable', 'The executor does not answer.', { retryable: true, notes: [note] })
}

function hexOf(value: number): string {
  return `0x${value.toString(16)}`
}
