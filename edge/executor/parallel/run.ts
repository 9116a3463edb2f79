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
}

export interface RunOptions {
  readonly machine: Machine
  readonly block: Block
  readonly store: Store
  /** Number of the last commit. */
  readonly sequence: number
  readonly ahead?: Ahead | undefined
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
  readonly crossShard: number
}

/** How long the program's other work may wait, in milliseconds. */
const turnMs = 20

/**
 * Commits transactions in their order. Each takes the outcome of whoever ran it ahead, when everything that run saw is
 * still so; else it is run here and now, which is final. So the result is that of running one after the other.
 */
export async function run(transactions: readonly Transaction[], options: RunOptions): Promise<Run> {
  const { machine, block, store, ahead } = options
  const committed: Committed[] = []
  const skipped: Run['skipped'][number][] = []
  let { sequence } = options
  let gasUsed = 0n
  let ranAhead = 0
  let reExecutions = 0
  let turnEnds = performance.now() + turnMs
  for (const [index, transaction] of transactions.entries()) {
    if (performance.now() > turnEnds) {
      await setImmediate()
      turnEnds = performance.now() + turnMs
    }
    const run = ahead?.take(index)
    if (transaction.gas > block.gasLimit - gasUsed) {
      skipped.push({ index, code: transaction.gas > block.gasLimit ? 'gas-too-high' : 'block-full' })
      continue
    }
    const isTaken = run !== undefined && isStillTrue(store, run.outcome.access, run.since)
    if (isTaken) ranAhead += 1
    else if (run) reExecutions += 1
    const outcome = isTaken ? run.outcome : machine.execute(transaction, block, store.state)
    if (outcome.kind !== 'executed') {
      skipped.push({ index, code: outcome.kind === 'refused' ? outcome.code : 'unsupported' })
      continue
    }
    sequence += 1
    const writes = store.take(outcome.changes, sequence)
    ahead?.publish(writes, sequence)
    gasUsed += outcome.gasUsed
    committed.push({ index, outcome, writes })
  }
  return { committed, skipped, gasUsed, sequence, ranAhead, reExecutions, crossShard: 0 }
}

/** Whether a run that saw these places after commit `since` would see the same now. Credits look at nothing. */
function isStillTrue(store: Store, { reads, writes, emptiness }: TouchedPlaces, since: number): boolean {
  for (const place of reads) if (!store.isSince(place, since)) return false
  for (const place of writes) if (!store.isSince(place, since)) return false
  for (const { address } of emptiness) if (!store.isEmptinessSince(address, since)) return false
  return true
}
