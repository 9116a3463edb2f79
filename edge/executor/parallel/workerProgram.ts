import { parentPort, workerData } from 'node:worker_threads'
import { loadPrecompiles } from '../../../sdk/crypto/precompiles.ts'
import type { Fork } from '../../../sdk/evm/index.ts'
import { type Block, createMachine, type Machine } from '../../../sdk/vm/index.ts'
import { boardOn, committedAt } from './board.ts'
import { type BoardReader, createBoardReader, ForeignShard } from './boardReader.ts'
import { type Cursor, cursorOn } from './cursor.ts'
import {
  awaitBell,
  bell,
  claimNext,
  enter,
  finish,
  isClosed,
  type Lineup,
  leave,
  lineupOn,
  shardsOf,
  status,
} from './lineup.ts'
import { outcomeWords, putOutcome } from './outcomeWire.ts'
import { takeTransaction } from './transactionWire.ts'

/** What a worker thread is given when it starts. */
export interface WorkerSettings {
  readonly worker: number
  readonly fork: Fork
  readonly seed: number
  readonly boards: readonly SharedArrayBuffer[]
  readonly control: SharedArrayBuffer
  /** Numbers of the precompiled contracts to load libraries for. */
  readonly precompiles: readonly number[]
}

/** What it is given with each batch. */
export interface WorkerBatch {
  readonly lineup: SharedArrayBuffer
  /** Where each transaction begins, in words, and then the transactions. */
  readonly packet: SharedArrayBuffer
  /** Where it writes outcomes. */
  readonly arena: SharedArrayBuffer
  /** Queues it serves, the first one first. */
  readonly queues: readonly number[]
  readonly block: Omit<Block, 'hashOf'>
  /** By block number. */
  readonly hashes: ReadonlyMap<bigint, Uint8Array>
}

/** How long a worker without work sleeps before it looks again, whatever it hears. */
const idleMs = 100

async function main(settings: WorkerSettings): Promise<void> {
  const { fork, seed, boards } = settings
  const precompiles = await loadPrecompiles(settings.precompiles)
  const machine = createMachine({ fork, precompiles, seed })
  const reader = createBoardReader(boards.map(boardOn), fork)
  const control = new Int32Array(settings.control)
  parentPort?.on('message', (batch: WorkerBatch) => {
    const lineup = lineupOn(batch.lineup)
    try {
      if (enter(lineup)) runAhead({ machine, reader, control, lineup, batch, worker: settings.worker })
    } finally {
      leave(lineup)
    }
  })
  parentPort?.postMessage('ready')
}

interface Post {
  readonly machine: Machine
  readonly reader: BoardReader
  readonly control: Int32Array
  readonly lineup: Lineup
  readonly batch: WorkerBatch
  readonly worker: number
}

/** Runs what may run, until the batch is over. */
function runAhead(post: Post): void {
  const { lineup, batch } = post
  const packet = cursorOn(batch.packet)
  const arena = cursorOn(batch.arena)
  const block: Block = { ...batch.block, hashOf: (number) => batch.hashes.get(number) }
  while (!isClosed(lineup)) {
    const heard = bell(lineup)
    const index = claimNext(lineup, batch.queues, status.claimed)
    if (index < 0) {
      awaitBell(lineup, heard, idleMs)
      continue
    }
    packet.at = packet.words[index] as number
    runOne(post, { index, packet, arena, block })
  }
}

interface Task {
  readonly index: number
  readonly packet: Cursor
  readonly arena: Cursor
  readonly block: Block
}

/** Runs one transaction on the last commit. Whatever goes wrong, it will be run again where it is final. */
function runOne({ machine, reader, control, lineup, worker }: Post, { index, packet, arena, block }: Task): void {
  const since = Atomics.load(control, committedAt)
  reader.begin(since, shardsOf(lineup, index), block.miner)
  try {
    const outcome = machine.execute(takeTransaction(packet), block, reader.state)
    const offset = arena.at
    const fits = outcome.kind === 'executed' && offset + outcomeWords(outcome) <= arena.words.length
    if (fits) putOutcome(arena, outcome, reader.numbers)
    finish(lineup, index, fits ? { worker, offset, since } : null)
  } catch (error) {
    finish(lineup, index, null)
    if (!(error instanceof ForeignShard)) throw error
  }
}

await main(workerData as WorkerSettings)
