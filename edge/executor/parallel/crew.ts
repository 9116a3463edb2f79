import { setImmediate } from 'node:timers/promises'
import type { Footprint, Plan, Waits } from '../../../sdk/batch/index.ts'
import type { Fork } from '../../../sdk/evm/index.ts'
import type { Block, Transaction } from '../../../sdk/vm/index.ts'
import type { Board } from './board.ts'
import type { BoardWriter } from './boardWriter.ts'
import { chainsOf } from './chains.ts'
import { type Cursor, cursorOn } from './cursor.ts'
import {
  awaitFinish,
  breakStretch,
  claim,
  claimNext,
  close,
  createLineup,
  enqueue,
  giveUp,
  type Lineup,
  leave,
  ring,
  setNext,
  setShards,
  status,
  statusOf,
  whereabouts,
  whoStays,
} from './lineup.ts'
import { type Assignment, gatherMates, type Mates } from './mates.ts'
import { takeOutcome } from './outcomeWire.ts'
import type { Ahead, AheadRun } from './run.ts'
import { declaredShards, onlyShard } from './shards.ts'
import { putTransaction, transactionWords } from './transactionWire.ts'

/** The worker threads, waiting for batches. */
export interface Crew {
  /** Lets them begin. */
  readonly begin: (batch: CrewBatch) => Begun
  readonly stop: () => Promise<void>
}

export interface Begun {
  /** @param runHere - Runs a transaction in this thread, which does so instead of waiting. */
  readonly join: (runHere: RunHere) => Ahead
  /** Ends the batch, and waits until none of them reads the state any more. */
  readonly end: () => Promise<void>
}

type RunHere = (index: number) => AheadRun | undefined

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
  /** After so long a worker counts as stuck: it is ended, and what it had claimed runs here. */
  readonly patienceMs: number
}

/** How long this thread waits before it looks whether a worker has ended. */
const waitMs = 2
/** Memory for the outcomes of one worker. Pages nobody writes cost nothing. */
const arenaBytesMin = 4 * 1024 * 1024
const arenaBytesMax = 512 * 1024 * 1024
const arenaBytesEach = 8 * 1024
/** Hashes a block can see. */
const hashesMax = 256n
/** Transactions that become free before somebody idle is woken, unless this thread has nothing to do itself. */
const untoldMax = 8

/** Starts the threads, and waits until they are ready. */
export async function assembleCrew(options: CrewOptions): Promise<Crew> {
  const { workers, script, fork, seed, control, precompiles } = options
  const boards = options.boards.map(({ memory }) => memory)
  const mates = await gatherMates(workers, script, { fork, seed, boards, control, precompiles })
  const spare: SharedArrayBuffer[] = []
  let nextStretch = 1
  return {
    begin: (batch) => {
      const firstStretch = nextStretch
      nextStretch += batch.transactions.length
      return beginBatch(options, mates, { ...batch, firstStretch, spare })
    },
    stop: mates.stop,
  }
}

interface NumberedBatch extends CrewBatch {
  /** Number of the stretch that would begin with the first transaction. */
  readonly firstStretch: number
  /** By seat: memory for outcomes that is there from the batch before. */
  readonly spare: SharedArrayBuffer[]
}

function beginBatch({ boards, writer, patienceMs }: CrewOptions, mates: Mates, batch: NumberedBatch): Begun {
  const lineup = lineUp(batch, boards.length)
  const arenas: Cursor[] = []
  mates.assign(assignmentOf(batch, { lineup, arenas, shards: boards.length, workers: mates.count }))
  const followers = followersOf(batch.plan)
  let untold = 0
  const tell = () => {
    if (untold > 0) ring(lineup, untold)
    untold = 0
  }
  const outcomeOf = (index: number) => outcomeAt(lineup, index, arenas, writer)
  return {
    join: (runHere) => ({
      take: takerOf({ lineup, runHere, tell, mates, patienceMs, outcomeOf }),
      refused: (index, stretch) => breakStretch(lineup, { first: stretch - batch.firstStretch, index }),
      publish: writer.publish,
      settled: (index) => {
        for (const next of followers.release(index)) {
          if (statusOf(lineup, next) !== status.free) continue
          enqueue(lineup, queueFor(batch.footprints[next] as Footprint, boards.length), next)
          untold += 1
        }
        if (untold >= untoldMax) tell()
      },
    }),
    end: async () => {
      close(lineup)
      await awaitLeave(lineup, mates, patienceMs)
      mates.assign(null)
      writer.tidy()
    },
  }
}

async function awaitLeave(lineup: Lineup, mates: Mates, patienceMs: number): Promise<void> {
  for (const end = performance.now() + patienceMs; ; ) {
    const seat = whoStays(lineup, waitMs)
    if (seat < 0) return
    if (performance.now() > end) await mates.end(seat)
    await setImmediate() // The end of a thread is heard of only in between.
  }
}

interface Taking {
  readonly lineup: Lineup
  readonly runHere: RunHere
  /** Wakes those who are idle, if there is something new. */
  readonly tell: () => void
  readonly mates: Mates
  readonly patienceMs: number
  readonly outcomeOf: (index: number) => AheadRun
}

