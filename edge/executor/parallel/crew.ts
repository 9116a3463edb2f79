import { Worker } from 'node:worker_threads'
import { type Footprint, type Plan, type Waits, waitsOf } from '../../../sdk/batch/index.ts'
import { SdkError } from '../../../sdk/errors.ts'
import type { Fork } from '../../../sdk/evm/index.ts'
import type { Block, Transaction } from '../../../sdk/vm/index.ts'
import type { Board } from './board.ts'
import type { BoardWriter } from './boardWriter.ts'
import { type Cursor, cursorOn } from './cursor.ts'
import {
  awaitFinish,
  claim,
  claimNext,
  close,
  createLineup,
  enqueue,
  type Lineup,
  ring,
  setShards,
  status,
  statusOf,
  whereabouts,
} from './lineup.ts'
import { takeOutcome } from './outcomeWire.ts'
import type { Ahead, AheadRun } from './run.ts'
import { declaredShards, onlyShard } from './shards.ts'
import { putTransaction, transactionWords } from './transactionWire.ts'
import type { WorkerBatch, WorkerSettings } from './workerProgram.ts'

/** The worker threads, waiting for batches. */
export interface Crew {
  /** Lets them begin. */
  readonly begin: (batch: CrewBatch) => Begun
  readonly stop: () => Promise<void>
}

export interface Begun {
  /** @param runHere - Runs a transaction in this thread, which does so instead of waiting. */
  readonly join: (runHere: (index: number) => AheadRun | undefined) => Ahead
  /** Ends the batch, and waits until none of them reads the state any more. */
  readonly end: () => void
}

export interface CrewBatch {
  readonly transactions: readonly Transaction[]
  readonly block: Block
  readonly footprints: readonly Footprint[]
  /** Who waits for whom. */
  readonly plan: Plan
}

export interface CrewOptions {
  readonly workers: number
  readonly script: URL
  readonly fork: Fork
  readonly seed: number
  readonly boards: readonly Board[]
  readonly control: SharedArrayBuffer
  readonly writer: BoardWriter
  readonly precompiles: readonly number[]
}

/** After so long a worker counts as lost: what it had claimed runs here. */
const patienceMs = 10_000
/** Memory for the outcomes of one worker. Pages nobody writes cost nothing. */
const arenaBytesMin = 4 * 1024 * 1024
const arenaBytesMax = 512 * 1024 * 1024
const arenaBytesEach = 8 * 1024
/** Hashes a block can see. */
const hashesMax = 256n

interface Mate {
  readonly worker: Worker
  arena: SharedArrayBuffer
}

/** Starts the threads, and waits until they are ready. */
export async function assembleCrew(options: CrewOptions): Promise<Crew> {
  const { workers, script, fork, seed, control, precompiles } = options
  const boards = options.boards.map(({ memory }) => memory)
  const mates = await Promise.all(
    Array.from({ length: workers }, (_, worker) => {
      const settings: WorkerSettings = { worker, fork, seed, boards, control, precompiles }
      return startMate(new Worker(script, { workerData: settings }))
    }),
  )
  return {
    begin: (batch) => beginBatch(options, mates, batch),
    stop: async () => {
      await Promise.all(mates.map(({ worker }) => worker.terminate()))
    },
  }
}

function startMate(worker: Worker): Promise<Mate> {
  worker.unref()
  return new Promise((resolve, reject) => {
    worker.once('message', () => resolve({ worker, arena: new SharedArrayBuffer(arenaBytesMin) }))
    worker.once('error', (cause) =>
      reject(new SdkError('store/unavailable', 'A worker thread did not start.', { cause })),
    )
  })
}

function beginBatch({ boards, writer }: CrewOptions, mates: readonly Mate[], batch: CrewBatch): Begun {
  const lineup = lineUp(batch, boards.length)
  const arenas = handOut(mates, batch, lineup, boards.length)
  const followers = followersOf(batch.plan)
  return {
    join: (runHere) => ({
      take: takerOf(lineup, runHere, (index) => outcomeAt(lineup, index, arenas, writer)),
      publish: writer.publish,
      settled: (index) => {
        const ready = followers.release(index)
        for (const next of ready) enqueue(lineup, queueFor(batch.footprints[next] as Footprint, boards.length), next)
        if (ready.length > 0) ring(lineup)
      },
    }),
    end: () => {
      if (close(lineup, patienceMs)) writer.tidy()
    },
  }
}

