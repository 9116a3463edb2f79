import assert from 'node:assert/strict'
import { openParallel } from '../../edge/executor/parallel/parallel.ts'
import { type Run, run } from '../../edge/executor/parallel/run.ts'
import { changesOf } from '../../edge/executor/parallel/settle.ts'
import type { Store } from '../../edge/executor/parallel/store.ts'
import { type Footprint, plan } from '../../sdk/batch/index.ts'
import { createMachine, type Transaction } from '../../sdk/vm/index.ts'
import { storeOf } from '../edge/parallel/chain.ts'
import { workerScript } from '../edge/parallel/workerScript.ts'
import { heavyPrecompiles } from '../sdk/vm/precompiles.ts'
import { checkOutcome, type Expected, type RunnableBlock, readBlock } from './executedBlocks.ts'
import type { Case } from './suite.ts'

export interface Setting {
  readonly workers: number
  readonly shards: number
}

/**
 * The block run by each setting, with what its transactions touch declared as one thread alone saw it: the expectations
 * hold for each transaction, and the state is that of one thread alone. A block nobody can judge is left to `executedCases`.
 */
export async function* parallelCases(file: string, settings: readonly Setting[]): AsyncIterable<Case> {
  const read = readBlock(file)
  if (!read || typeof read === 'string') return
  const alone = await runAlone(read)
  for (const setting of settings) {
    const together = await runTogether(read, setting, footprintsOf(read, alone.run))
    const title = `${read.name}, workers ${setting.workers}, shards ${setting.shards}`
    for (const [at, expected] of read.expected.entries())
      yield { name: `${title}, transaction ${at}`, check: () => checkTransaction(read, together.run, at, expected) }
    yield { name: `${title}, state`, check: () => assert.deepEqual(changesIn(together), changesIn(alone)) }
  }
}

interface Ran {
  readonly run: Run
  readonly store: Store
}

async function runAlone({ fork, block, state, transactions }: RunnableBlock): Promise<Ran> {
  const store = storeOf(state)
  const machine = createMachine({ fork, precompiles: heavyPrecompiles })
  return { store, run: await run(transactions, { machine, block, store, sequence: 1 }) }
}

async function runTogether(
  { fork, block, state, transactions }: RunnableBlock,
  setting: Setting,
  footprints: readonly Footprint[],
): Promise<Ran> {
  const store = storeOf(state)
  const machine = createMachine({ fork, precompiles: heavyPrecompiles })
  const options = { ...setting, fork, precompiles: heavyPrecompiles, workerScript: await workerScript() }
  const parallel = await openParallel(options, { store, seed: 1, sequence: 1 })
  assert.ok(parallel, 'there are workers')
  const done = await parallel.run(
    transactions,
    { machine, block, store, sequence: 1 },
    { footprints, plan: plan(footprints) },
  )
  await parallel.crew.stop()
  return { store, run: done }
}

function footprintsOf({ transactions }: RunnableBlock, { committed }: Run): readonly Footprint[] {
  return committed.map(({ index, outcome }) => ({
    ...outcome.access,
    source: 'trace',
    gas: Number(outcome.gasUsed),
    sender: (transactions[index] as Transaction).from,
  }))
}

function checkTransaction({ block, transactions }: RunnableBlock, { committed }: Run, at: number, expected: Expected) {
  const one = committed.find(({ index }) => index === at)
  assert.ok(one, 'it is skipped')
  checkOutcome(one.outcome, expected, { transaction: transactions[at] as Transaction, miner: block.miner })
}

function changesIn({ store }: Ran) {
  return changesOf(store, store.running())
}
