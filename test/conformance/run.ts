import { runWholeSuite } from './suite.ts'
import { suites } from './suites.ts'

/** `npm run conformance -- <suite> <path> [--json]`: runs a published suite; the last line is its summary as JSON. */
async function main(args: readonly string[]): Promise<number> {
  const [name = '', path] = args.filter((arg) => arg !== '--json')
  const suite = suites[name]
  if (!suite || path === undefined) {
    console.error(`Usage: npm run conformance -- <${Object.keys(suites).join('|')}> <path> [--json]`)
    return 2
  }
  const report = args.includes('--json') ? () => undefined : console.log
  const summary = await runWholeSuite({ name, suite, path }, report)
  console.log(JSON.stringify(summary))
  return summary.failed ? 1 : 0
}

process.exitCode = await main(process.argv.slice(2))
