import { parentPort, workerData } from 'node:worker_threads'
import { loadPrecompiles } from '../../../sdk/crypto/precompiles.ts'
import type { Fork } from '../../../sdk/evm/index.ts'
import { type Block, createMachine, type Machine } from '../../../sdk/vm/index.ts'
import { boardOn, committedAt } from './board.ts'
import { type BoardReader, createBoardReader, ForeignShard } from './boardReader.ts'
import { type Cursor, cursorOn } from './cursor.ts'
import { useFastEngine } from './fastEngine.ts'
import {
  awaitBell,
  bell,
  claim,
  claimNext,
  enter,
  finish,
  isBroken,
  isClosed,
  type Lineup,
  leave,
  lineupOn,
  nextOf,
  shardsOf,
  status,
} from './lineup.ts'
import { outcomeWords, putOutcome } from './outcomeWire.ts'
import { createOverlay, type Overlay } from './overlay.ts'
import { takeTransaction } from './transactionWire.ts'

/** What a worker thread is given when it starts. */
export interface WorkerSettings {
  readonly fork: Fork
  readonly seed: number
  readonly boards: readonly SharedArrayBuffer[]
  readonly control: SharedArrayBuffer
  /** Numbers of the precompiled contracts to load libraries for. */
  readonly precompiles: readonly number[]
}

/** What it is given with each batch. */
export interface WorkerBatch {
  /** Which of the threads it is. */
  readonly seat: number
  /** Whose outcomes it writes: a thread in the place of another one has a number of its own. */
  readonly worker: number
  /** Number of the stretch that begins with the first transaction; that of others is as much higher as their index. */
  readonly firstStretch: number
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
  useFastEngine()
  const precompiles = await loadPrecompiles(settings.precompiles)
  const reader = createBoardReader(boards.map(boardOn), fork)
  const control = new Int32Array(settings.control)
  const post = { machine: createMachine({ fork, precompiles, seed }), reader, control }
  parentPort?.on('message', (batch: WorkerBatch) => {
    const lineup = lineupOn(batch.lineup)
    try {
      if (enter(lineup, batch.seat)) runAhead({ ...post, lineup, batch })
    } finally {
      leave(lineup, batch.seat)
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
}

/** Runs what may run, until the batch is over. */
function runAhead(post: Post): void {
  const { lineup, batch, reader } = post
  const desk: Desk = {
    packet: cursorOn(batch.packet),
    arena: cursorOn(batch.arena),
    overlay: createOverlay(reader.state, reader.admit),
    block: { ...batch.block, hashOf: (number) => batch.hashes.get(number) },
  }
  while (!isClosed(lineup)) {
    const heard = bell(lineup)
    const first = claimNext(lineup, batch.queues, status.claimed + batch.worker)
    if (first < 0) awaitBell(lineup, heard, idleMs)
    else runStretch(post, desk, first)
  }
}

interface Desk {
  readonly packet: Cursor
  readonly arena: Cursor
  readonly overlay: Overlay
  readonly block: Block
}

/**
 * Runs a claimed transaction on the last commit, and those behind it in its chain on what it leaves: as long as they are
 * free, and what was run is not found to stand on something that has changed.
 */
function runStretch(post: Post, desk: Desk, first: number): void {
  const { lineup, batch, control } = post
  const since = Atomics.load(control, committedAt)
  desk.overlay.clear()
  const stretch = batch.firstStretch + first
  const as = status.claimed + batch.worker
  for (let index = first; ; ) {
    if (!runOne(post, desk, { index, since, stretch }) || isClosed(lineup) || isBroken(lineup, first)) return
    index = nextOf(lineup, index)
    if (index < 0 || !claim(lineup, index, as)) return
  }
}

interface Task {
  readonly index: number
  readonly since: number
  readonly stretch: number
}

/**
 * Runs one transaction; whatever goes wrong, it will be run again where it is final. True when the next one may run on
 * what it left.
 */
function runOne({ machine, reader, lineup, batch }: Post, desk: Desk, { index, since, stretch }: Task): boolean {
  const { packet, arena, overlay, block } = desk
  const start = performance.now()
  reader.begin(since, shardsOf(lineup, index), block.miner)
  packet.at = packet.words[index] as number
  try {
    const outcome = machine.execute(takeTransaction(packet), block, overlay.state)
    const offset = arena.at
    if (outcome.kind !== 'executed' || offset + outcomeWords(outcome) > arena.words.length) {
      finish(lineup, index, null)
      return false
    }
    const isOpen = nextOf(lineup, index) < 0 || overlay.apply(outcome.changes)
    const nanos = Math.min(Math.round(1e6 * (performance.now() - start)), nanosMax)
    putOutcome(arena, outcome, reader.numbers)
    finish(lineup, index, { worker: batch.worker, offset, since, stretch, nanos })
    return isOpen
  } catch (error) {
    finish(lineup, index, null)
    if (!(error instanceof ForeignShard)) throw error
    return false
  }
}

/** What a word holds. */
const nanosMax = 2 ** 31 - 1

await main(workerData as WorkerSettings)
