import { invariant } from '../errors.ts'
import type { Clock, Random } from '../ports.ts'

/** Timers count in 32 bits; a longer delay would fire at once. */
const timerMsMax = 2 ** 31 - 1
/** Most bytes WebCrypto draws in one call. */
const drawBytesMax = 65_536

/**
 * The platform's clock.
 *
 * A pause rejects with the signal's reason when aborted, and leaves no timer behind. One longer than 24 days is
 * made of several timers.
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    let left = ms
    for (; left > timerMsMax; left -= timerMsMax) await pause(timerMsMax, signal)
    await pause(left, signal)
  },
}

/** The platform's cryptographic random number generator. */
export const systemRandom: Random = (size) => {
  invariant(Number.isSafeInteger(size) && size >= 0, 'a number of random bytes is whole and not negative')
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at += drawBytesMax) crypto.getRandomValues(bytes.subarray(at, at + drawBytesMax))
  return bytes
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const stop = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal?.addEventListener('abort', stop, { once: true })
  })
}
