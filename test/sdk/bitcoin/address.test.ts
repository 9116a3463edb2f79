import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeAddress, encodeAddress, type Network, scriptKind } from '../../../sdk/bitcoin/index.ts'
import { p2pkh, p2sh, witnessScriptPubKey } from '../../../sdk/bitcoin/script.ts'
import { currentEngine } from '../../../sdk/crypto/engine.ts'
import { fromHex, toHex } from '../../../sdk/units.ts'
import { must } from './must.ts'

const allNetworks: readonly Network[] = ['mainnet', 'testnet4', 'signet', 'regtest']
const taproot = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .filter((key) => currentEngine().isXOnlyKey(key))
  .map((key) => witnessScriptPubKey(1, key))
const hash20 = fc.uint8Array({ minLength: 20, maxLength: 20 })
const future = fc
  .tuple(fc.integer({ min: 2, max: 16 }), fc.uint8Array({ minLength: 2, maxLength: 40 }))
  .map(([version, program]) => witnessScriptPubKey(version, program))
const addressable = fc.oneof(
  hash20.map(p2pkh),
  hash20.map(p2sh),
  hash20.map((hash) => witnessScriptPubKey(0, hash)),
  fc.uint8Array({ minLength: 32, maxLength: 32 }).map((hash) => witnessScriptPubKey(0, hash)),
  taproot,
  future,
)

describe('an address', () => {
  it('of every kind and network is read as the script it was written from', () => {
    fc.assert(
      fc.property(addressable, fc.constantFrom(...allNetworks), (script, network) => {
        const text = encodeAddress(script, network)
        expect(text && must(decodeAddress(text, network))).toEqual(script)
      }),
    )
  })

  // BIP-173 and BIP-350, "Test vectors for v0-v16 native segregated witness addresses".
  it.each([
    ['BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4', 'mainnet', '0014751e76e8199196d454941c45d1b3a323f1433bd6', 'p2wpkh'],
    [
      'tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7',
      'signet',
      '00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262',
      'p2wsh',
    ],
    [
      'bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y',
      'mainnet',
      '5128751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6',
      'witness',
    ],
    ['BC1SW50QGDZ25J', 'mainnet', '6002751e', 'witness'],
    ['bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs', 'mainnet', '5210751e76e8199196d454941c45d1b3a323', 'witness'],
    [
      'tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c',
      'testnet4',
      '5120000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433',
      'p2tr',
    ],
    [
      'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0',
      'mainnet',
      '512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
      'p2tr',
    ],
    ['1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH', 'mainnet', '76a914751e76e8199196d454941c45d1b3a323f1433bd688ac', 'p2pkh'],
    ['3JvL6Ymt8MVWiCNHC7oWU6nLeHNJKLZGLN', 'mainnet', 'a914bcfeb728b584253d5f3f70bcb780e9ef218a68f487', 'p2sh'],
  ] as const)('%s is what its standard says', (text, network, script, kind) => {
    const decoded = must(decodeAddress(text, network))
    expect([toHex(decoded), scriptKind(decoded)]).toEqual([`0x${script}`, kind])
    expect(encodeAddress(decoded, network)).toBe(/^[13]/.test(text) ? text : text.toLowerCase())
  })

  it.each([
    ['tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut', 'a foreign prefix'],
    ['bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd', 'Bech32 instead of Bech32m'],
    ['BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL', 'Bech32 instead of Bech32m'],
    ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh', 'Bech32m instead of Bech32'],
    ['bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4', 'a letter outside the set'],
    ['BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R', 'version 17'],
    ['bc1pw5dgrnzv', 'a program of one byte'],
    ['bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav', 'a program of 41 bytes'],
    ['BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P', 'version 0 with 16 bytes'],
    ['bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf', 'padding of more than 4 bits'],
    ['bc1gmk9yu', 'no data'],
    ['1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMh', 'a wrong base58 checksum'],
    ['1'.repeat(91), 'too many letters'],
  ])('%s is refused: %s', (text) => {
    expect(decodeAddress(text, 'mainnet').ok).toBe(false)
  })

  it('of mixed case, or padded with ones, is refused (BIP-350)', () => {
    expect(decodeAddress('tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq', 'signet').ok).toBe(false)
    expect(decodeAddress('tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j', 'signet').ok).toBe(false)
  })

  it('of another network is refused, and says so', () => {
    const script = witnessScriptPubKey(0, new Uint8Array(20))
    for (const [written, read] of [
      ['mainnet', 'signet'],
      ['signet', 'mainnet'],
      ['regtest', 'signet'],
    ] as const) {
      const text = encodeAddress(script, written) as string
      expect(decodeAddress(text, read)).toEqual({ ok: false, reason: 'the address belongs to another network' })
    }
    const old = encodeAddress(p2pkh(new Uint8Array(20)), 'mainnet') as string
    expect(decodeAddress(old, 'regtest')).toEqual({ ok: false, reason: 'the address belongs to another network' })
  })

  it('of a taproot key that is no point is refused, since nobody could spend from it', () => {
    const text = encodeAddress(witnessScriptPubKey(1, fromHex(`0x${'00'.repeat(31)}05`)), 'mainnet') as string
    expect(decodeAddress(text, 'mainnet')).toEqual({ ok: false, reason: 'the taproot key is no point' })
  })

  it('does not exist for data, bare scripts and odd programs of version 0', () => {
    for (const script of ['6a0401020304', '', '51', '0015aabbccddeeff00112233445566778899aabbccddee', '5103aabb'])
      expect(encodeAddress(fromHex(`0x${script}`), 'mainnet')).toBeUndefined()
  })

  it('never makes the decoder throw', () => {
    const text = fc.oneof(
      fc.string({ maxLength: 100 }),
      fc.string({ maxLength: 80 }).map((tail) => `bc1${tail}`),
    )
    fc.assert(fc.property(text, fc.constantFrom(...allNetworks), (text, network) => !decodeAddress(text, network).ok))
  })
})
