import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { createEngine } from '../../edge/executor/parallel/createEngine.ts'
import { useFastEngine } from '../../edge/executor/parallel/fastEngine.ts'
import { heapFlags } from '../../edge/executor/parallel/heap.ts'
import { run as commit } from '../../edge/executor/parallel/run.ts'
import { createMachine, type Transaction } from '../../sdk/vm/index.ts'
import { asSigned, chain, genesisOf, laterBy, storeOf } from '../edge/parallel/chain.ts'
import { marketBlock, openMarket } from '../sdk/vm/market.ts'
import { openPeer } from '../sdk/vm/peer.ts'
import { rateAnvil } from './anvilRate.ts'
import { processorSeconds } from './clock.ts'
import { runParallel } from './parallelRuns.ts'
import type { Figure } from './run.ts'

/**
 * Runs of each kind, some seconds in all; the best one counts, since others on the machine only ever slow one down. A dozen can
 * all fall into one busy moment.
 */
const rounds = 40
const [accounts, pairs] = [256, 32]
/** EthereumJS copies all its state at each call, so a small state is what it is fastest on. */
const [peerAccounts, peerCount, peerRounds] = [20, 40, 16]
const roomy = 10n ** 12n
const peerName = '@ethereumjs/vm 10.1.3, runTx'

/**
 * The embedded executor, full rules, signatures excluded. On one core, in seconds of processor time: executed is state and
 * outcomes, sealed has roots, receipts and the access list too. Then on several threads.
 */
export async function* run(): AsyncIterable<Figure> {
  if (!heapFlags.every((flag) => process.execArgv.includes(flag))) {
    yield* runInItsHeap()
    return
  }
  useFastEngine()
  const [transfers, swaps] = [3_000, 1_200]
  // Before the peers and the sealed blocks, which leave a heap that the collector is slow in: an executor has its own.
  const transfersExecuted = await rateExecuted('transfer', transfers)
  const swapsExecuted = await rateExecuted('swapAtPair', swaps)
  yield* marketFigures('ERC-20 transfers', 'transfer', transfers, transfersExecuted)
  yield* marketFigures('Uniswap v2 swaps at the pair, 5 calls', 'swapAtPair', swaps, swapsExecuted)
  yield* runParallel()
}

/** In a process with the room for new objects that an executor's has. The peers get the same. */
async function* runInItsHeap(): AsyncIterable<Figure> {
  const program = [process.argv[1] as string, 'executor', '--json']
  const child = spawn(process.execPath, [...heapFlags, ...program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  for await (const line of createInterface({ input: child.stdout })) {
    const figure = JSON.parse(line) as Figure
    yield { ...figure, name: figure.name.replace('executor/', '') }
  }
  const [code] = await ended
  if (code !== 0) throw new Error(`The figures of the executor ended with ${code}.`)
}

type Kind = 'transfer' | 'swapAtPair'

async function* marketFigures(name: string, kind: Kind, count: number, executed: number): AsyncIterable<Figure> {
  const alone = { peer: null, peerValue: null, ratio: null }
  const peer = await ratePeer(kind)
  yield {
    name: `${name}, executed`,
    value: executed,
    unit: 'tx/s',
    peer: peerName,
    peerValue: peer,
    ratio: executed / peer,
  }
  const sealed = await rateSealed(kind, count)
  yield { name: `${name}, sealed`, value: sealed, unit: 'tx/s', peer: peerName, peerValue: peer, ratio: sealed / peer }
  const market = openMarket(accounts, pairs)
  const anvil = await rateAnvil(market, Array.from({ length: 2 * count }, market[kind]))
  if (!anvil) return
  yield { name: `${name}, anvil, mining only`, value: anvil.mining, unit: 'tx/s', ...alone }
  yield { name: `${name}, anvil, mining and submission`, value: anvil.withSubmission, unit: 'tx/s', ...alone }
}

async function rateExecuted(kind: Kind, count: number): Promise<number> {
  const market = openMarket(accounts, pairs)
  const machine = createMachine({ fork: 'osaka', seed: 1 })
  const block = { ...market.block, gasLimit: roomy }
  const store = storeOf(market.state)
  let sequence = 1
  return bestOf(count, market[kind], async (transactions) => {
    const done = await commit(transactions, { machine, block, store, sequence })
    if (done.skipped.length > 0 || done.committed.some(({ outcome }) => outcome.failure)) throw new Error('One failed.')
    sequence = done.sequence
    store.endBlock()
  })
}

async function rateSealed(kind: Kind, count: number): Promise<number> {
  const market = openMarket(accounts, pairs)
  const engine = await createEngine({ chainId: chain, fork: 'osaka', start: genesisOf(market.state) })
  const draw = () => asSigned(market[kind]())
  return bestOf(count, draw, async (transactions) => {
    const environment = { ...laterBy(12 * (engine.head().header.number + 1)), gasLimit: roomy }
    const done = await engine.execute({ transactions, environment })
    if (done.kind === 'refused' || done.skipped.length > 0) throw new Error('One was refused.')
  })
}

async function bestOf<one>(
  count: number,
  draw: () => one,
  work: (all: readonly one[]) => Promise<void>,
): Promise<number> {
  let best = 0
  for (let round = 0; round < rounds; round++) {
    const all = Array.from({ length: count }, draw)
    const start = processorSeconds()
    await work(all)
    best = Math.max(best, count / (processorSeconds() - start))
  }
  return best
}

async function ratePeer(kind: Kind): Promise<number> {
  const market = openMarket(peerAccounts)
  const peer = await openPeer(market.state, marketBlock, 'osaka')
  const draw = (): Transaction => market[kind]()
  let best = 0
  for (let round = 0; round < peerRounds; round++) {
    const prepared = Array.from({ length: peerCount }, () => peer.prepare(draw()))
    const start = processorSeconds()
    for (const transaction of prepared) await peer.run(transaction)
    best = Math.max(best, peerCount / (processorSeconds() - start))
  }
  return best
}
