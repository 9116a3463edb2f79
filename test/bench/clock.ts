import { readdirSync, readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'

/** Processor time of this process, all its threads, in seconds: others on the machine do not change it much. */
export function processorSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** Processor time of the thread that asks, in seconds; nothing where the system does not tell. */
export function threadSeconds(): number | undefined {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1e9
  } catch {
    return undefined
  }
}

/** Processor time of another process, all its threads that live; nothing where the system does not tell. */
export function processorSecondsOf(pid: number): number | undefined {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce(
      (sum, task) => sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]) / 1e9,
      0,
    )
  } catch {
    return undefined
  }
}

/** Time on the wall, in seconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1_000
}

const spin = 'let sum = 0; for (let at = 0; at < 3e7; at++) sum = (sum + at) | 0; globalThis.spun = sum;'

/** How much of a second core there was: the same spin in one thread and in two at once, the best of each. */
export interface Spins {
  one: number
  two: number
}

/** Spins once more. The second core of a shared machine is often away. */
export async function spinOnce(spins: Spins): Promise<void> {
  spins.one = Math.min(spins.one, await timed(() => spinIn(1)))
  spins.two = Math.min(spins.two, await timed(() => spinIn(2)))
}

/** 1 to 2. */
export function coresThere({ one, two }: Spins): number {
  return Math.min(2, (2 * one) / two)
}

async function spinIn(threads: number): Promise<void> {
  const ends = Array.from(
    { length: threads },
    () => new Promise((resolve) => new Worker(spin, { eval: true }).once('exit', resolve)),
  )
  await Promise.all(ends)
}
