import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startAnvil } from '../../edge/local/anvil.ts'
import { type BareWorkerd, startBareEdge } from '../edge/bareWorkerd.ts'
import { anvilChain, envelope, type Transfer, transfer } from '../edge/transfers.ts'
import type { Figure } from './run.ts'

const minutes = Number(process.env.LANEKIT_SOAK_MINUTES ?? 10)
const accounts = 50
/** So that the edge is busy and its queue does not grow: what is measured is memory, not speed. */
const batchesPerSecond = 2
const sampleMs = 2_000
/**
 * As fast as the edge takes them, before anything is measured: each of its databases keeps up to two megabytes of pages in
 * memory, and those of sixteen shards fill once.
 */
const warmUpNonces = 1_200
const noncesPerWarmUp = 5
const requestMsMax = 15_000
/** How long a batch may be refused until all of it is taken. */
const batchMsMax = 180_000
/** How long the chain may take, once nothing is submitted any more, to hold what was acknowledged. */
const drainMsMax = 60_000
/** Memory at the end beside that at the beginning, up to which it counts as flat: a collector of garbage breathes. */
const flatRatioMax = 1.15

/**
 * The built worker on bare workerd, by the file that operators run, under a steady load, and what it holds in memory: the
 * median of the second tenth of the time beside that of the last. Flat memory has a ratio near one. In the end, what was
 * acknowledged is counted in the chain. `LANEKIT_SOAK_MINUTES` makes it shorter.
 *
 * anvil now and then leaves a transaction among the queued ones for good that came while its predecessor was mined, and
 * everything of its sender behind it. It is made to forget such a one, and the edge has to notice that.
 */
export async function* run(): AsyncIterable<Figure> {
  const folder = mkdtempSync(join(tmpdir(), 'lanekit-soak-'))
  const node = await startAnvil({ accounts, args: ['--block-time', '0.5', '--slots-in-an-epoch', '1'] })
  const nurse = openNurse(node.url)
  let edge: BareWorkerd | undefined
  try {
    const chains = { [anvilChain]: { fork: 'osaka', executors: [node.url], finality: 2, pollMs: 100 } }
    edge = await startBareEdge({ persist: folder, chains, isQuiet: false })
    const { samples, acked } = await load(edge)
    const included = await drained(node.url, acked)
    const tenth = Math.floor(samples.length / 10)
    const [early, late] = [median(samples.slice(tenth, 2 * tenth)), median(samples.slice(-tenth))]
    // No samples, no verdict: a ratio of nothing is not flat.
    const isFlat = late / early <= flatRatioMax
    const verdict = isFlat ? 'flat' : 'NOT flat'
    const name = `memory of workerd is ${verdict}: last tenth of ${minutes} minutes, ${acked} transactions`
    yield {
      ...{ name, value: late, unit: 'MB', peer: 'its second tenth', peerValue: early, ratio: late / early },
      fault: isFlat ? null : `memory at the end is more than ${flatRatioMax} times that of the beginning`,
    }
    yield {
      name: `acknowledged and not in the chain; ${nurse.forgotten()} of them the node had to forget first`,
      ...{ value: acked - included, unit: 'transactions', peer: null, peerValue: null, ratio: null },
      fault: acked === included && acked > 0 ? null : `${included} of ${acked} are in the chain`,
    }
  } finally {
    await nurse.stop()
    await edge?.stop()
    await node.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function load(edge: BareWorkerd): Promise<{ readonly samples: readonly number[]; readonly acked: number }> {
  for (let nonce = 0; nonce < warmUpNonces; nonce += noncesPerWarmUp)
    await submit(edge.url, await batchOf(nonce, noncesPerWarmUp))
  const samples: number[] = []
  const ends = Date.now() + minutes * 60_000
  let nonce = warmUpNonces
  for (let sampleAt = Date.now(); Date.now() < ends; nonce++) {
    const begun = Date.now()
    await submit(edge.url, await batchOf(nonce, 1))
    if (Date.now() >= sampleAt) {
      samples.push(megabytesOf(edge.pid))
      sampleAt += sampleMs
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, begun + 1_000 / batchesPerSecond - Date.now())))
  }
  return { samples, acked: nonce * accounts }
}

