import { describe, expect, it } from 'vitest'
import { cursorOn } from '../../../edge/executor/parallel/cursor.ts'
import {
  type Names,
  type Numbers,
  outcomeWords,
  putOutcome,
  takeOutcome,
} from '../../../edge/executor/parallel/outcomeWire.ts'
import { putTransaction, takeTransaction, transactionWords } from '../../../edge/executor/parallel/transactionWire.ts'
import type { Place } from '../../../sdk/evm/index.ts'
import { type Address, address, fromHex, type Hex, type Slot, wei } from '../../../sdk/units.ts'
import { createMachine, type Executed, type Transaction } from '../../../sdk/vm/index.ts'
import { marketBlock } from '../../sdk/vm/market.ts'
import { createChance, drawWorld } from '../../sdk/vm/programs.ts'

const worlds = 150

function drawOutcomes(): { transactions: Transaction[]; outcomes: Executed[] } {
  const machine = createMachine({ fork: 'osaka' })
  const transactions: Transaction[] = []
  const outcomes: Executed[] = []
  for (let seed = 1; seed <= worlds; seed++) {
    const world = drawWorld(createChance(seed), seed % 10 === 0)
    for (const transaction of world.transactions) {
      transactions.push(transaction)
      const outcome = machine.execute(transaction, marketBlock, world.state)
      if (outcome.kind !== 'executed') continue
      outcomes.push(outcome)
      world.state.apply(outcome.changes)
    }
  }
  return { transactions, outcomes }
}

const { transactions, outcomes } = drawOutcomes()

/** Every other account and slot has a number, as if the rest were not on the boards yet. */
function numbering(): { numbers: Numbers; names: Names } {
  const named: Place[] = [{ kind: 'nonce', address: '0x' as Address }]
  const known = new Map<string, number>()
  const numberOf = (key: string, place: Place) => {
    if (Number.parseInt(key.slice(-1), 16) % 2) return 0
    if (!known.has(key)) known.set(key, named.push(place) - 1)
    return known.get(key) as number
  }
  const at = (number: number) => named[number] as Place & { readonly kind: 'slot' }
  return {
    numbers: {
      account: (address) => numberOf(address, { kind: 'nonce', address }),
      slot: (address, slot) => numberOf(`${address}${slot}`, { kind: 'slot', address, slot }),
    },
    names: {
      account: (number) => at(number).address,
      slot: at,
      place: (kind, number) => (kind === 'slot' ? at(number) : { kind, address: at(number).address }),
    },
  }
}

describe('what threads write for each other', () => {
  it('an outcome comes back as it was, and takes no more room than was said', () => {
    const { numbers, names } = numbering()
    for (const outcome of outcomes) {
      const size = outcomeWords(outcome)
      const cursor = cursorOn(new SharedArrayBuffer(4 * size))
      putOutcome(cursor, outcome, numbers)
      expect(cursor.at).toBeLessThanOrEqual(size)
      cursor.at = 0
      expect(takeOutcome(cursor, names)).toEqual(outcome)
    }
    expect(new Set(outcomes.map(({ failure }) => failure)).size).toBeGreaterThan(4)
    expect(outcomes.some(({ created }) => created !== null)).toBe(true)
  })

  const [sample] = transactions as [Transaction]
  const accessList = [{ address: address(`0x${'ab'.repeat(20)}`), slots: [`0x${'cd'.repeat(32)}` as Slot] }]
  const market = { maxFeePerGas: wei(2n ** 200n), maxPriorityFeePerGas: wei(7n), accessList }
  const kinds: Transaction[] = [
    { ...sample, chainId: null, to: null, pricing: { type: 'legacy', gasPrice: wei(5n) } },
    { ...sample, pricing: { type: 'eip2930', gasPrice: wei(2n ** 64n), accessList } },
    { ...sample, value: 2n ** 256n - 1n, data: fromHex('0x0102030405'), pricing: { type: 'eip1559', ...market } },
    {
      ...sample,
      pricing: { type: 'eip4844', ...market, maxFeePerBlobGas: 9n, blobHashes: [`0x01${'00'.repeat(31)}` as Hex] },
    },
  ]

  it('a transaction of any type comes back as it was', () => {
    for (const transaction of [...kinds, ...transactions]) {
      const size = transactionWords(transaction)
      const cursor = cursorOn(new SharedArrayBuffer(4 * size))
      putTransaction(cursor, transaction)
      expect(cursor.at).toBeLessThanOrEqual(size)
      cursor.at = 0
      expect(takeTransaction(cursor)).toEqual({ ...transaction, nonce: BigInt(transaction.nonce) })
    }
    expect(transactions.some(({ pricing }) => pricing.type === 'eip7702')).toBe(true)
  })
})
