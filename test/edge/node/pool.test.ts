import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pooledPerSenderMax } from '../../../edge/executor/parallel/node/limits.ts'
import { createPool } from '../../../edge/executor/parallel/node/pool.ts'
import type { Signed } from '../../../sdk/evm/index.ts'
import { type Address, address, chainId, toHex, txHash, wei } from '../../../sdk/units.ts'

let count = 0

/** A transaction as if it had been signed. */
function signed(from: Address, nonce: number, fee = 10n, gas = 21_000n): Signed {
  count += 1
  const bytes = new Uint8Array(32)
  new DataView(bytes.buffer).setUint32(0, count)
  const pricing = { type: 'eip1559', maxFeePerGas: wei(fee), maxPriorityFeePerGas: wei(fee), accessList: [] } as const
  const call = { chainId: chainId(1), from, to: from, value: wei(0n), data: new Uint8Array(0) }
  return {
    stage: 'signed',
    hash: txHash(toHex(bytes)),
    bytes,
    prepared: { stage: 'prepared', ...call, nonce, gas, pricing },
  }
}

const [alice, bob] = ['0a', '0b'].map((byte) => address(`0x${byte.repeat(20)}`)) as [Address, Address]
const fresh = () => 0n

describe('a pool', () => {
  it('hands out what arrived first, each sender in the order of nonces and without a gap', () => {
    const sender = fc.constantFrom(alice, bob)
    const arrivals = fc.array(fc.tuple(sender, fc.integer({ min: 0, max: 8 })), { maxLength: 30 })
    fc.assert(
      fc.property(arrivals, (wishes) => {
        const pool = createPool()
        for (const [from, nonce] of wishes) {
          const one = signed(from, nonce)
          if (!pool.refusal(one)) pool.add(one)
        }
        const chosen = pool.next(1n, fresh)
        for (const from of [alice, bob]) {
          const nonces = chosen.filter(({ prepared }) => prepared.from === from).map(({ prepared }) => prepared.nonce)
          expect(nonces).toEqual(nonces.map((_, at) => at))
          expect(BigInt(nonces.length)).toBe(pool.nextNonce(from, 0n))
        }
      }),
      { numRuns: 200 },
    )
  })

  it('replaces only for a tenth more of both fees, and forgets what was replaced', () => {
    const pool = createPool()
    const first = signed(alice, 0, 100n)
    pool.add(first)
    expect(pool.refusal(first)).toBe('already-known')
    expect(pool.refusal(signed(alice, 0, 109n))).toBe('underpriced-replacement')
    const better = signed(alice, 0, 110n)
    expect(pool.refusal(better)).toBeUndefined()
    expect(pool.add(better)).toBe(first.hash)
    expect([pool.size(), pool.get(first.hash)]).toEqual([1, undefined])
  })

  it('keeps back who cannot pay the base fee, and all that comes after', () => {
    const pool = createPool()
    pool.add(signed(alice, 0, 5n))
    pool.add(signed(alice, 1, 50n))
    pool.add(signed(bob, 0, 50n))
    expect(pool.next(10n, fresh).map(({ prepared }) => prepared.from)).toEqual([bob])
    expect(pool.next(5n, fresh)).toHaveLength(3)
  })

  it('fills a block to its gas, with at least one', () => {
    const pool = createPool()
    for (let nonce = 0; nonce < 3; nonce++) pool.add(signed(alice, nonce, 10n, 200_000_000n))
    expect(pool.next(1n, fresh)).toHaveLength(1)
  })

  it('lets no sender fill it, and lets go of what is used', () => {
    const pool = createPool()
    for (let nonce = 0; nonce < pooledPerSenderMax; nonce++) pool.add(signed(alice, nonce))
    expect(pool.refusal(signed(alice, pooledPerSenderMax))).toBe('sender-full')
    expect(pool.refusal(signed(bob, 0))).toBeUndefined()
    expect(pool.settle(alice, 1_000n)).toHaveLength(1_000)
    expect(pool.size()).toBe(pooledPerSenderMax - 1_000)
  })
})
