import { intern, planKeys } from '../../../sdk/batch/index.ts'
import { SdkError } from '../../../sdk/errors.ts'
import type { Transaction } from '../../../sdk/vm/index.ts'
import { controlWords, createBoard } from './board.ts'
import { type BoardWriter, createBoardWriter } from './boardWriter.ts'
import { assembleCrew, type Crew } from './crew.ts'
import type { EngineOptions } from './engine.ts'
import type { JudgedBatch } from './judge.ts'
import { type Run, type RunOptions, run } from './run.ts'
import type { Store } from './store.ts'

/** Worker threads, and the copy of the state that they read. */
export interface Parallel {
  readonly writer: BoardWriter
  readonly crew: Crew
  /** As `run` does it, with the crew ahead. */
  readonly run: (transactions: readonly Transaction[], options: RunOptions, batch: Forecast) => Promise<Run>
}

export type Forecast = Pick<JudgedBatch, 'footprints' | 'plan'>

/** Memory for all boards together, when nobody says otherwise. Pages nobody writes cost nothing. */
const stateBytesDefault = 256 * 1024 * 1024
const patienceMsDefault = 10_000

interface Start {
  readonly store: Store
  readonly seed: number
  readonly sequence: number
}

type ParallelOptions = Pick<
  EngineOptions,
  'workers' | 'shards' | 'workerScript' | 'fork' | 'precompiles' | 'stateBytes' | 'patienceMs'
>

/** Nothing for an engine without workers. */
export async function openParallel(
  options: ParallelOptions,
  { store, seed, sequence }: Start,
): Promise<Parallel | undefined> {
  const { workers = 0, shards = 1, workerScript, fork, precompiles = {} } = options
  const { stateBytes = stateBytesDefault, patienceMs = patienceMsDefault } = options
  if (workers === 0) return undefined
  if (!workerScript) throw new SdkError('store/unavailable', 'Workers need the script that they run.')
  const control = new SharedArrayBuffer(4 * controlWords)
  const boards = Array.from({ length: shards }, () => createBoard(4 * Math.ceil(stateBytes / (4 * shards))))
  const writer = createBoardWriter({ boards, control: new Int32Array(control), store })
  writer.publishAll(sequence)
  const crew = await assembleCrew({
    workers,
    script: workerScript,
    fork,
    seed,
    boards,
    control,
    writer,
    patienceMs,
    precompiles: Object.keys(precompiles).map(Number),
  })
  return { writer, crew, run: (transactions, runOptions, batch) => runWithCrew(crew, transactions, runOptions, batch) }
}

async function runWithCrew(
  crew: Crew,
  transactions: readonly Transaction[],
  options: RunOptions,
  batch: Forecast,
): Promise<Run> {
  const begun = crew.begin({ transactions, block: options.block, ...hopeful(batch) })
  try {
    return await run(transactions, { ...options, ahead: begun.join })
  } finally {
    await begun.end()
  }
}

/** Who declares nothing conflicts with everything, in a plan; here it costs a run at the most to try. */
function hopeful({ footprints, plan }: Forecast): Forecast {
  if (footprints.every(({ source }) => source !== 'unknown')) return { footprints, plan }
  const tried = footprints.map((one) => (one.source === 'unknown' ? { ...one, source: 'declared' as const } : one))
  return { footprints, plan: planKeys(intern(tried)) }
}
