import { Worker } from 'node:worker_threads'
import { SdkError } from '../../../sdk/errors.ts'
import { threadLimits } from './heap.ts'
import type { WorkerBatch, WorkerSettings } from './workerProgram.ts'

/** Worker threads. One that ends is started anew at once. */
export interface Mates {
  readonly count: number
  /** From now on those that are there, and those that come, get this assignment; `null` for none. */
  readonly assign: (assignment: Assignment | null) => void
  /** Ends one that does not answer. Another takes its seat. */
  readonly end: (seat: number) => Promise<void>
  readonly stop: () => Promise<void>
}

export interface Assignment {
  /** What the thread in this seat is told. It may be another thread than the one before. */
  readonly messageFor: (seat: number) => WorkerBatch
  /** The thread in this seat is gone. */
  readonly lost: (seat: number) => void
}

/** Threads in one seat that may end one after the other within their first batch, until nobody takes it any more. */
const deathsMax = 3

interface Mate {
  worker: Worker | undefined
  /** Since one of them saw a batch end. */
  deaths: number
}

/** Starts the threads, and waits until they are ready. Throws `store/unavailable` when one does not start. */
export async function gatherMates(count: number, script: URL, settings: WorkerSettings): Promise<Mates> {
  const mates: Mate[] = Array.from({ length: count }, () => ({ worker: undefined, deaths: 0 }))
  let current: Assignment | null = null
  let isStopped = false

  const sit = (seat: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const mate = mates[seat] as Mate
      const worker = new Worker(script, { workerData: settings, resourceLimits: threadLimits })
      worker.unref()
      worker.once('message', () => {
        mate.worker = worker
        if (current) worker.postMessage(current.messageFor(seat))
        resolve()
      })
      // An error ends the thread, and the end is what matters.
      let cause: unknown
      worker.once('error', (error) => {
        cause = error
      })
      worker.once('exit', () => {
        reject(new SdkError('store/unavailable', 'A worker thread did not start.', { cause }))
        const wasReady = mate.worker === worker
        if (wasReady) mate.worker = undefined
        if (wasReady) current?.lost(seat)
        mate.deaths += 1
        if (!isStopped && wasReady && mate.deaths < deathsMax) sit(seat).catch(() => undefined) // It counts as one more.
      })
    })

  await Promise.all(mates.map((_, seat) => sit(seat)))
  return {
    count,
    assign: (assignment) => {
      if (!assignment) for (const mate of mates) if (mate.worker) mate.deaths = 0
      current = assignment
      if (!assignment) return
      for (const [seat, { worker }] of mates.entries()) worker?.postMessage(assignment.messageFor(seat))
    },
    end: async (seat) => {
      await mates[seat]?.worker?.terminate()
    },
    stop: async () => {
      isStopped = true
      await Promise.all(mates.map(({ worker }) => worker?.terminate()))
    },
  }
}
