/** Timers count in 32 bits; a longer delay would fire at once. */
const timerMsMax = 2 ** 31 - 1

/**
 * Resolves after a time in milliseconds. Rejects with the signal's reason when that is aborted, and leaves no timer and no
 * listener behind. A time longer than 24 days is made of several timers.
 */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  let left = ms
  for (; left > timerMsMax; left -= timerMsMax) await pauseOnce(timerMsMax, signal)
  await pauseOnce(left, signal)
}

/** Who pauses on a signal. One listener wakes all of them: a wallet pauses once for each batch under way, on one signal. */
const sleepers = new WeakMap<AbortSignal, { readonly wakes: Set<() => void>; readonly listener: () => void }>()

function pauseOnce(ms: number, signal: AbortSignal | undefined): Promise<void> {
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
