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
  /** A worker is at it. */
  claimed: 1,
  /** Its outcome stands in the worker's memory. */
  done: 2,
  /** It was run, or begun, and there is nothing to be taken over. */
  failed: 3,
  /** The committing thread runs it itself. */
  taken: 4,
} as const
export type Status = (typeof status)[keyof typeof status]

const countAt = 0
const queuesAt = 1
const isClosedAt = 2
const enteredAt = 3
const leftAt = 4
/** Rises with every entry and when the batch ends: what idle workers wait on. */
const bellAt = 5
const idleAt = 6
const headerWords = 8

/** Of each transaction: status, worker, where its outcome begins, since which commit, shards as bits. */
const field = { status: 0, worker: 1, offset: 2, since: 3, shards: 4 } as const
const fields = 5

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

/** Puts a transaction into a queue. For the committing thread alone. */
export function enqueue(lineup: Lineup, queue: number, index: number): void {
  const { words } = lineup
  const at = queueAt(lineup, queue)
  const put = words[at + 1] as number
  words[at + 2 + put] = index
  Atomics.store(words, at + 1, put + 1)
}

/** Wakes whoever is idle. */
export function ring({ words }: Lineup): void {
  Atomics.add(words, bellAt, 1)
  // Who begins to wait now has not seen the new bell, and does not wait.
  if (Atomics.load(words, idleAt) > 0) Atomics.notify(words, bellAt)
}

/** Claims the next free transaction of these queues, the first queue first; -1 when there is none now. */
export function claimNext(lineup: Lineup, queues: readonly number[], as: Status): number {
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
export function claim(lineup: Lineup, index: number, as: Status): boolean {
  return Atomics.compareExchange(lineup.words, fieldAt(lineup, index, field.status), status.free, as) === status.free
}

export function statusOf(lineup: Lineup, index: number): Status {
  return Atomics.load(lineup.words, fieldAt(lineup, index, field.status)) as Status
}

/** Says that the outcome of a claimed transaction is there, or that there will be none. */
export function finish(lineup: Lineup, index: number, outcome: Whereabouts | null): void {
  const { words } = lineup
  if (outcome) {
    words[fieldAt(lineup, index, field.worker)] = outcome.worker
    words[fieldAt(lineup, index, field.offset)] = outcome.offset
    words[fieldAt(lineup, index, field.since)] = outcome.since
  }
  const at = fieldAt(lineup, index, field.status)
  Atomics.store(words, at, outcome ? status.done : status.failed)
  Atomics.notify(words, at)
}

/** Where an outcome stands, in words, and the commit after which the transaction was run. */
export interface Whereabouts {
  readonly worker: number
  readonly offset: number
  readonly since: number
}

export function whereabouts(lineup: Lineup, index: number): Whereabouts {
  const { words } = lineup
  return {
    worker: words[fieldAt(lineup, index, field.worker)] as number,
    offset: words[fieldAt(lineup, index, field.offset)] as number,
    since: words[fieldAt(lineup, index, field.since)] as number,
  }
}

/** Waits until a claimed transaction is finished, for so long at the most. */
export function awaitFinish(lineup: Lineup, index: number, ms: number): void {
  Atomics.wait(lineup.words, fieldAt(lineup, index, field.status), status.claimed, ms)
}

/** Shards a transaction may ask, as bits; 0: any. */
export function setShards(lineup: Lineup, index: number, shards: number): void {
  lineup.words[fieldAt(lineup, index, field.shards)] = shards
}

export function shardsOf(lineup: Lineup, index: number): number {
  return lineup.words[fieldAt(lineup, index, field.shards)] as number
}

/** A worker comes to the batch. False when it is over: then nothing of the state may be read. */
export function enter({ words }: Lineup): boolean {
  Atomics.add(words, enteredAt, 1)
  return Atomics.load(words, isClosedAt) === 0
}

export function leave({ words }: Lineup): void {
  Atomics.add(words, leftAt, 1)
  Atomics.notify(words, leftAt)
}

/** What the bell stands at: look at it before looking for work, and wait on it after. */
export function bell({ words }: Lineup): number {
  return Atomics.load(words, bellAt)
}

export function awaitBell({ words }: Lineup, heard: number, ms: number): void {
  Atomics.add(words, idleAt, 1)
  Atomics.wait(words, bellAt, heard, ms)
  Atomics.sub(words, idleAt, 1)
}

export function isClosed({ words }: Lineup): boolean {
  return Atomics.load(words, isClosedAt) === 1
}

/** Ends the batch, and waits until every worker that came to it has left: true when all have, within so long. */
export function close(lineup: Lineup, ms: number): boolean {
  const { words } = lineup
  Atomics.store(words, isClosedAt, 1)
  ring(lineup)
  const end = performance.now() + ms
  for (;;) {
    const left = Atomics.load(words, leftAt)
    if (left === Atomics.load(words, enteredAt)) return true
    if (performance.now() > end) return false
    Atomics.wait(words, leftAt, left, ms)
  }
}
