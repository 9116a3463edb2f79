import { invariant } from '../errors.ts'
import { pause } from '../pause.ts'
import type { Clock, Random } from '../ports.ts'

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
  sleep: pause,
}

/** The platform's cryptographic random number generator. */
export const systemRandom: Random = (size) => {
  invariant(Number.isSafeInteger(size) && size >= 0, 'a number of random bytes is whole and not negative')
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at += drawBytesMax) crypto.getRandomValues(bytes.subarray(at, at + drawBytesMax))
  return bytes
}
