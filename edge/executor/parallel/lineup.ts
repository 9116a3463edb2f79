import { engineLimits } from './engine.ts'

/**
 * A batch as the threads share it: queues of transactions that may run, and what has become of each.
 *
 * The committing thread alone puts into queues; every thread takes from them. A transaction is run by whoever changes
 * its status from `free` first.
 */
export interface Lineup {
  readonly memory: SharedArrayBuffer
  readonly words: Int32Array
  readonly count: number
  readonly queues: number
}

export const status = {
  free: 0,
  /** Its outcome stands in the worker's memory. */
  done: 1,
  /** It was run, or begun, and there is nothing to be taken over. */
  failed: 2,
  /** The committing thread runs it itself. */
  taken: 3,
  /** The first worker is at it; for others their number is added. */
  claimed: 16,
} as const

const countAt = 0
const queuesAt = 1
const isClosedAt = 2
/** Rises with every entry and when the batch ends: what idle workers wait on. */
const bellAt = 3
const idleAt = 4
/** Of each thread: 1 while it is at the batch. */
const presentAt = 8
const headerWords = presentAt + engineLimits.workersMax

/**
 * Of each transaction: its status, whose outcome it is, where its outcome begins, since which commit, in which
 * stretch, how long it took; the shards it may ask, as bits; the one behind it in its chain, plus 1; whether the stretch
 * that begins with it is broken.
 */
const field = {
  status: 0,
  worker: 1,
  offset: 2,
  since: 3,
  stretch: 4,
  nanos: 5,
  shards: 6,
  next: 7,
  broken: 8,
} as const
const fields = 9

export function createLineup(count: number, queues: number): Lineup {
  const words = headerWords + queues * (2 + count) + fields * count
  const lineup = { count, queues, ...sharedWords(words) }
  lineup.words[countAt] = count
  lineup.words[queuesAt] = queues
  return lineup
}

function sharedWords(count: number): { memory: SharedArrayBuffer; words: Int32Array } {
  const memory = new SharedArrayBuffer(4 * count)
  return { memory, words: new Int32Array(memory) }
}

export function lineupOn(memory: SharedArrayBuffer): Lineup {
  const words = new Int32Array(memory)
  return { memory, words, count: words[countAt] as number, queues: words[queuesAt] as number }
}

/** A queue: how many were taken, how many were put, and then these. */
function queueAt({ count }: Lineup, queue: number): number {
  return headerWords + queue * (2 + count)
}

function fieldAt({ count, queues }: Lineup, index: number, which: number): number {
  return headerWords + queues * (2 + count) + fields * index + which
}

/** Puts a transaction into a queue, for those who look; who sleeps is woken by {@link ring}. For the committing thread alone. */
export function enqueue(lineup: Lineup, queue: number, index: number): void {
  const { words } = lineup
  const at = queueAt(lineup, queue)
  const put = words[at + 1] as number
  words[at + 2 + put] = index
  Atomics.store(words, at + 1, put + 1)
  Atomics.add(words, bellAt, 1)
}

/** Wakes so many of those who sleep. */
export function ring({ words }: Lineup, count: number): void {
  Atomics.add(words, bellAt, 1)
  // Who begins to wait now has not seen the new bell, and does not wait.
  if (Atomics.load(words, idleAt) > 0) Atomics.notify(words, bellAt, count)
}

/** Claims the next free transaction of these queues, the first queue first; -1 when there is none now. */
export function claimNext(lineup: Lineup, queues: readonly number[], as: number): number {
  const { words } = lineup
  for (const queue of queues) {
    const at = queueAt(lineup, queue)
    for (let taken = Atomics.load(words, at); taken < Atomics.load(words, at + 1); taken = Atomics.load(words, at)) {
      if (Atomics.compareExchange(words, at, taken, taken + 1) !== taken) continue
      const index = words[at + 2 + taken] as number
      if (claim(lineup, index, as)) return index
    }
  }
  return -1
}

/** Whether the transaction was free, and now is claimed. */
export function claim(lineup: Lineup, index: number, as: number): boolean {
  return Atomics.compareExchange(lineup.words, fieldAt(lineup, index, field.status), status.free, as) === status.free
}

export function statusOf(lineup: Lineup, index: number): number {
  return Atomics.load(lineup.words, fieldAt(lineup, index, field.status))
}

/** What a worker that is gone had claimed will not come. */
export function giveUp(lineup: Lineup, worker: number): void {
  for (let index = 0; index < lineup.count; index++)
    if (statusOf(lineup, index) === status.claimed + worker) finish(lineup, index, null)
}

