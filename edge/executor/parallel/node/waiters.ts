import type { TxHash } from '../../../../sdk/units.ts'
import { waitingMax } from './limits.ts'

/** What became of a transaction somebody waits for. */
export type Fate = 'included' | 'dropped' | 'waiting'

/** Those who wait for transactions. */
export interface Waiters {
  /** Resolves when the fate is told, or after a time: then the transaction still waits. */
  readonly wait: (hash: TxHash, timeoutMs: number) => Promise<Fate>
  readonly tell: (hash: string, fate: Fate) => void
  /** Nothing will be told any more. */
  readonly dismiss: () => void
}

export function createWaiters(): Waiters {
  const waiting = new Map<string, Set<(fate: Fate) => void>>()
  let count = 0

  function tell(hash: string, fate: Fate): void {
    const wakes = waiting.get(hash)
    waiting.delete(hash)
    for (const wake of wakes ?? []) wake(fate)
  }

  return {
    tell,
    wait: (hash, timeoutMs) => {
      if (count >= waitingMax) return Promise.resolve('waiting')
      return new Promise((resolve) => {
        const wake = (fate: Fate) => {
          clearTimeout(patience)
          count -= 1
          resolve(fate)
        }
        const wakes = waiting.get(hash) ?? new Set()
        waiting.set(hash, wakes.add(wake))
        count += 1
        const patience = setTimeout(() => {
          wakes.delete(wake)
          if (wakes.size === 0) waiting.delete(hash)
          wake('waiting')
        }, timeoutMs)
      })
    },
    dismiss: () => {
      for (const hash of [...waiting.keys()]) tell(hash, 'waiting')
    },
  }
}
