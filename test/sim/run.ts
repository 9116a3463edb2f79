import { parseArgs } from 'node:util'
import { runChannelWorld } from './channelWorld.ts'

/** `npm run sim -- --seeds N [--from S] [--world channel] [--json]`: seeded worlds; the last line is the summary as JSON. */
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
  if (values.world !== 'channel' || ![seeds, from].every((count) => Number.isSafeInteger(count) && count > 0)) {
    console.error('Usage: npm run sim -- --seeds N [--from S] [--world channel] [--json]')
    return 2
  }
  const faults: Record<string, number> = {}
  let [events, failed] = [0, 0]
  let firstFailing: number | null = null
  for (let seed = from; seed < from + seeds; seed++) {
    const outcome = await runChannelWorld(seed)
    events += outcome.events
    for (const [name, count] of Object.entries(outcome.faults)) faults[name] = (faults[name] ?? 0) + count
    if (!outcome.failure) continue
    failed += 1
    firstFailing ??= seed
    if (values.json || firstFailing !== seed) continue
    console.log(outcome.log.join('\n'))
    console.log(`Seed ${seed}: ${outcome.failure}. Again: npm run sim -- --seeds 1 --from ${seed}`)
  }
  console.log(JSON.stringify({ world: values.world, seeds, from, failed, firstFailing, events, faults }))
  return failed === 0 ? 0 : 1
}

process.exitCode = await main()
