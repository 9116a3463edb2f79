import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { currentEngine, keccak256 } from '../../../sdk/crypto/engine.ts'
import {
  accountsMax,
  addressOfKey,
  createKeyring,
  parseMnemonic,
  seedOf,
  singleKeyring,
} from '../../../sdk/keys/index.ts'
import { address, fromHex, toHex } from '../../../sdk/units.ts'
import { codeOf, must, testAccounts, testMnemonic, testSecretKey } from './published.ts'

const seed = seedOf(must(parseMnemonic(testMnemonic)))
const digest = keccak256(new TextEncoder().encode('a digest'))
const first = address(testAccounts[0] as string)

describe('createKeyring', () => {
  it('has the accounts published for the test mnemonic, in order, however they are asked for', () => {
    const keyring = createKeyring(seed)
    expect(keyring.accounts(1)).toEqual(testAccounts.slice(0, 1))
    expect(keyring.accounts(3)).toEqual(testAccounts)
    expect(keyring.accounts(2)).toEqual(testAccounts.slice(0, 2))
  })

  it("signs so that the account's key is recovered, and equally each time", () => {
    const keyring = createKeyring(seed)
    for (const account of keyring.accounts(3)) {
      const signature = keyring.signDigest(account, digest)
      const signer = currentEngine().recover(signature, digest)
      expect(signer && addressOfKey(signer)).toBe(account)
      expect(keyring.signDigest(account, digest)).toEqual(signature)
    }
  })

  it('signs only for accounts it has named', () => {
    const keyring = createKeyring(seed)
    keyring.accounts(1)
    expect(codeOf(() => keyring.signDigest(address(testAccounts[1] as string), digest))).toBe('keys/unknown-account')
  })

  it('keeps no hold on the seed', () => {
    const own = Uint8Array.from(seed)
    const keyring = createKeyring(own)
    own.fill(0)
    expect(keyring.accounts(3)).toEqual(testAccounts)
  })

  it('does nothing after wipe', () => {
    const keyring = createKeyring(seed)
    keyring.accounts(1)
    keyring.wipe()
    keyring.wipe()
    expect(codeOf(() => keyring.accounts(1))).toBe('keys/locked')
    expect(codeOf(() => keyring.signDigest(first, digest))).toBe('keys/locked')
  })

  it.each([0, -1, 1.5, Number.NaN, accountsMax + 1])('refuses to count to %d', (count) => {
    expect(codeOf(() => createKeyring(seed).accounts(count))).toBe('units/out-of-range')
  })

  it('shows no secret when printed or serialised', () => {
    const keyring = createKeyring(seed)
    keyring.accounts(1)
    const shown = `${inspect(keyring, { depth: 9, showHidden: true })}${JSON.stringify(keyring)}`
    expect(shown).not.toContain(fromHex(testSecretKey).join(', '))
    expect(shown).not.toContain(testSecretKey.slice(2))
  })
})

describe('singleKeyring', () => {
  it('holds the one account of its key', () => {
    const secretKey = fromHex(testSecretKey)
    const keyring = singleKeyring(secretKey)
    secretKey.fill(0)
    expect(keyring.accounts(1)).toEqual([first])
    expect(toHex(keyring.signDigest(first, digest))).toBe(toHex(currentEngine().sign(digest, fromHex(testSecretKey))))
    expect(codeOf(() => keyring.accounts(2))).toBe('units/out-of-range')
    keyring.wipe()
    expect(codeOf(() => keyring.signDigest(first, digest))).toBe('keys/locked')
  })

  it('refuses bytes that are no secret key', () => {
    for (const bytes of [new Uint8Array(32), new Uint8Array(31).fill(1), new Uint8Array(32).fill(255)])
      expect(codeOf(() => singleKeyring(bytes))).toBe('crypto/malformed-key')
  })
})
