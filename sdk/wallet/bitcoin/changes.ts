import type { ChannelId } from '../../units.ts'

/** Which channels change, told to whoever follows them. */
export interface ChangeFeed {
  readonly tell: (id: ChannelId) => void
  /** Each channel that changes, until aborted, first those of `from`; one that changed often meanwhile comes once. */
  readonly follow: (from: readonly ChannelId[], signal: AbortSignal) => AsyncGenerator<ChannelId, void>
}

/** @param closed - Ends every following. */
export function createChangeFeed(closed: AbortSignal): ChangeFeed {
  const listeners = new Set<(id: ChannelId) => void>()
  return {
    tell: (id) => {
      for (const listener of listeners) listener(id)
    },
    async *follow(from, signal) {
      const due = new Set(from)
      let wake: (() => void) | null = null
      const listener = (id: ChannelId) => {
        due.add(id)
        wake?.()
      }
      const stop = () => wake?.()
      listeners.add(listener)
      for (const ender of [signal, closed]) ender.addEventListener('abort', stop)
      try {
        while (!signal.aborted && !closed.aborted) {
          const [next] = due
          if (next !== undefined) {
            due.delete(next)
            yield next
          } else
            await new Promise<void>((resolve) => {
              wake = resolve
            })
        }
      } finally {
        listeners.delete(listener)
        for (const ender of [signal, closed]) ender.removeEventListener('abort', stop)
      }
    },
  }
}
