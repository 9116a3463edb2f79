/** One case of a published suite: a check that throws when it fails, or the reason it is not run. */
export type Case =
  | { readonly name: string; readonly check: () => void }
  | { readonly name: string; readonly skip: string }

/** A published suite: how to find its cases in any folder or file of its format. */
export interface Suite {
  /** Cases at or below `path`. Other files are passed over. */
  readonly cases: (path: string) => Iterable<Case>
}

/** What a run came to. The last line of the runner is this as JSON. */
export interface Summary {
  readonly suite: string
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly failures: readonly { readonly name: string; readonly reason: string }[]
}

/** Runs every case of `suite` at `path`; `report` hears of each that does not pass. */
export function runSuite(
  { name, suite, path }: { readonly name: string; readonly suite: Suite; readonly path: string },
  report: (line: string) => void = () => undefined,
): Summary {
  const failures: { name: string; reason: string }[] = []
  let passed = 0
  let skipped = 0
  for (const one of suite.cases(path)) {
    if ('skip' in one) {
      skipped += 1
      report(`skipped ${one.name}: ${one.skip}`)
      continue
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
  // A run that found nothing proves nothing.
  if (passed + skipped + failures.length === 0) failures.push({ name: path, reason: 'no case of this suite was found' })
  return { suite: name, passed, failed: failures.length, skipped, failures }
}
