import { describe, expect, it } from 'vitest'
import { createEngine } from '../../../edge/executor/parallel/createEngine.ts'
import type { EngineOptions } from '../../../edge/executor/parallel/engine.ts'
import { type Declaration, normalise } from '../../../sdk/batch/index.ts'
import { type Workload, workloads } from '../../sdk/vm/defi/workloads.ts'
import { asSigned, chain, genesisOf, laterBy } from './chain.ts'
import { workerScript } from './workerScript.ts'

/** More accounts and transactions, and what lanes are worth, by `npm run bench -- workloads`. */
const [accounts, count] = [16, 20]
const chosen = [
  'Uniswap v3 swaps, 8 pools',
  'Aave v3, 8 reserves',
  'ERC-4626 deposits, 16 vaults',
  'votes, 16 assemblies',
]

describe('real contracts, in lanes', () => {
  it.each(workloads.filter(({ name }) => chosen.includes(name)))('$name: equal to one after the other', async (one) => {
    const { start, transactions } = startOf(one)
    const seal = async (options: Partial<EngineOptions>, declarations?: readonly Declaration[]) => {
      const engine = await createEngine({ chainId: chain, fork: 'osaka', start, ...options })
      const environment = laterBy(12)
      const block = await engine.execute({ transactions, environment, ...(declarations ? { declarations } : {}) })
      await engine.stop()
      if (block.kind === 'refused') throw new Error(block.detail)
      return block
    }
    const alone = await seal({})
    expect(alone.transactions.map(({ failure }) => failure)).toEqual(transactions.map(() => null))
    const declared = alone.transactions.map(({ access, gasUsed }) => ({
      ...normalise(access),
      source: 'trace' as const,
      gas: Number(gasUsed),
    }))
    const together = await seal({ workers: 1, shards: 4, workerScript: await workerScript() }, declared)
    expect(together.block.hash).toBe(alone.block.hash)
    expect(together.figures.lanes).toBeGreaterThan(4)
    expect(together.figures.mispredictions).toBe(0)
  })
})

function startOf({ open }: Workload) {
  const { state, transactions } = open(accounts, count)
  return { start: genesisOf(state), transactions: transactions.map(asSigned) }
}
