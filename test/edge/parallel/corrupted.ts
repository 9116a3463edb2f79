import { createEngine } from '../../../edge/executor/parallel/createEngine.ts'
import type { Engine, EngineBatch, ExecutedBlock } from '../../../edge/executor/parallel/engine.ts'
import { type Access, type Declaration, normalise, type Place, undeclared } from '../../../sdk/batch/index.ts'
import { type Address, address, fromHex, toHex, wei } from '../../../sdk/units.ts'
import type { Transaction } from '../../../sdk/vm/index.ts'
import type { MemoryState } from '../../sdk/vm/memoryState.ts'
import { type Chance, createChance, drawWorld } from '../../sdk/vm/programs.ts'
import { asSigned, chain, environment, genesisOf } from './chain.ts'

const senders = Array.from({ length: 8 }, (_, at) => address(`0x${`5${at}`.repeat(20)}`))
/** Blocks of one world, before another one is drawn. */
export const blocksAWorld = 100
const transactionsMax = 14
/** Transactions with authorizations cost a signature each to make, and one more to read. */
const delegationShare = 0.05

/** Counts in a slot, and notes in another how much the recipient of fees has. */
const counter = fromHex('0x600054600101600055413160015500')
/** Gives 1 wei to the account in its calldata, which costs more where that is empty. */
const giver = fromHex('0x5f5f5f5f60015f355af15000')
/** Tells how much the account in its calldata has. */
const watcher = fromHex('0x5f35315f5260205ff3')
const watcherAt = address(`0x${'d1'.repeat(20)}`)
const counters = ['a1', 'a2', 'a3'].map((byte) => address(`0x${byte.repeat(20)}`))
const givers = ['b1', 'b2', 'b3'].map((byte) => address(`0x${byte.repeat(20)}`))
const strangers = Array.from({ length: 12 }, (_, at) => address(`0x${`e${at.toString(16)}`.repeat(20)}`))

/** Random programs that know each other, and senders of transactions to them. */
export function drawSetting(chance: Chance): MemoryState {
  const { state } = drawWorld(chance, chance() < delegationShare)
  for (const sender of senders)
    state.put(sender, { nonce: 0n, balance: 10n ** 24n, code: new Uint8Array(0), slots: [] })
  for (const contract of counters) state.put(contract, { nonce: 1n, balance: 0n, code: counter, slots: [] })
  state.put(watcherAt, { nonce: 1n, balance: 0n, code: watcher, slots: [] })
  for (const contract of givers) state.put(contract, { nonce: 1n, balance: 10n ** 6n, code: giver, slots: [] })
  return state
}

/** Calls of the programs, creations, transfers among the senders and to the recipient of fees; some of them invalid. */
export function drawBatch(chance: Chance, nonceOf: (sender: Address) => bigint): Transaction[] {
  const used = new Map<Address, bigint>()
  const transactions: Transaction[] = []
  const count = 2 + Math.floor(chance() * transactionsMax)
  while (transactions.length < count)
    for (const one of drawWorld(chance, chance() < delegationShare).transactions) {
      const from = pick(chance, senders)
      const nonce = (used.get(from) ?? nonceOf(from)) + (chance() < 0.03 ? 1n : 0n)
      transactions.push({ ...one, ...drawCall(chance), from, nonce })
      used.set(from, nonce + 1n)
    }
  return transactions
}

/** Nothing, for one of the random programs; or a call of a contract whose conflicts are known. */
function drawCall(chance: Chance): Partial<Transaction> {
  const plain = { pricing, gas: 200_000n, data: new Uint8Array(0) }
  const kind = chance()
  if (kind < 0.25) return { ...plain, to: pick(chance, [...senders, ...strangers, environment.feeRecipient]) }
  if (kind < 0.5) return { ...plain, to: pick(chance, counters), value: 0n }
  if (kind > 0.8) return {}
  const data = new Uint8Array(32)
  data.set(fromHex(pick(chance, strangers)), 12)
  return { ...plain, to: kind < 0.65 ? watcherAt : pick(chance, givers), value: 0n, data }
}

const pricing: Transaction['pricing'] = {
  type: 'eip1559',
  maxFeePerGas: wei(3_000_000_000n),
  maxPriorityFeePerGas: wei(1n),
  accessList: [],
}

