import { type Forecast, openParallel } from '../../edge/executor/parallel/parallel.ts'
import { run as commit, type Run } from '../../edge/executor/parallel/run.ts'
import { type Footprint, normalise, plan, schedule } from '../../sdk/batch/index.ts'
import type { Fork } from '../../sdk/evm/index.ts'
import { type Block, createMachine, type Machine, type Transaction } from '../../sdk/vm/index.ts'
import { readBlock } from '../conformance/executedBlocks.ts'
import { storeOf } from '../edge/parallel/chain.ts'
import { workerScript } from '../edge/parallel/workerScript.ts'
import { openMarket } from '../sdk/vm/market.ts'
import type { MemoryState } from '../sdk/vm/memoryState.ts'
import { heavyPrecompiles } from '../sdk/vm/precompiles.ts'
import { vectorPath } from '../vectors.ts'
import { coresThere, processorSeconds, type Spins, spinOnce, threadSeconds, timed } from './clock.ts'
import type { Figure } from './run.ts'

/** Runs of each kind, one alone and one together in turn; the best of each counts. */
const rounds = 5
/** Threads beside the committing one, which runs transactions too. */
const workers = 1
const workerCounts = [2, 4, 8, 16] as const
const [accounts, pairs] = [256, 32]
const blockFile = 'blocks/mainnet-25323281/block.json.gz'
/** Rounds for a block that takes seconds. */
const blockRounds = 2

/**
 * Serial beside parallel, in time on the wall, after a spin that says how much of a second core there was. What is ideal is
 * told by gas alone, the same on every machine.
 */
export async function* runParallel(): AsyncIterable<Figure> {
  yield* marketFigures('ERC-20 transfers', 'transfer', 3_000)
  yield* marketFigures('Uniswap v2 swaps at 32 pairs, 5 calls', 'swapAtPair', 1_200)
  yield* blockFigures()
}

function figure(name: string, value: number, unit: string): Figure {
  return { name, value, unit, peer: null, peerValue: null, ratio: null }
}

/** Transactions on a state. */
interface Work {
  readonly fork: Fork
  readonly block: Block
  readonly state: MemoryState
  /** Those of a round, each on what the rounds before left. */
  readonly draw: () => readonly Transaction[]
  /** Whether a round stands on the state that it began with, instead. */
  readonly isRepeated: boolean
  readonly rounds: number
}

async function* marketFigures(name: string, kind: 'transfer' | 'swapAtPair', count: number): AsyncIterable<Figure> {
  const market = openMarket(accounts, pairs)
  // Room for all: nothing here is about what a block may hold.
  const block = { ...market.block, gasLimit: 10n ** 12n }
  const draw = () => Array.from({ length: count }, market[kind])
  const { serial, parallel, cores, byProcessor, forecast } = await race({
    fork: 'osaka',
    block,
    state: market.state,
    draw,
    isRepeated: false,
    rounds,
  })
  const pair = { value: count / parallel, peerValue: count / serial, ratio: serial / parallel }
  yield figure(`${name}, cores of two that were there`, cores, 'cores')
  yield { name: `${name}, executed, ${workers} worker ahead`, unit: 'tx/s', peer: 'serial', ...pair }
  yield* processorFigures(name, byProcessor)
  yield* idealFigures(name, forecast)
}

async function* blockFigures(): AsyncIterable<Figure> {
  const read = readBlock(vectorPath(blockFile))
  if (!read || typeof read === 'string') return
  const { fork, block, transactions, state, name } = read
  const { serial, parallel, cores, byProcessor, forecast } = await race({
    fork,
    block,
    state,
    draw: () => transactions,
    isRepeated: true,
    rounds: blockRounds,
  })
  const pair = { value: 1_000 * parallel, peerValue: 1_000 * serial, ratio: serial / parallel }
  yield figure(`${name}, cores of two that were there`, cores, 'cores')
  yield { name: `${name}, ${workers} worker ahead`, unit: 'ms', peer: 'serial', ...pair }
  yield* processorFigures(name, byProcessor)
  yield* idealFigures(name, forecast)
  const { criticalPathGas, totalGas } = forecast.plan
  yield figure(`${name}, critical path`, criticalPathGas / 1e6, 'Mgas')
  yield figure(`${name}, critical path of all its gas`, (100 * criticalPathGas) / totalGas, '%')
}

