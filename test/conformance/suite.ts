/** One case of a published suite: a check that throws when it fails, or the reason it is not run. */
export type Case =
  | { readonly name: string; readonly check: () => void }
  | { readonly name: string; readonly skip: string }

/** A published suite: how to find its cases in any folder or file of its format. */
export interface Suite {
  /** Cases at or below `path`. Other files are passed over. */
  readonly cases: (path: string) => Iterable<Case>
  /** Cases that wait for something, worker threads say: after the others, and by {@link runWholeSuite} only. */
  readonly laterCases?: (path: string) => AsyncIterable<Case>
}

/** What a run came to. The last line of the runner is this as JSON. */
export interface Summary {
  readonly suite: string
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly failures: readonly { readonly name: string; readonly reason: string }[]
}

interface Job {
  readonly name: string
  readonly suite: Suite
  readonly path: string
}

/** Runs every case of `suite` at `path` that needs not wait; `report` hears of each that does not pass. */
export function runSuite({ name, suite, path }: Job, report: (line: string) => void = () => undefined): Summary {
  const tally = createTally(report)
  for (const one of suite.cases(path)) tally.take(one)
  return tally.summary(name, path)
}

/** As {@link runSuite}, with the cases that wait. */
export async function runWholeSuite({ name, suite, path }: Job, report: (line: string) => void): Promise<Summary> {
  const tally = createTally(report)
  for (const one of suite.cases(path)) tally.take(one)
  for await (const one of suite.laterCases?.(path) ?? []) tally.take(one)
  return tally.summary(name, path)
}

function createTally(report: (line: string) => void) {
  const failures: { name: string; reason: string }[] = []
  let passed = 0
  let skipped = 0
  const take = (one: Case) => {
    if ('skip' in one) {
      skipped += 1
      report(`skipped ${one.name}: ${one.skip}`)
      return
    }
    try {
      one.check()
      passed += 1
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      failures.push({ name: one.name, reason })
      report(`failed  ${one.name}: ${reason}`)
    }
  }
  const summary = (suite: string, path: string): Summary => {
    // A run that found nothing proves nothing.
    if (passed + skipped + failures.length === 0)
      failures.push({ name: path, reason: 'no case of this suite was found' })
    return { suite, passed, failed: failures.length, skipped, failures }
  }
  return { take, summary }
}
