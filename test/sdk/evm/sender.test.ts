import fc from 'fast-check'
import { getContractAddress } from 'viem'
import { describe, expect, it } from 'vitest'
import { createdAddress, recoverAccount, senderOf } from '../../../sdk/evm/sender.ts'
import { address } from '../../../sdk/units.ts'
import { addresses, alice, sign } from './samples.ts'

describe('accounts', () => {
  it('a created contract lands where viem says', () => {
    fc.assert(
      fc.property(addresses, fc.maxSafeNat(), (from, nonce) => {
        expect(createdAddress({ from, nonce })).toBe(address(getContractAddress({ from, nonce: BigInt(nonce) })))
      }),
    )
  })

  it('are recovered from their signatures, and from no others', () => {
    const digest = new Uint8Array(32).fill(7)
    const signature = sign(digest, alice)
    expect(recoverAccount(digest, signature)).toBe(alice.account)
    expect(recoverAccount(new Uint8Array(32).fill(8), signature)).not.toBe(alice.account)
    expect(recoverAccount(digest, signature.subarray(0, 64))).toBeUndefined()
    expect(recoverAccount(digest.subarray(1), signature)).toBeUndefined()
  })

  it('no bytes make senderOf throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        expect(senderOf(bytes).ok).toBe(false)
      }),
      { numRuns: 1_000 },
    )
  })
})