/** Says that the outcome of a claimed transaction is there, or that there will be none. */
export function finish(lineup: Lineup, index: number, outcome: Whereabouts | null): void {
  const { words } = lineup
  if (outcome) {
    words[fieldAt(lineup, index, field.worker)] = outcome.worker
    words[fieldAt(lineup, index, field.offset)] = outcome.offset
    words[fieldAt(lineup, index, field.since)] = outcome.since
    words[fieldAt(lineup, index, field.stretch)] = outcome.stretch
    words[fieldAt(lineup, index, field.nanos)] = outcome.nanos
  }
  const at = fieldAt(lineup, index, field.status)
  Atomics.store(words, at, outcome ? status.done : status.failed)
  Atomics.notify(words, at)
}

/** Where an outcome stands, in words, the commit after which its stretch began, that stretch, and how long it took. */
export interface Whereabouts {
  readonly worker: number
  readonly offset: number
  readonly since: number
  readonly stretch: number
  readonly nanos: number
}

export function whereabouts(lineup: Lineup, index: number): Whereabouts {
  const { words } = lineup
  return {
    worker: words[fieldAt(lineup, index, field.worker)] as number,
    offset: words[fieldAt(lineup, index, field.offset)] as number,
    since: words[fieldAt(lineup, index, field.since)] as number,
    stretch: words[fieldAt(lineup, index, field.stretch)] as number,
    nanos: words[fieldAt(lineup, index, field.nanos)] as number,
  }
}

/** The transaction that may run right behind this one, on what it left; -1 when there is none. */
export function nextOf(lineup: Lineup, index: number): number {
  return (lineup.words[fieldAt(lineup, index, field.next)] as number) - 1
}

export function setNext(lineup: Lineup, index: number, next: number): void {
  lineup.words[fieldAt(lineup, index, field.next)] = next + 1
}

export function isBroken(lineup: Lineup, first: number): boolean {
  return Atomics.load(lineup.words, fieldAt(lineup, first, field.broken)) === 1
}

/**
 * The outcome of a transaction was not taken: the stretch that began with `first` goes on for nothing, and what it has run
 * behind that one is free again.
 */
export function breakStretch(
  lineup: Lineup,
  { first, index }: { readonly first: number; readonly index: number },
): void {
  const { words } = lineup
  Atomics.store(words, fieldAt(lineup, first, field.broken), 1)
  const stretch = words[fieldAt(lineup, index, field.stretch)] as number
  for (let later = nextOf(lineup, index); later >= 0; later = nextOf(lineup, later)) {
    const isOfIt = words[fieldAt(lineup, later, field.stretch)] === stretch
    if (statusOf(lineup, later) !== status.done || !isOfIt) return
    Atomics.store(words, fieldAt(lineup, later, field.status), status.free)
  }
}

/** Waits until a claimed transaction is finished, for so long at the most. */
export function awaitFinish(lineup: Lineup, index: number, ms: number): void {
  const claimed = statusOf(lineup, index)
  if (claimed >= status.claimed) Atomics.wait(lineup.words, fieldAt(lineup, index, field.status), claimed, ms)
}

/** Shards a transaction may ask, as bits; 0: any. */
export function setShards(lineup: Lineup, index: number, shards: number): void {
  lineup.words[fieldAt(lineup, index, field.shards)] = shards
}

export function shardsOf(lineup: Lineup, index: number): number {
  return lineup.words[fieldAt(lineup, index, field.shards)] as number
}

/** A thread comes to the batch. False when it is over: then nothing of the state may be read. */
export function enter({ words }: Lineup, seat: number): boolean {
  Atomics.store(words, presentAt + seat, 1)
  return Atomics.load(words, isClosedAt) === 0
}

/** A thread leaves, or somebody has found that it is gone. */
export function leave({ words }: Lineup, seat: number): void {
  Atomics.store(words, presentAt + seat, 0)
  Atomics.notify(words, presentAt + seat)
}

/** What the bell stands at: look at it before looking for work, and wait on it after. */
export function bell({ words }: Lineup): number {
  return Atomics.load(words, bellAt)
}

/** Looks before a thread sleeps: to wake one costs as much as a short transaction. */
const looksMax = 4_000

export function awaitBell({ words }: Lineup, heard: number, ms: number): void {
  for (let looks = 0; looks < looksMax; looks++) if (Atomics.load(words, bellAt) !== heard) return
  Atomics.add(words, idleAt, 1)
  Atomics.wait(words, bellAt, heard, ms)
  Atomics.sub(words, idleAt, 1)
}

export function isClosed({ words }: Lineup): boolean {
  return Atomics.load(words, isClosedAt) === 1
}

/** Ends the batch: nobody begins anything any more. */
export function close(lineup: Lineup): void {
  Atomics.store(lineup.words, isClosedAt, 1)
  ring(lineup, lineup.count)
}

/** A thread that came to a closed batch and has not left it, -1 when all have; waits so long at the most. */
export function whoStays({ words }: Lineup, ms: number): number {
  for (let seat = 0; seat < engineLimits.workersMax; seat++)
    if (Atomics.load(words, presentAt + seat) === 1 && Atomics.wait(words, presentAt + seat, 1, ms) === 'timed-out')
      return seat
  return -1
}
