import { createOverlay } from '../../../edge/executor/parallel/overlay.ts'
import { type AheadRun, type Run, type RunOptions, run } from '../../../edge/executor/parallel/run.ts'
import { changesOf } from '../../../edge/executor/parallel/settle.ts'
import type { Store } from '../../../edge/executor/parallel/store.ts'
import { type Access, type Footprint, footprint, type Plan, plan, waitsOf } from '../../../sdk/batch/index.ts'
import type { Machine, Outcome, State, Transaction } from '../../../sdk/vm/index.ts'
import { marketBlock } from '../../sdk/vm/market.ts'
import { type Chance, createChance } from '../../sdk/vm/programs.ts'
import { asSigned, storeOf } from './chain.ts'
import { corrupt, drawBatch, drawSetting } from './corrupted.ts'

/** What a batch comes to, as text, and how many of its runs were taken from ahead or thrown away. */
export interface Judged {
  readonly alone: string
  readonly together: string
  readonly ranAhead: number
  readonly reExecutions: number
}

/**
 * One batch with corrupted declarations, run by workers that are only played: at any time they take any transaction that the
 * plan of these declarations lets run, half of them even those that should wait, and some that follow in the same stretch,
 * so runs are as stale as can be. The same seed plays the same.
 */
export async function judgeErratic(seed: number, machine: Machine): Promise<Judged> {
  const chance = createChance(seed)
  const state = drawSetting(chance)
  const transactions = drawBatch(chance, () => 0n)
  const [aloneStore, togetherStore] = [storeOf(state), storeOf(state)]
  const options = { machine, block: marketBlock, sequence: 1 }
  const alone = await run(transactions, { ...options, store: aloneStore })
  const declared = plan(declarationsFor(chance, transactions, alone))
  const runOn = (index: number, state: State) => machine.execute(transactions[index] as Transaction, marketBlock, state)
  const ahead = erraticCrew({ chance, declared, state: togetherStore.state, runOn })
  const together = await run(transactions, { ...options, store: togetherStore, ahead })
  const { ranAhead, reExecutions } = together
  return { alone: tell(alone, aloneStore), together: tell(together, togetherStore), ranAhead, reExecutions }
}

function declarationsFor(chance: Chance, transactions: readonly Transaction[], { committed }: Run): Footprint[] {
  const truths = new Map(committed.map(({ index, outcome }) => [index, outcome.access]))
  const places = committed.flatMap(({ outcome }) => [...outcome.access.reads, ...outcome.access.writes])
  const nothing: Access = { reads: [], writes: [], credits: [] }
  return transactions.map((one, index) =>
    footprint(asSigned(one), corrupt(chance, truths.get(index) ?? nothing, places)),
  )
}

interface Play {
  readonly chance: Chance
  readonly declared: Plan
  readonly state: State
  readonly runOn: (index: number, state: State) => Outcome
}

function erraticCrew({ chance, declared, state, runOn }: Play): NonNullable<RunOptions['ahead']> {
  return (runHere) => {
    const runs = new Map<number, AheadRun | undefined>()
    const isReckless = chance() < 0.5
    const goesOn = chance() * 0.9
    let stretches = 0
    const mayRun = (index: number, settled: number) =>
      isReckless || waitsOf(declared, index).every((other) => other < settled)
    /** Runs a transaction on the last commit, and some of those behind it each on what the ones before left. */
    const runStretch = (first: number) => {
      const begun = runHere(first)
      stretches += 1
      const stretch = stretches
      runs.set(first, begun && { ...begun, stretch })
      const overlay = createOverlay(state, () => undefined)
      let isOpen = begun !== undefined && overlay.apply(begun.outcome.changes)
      for (let index = first + 1; begun && isOpen && index < declared.count && chance() < goesOn; index++) {
        if (runs.has(index) || (!isReckless && waitsOf(declared, index).every((other) => other < first))) continue
        const outcome = runOn(index, overlay.state)
        if (outcome.kind !== 'executed') return
        runs.set(index, { outcome, since: begun.since, stretch, ms: 0 })
        isOpen = overlay.apply(outcome.changes)
      }
    }
    const runSome = (settled: number) => {
      for (let index = settled; index < declared.count; index++)
        if (!runs.has(index) && mayRun(index, settled) && chance() < 0.3) runStretch(index)
    }
    runSome(0)
    return {
      take: (index) => runs.get(index),
      refused: () => undefined,
      publish: () => undefined,
      settled: (index) => runSome(index + 1),
    }
  }
}

/** Everything that a run and the state after it are known by. */
function tell({ committed, skipped, gasUsed }: Run, store: Store): string {
  const outcomes = committed.map(({ index, outcome, writes }) => {
    const { status, failure, logs, output, access } = outcome
    return { index, status, failure, gas: outcome.gasUsed, logs, output, access, writes }
  })
  const state = changesOf(store, store.running())
  return JSON.stringify({ outcomes, skipped, gasUsed, state }, (_, value) =>
    typeof value === 'bigint' ? `${value}n` : value,
  )
}
