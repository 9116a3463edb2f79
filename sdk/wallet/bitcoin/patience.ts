import type { Clock } from '../../ports.ts'

/**
 * What an answer comes to within so many milliseconds; nothing where it comes later, or the wallet closes before. It goes on all the
 * same, and no timer and no listener is left behind.
 */
export async function within<value>(
  answer: Promise<value>,
  { clock, signal }: { readonly clock: Pick<Clock, 'sleep'>; readonly signal: AbortSignal },
  waitMs: number,
): Promise<value | undefined> {
  const patience = new AbortController()
  const end = () => patience.abort()
  if (signal.aborted) end()
  signal.addEventListener('abort', end, { once: true })
  const late = clock.sleep(waitMs, patience.signal).then(
    () => undefined,
    () => undefined,
  )
  const first = await Promise.race([answer, late])
  signal.removeEventListener('abort', end)
  end()
  return first
}