/** How the committing thread comes to an outcome: while a worker is at it, it runs others instead of waiting. */
function takerOf({ lineup, runHere, tell, mates, patienceMs, outcomeOf }: Taking): Ahead['take'] {
  const everyQueue = Array.from({ length: lineup.queues }, (_, queue) => queue)
  const own = new Map<number, AheadRun | undefined>()
  const help = (): boolean => {
    const index = claimNext(lineup, everyQueue, status.taken)
    if (index >= 0) own.set(index, runHere(index))
    return index >= 0
  }
  /** What came of it, when that is known now. */
  const look = (index: number): { readonly ran: AheadRun | undefined } | undefined => {
    if (own.has(index)) {
      const ran = own.get(index)
      own.delete(index)
      return { ran }
    }
    const now = statusOf(lineup, index)
    if (now === status.done) return { ran: outcomeOf(index) }
    if (now === status.failed || (now === status.free && claim(lineup, index, status.taken))) return { ran: undefined }
    return undefined
  }
  const wait = async (index: number): Promise<AheadRun | undefined> => {
    tell()
    for (const end = performance.now() + patienceMs; ; ) {
      awaitFinish(lineup, index, waitMs)
      const looked = look(index)
      if (looked) return looked.ran
      const worker = statusOf(lineup, index) - status.claimed
      if (performance.now() > end && worker >= 0) await mates.end(worker % mates.count)
      await setImmediate() // The end of a thread is heard of only in between.
    }
  }
  return (index) => {
    for (;;) {
      const looked = look(index)
      if (looked) return looked.ran
      if (!help()) return wait(index)
    }
  }
}

/** The batch as the threads share it; what waits for nothing is in its queue. */
function lineUp({ transactions, footprints, plan }: CrewBatch, shards: number): Lineup {
  const lineup = createLineup(transactions.length, shards === 1 ? 1 : shards + 1)
  const queues = footprints.map((footprint) => queueFor(footprint, shards))
  const next = chainsOf(plan, (one, other) => queues[one] === queues[other])
  for (const [index, footprint] of footprints.entries()) {
    setShards(lineup, index, declaredShards(footprint, shards))
    setNext(lineup, index, next[index] as number)
    if (targetsOf(plan.waits, index).length === 0) enqueue(lineup, queues[index] as number, index)
  }
  return lineup
}

/** A shard's own queue, or the one of those that need several. */
function queueFor(footprint: Footprint, shards: number): number {
  if (shards === 1) return 0
  const only = onlyShard(declaredShards(footprint, shards))
  return only < 0 ? shards : only
}

interface Table {
  readonly lineup: Lineup
  /** By number of the worker. */
  readonly arenas: Cursor[]
  readonly shards: number
  readonly workers: number
}

/** What the threads are told. Whoever comes in the place of a lost one gets memory of its own. */
function assignmentOf(batch: NumberedBatch, { lineup, arenas, shards, workers }: Table): Assignment {
  const { transactions, block, firstStretch } = batch
  const packet = packetOf(transactions)
  const size = Math.min(Math.max(arenaBytesMin, transactions.length * arenaBytesEach), arenaBytesMax)
  const { hashOf, ...rest } = block
  const hashes = new Map<bigint, Uint8Array>()
  for (let number = block.number - 1n; number >= 0n && number >= block.number - hashesMax; number--) {
    const hash = hashOf(number)
    if (hash) hashes.set(number, hash)
  }
  /** Of the thread in each seat; a seat's first one has the seat's own number. */
  const numbers: number[] = []
  return {
    messageFor: (seat) => {
      const before = numbers[seat]
      const worker = before === undefined ? seat : before + workers
      numbers[seat] = worker
      const known = before === undefined ? batch.spare[seat] : undefined
      const arena = known && known.byteLength >= size ? known : new SharedArrayBuffer(size)
      batch.spare[seat] = arena
      arenas[worker] = cursorOn(arena)
      const queues = queuesOf(seat, workers, shards)
      return { lineup: lineup.memory, packet, arena, queues, block: rest, hashes, seat, worker, firstStretch }
    },
    lost: (seat) => {
      giveUp(lineup, numbers[seat] as number)
      leave(lineup, seat)
    },
  }
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
  const { worker, offset, since, stretch, nanos } = whereabouts(lineup, index)
  const arena = arenas[worker] as Cursor
  arena.at = offset
  return { outcome: takeOutcome(arena, names), since, stretch, ms: nanos / 1e6 }
}

/** Lets go of those that waited for a transaction: who waits for nobody any more is given back. */
function followersOf({ count, waits }: Plan): { readonly release: (index: number) => readonly number[] } {
  const waiting = new Int32Array(count)
  const followers: number[][] = Array.from({ length: count }, () => [])
  for (let index = 0; index < count; index++) {
    const targets = targetsOf(waits, index)
    waiting[index] = targets.length
    for (const target of targets) followers[target]?.push(index)
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
