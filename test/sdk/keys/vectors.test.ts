import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  hdNode,
  mnemonicFromEntropy,
  parseExtendedKey,
  parseMnemonic,
  parsePath,
  seedOf,
} from '../../../sdk/keys/index.ts'
import { fromHex, type Hex, toHex } from '../../../sdk/units.ts'
import { must } from './published.ts'

const folder = process.env.LANEKIT_VECTORS ?? join(import.meta.dirname, '../../../../shared/vectors')
const bip39 = join(folder, 'crypto/bip39/vectors.json')
const bip32 = join(folder, 'channels/bip32-vectors.json')

interface Bip32Vector {
  readonly name: string
  readonly seed?: string
  readonly chains: readonly { readonly path: string; readonly xpub: string; readonly xprv: string }[]
  readonly invalid?: readonly { readonly key: string; readonly reason: string }[]
}

const bytes = (digits: string) => fromHex(`0x${digits}` as Hex)

describe.skipIf(!existsSync(bip39))('BIP-39 vectors, English', () => {
  it('entropy, mnemonic, seed (passphrase TREZOR) and root key agree', () => {
    const { english } = JSON.parse(readFileSync(bip39, 'utf8')) as { english: [string, string, string, string][] }
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

describe.skipIf(!existsSync(bip32))('BIP-32 vectors', () => {
  const vectors: Bip32Vector[] = existsSync(bip32) ? JSON.parse(readFileSync(bip32, 'utf8')) : []

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
