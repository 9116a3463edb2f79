import { setImmediate } from 'node:timers/promises'
import type { Block, Executed, Machine, RefusalCode, TouchedPlaces, Transaction } from '../../../sdk/vm/index.ts'
import type { AccountWrite, Store } from './store.ts'

/** A run by somebody else, on the state after commit `since`. */
export interface AheadRun {
  readonly outcome: Executed
  readonly since: number
}

/** Those who run transactions before their turn. */
export interface Ahead {
  /** What came of the transaction: nothing when nobody runs it ahead. Waits for one who is at it. */
  readonly take: (index: number) => AheadRun | undefined
  /** Hears of each commit, in order. */
  readonly publish: (writes: readonly AccountWrite[], sequence: number) => void
  /** The transaction is committed or skipped: who waits for it may run. */
  readonly settled: (index: number) => void
}

export interface RunOptions {
  readonly machine: Machine
  readonly block: Block
  readonly store: Store
  /** Number of the last commit. */
  readonly sequence: number
  /** Comes in by a function that runs a transaction on the last commit, in this thread. */
  readonly ahead?: ((runHere: (index: number) => AheadRun | undefined) => Ahead) | undefined
}

export interface Committed {
  readonly index: number
  readonly outcome: Executed
  readonly writes: readonly AccountWrite[]
}

export interface Run {
  readonly committed: readonly Committed[]
  readonly skipped: readonly { readonly index: number; readonly code: RefusalCode | 'block-full' | 'unsupported' }[]
  readonly gasUsed: bigint
  readonly sequence: number
  readonly ranAhead: number
  readonly reExecutions: number
}

/** How long the program's other work may wait, in milliseconds. */
const turnMs = 20

/**
 * Commits transactions in their order. Each takes the outcome of whoever ran it ahead, when everything that run saw is
 * still so; else it is run here and now, which is final. So the result is that of running one after the other.
 */
export async function run(transactions: readonly Transaction[], options: RunOptions): Promise<Run> {
  const tally: Tally = { ...options, committed: [], skipped: [], gasUsed: 0n, ranAhead: 0, reExecutions: 0 }
  const { machine, block, store } = options
  const ahead = options.ahead?.((index) => {
    const outcome = machine.execute(transactions[index] as Transaction, block, store.state)
    return outcome.kind === 'executed' ? { outcome, since: tally.sequence } : undefined
  })
  let turnEnds = performance.now() + turnMs
  for (const [index, transaction] of transactions.entries()) {
    if (performance.now() > turnEnds) {
      await setImmediate()
      turnEnds = performance.now() + turnMs
    }
    const writes = commitNext(tally, transaction, { index, ran: ahead?.take(index) })
    if (writes) ahead?.publish(writes, tally.sequence)
    ahead?.settled(index)
  }
  const { committed, skipped, gasUsed, sequence, ranAhead, reExecutions } = tally
  return { committed, skipped, gasUsed, sequence, ranAhead, reExecutions }
}

type Tally = Pick<RunOptions, 'machine' | 'block' | 'store'> & {
  readonly committed: Committed[]
  readonly skipped: Run['skipped'][number][]
  gasUsed: bigint
  sequence: number
  ranAhead: number
  reExecutions: number
}

interface Turn {
  readonly index: number
  readonly ran: AheadRun | undefined
}

/** Commits the transaction whose turn it is, or skips it: then there is nothing to publish. */
function commitNext(tally: Tally, transaction: Transaction, { index, ran }: Turn): readonly AccountWrite[] | undefined {
  const { machine, block, store, skipped } = tally
  if (transaction.gas > block.gasLimit - tally.gasUsed) {
    skipped.push({ index, code: transaction.gas > block.gasLimit ? 'gas-too-high' : 'block-full' })
    return undefined
  }
  const isTaken = ran !== undefined && isStillTrue(store, ran.outcome.access, ran.since)
  if (isTaken) tally.ranAhead += 1
  else if (ran) tally.reExecutions += 1
  const outcome = isTaken ? ran.outcome : machine.execute(transaction, block, store.state)
  if (outcome.kind !== 'executed') {
    skipped.push({ index, code: outcome.kind === 'refused' ? outcome.code : 'unsupported' })
    return undefined
  }
  tally.sequence += 1
  const writes = store.take(outcome.changes, tally.sequence)
  tally.gasUsed += outcome.gasUsed
  tally.committed.push({ index, outcome, writes })
  return writes
}

/** Whether a run that saw these places after commit `since` would see the same now. Credits look at nothing. */
function isStillTrue(store: Store, { reads, writes, emptiness }: TouchedPlaces, since: number): boolean {
  for (const place of reads) if (!store.isSince(place, since)) return false
  for (const place of writes) if (!store.isSince(place, since)) return false
  for (const { address } of emptiness) if (!store.isEmptinessSince(address, since)) return false
  return true
}
