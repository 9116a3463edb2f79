import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startAnvil } from '../../edge/local/anvil.ts'
import { type Hex, toHex } from '../../sdk/units.ts'
import type { Transaction } from '../../sdk/vm/index.ts'
import type { Market } from '../sdk/vm/market.ts'
import type { MemoryState } from '../sdk/vm/memoryState.ts'
import { processorSecondsOf } from './clock.ts'

/** Transactions in one request. */
const arraySize = 500

/** What anvil does in a second of its processor time: in a block that is mined, and taking the transactions in as well. */
export interface AnvilRate {
  readonly mining: number
  readonly withSubmission: number
}

/** One block of these transactions by anvil, unsigned; nothing where the system does not tell what a process used. */
export async function rateAnvil(market: Market, transactions: readonly Transaction[]): Promise<AnvilRate | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'lanekit-bench-'))
  const genesis = join(folder, 'genesis.json')
  writeFileSync(genesis, JSON.stringify({ alloc: allocOf(market.state) }))
  const fixed = ['--no-mining', '--auto-impersonate', '--chain-id', '1', '--base-fee', `${market.block.baseFeePerGas}`]
  const args = [...fixed, '--gas-limit', '1000000000000', '--init', genesis]
  const node = await startAnvil({ hardfork: 'osaka', args, lifetimeMs: 60_000 })
  try {
    await ask(node.url, [{ method: 'evm_mine', params: [] }])
    const start = processorSecondsOf(node.pid)
    for (let at = 0; at < transactions.length; at += arraySize)
      await ask(node.url, transactions.slice(at, at + arraySize).map(sending))
    const taken = processorSecondsOf(node.pid)
    await ask(node.url, [{ method: 'evm_mine', params: [] }])
    const mined = processorSecondsOf(node.pid)
    const [block] = await ask(node.url, [{ method: 'eth_getBlockByNumber', params: ['latest', false] }])
    const { length } = (block as { transactions: readonly Hex[] }).transactions
    if (length !== transactions.length) throw new Error(`anvil mined ${length} of ${transactions.length}.`)
    if (start === undefined || taken === undefined || mined === undefined) return undefined
    return { mining: length / (mined - taken), withSubmission: length / (mined - start) }
  } finally {
    await node.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

function allocOf(state: MemoryState) {
  return Object.fromEntries(
    [...state.entries()].map(([address, { nonce, balance, codeHash, storage }]) => [
      address,
      {
        nonce: quantity(nonce),
        balance: quantity(balance),
        code: toHex(state.code(codeHash)),
        storage: Object.fromEntries([...storage].map(([slot, value]) => [slot, toHex(value)])),
      },
    ]),
  )
}

interface Question {
  readonly method: string
  readonly params: readonly unknown[]
}

function sending({ from, to, data, gas, nonce, pricing }: Transaction): Question {
  if (pricing.type !== 'eip1559') throw new Error('The market sends transactions of type 2.')
  const { maxFeePerGas, maxPriorityFeePerGas } = pricing
  const fees = { maxFeePerGas: quantity(maxFeePerGas), maxPriorityFeePerGas: quantity(maxPriorityFeePerGas) }
  const fields = { from, to, data: toHex(data), gas: quantity(gas), nonce: quantity(nonce), ...fees }
  return { method: 'eth_sendTransaction', params: [fields] }
}

function quantity(value: number | bigint): Hex {
  return `0x${value.toString(16)}`
}

async function ask(url: string, questions: readonly Question[]): Promise<readonly unknown[]> {
  const body = JSON.stringify(questions.map((question, id) => ({ jsonrpc: '2.0', id, ...question })))
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  const answers = (await response.json()) as readonly { readonly result?: unknown; readonly error?: unknown }[]
  return answers.map(({ result, error }) => {
    if (error) throw new Error(`anvil: ${JSON.stringify(error)}`)
    return result
  })
}
