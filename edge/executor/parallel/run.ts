import { setImmediate } from 'node:timers/promises'
import type { Block, Executed, Machine, RefusalCode, TouchedPlaces, Transaction } from '../../../sdk/vm/index.ts'
import type { AccountWrite, Seen, Store } from './store.ts'

/** A run by somebody else. */
export interface AheadRun extends Seen {
  readonly outcome: Executed
  /** How long it took, in milliseconds. */
  readonly ms: number
}

/** Those who run transactions before their turn. */
export interface Ahead {
  /** What came of the transaction: nothing when nobody runs it ahead. Waits for one who is at it. */
  readonly take: (index: number) => AheadRun | undefined | Promise<AheadRun | undefined>
  /** The run of this transaction was not taken, so no later one of its stretch will be. */
  readonly refused: (index: number, stretch: number) => void
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
  /** How long the run took that was taken, in milliseconds. */
  readonly ms: number
}

export interface Run {
  readonly committed: readonly Committed[]
  readonly skipped: readonly { readonly index: number; readonly code: RefusalCode | 'block-full' | 'unsupported' }[]
  readonly gasUsed: bigint
  readonly sequence: number
  readonly ranAhead: number
  readonly reExecutions: number
  /** From the first transaction to the last commit, in milliseconds. */
  readonly ms: number
}

/** How long the program's other work may wait, in milliseconds. */
const turnMs = 20

/**
 * Commits transactions in their order. Each takes the outcome of whoever ran it ahead, when everything that run saw is
 * still so; else it is run here and now, which is final. So the result is that of running one after the other.
 */
export async function run(transactions: readonly Transaction[], options: RunOptions): Promise<Run> {
  const tally: Tally = { ...options, committed: [], skipped: [], gasUsed: 0n, ranAhead: 0, reExecutions: 0 }
  const broken = new Set<number>()
  const ahead = options.ahead?.((index) => {
    const { outcome, ms } = executeTimed(options, transactions[index] as Transaction)
    return outcome.kind === 'executed' ? { outcome, ms, since: tally.sequence, stretch: 0 } : undefined
  })
  const start = performance.now()
  let turnEnds = start + turnMs
  for (const [index, transaction] of transactions.entries()) {
    if (performance.now() > turnEnds) {
      await setImmediate()
      turnEnds = performance.now() + turnMs
    }
    const pending = ahead?.take(index)
    const ran = pending instanceof Promise ? await pending : pending
    const isHopeless = ran !== undefined && broken.has(ran.stretch)
    const taken = tally.ranAhead
    const writes = commitNext(tally, transaction, { index, ran, isHopeless })
    if (ran && tally.ranAhead === taken && ran.stretch !== 0) {
      broken.add(ran.stretch)
      ahead?.refused(index, ran.stretch)
    }
    if (writes) ahead?.publish(writes, tally.sequence)
    ahead?.settled(index)
  }
  const { committed, skipped, gasUsed, sequence, ranAhead, reExecutions } = tally
  return { committed, skipped, gasUsed, sequence, ranAhead, reExecutions, ms: performance.now() - start }
}

function executeTimed(
  { machine, block, store }: Pick<RunOptions, 'machine' | 'block' | 'store'>,
  transaction: Transaction,
) {
  const start = performance.now()
  const outcome = machine.execute(transaction, block, store.state)
  return { outcome, ms: performance.now() - start }
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
  /** An earlier run of its stretch was not taken: it stands on what never was. */
  readonly isHopeless: boolean
}

/** Commits the transaction whose turn it is, or skips it: then there is nothing to publish. */
function commitNext(tally: Tally, transaction: Transaction, turn: Turn): readonly AccountWrite[] | undefined {
  const { index, ran, isHopeless } = turn
  const { block, store, skipped } = tally
  if (transaction.gas > block.gasLimit - tally.gasUsed) {
    skipped.push({ index, code: transaction.gas > block.gasLimit ? 'gas-too-high' : 'block-full' })
    return undefined
  }
  const isTaken = ran !== undefined && !isHopeless && isStillTrue(store, ran.outcome.access, ran)
  if (isTaken) tally.ranAhead += 1
  else if (ran) tally.reExecutions += 1
  const { outcome, ms } = isTaken ? ran : executeTimed(tally, transaction)
  if (outcome.kind !== 'executed') {
    skipped.push({ index, code: outcome.kind === 'refused' ? outcome.code : 'unsupported' })
    return undefined
  }
  tally.sequence += 1
  const writes = store.take(outcome.changes, tally.sequence, isTaken ? ran : undefined)
  tally.gasUsed += outcome.gasUsed
  tally.committed.push({ index, outcome, writes, ms })
  return writes
}

/** Whether a run that saw these places would see the same now. Credits look at nothing. */
function isStillTrue(store: Store, { reads, writes, emptiness }: TouchedPlaces, seen: Seen): boolean {
  for (const place of reads) if (!store.isAsSeen(place, seen)) return false
  for (const place of writes) if (!store.isAsSeen(place, seen)) return false
  for (const { address } of emptiness) if (!store.isEmptinessAsSeen(address, seen)) return false
  return true
}
