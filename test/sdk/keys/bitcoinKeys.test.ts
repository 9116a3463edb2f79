import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { hardened, networks, taprootTweak } from '../../../sdk/bitcoin/index.ts'
import { currentEngine, sha256 } from '../../../sdk/crypto/engine.ts'
import { createBitcoinKeyring, hdNode, parsePath, seedOf } from '../../../sdk/keys/index.ts'
import { fromHex, toHex } from '../../../sdk/units.ts'
import { codeOf, publishedMnemonic } from './published.ts'

const seed = seedOf(publishedMnemonic)
const digest = sha256(new TextEncoder().encode('a digest'))
const keyring = () => createBitcoinKeyring(seed, networks.mainnet)
const path = (...steps: number[]) => steps
const firstOf = (purpose: number) => path(purpose + hardened, hardened, hardened, 0, 0)
const secretAt = (text: string): Uint8Array => {
  const parsed = parsePath(text)
  if (!parsed.ok) throw new Error(parsed.reason)
  return hdNode(seed).derive(parsed.value).secretKey()
}

describe('createBitcoinKeyring', () => {
  it('prints the account keys that BIP-84 and BIP-86 list, with the fingerprint and the path', () => {
    // BIP-84 prints its key as `zpub` (SLIP-132): the same bytes under other versions, compared in the signer's test.
    expect(keyring().accountKey('tr')).toEqual({
      xpub: 'xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ',
      fingerprint: '73c5da0a',
      path: [86, 0, 0].map((step) => step + hardened),
    })
    expect(keyring().accountKey('multisig').path).toEqual([48, 0, 0, 2].map((step) => step + hardened))
    expect(createBitcoinKeyring(seed, networks.regtest).accountKey('wpkh')).toMatchObject({
      xpub: expect.stringMatching(/^tpub/),
      path: [84, 1, 0].map((step) => step + hardened),
    })
  })

  it('signs an input by ECDSA, low and short, and equally each time', () => {
    const key = fromHex('0x0330d54fd0dd420a6e5f8d3624f5f3482cae350f79d5f0753bf5beef9c2d91af3c') // BIP-84
    const request = { scheme: 'ecdsa', digest, path: firstOf(84), tweak: null } as const
    const signature = keyring().signInput(request)
    expect(signature.length).toBe(64)
    expect(currentEngine().verify(signature, digest, key)).toBe(true)
    expect(keyring().signInput(request)).toEqual(signature)
  })

  it('signs an input by Schnorr with the key tweaked, and equally each time', () => {
    const internal = fromHex('0xcc8a4bc64d897bddc5fbc2f670f7a8ba0b386779106cf1223c6fc5d7cd6fc115') // BIP-86
    const output = fromHex('0xa60869f0dbcf1dc659c9cecbaf8050135ea9e8cdc487053f1dc6880949dc684c')
    const tweak = taprootTweak(internal)
    const request = { scheme: 'schnorr', digest, path: firstOf(86), tweak } as const
    const signature = keyring().signInput(request)
    expect(currentEngine().schnorrVerify(signature, digest, output)).toBe(true)
    expect(keyring().signInput(request)).toEqual(signature)
    const untweaked = keyring().signInput({ ...request, tweak: null })
    expect(currentEngine().schnorrVerify(untweaked, digest, internal)).toBe(true)
    expect(codeOf(() => keyring().signInput({ ...request, tweak: new Uint8Array(32).fill(255) }))).toBe(
      'crypto/malformed-key',
    )
  })

  it.each([
    ['a channel', path(7113 + hardened, hardened, hardened, hardened)],
    ['the account itself', path(84 + hardened, hardened, hardened)],
    ['a chain of it', path(84 + hardened, hardened, hardened, 0)],
    ['another account', path(84 + hardened, hardened, 1 + hardened, 0, 0)],
    ['another coin', path(84 + hardened, 1 + hardened, hardened, 0, 0)],
    ['a hardened index', path(84 + hardened, hardened, hardened, 0, hardened)],
    ['a broken index', path(84 + hardened, hardened, hardened, 0, 0.5)],
    ['deeper than an index', path(84 + hardened, hardened, hardened, 0, 0, 0)],
    ['the master key', path()],
  ])('signs no input by the key of %s', (_, path) => {
    expect(codeOf(() => keyring().signInput({ scheme: 'ecdsa', digest, path, tweak: null }))).toBe(
      'keys/unknown-account',
    )
  })

  it("takes a channel's key from m/7113'/c'/0'/index', signs by it and shares a secret", () => {
    const own = keyring()
    const secretKey = secretAt("m/7113'/0'/0'/5'")
    const key = own.channelKey(5)
    expect(key).toEqual(currentEngine().publicKey(secretKey))
    expect(currentEngine().verify(own.signChannel(5, digest), digest, key)).toBe(true)
    expect(own.signChannel(5, digest).length).toBe(64)
    const other = own.channelKey(6)
    expect(own.channelSecret(5, other)).toEqual(own.channelSecret(6, key))
    expect(toHex(createBitcoinKeyring(seed, networks.regtest).channelKey(5))).not.toBe(toHex(key))
  })

  it('has the same channel keys after many others were in use', () => {
    const own = keyring()
    const first = own.channelKey(0)
    for (let index = 1; index < 100; index++) own.channelKey(index)
    expect(own.channelKey(0)).toEqual(first)
    expect(own.signChannel(0, digest)).toEqual(keyring().signChannel(0, digest))
  })

  it.each([-1, 0.5, hardened, Number.NaN])('has no channel %d', (index) => {
    expect(codeOf(() => keyring().channelKey(index))).toBe('units/out-of-range')
  })

  it('does nothing after wipe, and keeps no hold on the seed', () => {
    const given = Uint8Array.from(seed)
    const own = createBitcoinKeyring(given, networks.mainnet)
    given.fill(0)
    expect(own.accountKey('tr')).toEqual(keyring().accountKey('tr'))
    own.channelKey(1)
    own.wipe()
    own.wipe()
    for (const call of [
      () => own.accountKey('wpkh'),
      () => own.signInput({ scheme: 'ecdsa', digest, path: firstOf(84), tweak: null }),
      () => own.channelKey(1),
      () => own.signChannel(1, digest),
      () => own.channelSecret(1, keyring().channelKey(2)),
    ])
      expect(codeOf(call)).toBe('keys/locked')
  })

  it('shows no secret when printed, serialised or refused', () => {
    const own = keyring()
    own.channelKey(0)
    const refusal = inspect(
      (() => {
        try {
          return own.signInput({ scheme: 'ecdsa', digest, path: [], tweak: null })
        } catch (error) {
          return error
        }
      })(),
    )
    const shown = `${inspect(own, { depth: 9, showHidden: true })}${JSON.stringify(own)}${refusal}`
    for (const text of ["m/84'/0'/0'", "m/7113'/0'/0'", "m/7113'/0'/0'/0'"]) {
      const secretKey = secretAt(text)
      expect(shown).not.toContain(secretKey.join(', '))
      expect(shown).not.toContain(toHex(secretKey).slice(2))
    }
    expect(shown).not.toContain('xprv')
  })
})
