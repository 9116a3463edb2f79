import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  buildFilter,
  filterHeaderOf,
  mayMatch,
  scriptsMadeBy,
  verifyBlock,
} from '../../../../sdk/verify/bitcoin/index.ts'
import { held } from '../../../conformance/bitcoin.ts'
import { filters } from '../../../conformance/filters.ts'
import { runSuite } from '../../../conformance/suite.ts'
import { describeVectors, vectorPath } from '../../../vectors.ts'
import { count, mineBlock } from './regtest.ts'

describeVectors('block filters', () => {
  it('are those of BIP-158, byte for byte, and match what they hold', () => {
    const path = vectorPath('light/btc/bip158-testnet-19.json')
    expect(runSuite({ name: 'filters', suite: filters, path })).toMatchObject({ passed: 10, skipped: 0, failures: [] })
  })
})

describe('a block filter', () => {
  const { header, transactions } = mineBlock(3)
  const raw = [header, count(transactions.length), ...transactions].flatMap((part) => [...part])
  const block = held(verifyBlock(Uint8Array.from(raw)))
  const spent = Array.from({ length: 12 }, (_, at) => new Uint8Array(22).fill(at + 1))
  const filter = buildFilter(block, spent)
  const ask = (scripts: readonly Uint8Array[], bytes = filter) =>
    mayMatch({ filter: bytes, blockHash: block.header.hash, scripts })

  it('matches each script that the block makes or spends, and nearly nothing else', () => {
    for (const script of [...scriptsMadeBy(block), ...spent]) expect(held(ask([script]))).toBe(true)
    const foreign = Array.from({ length: 200 }, (_, at) => new Uint8Array(23).fill(at + 1))
    expect(held(ask(foreign))).toBe(false)
    expect(held(ask([]))).toBe(false)
    expect(held(ask([new Uint8Array(0)]))).toBe(false)
  })

  it('of nothing is one byte, and matches nothing', () => {
    expect(held(ask([new Uint8Array(1)], Uint8Array.of(0)))).toBe(false)
  })

  it('is refused when it is cut short or goes on', () => {
    expect(ask(spent, filter.subarray(0, -1)).ok).toBe(false)
    expect(ask(spent, new Uint8Array([...filter, 0])).ok).toBe(false)
    expect(ask(spent, Uint8Array.of(0xfe, 0xff, 0xff, 0xff, 0xff)).ok).toBe(false)
    expect(ask(spent, new Uint8Array(0)).ok).toBe(false)
  })

  it('with any byte changed is refused, or has another header', () => {
    const header = filterHeaderOf(filter, new Uint8Array(32))
    fc.assert(
      fc.property(fc.nat(filter.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = filter.map((byte, index) => (index === at ? byte ^ change : byte))
        const asked = ask(spent, bytes)
        expect(asked.ok && filterHeaderOf(bytes, new Uint8Array(32)).join() === header.join()).toBe(false)
      }),
      { numRuns: 200 },
    )
  })

  it('garbage is refused or answered, never thrown at', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => typeof ask(spent, bytes).ok === 'boolean'))
  })
})
