import { writeFileSync } from 'node:fs'
import { createEngine } from '../../edge/executor/parallel/createEngine.ts'
import { normalise, plan, schedule } from '../../sdk/batch/index.ts'
import { asSigned, chain, genesisOf, laterBy } from '../edge/parallel/chain.ts'
import { workerScript } from '../edge/parallel/workerScript.ts'
import { workloads } from '../sdk/vm/defi/workloads.ts'
import type { Figure } from './run.ts'

const [accounts, count] = [128, 400]
const workerCounts = [2, 4, 8, 16] as const

export interface WorkloadRow {
  readonly name: string
  readonly lanes: number
  /** Of all gas. */
  readonly criticalPercent: number
  /** Ideal on 2, 4, 8 and 16 workers, by gas. */
  readonly speedups: readonly number[]
}

/** Each workload as one block, by workers and by one thread alone: the same block, or this throws. */
export async function* runWorkloads(): AsyncIterable<WorkloadRow> {
  for (const { name, open } of workloads) {
    const opened = open(accounts, count)
    const start = genesisOf(opened.state)
    const transactions = opened.transactions.map(asSigned)
    const environment = { ...laterBy(12), gasLimit: 10n ** 12n }
    const alone = await createEngine({ chainId: chain, fork: 'osaka', start })
    const expected = await alone.execute({ transactions, environment })
    if (expected.kind === 'refused' || expected.skipped.length > 0) throw new Error(`${name}: something was refused.`)
    if (expected.transactions.some(({ failure }) => failure)) throw new Error(`${name}: something failed.`)
    const declarations = expected.transactions.map(({ access, gasUsed }) => ({
      ...normalise(access),
      source: 'trace' as const,
      gas: Number(gasUsed),
    }))
    const options = { workers: 2, shards: 4, workerScript: await workerScript() }
    const together = await createEngine({ chainId: chain, fork: 'osaka', start, ...options })
    const actual = await together.execute({ transactions, declarations, environment })
    await together.stop()
    if (actual.kind === 'refused' || actual.block.hash !== expected.block.hash)
      throw new Error(`${name}: the workers made another block.`)
    const sender = (index: number) => transactions[index]?.prepared.from as never
    const declared = plan(declarations.map((one, index) => ({ ...one, sender: sender(index) })))
    yield {
      name,
      lanes: declared.lanes.length,
      criticalPercent: (100 * declared.criticalPathGas) / declared.totalGas,
      speedups: workerCounts.map((workers) => schedule(declared, workers).idealSpeedup),
    }
  }
}

/** The rows as figures; as a picture too, in the file that LANEKIT_PICTURE names. */
export async function* run(): AsyncIterable<Figure> {
  const rows: WorkloadRow[] = []
  for await (const row of runWorkloads()) {
    rows.push(row)
    const figure = { peer: null, peerValue: null, ratio: null }
    yield { name: `${row.name}, lanes of ${count}`, value: row.lanes, unit: 'lanes', ...figure }
    yield { name: `${row.name}, critical path of all its gas`, value: row.criticalPercent, unit: '%', ...figure }
    for (const [at, speedup] of row.speedups.entries())
      yield { name: `${row.name}, ideal on ${workerCounts[at]}, by gas`, value: speedup, unit: 'x', ...figure }
  }
  const path = process.env.LANEKIT_PICTURE
  if (path) writeFileSync(path, pictureOf(rows))
}

const [barHeight, rowGap, left, scale] = [12, 18, 190, 26]

/** Bars of the ideal speed-up, four a workload. */
function pictureOf(rows: readonly WorkloadRow[]): string {
  const rowHeight = workerCounts.length * barHeight + rowGap
  const bars = rows.flatMap(({ name, speedups }, row) => [
    `<text x="8" y="${row * rowHeight + 40}">${name}</text>`,
    ...speedups.map((speedup, at) => {
      const y = row * rowHeight + 20 + at * barHeight
      const width = Math.round(speedup * scale)
      const label = `<text x="${left + width + 6}" y="${y + 9}">${speedup.toFixed(1)} on ${workerCounts[at]}</text>`
      return `<rect x="${left}" y="${y}" width="${width}" height="${barHeight - 2}" fill="#2b6cb0"/>${label}`
    }),
  ])
  const height = rows.length * rowHeight + 24
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 ${height}" font-family="sans-serif" font-size="10" role="img">
<title>Ideal speed-up by gas, of ${count} transactions on 2, 4, 8 and 16 workers</title>
<rect width="720" height="${height}" fill="#fff"/>
${bars.join('\n')}
</svg>
`
}
