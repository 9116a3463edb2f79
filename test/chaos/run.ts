import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runChaos } from './chaos.ts'

/** `npm run chaos -- --kills N [--seed S] [--json]`: kills real processes under load; the last line is the summary as JSON. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '20' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      json: { type: 'boolean', default: false },
    },
  })
  const [kills, seed] = [Number(values.kills), Number(values.seed)]
  if (![kills, seed].every((count) => Number.isSafeInteger(count) && count >= 0)) {
    console.error('Usage: npm run chaos -- --kills N [--seed S] [--json]')
    return 2
  }
  if (!values.json) console.log(`Seed ${seed}, ${kills} kills.`)
  const report = await runChaos({
    ...{ kills, seed },
    walletProgram: fileURLToPath(new URL('./chaosWallet.js', import.meta.url)),
    progress: (what) => {
      if (!values.json) console.log(`${new Date().toISOString().slice(11, 19)} ${what}`)
    },
  })
  console.log(JSON.stringify(report))
  return report.lost === 0 && report.doubled === 0 ? 0 : 1
}

process.exitCode = await main()
