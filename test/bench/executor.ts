import { Worker } from 'node:worker_threads'
import { createEngine } from '../../edge/executor/parallel/createEngine.ts'
import { type Forecast, openParallel } from '../../edge/executor/parallel/parallel.ts'
import { run as commit, type Run } from '../../edge/executor/parallel/run.ts'
import { type Footprint, normalise, plan, schedule } from '../../sdk/batch/index.ts'
import type { Fork } from '../../sdk/evm/index.ts'
import { type Block, createMachine, type Transaction } from '../../sdk/vm/index.ts'
import { readBlock } from '../conformance/executedBlocks.ts'
import { asSigned, chain, genesisOf, laterBy, storeOf } from '../edge/parallel/chain.ts'
import { workerScript } from '../edge/parallel/workerScript.ts'
import { type Market, openMarket } from '../sdk/vm/market.ts'
import type { MemoryState } from '../sdk/vm/memoryState.ts'
import { heavyPrecompiles } from '../sdk/vm/precompiles.ts'
import { vectorPath } from '../vectors.ts'
import type { Figure } from './run.ts'
import { workloadFigures } from './workloads.ts'

/** Runs of each kind; the best one counts, since others on the machine only ever slow one down. */
const rounds = 4
/** Threads beside the committing one, which runs transactions too. */
const workers = 1
const [accounts, pairs] = [256, 32]
const blockFile = 'blocks/mainnet-25323281/block.json.gz'

/**
 * The embedded executor, signatures excluded, in time on the wall: serial beside parallel, executed and sealed. Executed
 * is state and outcomes, sealed has roots, receipts and the access list too. What is ideal is told by gas alone, the
 * same on every machine. How much of a second core there was is measured first.
 */
export async function* run(): AsyncIterable<Figure> {
  yield figure('cores of two that were there', await coresThere(), 'cores')
  yield* marketFigures('ERC-20 transfers', 'transfer', 2_000)
  yield* marketFigures('Uniswap v2 swaps at 32 pairs, 5 calls', 'swapAtPair', 1_000)
  yield* blockFigures()
  yield* workloadFigures()
}

function figure(name: string, value: number, unit: string): Figure {
  return { name, value, unit, peer: null, peerValue: null, ratio: null }
}

/** Transactions on a state, after others that warm everything up. */
interface Work {
  readonly fork: Fork
  readonly block: Block
  readonly state: MemoryState
  readonly warmUp: readonly Transaction[]
  readonly transactions: readonly Transaction[]
}

async function* marketFigures(name: string, kind: 'transfer' | 'swapAtPair', count: number): AsyncIterable<Figure> {
  const market = openMarket(accounts, pairs)
  const drawn = Array.from({ length: 2 * count }, market[kind])
  const work = workOf(market, { warmUp: drawn.slice(0, count), transactions: drawn.slice(count) })
  const { serial, parallel, forecast } = await race(work)
  const pair = { value: count / parallel, peerValue: count / serial, ratio: serial / parallel }
  yield { name: `${name}, executed, ${workers} worker ahead`, unit: 'tx/s', peer: 'serial', ...pair }
  yield* idealFigures(name, forecast)
  yield figure(`${name}, executed and sealed`, count / (await sealSeconds(work)), 'tx/s')
}

async function* blockFigures(): AsyncIterable<Figure> {
  const read = readBlock(vectorPath(blockFile))
  if (!read || typeof read === 'string') return
  const market = openMarket(accounts, pairs)
  for (const [account, content] of read.state.entries())
    market.state.put(account, {
      ...content,
      code: read.state.code(content.codeHash),
      slots: [...content.storage].map(([slot, value]) => ({ slot, value })),
    })
  const warmUp = Array.from({ length: 500 }, (_, at) => (at % 2 ? market.transfer() : market.swapAtPair()))
  const { fork, block, transactions } = read
  const { serial, parallel, forecast } = await race({ fork, block, transactions, warmUp, state: market.state })
  const pair = { value: 1_000 * parallel, peerValue: 1_000 * serial, ratio: serial / parallel }
  yield { name: `${read.name}, ${workers} worker ahead`, unit: 'ms', peer: 'serial', ...pair }
  yield* idealFigures(read.name, forecast)
  const { criticalPathGas, totalGas } = forecast.plan
  yield figure(`${read.name}, critical path`, criticalPathGas / 1e6, 'Mgas')
  yield figure(`${read.name}, critical path of all its gas`, (100 * criticalPathGas) / totalGas, '%')
}

