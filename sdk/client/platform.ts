import type { Clock, Random } from '../ports.ts'

/** The clock of the platform, for programs that hand in none. */
export const platformClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const wake = () => {
        signal?.removeEventListener('abort', stop)
        resolve()
      }
      const stop = () => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      const timer = setTimeout(wake, ms)
      signal?.addEventListener('abort', stop, { once: true })
    }),
}

/** Unpredictable bytes of the platform. */
export const platformRandom: Random = (size) => crypto.getRandomValues(new Uint8Array(size))
