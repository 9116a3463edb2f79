import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { runWebhookWorld } from '../edge/webhookWorld.ts'
import { runChannelWorld } from './channelWorld.ts'
import { runEdgeWorld } from './edgeWorld.ts'
import { runPenaltyWorld } from './penalty/world.ts'
import type { Outcome } from './scene.ts'

type Told = Omit<Outcome, 'payments' | 'faults'> & { readonly faults: Readonly<Record<string, number>> }

const worlds = {
  channel: runChannelWorld,
  edge: runEdgeWorld,
  penalty: (seed) => runPenaltyWorld(seed),
  webhook: (seed) => runWebhookWorld(seed),
} satisfies Record<string, (seed: number) => Told | Promise<Told>>
type WorldName = keyof typeof worlds

/** Seeds of one thread: every `stride`-th from `from` on. */
interface Share {
  readonly world: WorldName
  readonly from: number
  readonly end: number
  readonly stride: number
}

/** More than this does not help on small machines. */
const threadsMax = 2
/** Worlds for which a second thread is not worth its start. */
const aloneMax = 100

/** `npm run sim -- --seeds N [--from S] [--world channel|edge|penalty|webhook] [--json]`: seeded worlds; the last line is the summary as JSON. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '500' },
      from: { type: 'string', default: '1' },
      world: { type: 'string', default: 'channel' },
      json: { type: 'boolean', default: false },
    },
  })
  const [seeds, from] = [Number(values.seeds), Number(values.from)]
  const world = values.world
  if (!isWorld(world) || ![seeds, from].every((count) => Number.isSafeInteger(count) && count > 0)) {
    console.error('Usage: npm run sim -- --seeds N [--from S] [--world channel|edge|penalty|webhook] [--json]')
    return 2
  }
  const faults: Record<string, number> = {}
  const failures: Told[] = []
  let events = 0
  const take = (outcome: Told) => {
    events += outcome.events
    for (const [name, count] of Object.entries(outcome.faults)) faults[name] = (faults[name] ?? 0) + count
    if (outcome.failure === null) return
    failures.push(outcome)
    if (!values.json) console.log(`Seed ${outcome.seed}: ${outcome.failure}`)
  }
  const stride = seeds > aloneMax ? threadsMax : 1
  const shares = Array.from({ length: stride }, (_, at) => ({ world, from: from + at, end: from + seeds, stride }))
  await Promise.all(shares.map((share) => (stride === 1 ? runShare(share, take) : runElsewhere(share, take))))
  const [first] = failures.sort((a, b) => a.seed - b.seed)
  if (first && !values.json) explain(first, world)
  const summary = { world, seeds, from, failed: failures.length, firstFailing: first?.seed ?? null }
  console.log(JSON.stringify({ ...summary, events, faults }))
  return failures.length === 0 ? 0 : 1
}

function isWorld(name: string): name is WorldName {
  return Object.hasOwn(worlds, name)
}

/** Prints the first failure: its last events, what broke, and how to see it again. */
function explain({ seed, failure, log }: Told, world: WorldName): void {
  console.log(`\nThe last events of seed ${seed}:\n${log.join('\n')}`)
  console.log(`\nSeed ${seed}: ${failure}\nAgain: npm run sim -- --world ${world} --seeds 1 --from ${seed}`)
}

async function runShare({ world, from, end, stride }: Share, take: (outcome: Told) => void): Promise<void> {
  // Worlds make errors by the million; where each came from is told for a world that is looked at alone.
  if (end - from > 1) Error.stackTraceLimit = 0
  for (let seed = from; seed < end; seed += stride) take(await worlds[world](seed))
}

/** The same in a thread of its own. */
function runElsewhere(share: Share, take: (outcome: Told) => void): Promise<void> {
  // What a world makes is soon gone: with room for it, little of it is copied on.
  const resourceLimits = { maxYoungGenerationSizeMb: 64 }
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: share, resourceLimits })
  worker.on('message', take)
  return new Promise((resolve, reject) => {
    worker.once('error', reject)
    worker.once('exit', () => resolve())
  })
}

if (isMainThread) process.exitCode = await main()
else await runShare(workerData as Share, (outcome) => parentPort?.postMessage(outcome))
