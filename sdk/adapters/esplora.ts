import { sha256 } from '../crypto/hashes.ts'
import { SdkError } from '../errors.ts'
import type {
  BitcoinCoinbase,
  BitcoinInclusion,
  BitcoinNode,
  BitcoinPlace,
  Broadcast,
  NodeCoin,
  NodeTransaction,
} from '../ports.ts'
import { type Feerate, feerate, type Height, sameBytes, type Txid } from '../units.ts'
import {
  type BitcoinNetworkName,
  blockBytesMax,
  genesisHashes,
  hash256,
  headerSize,
  headersMax,
  readHash,
  readHeight,
  readRaw,
  readSats,
  readTxid,
  readWhole,
  scriptEntriesMax,
  writeHash,
  writeRaw,
} from './bitcoinShapes.ts'
import { broadcastRefusal } from './broadcastRefusal.ts'
import {
  type Answer,
  type Counterpart,
  exchange,
  type Fetch,
  fieldsOf,
  nonsense,
  parseJson,
  unreachable,
} from './http.ts'

export interface EsploraOptions {
  /** Where the API lives, `/api` included where there is one. */
  readonly url: string
  /** Asked for once: a server of another network is refused. */
  readonly network?: BitcoinNetworkName
  readonly fetch?: Fetch
  /** Per request, the body included. */
  readonly timeoutMs?: number
  /** What {@link BitcoinNode.minFeerate} says, as this API does not tell: 1 sat per vbyte, unless it is known better. */
  readonly minFeerate?: Feerate
}

/** Largest answer that is read: a page of 75 transactions at their largest would be more, but no standard one. */
export const esploraAnswerBytesMax = 64 * 1024 * 1024
const timeoutMsDefault = 20_000
const minFeerateDefault = 1_000
/** Blocks that one page of `/blocks` holds, and confirmed transactions that one of `/txs/chain` does. */
const [blocksPerPage, transactionsPerPage] = [10, 25]
const requestsInFlightMax = 4
/** How often facts are asked for again that a reorganisation tore apart. */
const attemptsMax = 3
const merkleBlockBytesMax = 4_096
const estimatesMax = 1_008

const node: Counterpart = { name: 'node', unreachable: 'node/unreachable', nonsense: 'node/nonsense' }

/**
 * A Bitcoin node behind Esplora's HTTP API (Blockstream/esplora, API.md). Nothing it says is believed: answers are held
 * to their shapes, and proving them is the caller's next step.
 *
 * It sees at most 50 unconfirmed transactions of a script, and refuses scripts with more than 10,000 transactions.
 * Throws `node/unreachable` (retryable), `node/refused`, `node/nonsense`. No message holds the address of the server.
 */
export function esplora(options: EsploraOptions): BitcoinNode {
  const ask = asker(options)
  return {
    tip: async () => {
      const [newest] = await blocksFrom(ask, null)
      return want(newest, '/blocks').place
    },
    headers: (first, count) => headers(ask, first, count),
    block: async (hash) => found(await ask(`/block/${writeHash(hash)}/raw`), blockBytesMax),
    transaction: async (txid) => found(await ask(`/tx/${txid}/raw`), blockBytesMax),
    inclusion: (txid) => inclusion(ask, txid),
    coinbase: (block) => coinbase(ask, block),
    coins: (script) => coins(ask, script),
    history: (script) => history(ask, script),
    spend: async ({ txid, index }) => readSpend(await json(ask, `/tx/${txid}/outspend/${index}`)),
    feeEstimates: async () => readEstimates(await json(ask, '/fee-estimates')),
    minFeerate: async () => options.minFeerate ?? feerate(minFeerateDefault),
    broadcast: (raw) => broadcast(ask, raw),
  }
}

type Ask = (path: string, body?: string) => Promise<Answer>

/** Answers of status 200, 400 (to a body) and 404 come back; all else throws. */
function asker({ url, network, fetch = globalThis.fetch, timeoutMs = timeoutMsDefault }: EsploraOptions): Ask {
  const base = url.replace(/\/+$/, '')
  const send: Ask = async (path, body) => {
    const answer = await exchange(fetch, {
      counterpart: node,
      url: `${base}${path}`,
      init:
        body === undefined ? { method: 'GET' } : { method: 'POST', headers: { 'content-type': 'text/plain' }, body },
      timeoutMs,
      bodyBytesMax: esploraAnswerBytesMax,
    })
    const { status } = answer
    if (status === 200 || status === 404 || (status === 400 && body !== undefined)) return answer
    if (status === 429 || status >= 500) throw unreachable(node, status)
    throw refused(`HTTP status ${status}`)
  }
  if (network === undefined) return send
  let checked: Promise<void> | undefined
  return async (path, body) => {
    checked ??= checkNetwork(send, network)
    // A server that could not be asked is asked again next time.
    await checked.catch((error: unknown) => {
      checked = undefined
      throw error
    })
    return send(path, body)
  }
}

