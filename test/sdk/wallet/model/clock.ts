import type { Clock } from '../../../../sdk/ports.ts'

/** Time that passes only when everybody waits for it. */
export interface ModelClock extends Clock {
  /** Lets time pass until `promise` settles, or throws when nothing happens any more. */
  readonly until: <value>(promise: Promise<value>) => Promise<value>
  /** Lets this much time pass. */
  readonly pass: (ms: number) => Promise<void>
  /** Runs `work` every so often, as long as time passes. */
  readonly every: (ms: number, work: () => void) => void
}

interface Sleeper {
  readonly at: number
  readonly order: number
  readonly wake: () => void
}

/** Most turns a waiting test may take; beyond, it hangs. */
const turnsMax = 200_000

export function modelClock(start = 1_000_000): ModelClock {
  let now = start
  let order = 0
  const sleepers = new Set<Sleeper>()

  const sleep = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const stop = () => {
        sleepers.delete(sleeper)
        reject(signal?.reason)
      }
      const wake = () => {
        signal?.removeEventListener('abort', stop)
        resolve()
      }
      const sleeper = { at: now + ms, order: order++, wake }
      sleepers.add(sleeper)
      signal?.addEventListener('abort', stop, { once: true })
    })

  /** Wakes whoever comes first. False when nobody sleeps. */
  const turn = async (limit = Number.POSITIVE_INFINITY) => {
    await quiet()
    const [first] = [...sleepers].sort((one, other) => one.at - other.at || one.order - other.order)
    if (!first || first.at > limit) return false
    sleepers.delete(first)
    now = Math.max(now, first.at)
    first.wake()
    return true
  }

  return {
    now: () => now,
    sleep,
    until: async (promise) => {
      let settled = false
      const settle = () => {
        settled = true
      }
      promise.then(settle, settle)
      for (let turns = 0; turns < turnsMax; turns++) {
        await quiet()
        if (settled) return promise
        if (!(await turn())) throw new Error('Everybody waits, and nobody for time.')
      }
      throw new Error('It does not end.')
    },
    pass: async (ms) => {
      const end = now + ms
      while (await turn(end));
      now = end
    },
    every: (ms, work) => {
      const again = () =>
        sleep(ms).then(() => {
          work()
          again()
        })
      again()
    },
  }
}

/** Lets everything that can go on without time go on. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}
