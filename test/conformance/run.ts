import { runSuite } from './suite.ts'
import { suites } from './suites.ts'

/** `npm run conformance -- <suite> <path> [--json]`: runs a published suite; the last line is its summary as JSON. */
function main(args: readonly string[]): number {
  const [name = '', path] = args.filter((arg) => arg !== '--json')
  const suite = suites[name]
  if (!suite || path === undefined) {
    console.error(`Usage: npm run conformance -- <${Object.keys(suites).join('|')}> <path> [--json]`)
    return 2
  }
  const summary = runSuite({ name, suite, path }, args.includes('--json') ? undefined : console.log)
  console.log(JSON.stringify(summary))
  return summary.failed ? 1 : 0
}

process.exitCode = main(process.argv.slice(2))
