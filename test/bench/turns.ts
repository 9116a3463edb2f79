/** How long a round goes on, in milliseconds of the clock: the processor's own time is counted in steps of several. */
const roundMs = 100

/**
 * Milliseconds of the processor that a call takes, not of the clock: a machine that others use too keeps a process waiting.
 */
export async function cpuMs(call: () => unknown): Promise<number> {
  const [cpu, start] = [process.cpuUsage(), performance.now()]
  let calls = 0
  do {
    await call()
    calls += 1
  } while (performance.now() - start < roundMs)
  return process.cpuUsage(cpu).user / 1_000 / calls
}

/** Ours and its peer in turn, the best round of each, in milliseconds of the processor. */
export async function raced(told: {
  readonly ours: () => unknown
  readonly floor: () => unknown
  readonly rounds: number
}): Promise<readonly [number, number]> {
  let [least, leastFloor] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let round = 0; round < told.rounds; round++) {
    least = Math.min(least, await cpuMs(told.ours))
    leastFloor = Math.min(leastFloor, await cpuMs(told.floor))
  }
  return [least, leastFloor]
}