/** The next transactions of every account. */
async function batchOf(first: number, nonces: number): Promise<readonly Transfer[]> {
  const batch: Transfer[] = []
  for (let nonce = first; nonce < first + nonces; nonce++)
    for (let from = 0; from < accounts; from++) batch.push(await transfer({ from, nonce }))
  return batch
}

/** How many of the accounts' transactions the chain holds, once it is as many as were acknowledged, or time is up. */
async function drained(node: string, acked: number): Promise<number> {
  const senders = await Promise.all(Array.from({ length: accounts }, (_, from) => transfer({ from, nonce: 0 })))
  const ends = Date.now() + drainMsMax
  for (;;) {
    const counts = await Promise.all(
      senders.map(({ sender }) => ask(node, 'eth_getTransactionCount', sender, 'latest')),
    )
    const included = counts.reduce<number>((sum, count) => sum + Number(count), 0)
    if (included >= acked || Date.now() > ends) return included
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

const nurseMs = 5_000

/** Looks after a node's pool: what stays queued although its nonce is next, the node is made to forget. */
function openNurse(node: string): { readonly forgotten: () => number; readonly stop: () => Promise<void> } {
  let forgotten = 0
  let suspects = new Set<string>()
  const look = async () => {
    const { queued } = (await ask(node, 'txpool_content')) as {
      queued: Record<string, Record<string, { hash: string }>>
    }
    const now = new Set<string>()
    for (const [sender, byNonce] of Object.entries(queued)) {
      const next = Number(await ask(node, 'eth_getTransactionCount', sender, 'latest'))
      const hash = byNonce[next]?.hash
      if (hash === undefined) continue
      now.add(hash)
      // Twice in a row, so that it was not just on its way.
      if (!suspects.has(hash)) continue
      await ask(node, 'anvil_dropTransaction', hash)
      forgotten += 1
    }
    suspects = now
  }
  let looking = Promise.resolve()
  const timer = setInterval(() => {
    looking = looking.then(look)
  }, nurseMs)
  return {
    forgotten: () => forgotten,
    stop: () => {
      clearInterval(timer)
      return looking
    },
  }
}

async function ask(node: string, method: string, ...params: readonly unknown[]): Promise<unknown> {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  return ((await (await fetch(node, { method: 'POST', headers, body })).json()) as { result: unknown }).result
}

/** Connections that may be lost in a row. A wallet meets that, too, and sends the same bytes again. */
const lostMax = 5

/** A refusal that says when to come back is followed; any other ends the run. */
async function submit(edge: string, batch: readonly Transfer[]): Promise<void> {
  const ends = Date.now() + batchMsMax
  for (let lost = 0; Date.now() < ends; ) {
    const response = await fetch(`${edge}/v1/chains/${anvilChain}/batches`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: envelope(batch) as BodyInit,
      signal: AbortSignal.timeout(requestMsMax),
    }).catch((error: unknown) => {
      lost += 1
      if (lost > lostMax || !(error instanceof TypeError)) throw error
    })
    if (!response) continue
    const { items } = (await response.json()) as {
      items?: readonly { readonly ok: boolean; readonly problem?: { readonly retryable: boolean } }[]
    }
    if (items?.every(({ ok }) => ok)) return
    const refused = items?.find(({ ok, problem }) => !ok && problem?.retryable !== true)
    if (refused) throw new Error(`The edge refuses: ${JSON.stringify(refused)}`)
    await new Promise((resolve) => setTimeout(resolve, 2_000))
  }
  throw new Error('The edge did not take a batch in time.')
}

/** Resident memory of a process. Throws once it has ended: then there is nothing to measure. */
function megabytesOf(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
