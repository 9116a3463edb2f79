import { fork as forkProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { SdkError } from '../../sdk/errors.ts'
import type { Fork } from '../../sdk/evm/index.ts'
import { heapFlags } from '../executor/parallel/heap.ts'

/** What the process around the embedded executor is told. */
export interface ExecutorOrder {
  /** Where its chain is stored; nothing: it is forgotten with the process. */
  readonly folder: string | null
  /** Bytes of its log after which a snapshot is taken; nothing: the executor's own choice. */
  readonly segmentBytes: number | null
  readonly port: number
  readonly fork: Fork
  readonly blockMs: number
  readonly accounts: number
  readonly workers: number
  /** The built program of its threads, as a URL; nothing: it has none. */
  readonly workerScript: string | null
}

export interface ExecutorOptions extends Partial<ExecutorOrder> {
  /** The built executorProcess.ts; by default `executor.js` beside this program. */
  readonly program?: string
}

/** An embedded executor that runs. */
export interface LocalExecutor {
  readonly url: string
  readonly pid: number
  /** Ends it in order. Safe to call twice. */
  readonly stop: () => Promise<void>
  /** Ends it as a power cut would (SIGKILL). */
  readonly kill: () => Promise<void>
}

const startMsMax = 30_000
const stopMsMax = 5_000
const blockMsDefault = 100

/**
 * Starts the embedded executor in a process of its own, as a node of a development chain: chain 31337, and funded accounts
 * that it signs for. It ends with this process, even when that is killed.
 *
 * Throws `node/unreachable` when it does not come up.
 */
export async function startExecutor(options: ExecutorOptions = {}): Promise<LocalExecutor> {
  const { folder = null, port = 0, fork = 'osaka', blockMs = blockMsDefault, accounts = 10, workers = 0 } = options
  const order: ExecutorOrder = {
    folder,
    port,
    fork,
    blockMs,
    accounts,
    workers,
    workerScript: options.workerScript ?? null,
    segmentBytes: options.segmentBytes ?? null,
  }
  const program = options.program ?? fileURLToPath(new URL('./executor.js', import.meta.url))
  const child = forkProcess(program, { execArgv: [...heapFlags], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const kill = async () => {
    child.kill('SIGKILL')
    await ended
  }
  const started = new Promise<string>((resolve, reject) => {
    const fail = (why: string) => reject(new SdkError('node/unreachable', `The executor did not start: ${why}.`))
    const timer = setTimeout(() => fail('it took too long'), startMsMax)
    child.once('exit', (code) => fail(`its process ended with ${code}`))
    child.once('error', (error) => fail(error.message))
    child.once('message', (word: { readonly url?: string; readonly error?: string }) => {
      clearTimeout(timer)
      if (word.url === undefined) fail(word.error ?? 'it gave no address')
      else resolve(word.url)
    })
    child.send(order)
  })
  try {
    const url = await started
    const stop = async () => {
      if (child.connected) child.send('stop')
      const timer = setTimeout(() => child.kill('SIGKILL'), stopMsMax)
      await ended
      clearTimeout(timer)
    }
    return { url, pid: child.pid ?? 0, stop, kill }
  } catch (error) {
    await kill()
    throw error
  }
}
