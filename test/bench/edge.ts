import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startAnvil } from '../../edge/local/anvil.ts'
import type { Edge } from '../../edge/local/workerd.ts'
import { toHex } from '../../sdk/units.ts'
import { startBareEdge } from '../edge/bareWorkerd.ts'
import { anvilChain, envelope, type Transfer, transfer } from '../edge/transfers.ts'
import { recoveryRate } from './recovery.ts'
import type { Figure } from './run.ts'
import { type StoreRates, storeRates } from './store.ts'

const accounts = 50
const batchSize = 100
const warmUps = 3
const rounds = 12
const concurrency = 4
const inclusionRounds = 5
const recoveryBatches = 3
/** Longest any one request may take: a figure that never comes is a failure, not a wait. */
const requestMsMax = 15_000
const blockSeconds = 0.5

/**
 * The built worker on bare workerd, the client and a real node on the same machine. A 202 comes after every signature was
 * recovered and every row is durable; the peer, the node itself, keeps what it is sent in memory.
 */
export async function* run(): AsyncIterable<Figure> {
  const persist = mkdtempSync(join(tmpdir(), 'lanekit-bench-'))
  const node = await startAnvil({ accounts: 2 * accounts, args: ['--block-time', String(blockSeconds)] })
  let edge: Edge | undefined
  try {
    edge = await startBareEdge({
      persist,
      chains: { [anvilChain]: { fork: 'osaka', executors: [node.url], finality: 2, pollMs: 100 } },
      isQuiet: false,
    })
    yield recovery(await signAll(0, recoveryBatches))
    const wallet = await signAll(0, warmUps + 2 * rounds + inclusionRounds)
    const direct = await signAll(accounts, rounds)
    for (let at = 0; at < warmUps; at++) await submit(edge.url, wallet.next())
    // First, while nothing else is under way: what comes later fills the queue faster than blocks empty it.
    yield* receipts(edge.url, wallet)
    yield* acknowledgements(edge.url, node.url, { wallet, direct })
    yield* throughput(edge.url, wallet)
    yield* storing(await storeRates(node.url))
  } finally {
    await edge?.stop()
    await node.stop()
    rmSync(persist, { recursive: true, force: true })
  }
}

function recovery(wallet: Wallet): Figure {
  const { noble, wasm } = recoveryRate(Array.from({ length: recoveryBatches }, wallet.next).flat())
  const name = 'senders recovered, for each core'
  return { name, value: wasm, unit: 'tx/s', peer: 'noble', peerValue: noble, ratio: wasm / noble }
}

function* storing({ store, handover, floor }: StoreRates): Iterable<Figure> {
  const peer = 'an object that only inserts the bytes'
  const what = `${batchSize} transactions stored and acknowledged, one shard, nothing judged`
  for (const [name, { perSecond, processorUs }] of [
    [what, store],
    [`${what}, and handed over`, handover],
  ] as const) {
    yield { name, value: perSecond, unit: 'tx/s', peer, peerValue: floor.perSecond, ratio: perSecond / floor.perSecond }
    yield {
      ...{ name: 'the same, processor time of workerd for each transaction', unit: 'us', value: processorUs },
      ...{ peer, peerValue: floor.processorUs, ratio: floor.processorUs / processorUs },
    }
  }
}

interface Wallet {
  /** The next batch, signed long ago. */
  readonly next: () => readonly Transfer[]
}

/** Signs beforehand: what a wallet does is not what is measured. Two nonces of every account are one batch. */
async function signAll(first: number, batches: number): Promise<Wallet> {
  const transfers: Transfer[] = []
  for (let nonce = 0; transfers.length < batches * batchSize; nonce++)
    for (let at = 0; at < accounts; at++) transfers.push(await transfer({ from: first + at, nonce }))
  return { next: () => transfers.splice(0, batchSize) }
}

async function* acknowledgements(
  edge: string,
  node: string,
  { wallet, direct }: { readonly wallet: Wallet; readonly direct: Wallet },
): AsyncIterable<Figure> {
  const ours: number[] = []
  const theirs: number[] = []
  for (let round = 0; round < rounds; round++) {
    const [mine, other] = [wallet.next(), direct.next()]
    ours.push(await msOf(() => submit(edge, mine)))
    theirs.push(await msOf(() => sendDirectly(node, other)))
  }
  for (const [name, rank] of [
    ['p50', 0.5],
    ['p99', 0.99],
  ] as const) {
    const [value, peerValue] = [quantile(ours, rank), quantile(theirs, rank)]
    yield {
      name: `${batchSize} transactions, POST to 202, ${name}`,
      value,
      unit: 'ms',
      peer: 'anvil itself, one JSON-RPC array',
      peerValue,
      ratio: peerValue / value,
    }
  }
}

async function* throughput(edge: string, wallet: Wallet): AsyncIterable<Figure> {
  const batches = Array.from({ length: rounds }, wallet.next)
  const client = async () => {
    for (let batch = batches.shift(); batch; batch = batches.shift()) await submit(edge, batch)
  }
  const ms = await msOf(() => Promise.all(Array.from({ length: concurrency }, client)))
  yield alone(`recovered, stored and acknowledged, ${concurrency} clients`, (1000 * rounds * batchSize) / ms, 'tx/s')
}

/** Each wait is one request: the edge answers when all of the batch is in blocks, with the receipts. */
async function* receipts(edge: string, wallet: Wallet): AsyncIterable<Figure> {
  const times: number[] = []
  for (let round = 0; round < inclusionRounds; round++) {
    const batch = wallet.next()
    times.push(await msOf(() => submit(edge, batch, `?wait=${requestMsMax}`, 200)))
  }
  const blocks = `blocks of ${blockSeconds} s`
  yield alone(`${batchSize} transactions, POST to receipts, ${blocks}, p50`, quantile(times, 0.5), 'ms')
  yield alone(`${batchSize} transactions, POST to receipts, ${blocks}, p99`, quantile(times, 0.99), 'ms')
}

async function submit(edge: string, transfers: readonly Transfer[], query = '', status = 202): Promise<string> {
  const response = await fetch(`${edge}/v1/chains/${anvilChain}/batches${query}`, {
    signal: AbortSignal.timeout(2 * requestMsMax),
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: envelope(transfers) as BodyInit,
  })
  if (response.status !== status)
    throw new Error(`The edge answers ${response.status}: ${(await response.text()).slice(0, 200)}`)
  const { batch, items } = (await response.json()) as { batch: string; items: readonly { ok: boolean }[] }
  if (!items.every(({ ok }) => ok)) throw new Error(`The edge refuses: ${JSON.stringify(items.find(({ ok }) => !ok))}`)
  return batch
}

async function sendDirectly(node: string, transfers: readonly Transfer[]): Promise<void> {
  const calls = transfers.map(({ raw }, id) => ({
    jsonrpc: '2.0',
    id,
    method: 'eth_sendRawTransaction',
    params: [toHex(raw)],
  }))
  const response = await fetch(node, {
    signal: AbortSignal.timeout(requestMsMax),
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(calls),
  })
  await response.json()
}

function alone(name: string, value: number, unit: string): Figure {
  return { name, value, unit, peer: null, peerValue: null, ratio: null }
}

async function msOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

function quantile(values: readonly number[], rank: number): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(rank * sorted.length))] ?? Number.NaN
}
