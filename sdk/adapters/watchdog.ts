/** A signal that fires with `outer`, or when nothing re-armed it in time. To be stopped when its work is over. */
export function watchdog(outer?: AbortSignal) {
  const inner = new AbortController()
  const abort = () => inner.abort()
  let disarm: (() => void) | undefined
  const within = (ms: number) => {
    disarm?.()
    const timer = setTimeout(abort, ms)
    disarm = () => clearTimeout(timer)
  }
  const stop = () => {
    disarm?.()
    outer?.removeEventListener('abort', abort)
  }
  if (outer?.aborted) abort()
  else outer?.addEventListener('abort', abort)
  return { signal: inner.signal, within, stop }
}
