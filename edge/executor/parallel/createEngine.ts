import { keccak256 } from '../../../sdk/crypto/engine.ts'
import { accepted, type Decoded, invariant, refused, SdkError } from '../../../sdk/errors.ts'
import { blockHashOf, decodeHeader, encodeHeader, type Header, type Receipt } from '../../../sdk/evm/index.ts'
import type { Trie } from '../../../sdk/trie/index.ts'
import { type BlockHash, blockHash, fromHex, sameBytes, toHex } from '../../../sdk/units.ts'
import { type Block, createMachine, emptyCodeHash, type Machine, systemContracts } from '../../../sdk/vm/index.ts'
import { blockAccessList, type Step } from './accessList.ts'
import {
  type AccountContent,
  type BlockRecord,
  type Engine,
  type EngineBatch,
  type EngineOptions,
  type Environment,
  type ExecutedBlock,
  engineLimits,
  type Genesis,
  type RefusedBatch,
  type RunTransaction,
  type SealedBlock,
  type Snapshot,
} from './engine.ts'
import { figuresOf } from './figures.ts'
import { createHistory, type History } from './history.ts'
import { type JudgedBatch, judgeBatch } from './judge.ts'
import { type Committed, type Run, run } from './run.ts'
import { seal } from './seal.ts'
import { applyChanges, changesOf, settleTries, undoBlock } from './settle.ts'
import { createStore, emptyTrie, type Store } from './store.ts'

const blocksKeptDefault = 64

/** What an engine works on. */
interface Works {
  readonly options: EngineOptions
  readonly machine: Machine
  readonly store: Store
  readonly history: History
  /** Number of the last commit. */
  sequence: number
}

