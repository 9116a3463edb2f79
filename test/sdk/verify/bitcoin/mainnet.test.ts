import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  checkpointAt,
  extendChain,
  genesisCheckpoint,
  type HeaderChain,
  hashText,
  startChain,
  tipOf,
} from '../../../../sdk/verify/bitcoin/index.ts'
import { held } from '../../../conformance/bitcoin.ts'
import { describeVectors, readVector } from '../../../vectors.ts'
import { extend, nowSeconds } from './regtest.ts'

describeVectors('the first 10,237 headers of mainnet', () => {
  const headers = () => readVector('light/btc/mainnet-headers-0-10236.bin')
  const from = (chain: HeaderChain, bytes: Uint8Array, height: number): HeaderChain => {
    let grown = chain
    for (let at = height * 80; at < bytes.length; at += 2_000 * 80)
      grown = extend(grown, bytes.subarray(at, at + 2_000 * 80)).chain
    return grown
  }

  it('lead to the tip that is known, with the work of 10,237 at difficulty 1', () => {
    const chain = from(held(startChain('mainnet', genesisCheckpoint('mainnet'), 500)), headers(), 1)
    expect(tipOf(chain).height).toBe(10_236)
    expect(hashText(tipOf(chain).hash)).toMatch(/^000000004f74d422.*8161$/)
    expect(chain.best.work).toBe(10_237n * 0x1_0001_0001n)
  })

  it('lead there from any checkpoint on the way', () => {
    const bytes = headers()
    const whole = from(held(startChain('mainnet', genesisCheckpoint('mainnet'), 20_000)), bytes, 1)
    for (const height of [1, 9, 10, 11, 2_015, 2_016, 2_017, 6_000, 8_063, 8_064, 10_235]) {
      const anchor = checkpointAt(whole, height)
      if (!anchor) throw new Error('The checkpoint is missing.')
      const later = from(held(startChain('mainnet', anchor, 20_000)), bytes, height + 1)
      expect([tipOf(later), later.best.work]).toEqual([tipOf(whole), whole.best.work])
    }
  })

  it('[work] are refused when any byte of any of them has changed', () => {
    const bytes = headers().slice(0, 80 * 2_017)
    const chain = held(startChain('mainnet', genesisCheckpoint('mainnet'), 500))
    fc.assert(
      fc.property(fc.integer({ min: 80, max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = bytes.slice(80)
        changed[at - 80] = (changed[at - 80] as number) ^ flip
        expect(extendChain(chain, changed, { nowSeconds }).ok).toBe(false)
      }),
      { numRuns: 60 },
    )
  })

  it('[omission] are refused when one is left out', () => {
    const bytes = headers().slice(80, 80 * 500)
    const chain = held(startChain('mainnet', genesisCheckpoint('mainnet'), 500))
    for (const missing of [0, 1, 250]) {
      const rest = [bytes.subarray(0, 80 * missing), bytes.subarray(80 * (missing + 1))]
      expect(extendChain(chain, Buffer.concat(rest), { nowSeconds }).ok).toBe(false)
    }
  })
})
