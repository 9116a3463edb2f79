import { invariant } from '../../../sdk/errors.ts'
import { encodeHeader, type Receipt } from '../../../sdk/evm/index.ts'
import { fromHex } from '../../../sdk/units.ts'
import { type Block, type Machine, systemContracts, type Transaction } from '../../../sdk/vm/index.ts'
import { blockAccessList, type Step } from './accessList.ts'
import type { EngineBatch, EngineOptions, Environment, ExecutedBlock, RefusedBatch, RunTransaction } from './engine.ts'
import { figuresOf } from './figures.ts'
import type { History } from './history.ts'
import { type JudgedBatch, judgeBatch } from './judge.ts'
import type { Parallel } from './parallel.ts'
import { type Committed, type Run, run } from './run.ts'
import { seal } from './seal.ts'
import { changesOf, settleTries } from './settle.ts'
import type { Store } from './store.ts'

/** What an engine works on. */
export interface Works {
  readonly options: EngineOptions
  readonly machine: Machine
  readonly store: Store
  readonly history: History
  /** Those who run transactions ahead; nobody, where one runs after the other. */
  readonly parallel: Parallel | undefined
  /** Number of the last commit. */
  sequence: number
}

/** Judges a batch, runs it as the next block, and seals that. */
export async function executeBatch(works: Works, batch: EngineBatch): Promise<ExecutedBlock | RefusedBatch> {
  const { history, options } = works
  const judged = judgeBatch(batch, history.head().block)
  if (judged.kind === 'refused') return judged
  const { environment } = batch
  const block = nextContext(works, environment)
  const systemStep = options.systemCalls === false ? [] : [runSystemCalls(works, block, environment)]
  const transactions = batch.transactions.map(({ prepared }) => prepared)
  const done = await runAll(works, { transactions, block, judged })
  works.sequence = done.sequence
  return sealRun(works, { batch, judged, done, systemStep })
}

interface Running {
  readonly transactions: readonly Transaction[]
  readonly block: Block
  readonly judged: JudgedBatch
}

async function runAll(works: Works, { transactions, block, judged }: Running): Promise<Run> {
  const { machine, store, parallel, sequence } = works
  if (!parallel) return run(transactions, { machine, block, store, sequence })
  return parallel.run(transactions, { machine, block, store, sequence }, judged)
}

interface Finished {
  readonly batch: EngineBatch
  readonly judged: JudgedBatch
  readonly done: Run
  readonly systemStep: readonly Step[]
}

function sealRun(works: Works, { batch, judged, done, systemStep }: Finished): ExecutedBlock {
  const { history, store, options } = works
  const { environment } = batch
  const parent = history.head()
  const trie = settleTries(store, parent.trie)
  const changes = changesOf(store, store.running())
  const transactions = runTransactions(batch, done)
  const block = seal(options.fork, environment, {
    number: parent.block.header.number + 1,
    parentHash: parent.block.hash,
    stateRoot: trie.root,
    transactions: transactions.map(({ signed }) => signed.bytes),
    receipts: transactions.map(({ receipt }) => receipt),
    gasUsed: done.gasUsed,
  })
  history.add({ block, trie, before: store.endBlock().before })
  return {
    kind: 'executed',
    block,
    transactions,
    skipped: done.skipped.map(({ index, code }) => ({ index, code, hash: signedAt(batch, index).hash })),
    record: { header: encodeHeader(block.header), changes },
    access: blockAccessList([...systemStep, ...done.committed.map((one, at) => stepOf(batch, one, at + 1))]),
    figures: figuresOf(done, {
      footprints: judged.footprints,
      declared: judged.plan,
      shared: { shards: options.shards ?? 1, feeRecipient: environment.feeRecipient, fork: options.fork },
    }),
  }
}

function signedAt({ transactions }: EngineBatch, index: number) {
  const signed = transactions[index]
  invariant(signed, 'what was run is in the batch')
  return signed
}

function stepOf(batch: EngineBatch, { index, outcome, writes }: Committed, place: number): Step {
  const { from, to } = signedAt(batch, index).prepared
  return { index: place, access: outcome.access, writes, parties: to === null ? [from] : [from, to] }
}

function runTransactions(batch: EngineBatch, { committed }: Run): RunTransaction[] {
  let cumulativeGasUsed = 0n
  return committed.map(({ index, outcome }) => {
    const { status, gasUsed, logs, created, failure, output, access } = outcome
    const signed = signedAt(batch, index)
    const { pricing } = signed.prepared
    cumulativeGasUsed += gasUsed
    const receipt: Receipt = { type: pricing.type, outcome: status, cumulativeGasUsed, logs }
    const { baseFeePerGas } = batch.environment
    const gasPrice =
      'gasPrice' in pricing
        ? pricing.gasPrice
        : least(pricing.maxFeePerGas, baseFeePerGas + pricing.maxPriorityFeePerGas)
    return { signed, index, receipt, gasUsed, gasPrice, created, failure, output, access }
  })
}

function least(one: bigint, other: bigint): bigint {
  return one < other ? one : other
}

/** The next block, as its transactions see it. */
function nextContext({ history, options }: Works, environment: Environment): Block {
  const { chainId, blobPrices } = options
  return {
    chainId,
    number: BigInt(history.head().block.header.number + 1),
    timestamp: environment.timestamp,
    miner: environment.feeRecipient,
    gasLimit: environment.gasLimit,
    baseFeePerGas: environment.baseFeePerGas,
    prevRandao: environment.prevRandao ?? new Uint8Array(32),
    excessBlobGas: 0n,
    ...(blobPrices ? { blobPrices } : {}),
    hashOf: history.hashOf,
  }
}

/** EIP-4788 and, from prague on, EIP-2935: what a block tells its contracts before anything else. */
function runSystemCalls(works: Works, block: Block, environment: Environment): Step {
  const { machine, store, history, options } = works
  const { beaconRoots, history: hashes } = systemContracts
  const calls = [{ to: beaconRoots, data: environment.parentBeaconBlockRoot ?? new Uint8Array(32) }]
  if (options.fork !== 'cancun') calls.push({ to: hashes, data: fromHex(history.head().block.hash) })
  const steps = calls.map((call) => {
    const outcome = machine.system(call, block, store.state)
    invariant(outcome.kind === 'executed', 'a system call needs no precompiled contract')
    works.sequence += 1
    const writes = store.take(outcome.changes, works.sequence)
    works.parallel?.writer.publish(writes, works.sequence)
    return { access: outcome.access, writes }
  })
  return {
    index: 0,
    access: {
      reads: steps.flatMap(({ access }) => access.reads),
      writes: steps.flatMap(({ access }) => access.writes),
      credits: [],
      emptiness: [],
    },
    writes: steps.flatMap(({ writes }) => writes),
    parties: calls.map(({ to }) => to),
  }
}