/** Starts a chain at a genesis or a snapshot. Throws `units/out-of-range` on a count beyond {@link engineLimits}. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  judgeOptions(options)
  const works = openWorks(options)
  const { history, store } = works
  let turn: Promise<unknown> = Promise.resolve()
  return {
    chainId: options.chainId,
    fork: options.fork,
    head: () => history.head().block,
    oldest: history.oldest,
    execute: (batch) => {
      const next = turn.then(() => execute(works, batch))
      turn = next.catch(() => undefined) // Whoever called hears of it.
      return next
    },
    state: history.stateAt,
    context: (number) => {
      const kept = history.at(number)
      return kept && contextOf(works, kept.block.header)
    },
    prove: history.prove,
    snapshot: () => ({
      kind: 'snapshot',
      accounts: contentsOf(store),
      header: history.head().block.header,
      hashes: history.hashes(),
    }),
    replay: (record) => replay(works, record),
    stop: async () => {
      await turn
    },
  }
}

function judgeOptions({ workers = 0, shards = 1, blocksKept = blocksKeptDefault }: EngineOptions): void {
  const { workersMax, shardsMax, blocksKeptMax } = engineLimits
  const counts = [
    ['workers', workers, 0, workersMax],
    ['shards', shards, 1, shardsMax],
    ['kept blocks', blocksKept, 1, blocksKeptMax],
  ] as const
  for (const [what, count, min, max] of counts)
    if (!Number.isInteger(count) || count < min || count > max)
      throw new SdkError('units/out-of-range', `${count} is not a number of ${what} (${min} to ${max}).`)
}

function openWorks(options: EngineOptions): Works {
  const { fork, start, precompiles = {}, blocksKept = blocksKeptDefault } = options
  const store = createStore()
  for (const account of start.accounts) putAccount(store, account)
  const trie = settleTries(store, emptyTrie)
  store.endBlock()
  const block = firstBlock(options, start, trie)
  const first = { block, trie, before: new Map() }
  const hashes = start.kind === 'snapshot' ? start.hashes : []
  // The seed keeps look-ups even when strangers choose addresses; no result depends on it.
  const machine = createMachine({ fork, precompiles, seed: seedOf(block.hash) })
  return { options, machine, store, history: createHistory(store, first, hashes, blocksKept), sequence: 1 }
}

function seedOf(hash: BlockHash): number {
  return new DataView(fromHex(hash).buffer).getInt32(0)
}

function putAccount(store: Store, { address, nonce, balance, code, slots }: AccountContent): void {
  const account = store.change(address)
  const codeHash = code.length === 0 ? emptyCodeHash : toHex(keccak256(code))
  Object.assign(account, { exists: true, nonce, balance, codeHash })
  if (code.length > 0) store.putCode(codeHash, code)
  for (const { slot, value } of slots) store.putSlot(account, slot, value, 0)
}

function firstBlock({ fork }: EngineOptions, start: Genesis | Snapshot, trie: Trie): SealedBlock {
  if (start.kind === 'genesis') {
    const parentHash = blockHash(toHex(new Uint8Array(32)))
    const nothing = { transactions: [], receipts: [], gasUsed: 0n }
    return seal(fork, start.environment, { number: 0, parentHash, stateRoot: trie.root, ...nothing })
  }
  const { header } = start
  if (!sameBytes(header.stateRoot, trie.root))
    throw new SdkError('store/corrupt', `The snapshot does not have the state root of block ${header.number}.`)
  return { header, hash: blockHashOf(encodeHeader(header)) }
}

function* contentsOf({ accounts, codes }: Store): Iterable<AccountContent> {
  for (const { address, exists, nonce, balance, codeHash, slots } of accounts.values())
    if (exists)
      yield {
        address,
        nonce,
        balance,
        code: codes.get(codeHash) as Uint8Array,
        slots: [...slots].map(([slot, { value }]) => ({ slot, value })),
      }
}

async function execute(works: Works, batch: EngineBatch): Promise<ExecutedBlock | RefusedBatch> {
  const { history, machine, store, options } = works
  const judged = judgeBatch(batch, history.head().block)
  if (judged.kind === 'refused') return judged
  const { environment } = batch
  const block = nextContext(works, environment)
  const systemStep = options.systemCalls === false ? [] : [runSystemCalls(works, block, environment)]
  const transactions = batch.transactions.map(({ prepared }) => prepared)
  const done = await run(transactions, { machine, block, store, sequence: works.sequence })
  works.sequence = done.sequence
  return sealRun(works, { batch, judged, done, systemStep })
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
      feeRecipient: environment.feeRecipient,
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

/** A sealed block, as a call on top of its state sees it. */
function contextOf({ history, options }: Works, header: Header): Block {
  const { chainId, blobPrices } = options
  return {
    chainId,
    number: BigInt(header.number),
    timestamp: header.timestamp,
    miner: header.miner,
    gasLimit: header.gasLimit,
    baseFeePerGas: 'baseFeePerGas' in header ? header.baseFeePerGas : 0n,
    prevRandao: header.mixHash,
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
    return { access: outcome.access, writes: store.take(outcome.changes, works.sequence) }
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

/** Takes over a block as its record has it, and holds the outcome to the root in its header. */
function replay(works: Works, { header: bytes, changes }: BlockRecord): Decoded<SealedBlock> {
  const { history, store } = works
  const header = decodeHeader(bytes)
  if (!header.ok) return header
  const parent = history.head()
  const { number, parentHash, stateRoot } = header.value
  if (number !== parent.block.header.number + 1 || parentHash !== parent.block.hash)
    return refused('the block does not follow the newest one')
  works.sequence += 1
  applyChanges(store, changes, works.sequence)
  const trie = settleTries(store, parent.trie)
  if (!sameBytes(trie.root, stateRoot)) {
    undoBlock(store, works.sequence)
    return refused("the changes do not lead to the block's state root")
  }
  const block = { header: header.value, hash: blockHashOf(bytes) }
  history.add({ block, trie, before: store.endBlock().before })
  return accepted(block)
}
