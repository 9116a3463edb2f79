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

/** Who pauses on a signal. One listener wakes all of them: a wallet pauses once for each batch under way, on one signal. */
const sleepers = new WeakMap<AbortSignal, { readonly wakes: Set<() => void>; readonly listener: () => void }>()

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const stop = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      if (signal) leave(signal, stop)
      resolve()
    }, ms)
    if (signal) join(signal, stop)
  })
}

function join(signal: AbortSignal, wake: () => void): void {
  const known = sleepers.get(signal)
  if (known) {
    known.wakes.add(wake)
    return
  }
  const wakes = new Set([wake])
  const listener = () => {
    sleepers.delete(signal)
    for (const each of wakes) each()
  }
  sleepers.set(signal, { wakes, listener })
  signal.addEventListener('abort', listener, { once: true })
}

function leave(signal: AbortSignal, wake: () => void): void {
  const known = sleepers.get(signal)
  if (!known?.wakes.delete(wake) || known.wakes.size > 0) return
  sleepers.delete(signal)
  signal.removeEventListener('abort', known.listener)
}