/** What the threads have to do, whoever else uses the machine: so much faster it is with a core for each. */
function* processorFigures(name: string, byProcessor: number | null): Iterable<Figure> {
  if (byProcessor !== null) yield figure(`${name}, work of one thread to that of the busiest of two`, byProcessor, 'x')
}

function* idealFigures(name: string, { plan }: Forecast): Iterable<Figure> {
  for (const count of workerCounts)
    yield figure(`${name}, ideal on ${count}, by gas`, schedule(plan, count).idealSpeedup, 'x')
}

interface Times {
  readonly serial: number
  readonly parallel: number
  readonly cores: number
  /** Processor time of the serial thread, over that of the busier side: the committing thread, or all others. */
  readonly byProcessor: number | null
  readonly forecast: Forecast
}

/** Best times, in seconds, in turn, and what the transactions of the last round touch. */
async function race(work: Work): Promise<Times> {
  const { fork, block, state } = work
  const machine = createMachine({ fork, precompiles: heavyPrecompiles, seed: 1 })
  const best = { serial: Number.POSITIVE_INFINITY, parallel: Number.POSITIVE_INFINITY }
  const spins: Spins = { one: Number.POSITIVE_INFINITY, two: Number.POSITIVE_INFINITY }
  let byProcessor: number | null = null
  let sides = await openSides(work, machine)
  let forecast: Forecast | undefined
  for (let round = 0; round < work.rounds; round++) {
    if (work.isRepeated && round > 0) {
      await sides.stop()
      sides = await openSides({ fork, block, state }, machine)
    }
    const transactions = work.draw()
    await spinOnce(spins)
    const alone = await measured(() => sides.alone(transactions))
    const seen = forecastOf(transactions, alone.done)
    forecast = seen
    const together = await measured(() => sides.together(transactions, seen))
    best.serial = Math.min(best.serial, alone.seconds)
    best.parallel = Math.min(best.parallel, together.seconds)
    if (alone.thread !== undefined && together.thread !== undefined)
      byProcessor = Math.max(byProcessor ?? 0, alone.thread / Math.max(together.thread, together.others))
  }
  await sides.stop()
  return { ...best, cores: coresThere(spins), byProcessor, forecast: forecast as Forecast }
}

/** Time on the wall, and processor time of this thread and of all others. */
async function measured<done>(work: () => Promise<done>) {
  const before = { all: processorSeconds(), thread: threadSeconds() }
  let done: done | undefined
  const seconds = await timed(async () => {
    done = await work()
  })
  const all = processorSeconds() - before.all
  const thread = before.thread === undefined ? undefined : (threadSeconds() ?? 0) - before.thread
  return { done: done as done, seconds, thread, others: all - (thread ?? 0) }
}

/** The same state twice: for a thread alone, and for several. */
async function openSides({ fork, block, state }: Pick<Work, 'fork' | 'block' | 'state'>, machine: Machine) {
  const [one, other] = [storeOf(state), storeOf(state)]
  const settings = { workers, fork, precompiles: heavyPrecompiles, workerScript: await workerScript() }
  const parallel = await openParallel(settings, { store: other, seed: 1, sequence: 1 })
  if (!parallel) throw new Error('There are workers.')
  const last = { alone: 1, together: 1 }
  return {
    alone: async (transactions: readonly Transaction[]): Promise<Run> => {
      const done = await commit(transactions, { machine, block, store: one, sequence: last.alone })
      last.alone = done.sequence
      one.endBlock()
      return done
    },
    together: async (transactions: readonly Transaction[], forecast: Forecast): Promise<void> => {
      const options = { machine, block, store: other, sequence: last.together }
      last.together = (await parallel.run(transactions, options, forecast)).sequence
      other.endBlock()
    },
    stop: parallel.crew.stop,
  }
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
