/**
 * Runs `work` on each item, at most `inFlightMax` at once, and keeps the order of the results.
 * The first failure is thrown after what had begun has ended, and nothing more is begun.
 */
export async function inParallel<item, result>(
  items: readonly item[],
  inFlightMax: number,
  work: (item: item, at: number) => Promise<result>,
): Promise<readonly result[]> {
  const results: result[] = []
  let next = 0
  let failed = false
  const stream = async () => {
    while (next < items.length && !failed) {
      const at = next++
      try {
        results[at] = await work(items[at] as item, at)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const streams = Array.from({ length: Math.min(inFlightMax, items.length) }, stream)
  for (const ended of await Promise.allSettled(streams)) if (ended.status === 'rejected') throw ended.reason
  return results
}