async function checkNetwork(ask: Ask, network: BitcoinNetworkName): Promise<void> {
  const { body } = await ask('/block-height/0')
  if (textOf(body) !== genesisHashes[network]) throw nonsense(node, `it does not serve ${network}`)
}

interface PagedBlock {
  readonly place: BitcoinPlace
  readonly header: Uint8Array
}

/** The headers of a page: the newest, or those from a height down. Nothing above the tip. */
async function blocksFrom(ask: Ask, from: number | null): Promise<readonly PagedBlock[]> {
  const { status, body } = await ask(from === null ? '/blocks' : `/blocks/${from}`)
  if (status === 404) return []
  const page = parseJson(body)
  if (!Array.isArray(page) || page.length > 10 * blocksPerPage) throw nonsense(node, '/blocks is not of its shape')
  return page.map((block) => want(readBlock(block), '/blocks'))
}

/** Takes a header apart no further than its hash: the bytes are put together and have to hash to the block's name. */
function readBlock(told: unknown): PagedBlock | undefined {
  const { id, height, version, timestamp, bits, nonce, merkle_root, previousblockhash } = fieldsOf(told) ?? {}
  const [hash, root, at] = [readHash(id), readHash(merkle_root), readHeight(height)]
  const previous = at === 0 ? new Uint8Array(32) : readHash(previousblockhash)
  const numbers = [version, timestamp, bits, nonce]
  if (!hash || !root || at === undefined || !previous || !numbers.every(Number.isSafeInteger)) return undefined
  const header = new Uint8Array(headerSize)
  const view = new DataView(header.buffer)
  // Some servers tell the version with a sign, some without: the bytes are the same.
  view.setInt32(0, Number(version), true)
  header.set(previous, 4)
  header.set(root, 36)
  for (const [place, value] of [timestamp, bits, nonce].entries()) view.setUint32(68 + 4 * place, Number(value), true)
  return sameBytes(hash256(header), hash) ? { place: { height: at, hash }, header } : undefined
}

/** The newest page tells where the chain ends; those below are asked for side by side, each from its top. */
async function headers(ask: Ask, first: Height, count: number): Promise<Uint8Array> {
  const newest = await blocksFrom(ask, null)
  const tip = want(newest[0], '/blocks').place.height
  const last = Math.min(first + Math.min(count, headersMax) - 1, tip)
  const found = new Map(newest.map(({ place, header }) => [place.height as number, header]))
  const tops: number[] = []
  for (let top = last; top >= first; top -= blocksPerPage) {
    while (found.has(top)) top -= 1
    if (top >= first) tops.push(top)
  }
  for (let at = 0; at < tops.length; at += requestsInFlightMax) {
    const pages = await Promise.all(tops.slice(at, at + requestsInFlightMax).map((top) => blocksFrom(ask, top)))
    for (const { place, header } of pages.flat()) found.set(place.height, header)
  }
  const row = new Uint8Array(Math.max(0, last - first + 1) * headerSize)
  for (let at = first as number; at <= last; at++)
    row.set(want(found.get(at), '/blocks/:start_height'), (at - first) * headerSize)
  return row
}

async function inclusion(ask: Ask, txid: Txid): Promise<BitcoinInclusion | undefined> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const status = readStatus(await json(ask, `/tx/${txid}/status`))
    if (!want(status, '/status').hash) return undefined
    const { body, status: code } = await ask(`/tx/${txid}/merkleblock-proof`)
    const merkleBlock =
      code === 404 ? undefined : want(readRaw(textOf(body), merkleBlockBytesMax), '/merkleblock-proof')
    const hash = merkleBlock && hash256(merkleBlock.subarray(0, headerSize))
    // The two answers may be of two branches.
    if (merkleBlock && hash && status?.hash && sameBytes(hash, status.hash) && status.height !== null)
      return { height: status.height, hash, merkleBlock }
  }
  throw nonsense(node, 'status and proof of a transaction stay of two blocks')
}

async function coinbase(ask: Ask, block: Uint8Array): Promise<BitcoinCoinbase | undefined> {
  const named = await ask(`/block/${writeHash(block)}/txid/0`)
  if (named.status === 404) return undefined
  const txid = want(readTxid(textOf(named.body)), '/txid/0')
  const [raw, proof] = await Promise.all([ask(`/tx/${txid}/raw`), ask(`/tx/${txid}/merkleblock-proof`)])
  const transaction = found(raw, blockBytesMax)
  // Both are gone when the block was reorganised away meanwhile.
  if (!transaction || proof.status === 404) return undefined
  return { transaction, merkleBlock: want(readRaw(textOf(proof.body), merkleBlockBytesMax), '/merkleblock-proof') }
}

async function coins(ask: Ask, script: Uint8Array): Promise<readonly NodeCoin[]> {
  const told = await json(ask, `/scripthash/${scriptHash(script)}/utxo`)
  if (!Array.isArray(told)) throw nonsense(node, '/utxo is not of its shape')
  if (told.length > scriptEntriesMax) throw refused(`the script has more than ${scriptEntriesMax} coins`)
  return told.map((entry) => want(readCoin(entry), '/utxo'))
}

