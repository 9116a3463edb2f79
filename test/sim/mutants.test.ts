import { describe, expect, it } from 'vitest'
import { runChannelWorld } from './channelWorld.ts'
import { mutants } from './mutants.ts'
import type { Mutant } from './setting.ts'

/** A mutant that lives through so many worlds from its first seed on has not been caught. */
const seedsMax = 60

/** Seeds shortly before the first that shows a mutant, where that is not among the first few. A change of the draws moves them. */
const firstSeeds: Readonly<Record<string, number>> = {
  'the payee ignores dust': 25,
  'the payee takes more than the capacity': 25,
  'the payee takes lowered updates': 25,
  'the payee takes updates while it closes': 29,
  'the payee does not check the signature of an update': 133,
  'the payee does not check the signatures of a close': 25,
  'the payee takes updates without a proven funding': 15,
  'the payee answers without saying what it holds': 27,
  'the payee closes at any fee': 14,
  'the payee does not notice that its closing was taken back': 29,
  'the box takes a deposit of a lower number': 29,
  'the till takes messages without the right tag': 40,
  'the payer refunds before the expiry': 13,
  'the payer never refunds': 24,
  'the payer burns its refund': 24,
  'the payer takes messages without the right tag': 23,
  'the payer takes any ack as its own': 10,
  'the payer does not learn from a correction': 27,
  'the payer does not broadcast its funding again': 21,
}

describe('the simulation notices when', () => {
  it.each(mutants)('$name', { timeout: 120_000 }, async (mutant) => {
    const from = firstSeeds[mutant.name] ?? 1
    expect(await firstFailing(mutant, from)).toBeLessThan(from + seedsMax)
  })

  it('and knows its mutants by name', () => {
    const names = mutants.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names).toEqual(expect.arrayContaining(Object.keys(firstSeeds)))
  })
})

async function firstFailing(mutant: Mutant, from: number): Promise<number> {
  for (let seed = from; seed < from + seedsMax; seed++)
    if ((await runChannelWorld(seed, mutant)).failure !== null) return seed
  return Number.POSITIVE_INFINITY
}