/** A declaration as a careless or hostile sender has it: places left out, added, and put into other lists. */
export function corrupt(chance: Chance, truth: Access, others: readonly Place[]): Declaration {
  if (chance() < 0.1) return undeclared(Math.floor(chance() * 100_000))
  const dropped = pick(chance, [0, 0.1, 0.5, 1])
  const swapped = pick(chance, [0, 0, 0.3])
  const lists: Record<keyof Access, Place[]> = { reads: [], writes: [], credits: [] }
  const names = ['reads', 'writes', 'credits'] as const
  for (const name of names)
    for (const place of truth[name])
      if (chance() >= dropped) lists[chance() < swapped ? pick(chance, names) : name].push(place)
  if (others.length > 0)
    for (let added = Math.floor(chance() * 4); added > 0; added--) lists[pick(chance, names)].push(pick(chance, others))
  const credits = lists.credits.filter(({ kind }) => kind === 'balance')
  return { ...normalise({ ...lists, credits }), source: 'declared', gas: Math.floor(chance() * 1_000_000) }
}

export interface Lane {
  readonly workers: number
  readonly shards: number
  readonly workerScript: URL
}

export interface Judgement {
  readonly seed: number
  readonly transactions: number
  readonly ranAhead: number
  readonly reExecutions: number
  /** What differs from the serial run; nothing when nothing does. */
  readonly difference: string | null
}

/** Runs batches with corrupted declarations on worker threads, and beside them the same batches one by one with none. */
export async function* judgeBatches({
  from,
  count,
  setting,
}: {
  readonly from: number
  readonly count: number
  readonly setting: Lane
}): AsyncIterable<Judgement> {
  for (let first = from; first < from + count; first += blocksAWorld) {
    const chance = createChance(first)
    const start = genesisOf(drawSetting(chance))
    const alone = await createEngine({ chainId: chain, fork: 'osaka', start, blocksKept: 2 })
    const together = await createEngine({ chainId: chain, fork: 'osaka', start, blocksKept: 2, ...setting })
    for (let seed = first; seed < Math.min(first + blocksAWorld, from + count); seed++)
      yield await judgeBatch({ seed, chance, alone, together })
    await together.stop()
  }
}

interface Trial {
  readonly seed: number
  readonly chance: Chance
  readonly alone: Engine
  readonly together: Engine
}

async function judgeBatch({ seed, chance, alone, together }: Trial): Promise<Judgement> {
  const { number, timestamp } = alone.head().header
  const state = alone.state(number)
  const signed = drawBatch(chance, (sender) => state?.account(sender)?.nonce ?? 0n).map(asSigned)
  const batch = { transactions: signed, environment: { ...environment, timestamp: timestamp + 12n } }
  const expected = await ran(alone, batch)
  const truths = new Map(expected.transactions.map(({ index, access }) => [index, access]))
  const places = expected.transactions.flatMap(({ access }) => [...access.reads, ...access.writes])
  const nothing: Access = { reads: [], writes: [], credits: [] }
  const declarations = signed.map((_, index) => corrupt(chance, truths.get(index) ?? nothing, places))
  const actual = await ran(together, { ...batch, declarations })
  const { ranAhead, reExecutions } = actual.figures
  return { seed, transactions: signed.length, ranAhead, reExecutions, difference: differenceOf(expected, actual) }
}

async function ran(engine: Engine, batch: EngineBatch): Promise<ExecutedBlock> {
  const answer = await engine.execute(batch)
  if (answer.kind === 'refused') throw new Error(`The batch is refused: ${answer.code}, ${answer.detail}.`)
  return answer
}

function differenceOf(expected: ExecutedBlock, actual: ExecutedBlock): string | null {
  if (actual.block.hash !== expected.block.hash) return 'the blocks differ'
  if (toHex(actual.access.hash) !== toHex(expected.access.hash)) return 'the access lists differ'
  const codes = ({ skipped }: ExecutedBlock) => skipped.map(({ index, code }) => `${index} ${code}`).join()
  return codes(actual) === codes(expected) ? null : 'others are skipped'
}

function pick<item>(chance: Chance, list: readonly item[]): item {
  return list[Math.floor(chance() * list.length)] as item
}