function readCoin(told: unknown): NodeCoin | undefined {
  const fields = fieldsOf(told)
  const [txid, index, value] = [readTxid(fields?.txid), readWhole(fields?.vout, 0xffffffff), readSats(fields?.value)]
  const status = readStatus(fields?.status)
  if (!txid || index === undefined || value === undefined || !status) return undefined
  return { outpoint: { txid, index }, value, height: status.height }
}

/** What waits and the first page come together, then page after page from the last one seen. */
async function history(ask: Ask, script: Uint8Array): Promise<readonly NodeTransaction[]> {
  const base = `/scripthash/${scriptHash(script)}/txs`
  const all = new Map<Txid, NodeTransaction>()
  let page = readPage(await json(ask, base))
  for (;;) {
    const before = all.size
    for (const entry of page) all.set(entry.txid, entry)
    if (all.size > scriptEntriesMax) throw refused(`the script has more than ${scriptEntriesMax} transactions`)
    const mined = page.filter(({ height }) => height !== null)
    const last = mined.at(-1)
    // A page that is short is the last; one that brings nothing new would go on for ever.
    if (!last || mined.length < transactionsPerPage || all.size === before) return [...all.values()]
    page = readPage(await json(ask, `${base}/chain/${last.txid}`))
  }
}

function readPage(told: unknown): readonly NodeTransaction[] {
  if (!Array.isArray(told)) throw nonsense(node, '/txs is not of its shape')
  return told.map((entry) => {
    const fields = fieldsOf(entry)
    const [txid, status] = [readTxid(fields?.txid), readStatus(fields?.status)]
    return want(txid && status && { txid, height: status.height }, '/txs')
  })
}

function readSpend(told: unknown): NodeTransaction | undefined {
  const fields = fieldsOf(told)
  if (fields?.spent === false) return undefined
  const [txid, status] = [readTxid(fields?.txid), readStatus(fields?.status)]
  return want(txid && status && { txid, height: status.height }, '/outspend')
}

/** Both `null` while no block holds the transaction. */
function readStatus(
  told: unknown,
): { readonly height: Height; readonly hash: Uint8Array } | { readonly height: null; readonly hash: null } | undefined {
  const { confirmed, block_height, block_hash } = fieldsOf(told) ?? {}
  if (confirmed === false) return { height: null, hash: null }
  const [height, hash] = [readHeight(block_height), readHash(block_hash)]
  return confirmed === true && height !== undefined && hash ? { height, hash } : undefined
}

function readEstimates(told: unknown): ReadonlyMap<number, number> {
  const fields = Object.entries(fieldsOf(told) ?? {})
  if (fields.length > estimatesMax) throw nonsense(node, '/fee-estimates is not of its shape')
  return new Map(
    fields.map(([target, rate]) => {
      const isEstimate = /^[1-9]\d{0,4}$/.test(target) && typeof rate === 'number' && rate >= 0 && rate < 1e6
      return want(isEstimate ? ([Number(target), rate] as const) : undefined, '/fee-estimates')
    }),
  )
}

/** Esplora hands on what bitcoind said, behind the name of the call. Any other 400 tells nothing of the transaction. */
async function broadcast(ask: Ask, raw: Uint8Array): Promise<Broadcast> {
  const { status, body } = await ask('/tx', writeRaw(raw))
  const text = textOf(body)
  if (status === 200) return { ok: true, txid: want(readTxid(text), 'POST /tx') }
  const { code, message } = fieldsOf(parseJson(new TextEncoder().encode(/\{.*\}/s.exec(text)?.[0] ?? ''))) ?? {}
  const refusal = typeof message === 'string' ? broadcastRefusal(Number(code), message) : undefined
  if (!refusal) throw refused('it would not pass the transaction on, and gave no reason of a node')
  return refusal
}

async function json(ask: Ask, path: string): Promise<unknown> {
  const { status, body } = await ask(path)
  if (status !== 200) throw refused('HTTP status 404')
  return parseJson(body)
}

/** The bytes of an answer, or nothing for one that was not found. */
function found({ status, body }: Answer, bytesMax: number): Uint8Array | undefined {
  if (status === 404) return undefined
  if (body.length === 0 || body.length > bytesMax) throw nonsense(node, 'the bytes are too few or too many')
  return body
}

function textOf(body: Uint8Array): string {
  return new TextDecoder().decode(body).trim()
}

function refused(why: string): SdkError {
  return new SdkError('node/refused', `The node refused: ${why}.`)
}

function want<value>(value: value | undefined, path: string): value {
  if (value === undefined) throw nonsense(node, `the answer to ${path} is not of its shape`)
  return value
}

function scriptHash(script: Uint8Array): string {
  return writeRaw(sha256(script))
}
