import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startAnvil } from '../../edge/local/anvil.ts'
import { type Edge, startEdge } from '../../edge/local/workerd.ts'
import { anvilChain, envelope, type Transfer, transfer } from '../edge/transfers.ts'
import type { Figure } from './run.ts'

const root = join(import.meta.dirname, '../..')
const minutes = Number(process.env.LANEKIT_SOAK_MINUTES ?? 10)
const accounts = 50
/** So that the edge is busy and its queue does not grow: what is measured is memory, not speed. */
const batchesPerSecond = 2
const sampleMs = 2_000
const requestMsMax = 15_000
/** Memory at the end beside that at the beginning, up to which it counts as flat: a collector of garbage breathes. */
const flatRatioMax = 1.15

/**
 * The built worker on bare workerd under a steady load, and what it holds in memory: the median of the second tenth of the
 * time beside that of the last. Flat memory has a ratio near one. `LANEKIT_SOAK_MINUTES` makes it shorter.
 */
export async function* run(): AsyncIterable<Figure> {
  const persist = mkdtempSync(join(tmpdir(), 'lanekit-soak-'))
  const node = await startAnvil({ accounts, args: ['--block-time', '0.5', '--slots-in-an-epoch', '1'] })
  let edge: Edge | undefined
  try {
    edge = await startEdge({
      outdir: join(root, '.lanekit/worker'),
      config: join(root, 'wrangler.toml'),
      persist,
      chains: { [anvilChain]: { fork: 'osaka', executors: [node.url], finality: 2, pollMs: 100 } },
      port: 0,
    })
    const { samples, acked } = await load(edge.url)
    const tenth = Math.floor(samples.length / 10)
    const [early, late] = [median(samples.slice(tenth, 2 * tenth)), median(samples.slice(-tenth))]
    const verdict = late / early <= flatRatioMax ? 'flat' : 'NOT flat'
    const name = `memory of workerd is ${verdict}: last tenth of ${minutes} minutes, ${acked} transactions`
    yield { name, value: late, unit: 'MB', peer: 'its second tenth', peerValue: early, ratio: late / early }
  } finally {
    await edge?.stop()
    await node.stop()
    rmSync(persist, { recursive: true, force: true })
  }
}

async function load(edge: string): Promise<{ readonly samples: readonly number[]; readonly acked: number }> {
  const samples: number[] = []
  const ends = Date.now() + minutes * 60_000
  let acked = 0
  let sampleAt = Date.now()
  for (let nonce = 0; Date.now() < ends; nonce++) {
    const begun = Date.now()
    const batch: Transfer[] = []
    for (let from = 0; from < accounts; from++) batch.push(await transfer({ from, nonce }))
    await submit(edge, batch)
    acked += batch.length
    if (Date.now() >= sampleAt) {
      samples.push(megabytes())
      sampleAt += sampleMs
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, begun + 1_000 / batchesPerSecond - Date.now())))
  }
  return { samples, acked }
}

/** A refusal that says when to come back is followed; any other ends the run. */
async function submit(edge: string, batch: readonly Transfer[]): Promise<void> {
  for (;;) {
    const response = await fetch(`${edge}/v1/chains/${anvilChain}/batches`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: envelope(batch) as BodyInit,
      signal: AbortSignal.timeout(requestMsMax),
    })
    const { items } = (await response.json()) as {
      items?: readonly { readonly ok: boolean; readonly problem?: { readonly retryable: boolean } }[]
    }
    if (items?.every(({ ok }) => ok)) return
    const refused = items?.find(({ ok, problem }) => !ok && problem?.retryable !== true)
    if (refused) throw new Error(`The edge refuses: ${JSON.stringify(refused)}`)
    await new Promise((resolve) => setTimeout(resolve, 2_000))
  }
}

/** Resident memory of all workerd processes below this one. */
function megabytes(): number {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,rss=,comm='], { encoding: 'utf8' }).trim().split('\n')
  const rows = lines.map((line) => line.trim().split(/\s+/))
  const ours = new Set([String(process.pid)])
  for (let size = 0; size !== ours.size; ) {
    size = ours.size
    for (const [pid = '', parent = ''] of rows) if (ours.has(parent)) ours.add(pid)
  }
  const kilobytes = rows
    .filter(([pid = '', , , name]) => ours.has(pid) && name === 'workerd')
    .map(([, , rss]) => Number(rss))
  return kilobytes.reduce((sum, one) => sum + one, 0) / 1024
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
