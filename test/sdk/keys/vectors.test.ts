import { expect, it } from 'vitest'
import {
  hdNode,
  mnemonicFromEntropy,
  parseExtendedKey,
  parseMnemonic,
  parsePath,
  seedOf,
} from '../../../sdk/keys/index.ts'
import { fromHex, type Hex, toHex } from '../../../sdk/units.ts'
import { describeVectors, readVectorJson } from '../../vectors.ts'
import { must } from './published.ts'

interface Bip32Vector {
  readonly name: string
  readonly seed?: string
  readonly chains: readonly { readonly path: string; readonly xpub: string; readonly xprv: string }[]
  readonly invalid?: readonly { readonly key: string; readonly reason: string }[]
}

const bytes = (digits: string) => fromHex(`0x${digits}` as Hex)

describeVectors('BIP-39, English', () => {
  it('entropy, mnemonic, seed (passphrase TREZOR) and root key agree', () => {
    const { english } = readVectorJson('crypto/bip39/vectors.json') as { english: [string, string, string, string][] }
    expect(english.length).toBe(24)
    for (const [entropy, text, seed, rootKey] of english) {
      const mnemonic = must(parseMnemonic(text))
      expect(mnemonicFromEntropy(bytes(entropy))).toBe(mnemonic)
      const derived = seedOf(mnemonic, 'TREZOR')
      expect(toHex(derived)).toBe(`0x${seed}`)
      expect(hdNode(derived).extendedSecretKey()).toBe(rootKey)
    }
  })
})

describeVectors('BIP-32', () => {
  const vectors = readVectorJson('channels/bip32-vectors.json') as Bip32Vector[]

  it('derives every chain, from the seed and from either extended key', () => {
    const chains = vectors.flatMap(({ seed, chains }) => chains.map((chain) => ({ seed: seed as string, ...chain })))
    expect(chains.length).toBe(17)
    for (const { seed, path, xpub, xprv } of chains) {
      const node = hdNode(bytes(seed)).derive(must(parsePath(path)))
      expect([node.extendedPublicKey(), node.extendedSecretKey()]).toEqual([xpub, xprv])
      expect(must(parseExtendedKey(xprv)).extendedPublicKey()).toBe(xpub)
      expect(must(parseExtendedKey(xpub)).extendedPublicKey()).toBe(xpub)
    }
  })

  it('refuses every invalid extended key, without quoting it', () => {
    const invalid = vectors.flatMap((vector) => vector.invalid ?? [])
    expect(invalid.length).toBe(16)
    for (const { key, reason } of invalid) {
      const parsed = parseExtendedKey(key)
      expect(parsed, reason).toEqual({ ok: false, reason: expect.not.stringContaining(key.slice(4, 20)) })
    }
    expect(parseExtendedKey('x'.repeat(100_000)).ok).toBe(false)
  })
})
