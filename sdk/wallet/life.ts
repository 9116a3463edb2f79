import { networkPauses, pauseMs } from '../client/backoff.ts'
import type { World } from './order.ts'

/** How long what a wallet does in the background goes on. */
export interface Life {
  readonly signal: AbortSignal
  /** Runs until it resolves or the wallet closes; any other end stops the wallet, since it is a bug or a dead disk. */
  readonly task: (work: Promise<void>) => void
  /** Waits before attempt `attempt` (from 0) to reach somebody again, `floorMs` at the least. */
  readonly pause: (attempt: number, floorMs?: number) => Promise<void>
}

/** A life that ends by `controller`, or by the first task that fails, of which `failed` is told. */
export function beginLife(
  { clock, random }: Pick<World, 'clock' | 'random'>,
  controller: AbortController,
  failed: (reason: unknown) => void,
): Life {
  const { signal } = controller
  const fail = (reason: unknown) => {
    if (signal.aborted) return // What a closing wallet interrupts did not fail.
    failed(reason)
    controller.abort(reason)
  }
  return {
    signal,
    task: (work) => {
      work.catch(fail)
    },
    pause: (attempt, floorMs = 0) => clock.sleep(Math.max(floorMs, pauseMs(networkPauses, attempt, random)), signal),
  }
}