function workOf({ state, block }: Market, parts: Pick<Work, 'warmUp' | 'transactions'>): Work {
  // Room for all: nothing here is about what a block may hold.
  return { fork: 'osaka', state, block: { ...block, gasLimit: 10n ** 12n }, ...parts }
}

function* idealFigures(name: string, { plan }: Forecast): Iterable<Figure> {
  for (const count of [2, 4, 8, 16])
    yield figure(`${name}, ideal on ${count}, by gas`, schedule(plan, count).idealSpeedup, 'x')
}

/** Best times, in seconds, in turn, and what the transactions touch. */
async function race(work: Work): Promise<{ serial: number; parallel: number; forecast: Forecast }> {
  const best = { serial: Number.POSITIVE_INFINITY, parallel: Number.POSITIVE_INFINITY }
  const machine = createMachine({ fork: work.fork, precompiles: heavyPrecompiles, seed: 1 })
  let forecast: Forecast | undefined
  for (let round = 0; round < rounds; round++) {
    const alone = await runAlone(work, machine)
    forecast = forecastOf(work.transactions, alone.done)
    best.serial = Math.min(best.serial, alone.seconds)
    const warmUp = forecastOf(work.warmUp, alone.warmUp)
    best.parallel = Math.min(best.parallel, await runTogether(work, machine, { forecast, warmUp }))
  }
  return { ...best, forecast: forecast as Forecast }
}

type Machine = ReturnType<typeof createMachine>

async function runAlone({ block, state, warmUp, transactions }: Work, machine: Machine) {
  const store = storeOf(state)
  const before = await commit(warmUp, { machine, block, store, sequence: 1 })
  let done = before
  const seconds = await timed(async () => {
    done = await commit(transactions, { machine, block, store, sequence: before.sequence })
  })
  return { seconds, done, warmUp: before }
}

async function runTogether(
  { fork, block, state, warmUp, transactions }: Work,
  machine: Machine,
  forecasts: { readonly forecast: Forecast; readonly warmUp: Forecast },
): Promise<number> {
  const store = storeOf(state)
  const settings = { workers, fork, precompiles: heavyPrecompiles, workerScript: await workerScript() }
  const parallel = await openParallel(settings, { store, seed: 1, sequence: 1 })
  if (!parallel) throw new Error('There are workers.')
  const { sequence } = await parallel.run(warmUp, { machine, block, store, sequence: 1 }, forecasts.warmUp)
  const seconds = await timed(() => parallel.run(transactions, { machine, block, store, sequence }, forecasts.forecast))
  await parallel.crew.stop()
  return seconds
}

/** What each touched, declared, and with the gas it used. */
function forecastOf(transactions: readonly Transaction[], { committed }: Run): Forecast {
  if (committed.length !== transactions.length) throw new Error('A transaction was skipped.')
  const footprints = committed.map(({ index, outcome }): Footprint => {
    const sender = (transactions[index] as Transaction).from
    return { ...normalise(outcome.access), source: 'trace', gas: Number(outcome.gasUsed), sender }
  })
  return { footprints, plan: plan(footprints) }
}

async function sealSeconds({ fork, state, warmUp, transactions }: Work): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const engine = await createEngine({ chainId: chain, fork, start: genesisOf(state) })
    const environment = { ...laterBy(12), gasLimit: 10n ** 12n }
    await engine.execute({ transactions: warmUp.map(asSigned), environment })
    const batch = { transactions: transactions.map(asSigned), environment: { ...laterBy(24), gasLimit: 10n ** 12n } }
    best = Math.min(best, await timed(() => engine.execute(batch)))
  }
  return best
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1_000
}

const spin = 'let sum = 0; for (let at = 0; at < 2e8; at++) sum = (sum + at) | 0; globalThis.spun = sum;'

/** One spin in one thread, beside the same spin in two at once: the second core of a shared machine is often away. */
async function coresThere(): Promise<number> {
  let best = 0
  for (let round = 0; round < 3; round++) {
    const one = await timed(() => spinIn(1))
    best = Math.max(best, (2 * one) / (await timed(() => spinIn(2))))
  }
  return best
}

async function spinIn(threads: number): Promise<void> {
  const ends = Array.from(
    { length: threads },
    () => new Promise((resolve) => new Worker(spin, { eval: true }).once('exit', resolve)),
  )
  await Promise.all(ends)
}
