import { describe, expect, it } from 'vitest'
import { committedAt, controlWords, createBoard, shardOf } from '../../../edge/executor/parallel/board.ts'
import { boardContents } from '../../../edge/executor/parallel/boardContents.ts'
import { createBoardWriter } from '../../../edge/executor/parallel/boardWriter.ts'
import { encodeContent } from '../../../edge/executor/parallel/changes.ts'
import { createEngine } from '../../../edge/executor/parallel/createEngine.ts'
import type { AccountContent, SlotValue } from '../../../edge/executor/parallel/engine.ts'
import { run } from '../../../edge/executor/parallel/run.ts'
import type { Store } from '../../../edge/executor/parallel/store.ts'
import { normalise } from '../../../sdk/batch/index.ts'
import { createMachine, type Transaction } from '../../../sdk/vm/index.ts'
import { type Market, openMarket } from '../../sdk/vm/market.ts'
import { asSigned, chain, genesisOf, laterBy, storeOf } from './chain.ts'
import { workerScript } from './workerScript.ts'

/** The thread that commits is gone. */
class Crash extends Error {}

function transactionsOf(market: Market): Transaction[] {
  return [market.transfer(), market.swap(), market.swapAtPair(), market.transfer()]
}

/** Commits on boards of four shards until the crash, after so many parts; gives back what the boards then hold. */
async function crashAfter(parts: number, market: Market, transactions: readonly Transaction[]) {
  const store = storeOf(market.state)
  const boards = Array.from({ length: 4 }, () => createBoard(4 * 2 ** 19))
  const control = new Int32Array(new SharedArrayBuffer(4 * controlWords))
  let left = Number.POSITIVE_INFINITY
  const onPart = () => {
    left -= 1
    if (left === 0) throw new Crash()
  }
  const writer = createBoardWriter({ boards, control, store, onPart })
  writer.publishAll(1)
  left = parts
  const machine = createMachine({ fork: 'osaka' })
  const nothing = () => undefined
  const ahead = () => ({ take: nothing, refused: nothing, publish: writer.publish, settled: nothing })
  const isDone = await run(transactions, { machine, block: market.block, store, sequence: 1, ahead }).then(
    () => true,
    (error: unknown) => {
      if (!(error instanceof Crash)) throw error
      return false
    },
  )
  const committed = control[committedAt] as number
  const memories = boards.map(({ memory }) => memory)
  return { isDone, committed, contents: sorted(boardContents(memories, committed)) }
}

/** Accounts as bytes, and these as text: short to compare. */
function sorted(contents: Iterable<AccountContent>): readonly string[] {
  const bySlot = (one: SlotValue, other: SlotValue) => (one.slot < other.slot ? -1 : 1)
  return [...contents]
    .map((one) => encodeContent({ ...one, slots: [...one.slots].sort(bySlot) }))
    .map((bytes) => Buffer.from(bytes).toString('latin1'))
    .sort()
}

/** What a store holds after the first so many of these transactions. */
async function after(count: number, market: Market, transactions: readonly Transaction[]) {
  const store = storeOf(market.state)
  const machine = createMachine({ fork: 'osaka' })
  await run(transactions.slice(0, count), { machine, block: market.block, store, sequence: 1 })
  return sorted(contentsIn(store))
}

function* contentsIn({ accounts, codes }: Store): Iterable<AccountContent> {
  for (const { address, exists, nonce, balance, codeHash, slots } of accounts.values()) {
    const values = [...slots].map(([slot, { value }]) => ({ slot, value }))
    const set = values.filter(({ value }) => value.some((byte) => byte !== 0))
    if (exists) yield { address, nonce, balance, code: codes.get(codeHash) ?? new Uint8Array(0), slots: set }
  }
}

describe('shards', () => {
  it('hold the first so many transactions whole and nothing of the next, wherever the committing thread dies', async () => {
    const market = openMarket(8)
    const transactions = transactionsOf(market)
    const states = await Promise.all([0, 1, 2, 3, 4].map((count) => after(count, market, transactions)))
    const seen = new Set<number>()
    let crashes = 0
    for (let parts = 1; ; parts++) {
      const { isDone, committed, contents } = await crashAfter(parts, market, transactions)
      expect(contents).toEqual(states[committed - 1])
      seen.add(committed - 1)
      if (isDone) break
      crashes += 1
    }
    expect([...seen]).toEqual([0, 1, 2, 3, 4])
    expect(crashes).toBeGreaterThan(2 * transactions.length) // Each commit has several parts.
  })

  const market = openMarket(8)
  const start = genesisOf(market.state)
  const signed = Array.from({ length: 24 }, (_, at) => asSigned(at % 3 ? market.transfer() : market.swap()))
  const environment = laterBy(12)
  const running = createEngine({ chainId: chain, fork: 'osaka', start }).then((alone) =>
    alone.execute({ transactions: signed, environment }),
  )

  it.each([1, 2, 4, 8])('give the same block with %i of them, and count who leaves its own', async (shards) => {
    const expected = await running
    if (expected.kind === 'refused') throw new Error('The batch was refused.')
    const declarations = expected.transactions.map(({ access, gasUsed }, index) => {
      // The last ones hide every account but their sender and its token.
      const hidden = index >= 20 ? { reads: [], writes: [], credits: [] } : access
      return { ...normalise(hidden), source: 'declared' as const, gas: Number(gasUsed) }
    })
    const options = { workers: 2, shards, workerScript: await workerScript() }
    const together = await createEngine({ chainId: chain, fork: 'osaka', start, ...options })
    const actual = await together.execute({ transactions: signed, declarations, environment })
    await together.stop()
    if (actual.kind === 'refused') throw new Error('The batch was refused.')
    expect(actual.block.hash).toBe(expected.block.hash)
    const bitsOf = (index: number) => {
      const { prepared } = signed[index] as (typeof signed)[number]
      return new Set([prepared.from, prepared.to ?? prepared.from].map((one) => shardOf(one, shards)))
    }
    const strays = [20, 21, 22, 23].filter((index) => {
      const { reads, writes, credits } = expected.transactions[index]?.access ?? { reads: [], writes: [], credits: [] }
      const touched = [...reads, ...writes, ...credits].filter((one) => one.address !== environment.feeRecipient)
      return touched.some((one) => !bitsOf(index).has(shardOf(one.address, shards)))
    })
    expect(actual.figures.crossShard).toBe(strays.length)
  })
})
