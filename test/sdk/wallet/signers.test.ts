import { describe, expect, it } from 'vitest'
import { webCipher } from '../../../sdk/adapters/webCipher.ts'
import { currentEngine, keccak256 } from '../../../sdk/crypto/engine.ts'
import { addressOfKey } from '../../../sdk/keys/index.ts'
import type { SignRequest } from '../../../sdk/ports.ts'
import { type Address, fromHex } from '../../../sdk/units.ts'
import { mnemonicSigner, secretKeySigner } from '../../../sdk/wallet/signers.ts'
import { refusalOf } from '../../contracts/contract.ts'
import { testAccounts, testMnemonic, testSecretKey } from '../keys/published.ts'

const cipher = webCipher()
const first = testAccounts[0] as Address
const payload = new TextEncoder().encode('payload')
const request: SignRequest = { kind: 'message', account: first, digest: keccak256(payload), payload }

describe('mnemonicSigner', () => {
  it('has as many accounts as asked for, one when not said', async () => {
    expect(await (await mnemonicSigner({ mnemonic: testMnemonic, cipher })).accounts()).toEqual([first])
    const three = await mnemonicSigner({ mnemonic: ` ${testMnemonic.toUpperCase()} `, cipher, accounts: 3 })
    expect(await three.accounts()).toEqual(testAccounts)
  })

  it('signs before anybody has asked for the accounts', async () => {
    const signer = await mnemonicSigner({ mnemonic: testMnemonic, cipher })
    const key = currentEngine().recover(await signer.sign(request), request.digest)
    expect(key && addressOfKey(key)).toBe(first)
    const second = { ...request, account: testAccounts[1] as Address }
    expect(await refusalOf(signer.sign(second))).toBe('keys/unknown-account')
  })

  it('opens another wallet with a passphrase', async () => {
    const signer = await mnemonicSigner({ mnemonic: testMnemonic, cipher, passphrase: 'x' })
    expect(await signer.accounts()).not.toContain(first)
  })

  it('refuses a malformed mnemonic or number of accounts', async () => {
    expect(await refusalOf(mnemonicSigner({ mnemonic: 'test junk', cipher }))).toBe('keys/malformed-mnemonic')
    expect(await refusalOf(mnemonicSigner({ mnemonic: testMnemonic, cipher, accounts: 0 }))).toBe('units/out-of-range')
  })

  it('does nothing once locked', async () => {
    const signer = await mnemonicSigner({ mnemonic: testMnemonic, cipher })
    signer.lock()
    expect(await refusalOf(signer.accounts())).toBe('keys/locked')
    expect(await refusalOf(signer.sign(request))).toBe('keys/locked')
  })
})

describe('secretKeySigner', () => {
  it('signs as the same account from a mnemonic does', async () => {
    const signer = secretKeySigner(fromHex(testSecretKey))
    expect(await signer.accounts()).toEqual([first])
    const other = await mnemonicSigner({ mnemonic: testMnemonic, cipher })
    expect(await signer.sign(request)).toEqual(await other.sign(request))
    signer.lock()
    expect(await refusalOf(signer.sign(request))).toBe('keys/locked')
  })

  it('refuses bytes that are no secret key', () => {
    expect(() => secretKeySigner(new Uint8Array(32))).toThrow(expect.objectContaining({ code: 'crypto/malformed-key' }))
  })
})
