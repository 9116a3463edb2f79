import { describe, expect, it } from 'vitest'
import {
  commitmentKey,
  commitmentSecretKey,
  ownRevocationKey,
  revealedSecret,
  revocationKey,
  revocationSecretKey,
  type SecretStore,
  secretAt,
  secretIndex,
  secretStoreMax,
  withSecret,
} from '../../../../sdk/bitcoin/bolt3/index.ts'
import { currentEngine } from '../../../../sdk/crypto/engine.ts'
import { InvariantError } from '../../../../sdk/errors.ts'
import { holder, other } from './channel.ts'

describe('revealed secrets', () => {
  it('are kept in the logarithm of their number: 3,000 in 12, and each of them is found again', () => {
    let store: SecretStore = []
    for (let number = 0; number < 3_000; number++) {
      const index = secretIndex(number)
      const next = withSecret(store, { index, secret: secretAt(holder.seed, index) })
      if (!next) throw new Error(`Secret ${number} was refused.`)
      store = next
    }
    expect(store).toHaveLength(12)
    expect(store.length).toBeLessThan(secretStoreMax)
    for (const number of [0, 1, 2, 777, 2_047, 2_048, 2_998, 2_999])
      expect(revealedSecret(store, secretIndex(number))).toEqual(secretAt(holder.seed, secretIndex(number)))
    expect(revealedSecret(store, secretIndex(3_000))).toBeUndefined()
  })

  it('of another seed are refused as soon as they contradict those known', () => {
    const index = secretIndex(0)
    const store = withSecret([], { index, secret: secretAt(holder.seed, index) }) as SecretStore
    const next = secretIndex(1)
    expect(withSecret(store, { index: next, secret: secretAt(other.seed, next) })).toBeUndefined()
    expect(withSecret(store, { index: next, secret: secretAt(holder.seed, next) })).toHaveLength(2)
  })

  it('have numbers of 48 bits', () => {
    expect(() => secretIndex(2 ** 48)).toThrow(InvariantError)
    expect(() => secretIndex(-1)).toThrow(InvariantError)
  })
})

describe('keys of a commitment', () => {
  const { publicKey } = currentEngine()
  const secret = secretAt(holder.seed, secretIndex(3))
  const base = { secret: other.revocation.secret, point: other.revocation.key }

  it('belong to their secret keys', () => {
    const point = publicKey(secret)
    expect(publicKey(commitmentSecretKey(holder.delayed.secret, point))).toEqual(
      commitmentKey(holder.delayed.key, point),
    )
    expect(publicKey(revocationSecretKey(base, { secret, point }))).toEqual(revocationKey(other.revocation.key, point))
    expect(ownRevocationKey(other.revocation.key, secret, point)).toEqual(revocationKey(other.revocation.key, point))
  })

  it('take neither side alone to punish', () => {
    const point = publicKey(secret)
    const wrong = revocationSecretKey(base, { secret: secretAt(holder.seed, secretIndex(4)), point })
    expect(publicKey(wrong)).not.toEqual(revocationKey(other.revocation.key, point))
  })
})