/** How the committing thread comes to an outcome: while a worker is at it, it runs others instead of waiting. */
function takerOf(
  lineup: Lineup,
  runHere: (index: number) => AheadRun | undefined,
  outcomeOf: (index: number) => AheadRun,
): Ahead['take'] {
  const everyQueue = Array.from({ length: lineup.queues }, (_, queue) => queue)
  const own = new Map<number, AheadRun | undefined>()
  const help = (): boolean => {
    const index = claimNext(lineup, everyQueue, status.taken)
    if (index >= 0) own.set(index, runHere(index))
    return index >= 0
  }
  return (index) => {
    for (const end = performance.now() + patienceMs; performance.now() < end; ) {
      if (own.has(index)) return own.get(index)
      const now = statusOf(lineup, index)
      if (now === status.done) return outcomeOf(index)
      if (now === status.failed || (now === status.free && claim(lineup, index, status.taken))) return undefined
      if (now === status.claimed && !help()) awaitFinish(lineup, index, patienceMs)
    }
    return undefined // Its worker is lost.
  }
}

/** The batch as the threads share it; what waits for nothing is in its queue. */
function lineUp({ transactions, footprints, plan }: CrewBatch, shards: number): Lineup {
  const lineup = createLineup(transactions.length, shards === 1 ? 1 : shards + 1)
  for (const [index, footprint] of footprints.entries()) {
    setShards(lineup, index, declaredShards(footprint, shards))
    if (waitsOf(plan, index).length === 0) enqueue(lineup, queueFor(footprint, shards), index)
  }
  return lineup
}

/** A shard's own queue, or the one of those that need several. */
function queueFor(footprint: Footprint, shards: number): number {
  if (shards === 1) return 0
  const only = onlyShard(declaredShards(footprint, shards))
  return only < 0 ? shards : only
}

/** Tells every worker; gives back where they write. */
function handOut(mates: readonly Mate[], batch: CrewBatch, lineup: Lineup, shards: number): readonly Cursor[] {
  const { transactions, block } = batch
  const packet = packetOf(transactions)
  const size = Math.min(Math.max(arenaBytesMin, transactions.length * arenaBytesEach), arenaBytesMax)
  const { hashOf, ...rest } = block
  const hashes = new Map<bigint, Uint8Array>()
  for (let number = block.number - 1n; number >= 0n && number >= block.number - hashesMax; number--) {
    const hash = hashOf(number)
    if (hash) hashes.set(number, hash)
  }
  return mates.map((mate, at) => {
    if (mate.arena.byteLength < size) mate.arena = new SharedArrayBuffer(size)
    const queues = queuesOf(at, mates.length, shards)
    const message: WorkerBatch = { lineup: lineup.memory, packet, arena: mate.arena, queues, block: rest, hashes }
    mate.worker.postMessage(message)
    return cursorOn(mate.arena)
  })
}

/** Every worker serves shards of its own, several serve one where there are more of them, and all serve what spans shards. */
function queuesOf(worker: number, workers: number, shards: number): readonly number[] {
  if (shards === 1) return [0]
  const own = Array.from({ length: shards }, (_, shard) => shard).filter((shard) => shard % workers === worker % shards)
  return [...own, shards]
}

function packetOf(transactions: readonly Transaction[]): SharedArrayBuffer {
  const words = transactions.reduce((sum, transaction) => sum + transactionWords(transaction), transactions.length)
  const packet = new SharedArrayBuffer(4 * words)
  const cursor = cursorOn(packet)
  cursor.at = transactions.length
  for (const [index, transaction] of transactions.entries()) {
    cursor.words[index] = cursor.at
    putTransaction(cursor, transaction)
  }
  return packet
}

function outcomeAt(lineup: Lineup, index: number, arenas: readonly Cursor[], { names }: BoardWriter): AheadRun {
  const { worker, offset, since } = whereabouts(lineup, index)
  const arena = arenas[worker] as Cursor
  arena.at = offset
  return { outcome: takeOutcome(arena, names), since }
}

/** Lets go of those that waited for a transaction: who waits for nobody any more is given back. */
function followersOf({ count, waits }: Plan): { readonly release: (index: number) => readonly number[] } {
  const waiting = new Int32Array(count)
  const followers: number[][] = Array.from({ length: count }, () => [])
  for (let index = 0; index < count; index++) {
    const { length } = targetsOf(waits, index)
    waiting[index] = length
    for (const target of targetsOf(waits, index)) followers[target]?.push(index)
  }
  return {
    release: (index) =>
      (followers[index] ?? []).filter((follower) => {
        waiting[follower] = (waiting[follower] as number) - 1
        return waiting[follower] === 0
      }),
  }
}

function targetsOf({ offsets, targets }: Waits, index: number): Int32Array {
  return targets.subarray(offsets[index], offsets[index + 1])
}
