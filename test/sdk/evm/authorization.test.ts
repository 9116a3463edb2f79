import fc from 'fast-check'
import { hashAuthorization, recoverAuthorizationAddress } from 'viem/utils'
import { describe, expect, it } from 'vitest'
import { authorityOf, authorizationHash, delegateOf, delegationCode } from '../../../sdk/evm/authorization.ts'
import { toHex } from '../../../sdk/units.ts'
import { addresses, alice, authorize, bob, viemSignature } from './samples.ts'

const wishes = fc.record({ chainId: fc.maxSafeNat(), delegate: addresses, nonce: fc.maxSafeNat().map(BigInt) })

describe('authorizations (EIP-7702)', () => {
  it('hash and recover as in viem', async () => {
    await fc.assert(
      fc.asyncProperty(wishes, async (wish) => {
        const words = { chainId: wish.chainId, address: wish.delegate, nonce: Number(wish.nonce) }
        expect(toHex(authorizationHash(wish))).toBe(hashAuthorization(words))
        const authorization = authorize(bob, wish)
        const authority = authorityOf(authorization)
        expect(authority).toBe(bob.account)
        const oracle = { authorization: { ...words, ...viemSignature(authorization.signature) } }
        expect((await recoverAuthorizationAddress(oracle)).toLowerCase()).toBe(authority)
      }),
      { numRuns: 50 },
    )
  })

  it('speak for whoever signed: a changed wish is somebody else’s', () => {
    const authorization = authorize(bob, { chainId: 1, delegate: alice.account, nonce: 1n })
    expect(authorityOf({ ...authorization, nonce: 2n })).not.toBe(bob.account)
    expect(authorityOf({ ...authorization, chainId: 2 })).not.toBe(bob.account)
  })

  it('speak for nobody with a nonce of 2^64 - 1, a high s, or a parity beyond 1', () => {
    const wish = { chainId: 1, delegate: alice.account, nonce: 2n ** 64n - 2n }
    expect(authorityOf(authorize(bob, wish))).toBe(bob.account)
    expect(authorityOf(authorize(bob, { ...wish, nonce: 2n ** 64n - 1n }))).toBeUndefined()
    const { signature } = authorize(bob, wish)
    const spoiled = (at: number, byte: number) => signature.map((old, place) => (place === at ? byte : old))
    expect(authorityOf({ ...wish, signature: spoiled(64, 2) })).toBeUndefined()
    expect(authorityOf({ ...wish, signature: spoiled(64, 27) })).toBeUndefined()
    expect(authorityOf({ ...wish, signature: spoiled(32, 0xff) })).toBeUndefined()
    expect(authorityOf({ ...wish, signature: new Uint8Array(65) })).toBeUndefined()
  })

  it('are not signed over what cannot be encoded', () => {
    const wish = { chainId: 1, delegate: alice.account, nonce: 0n }
    for (const wrong of [
      { chainId: -1 },
      { chainId: 0.5 },
      { nonce: -1n },
      { nonce: 2n ** 64n },
      { delegate: '0x00' as never },
    ]) {
      expect(() => authorizationHash({ ...wish, ...wrong })).toThrow(
        expect.objectContaining({ code: 'evm/malformed-transaction' }),
      )
      expect(authorityOf({ ...authorize(bob, wish), ...wrong })).toBeUndefined()
    }
  })

  it('leave an indicator behind that names the delegate, and nothing else does', () => {
    expect(toHex(delegationCode(alice.account))).toBe(`0xef0100${alice.account.slice(2)}`)
    expect(delegateOf(delegationCode(alice.account))).toBe(alice.account)
    const code = delegationCode(alice.account)
    for (const other of [
      new Uint8Array(0),
      code.subarray(1),
      Uint8Array.of(...code, 0),
      Uint8Array.of(0xef, 0x01, 0x01, ...code.subarray(3)),
    ])
      expect(delegateOf(other)).toBeUndefined()
  })
})
