import { inspect } from 'node:util'
import { HDKey } from '@scure/bip32'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { currentEngine, useEngine } from '../../../sdk/crypto/index.ts'
import {
  accountStep,
  addressOfKey,
  evmAccountsPath,
  hdNode,
  parseExtendedKey,
  parseMnemonic,
  parsePath,
  pathDepthMax,
  seedOf,
} from '../../../sdk/keys/index.ts'
import { toHex } from '../../../sdk/units.ts'
import { codeOf, must, testAccounts, testMnemonic, testSecretKey } from './published.ts'

const seed = seedOf(must(parseMnemonic(testMnemonic)))
const path = (text: string) => must(parsePath(text))

describe('parsePath', () => {
  it("reads hardened steps marked by ', h or H", () => {
    for (const text of ["m/44'/60'/0'/0", 'm/44h/60h/0h/0', 'm/44H/60H/0H/0'])
      expect(parsePath(text)).toEqual({ ok: true, value: evmAccountsPath() })
    expect(parsePath('m')).toEqual({ ok: true, value: [] })
    expect(parsePath("m/2147483647'/2147483647")).toEqual({ ok: true, value: [4294967295, 2147483647] })
  })

  it.each([
    '',
    '/',
    'm/',
    'M/0',
    '0/1',
    'm//0',
    'm/0/',
    'm/-1',
    'm/01',
    "m/1''",
    'm/1x',
    'm/2147483648',
    "m/2147483648'",
    'm/99999999999',
    'm/٣',
    `m${'/0'.repeat(pathDepthMax + 1)}`,
    `m/${'0'.repeat(9_999)}`,
  ])('refuses %j', (text) => {
    expect(parsePath(text).ok).toBe(false)
  })

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => typeof parsePath(`m/${text}`).ok === 'boolean'))
  })
})

describe('hdNode', () => {
  const root = hdNode(seed)

  it('leads to the accounts published for the test mnemonic', () => {
    const parent = root.derive(evmAccountsPath())
    const accounts = testAccounts.map((_, index) => addressOfKey(parent.derive(accountStep(index)).publicKey()))
    expect(accounts).toEqual(testAccounts)
    expect(toHex(root.derive(path("m/44'/60'/0'/0/0")).secretKey())).toBe(testSecretKey)
  })

  it('agrees with the library at any depth, as text too, and hands out the secret of what is below', () => {
    const numbers = fc.array(fc.oneof(fc.nat({ max: 2 ** 31 - 1 }), fc.integer({ min: 2 ** 31, max: 2 ** 32 - 1 })), {
      maxLength: 5,
    })
    fc.assert(
      fc.property(numbers, (steps) => {
        const text = steps.map((step) => (step < 2 ** 31 ? step : `${step - 2 ** 31}'`))
        const way = path(['m', ...text].join('/'))
        const expected = HDKey.fromMasterSeed(seed).derive(['m', ...text].join('/'))
        const node = root.derive(way)
        expect([node.extendedPublicKey(), node.extendedSecretKey()]).toEqual([
          expected.publicExtendedKey,
          expected.privateExtendedKey,
        ])
        expect([node.depth, node.index, node.fingerprint]).toEqual([steps.length, expected.index, expected.fingerprint])
        expect(root.secretKey(way)).toEqual(expected.privateKey)
      }),
      { numRuns: 20 },
    )
  })

  it('passes over a number that gives no key', () => {
    const engine = currentEngine()
    const parent = root.derive(path('m/1'))
    const watching = must(parseExtendedKey(parent.extendedPublicKey()))
    const next = parent.derive(path('m/8')).extendedPublicKey()
    for (const [node, kind] of [
      [parent, 'tweakSecretKey'],
      [watching, 'tweakPublicKey'],
    ] as const) {
      let tries = 0
      useEngine({
        ...engine,
        [kind]: (key: Uint8Array, tweak: Uint8Array) => (tries++ ? engine[kind](key, tweak) : undefined),
      })
      try {
        expect(node.derive(path('m/7')).extendedPublicKey()).toBe(next)
      } finally {
        useEngine(engine)
      }
    }
  })

  it('a public node derives the same public children, and no hardened ones', () => {
    const parent = root.derive(evmAccountsPath())
    const watching = must(parseExtendedKey(parent.extendedPublicKey()))
    expect(watching.derive(path('m/0/7')).publicKey()).toEqual(parent.derive(path('m/0/7')).publicKey())
    expect(watching.fingerprint).toBe(parent.fingerprint)
    expect(codeOf(() => watching.derive(path("m/0'")))).toBe('keys/locked')
    expect(codeOf(() => watching.secretKey())).toBe('keys/locked')
    expect(codeOf(() => watching.extendedSecretKey())).toBe('keys/locked')
  })

  it('holds no secret after wipe, and what was derived before still does', () => {
    const node = hdNode(seed)
    const child = node.derive(path("m/1'"))
    node.wipe()
    expect(codeOf(() => node.secretKey())).toBe('keys/locked')
    expect(codeOf(() => node.derive(path("m/1'")))).toBe('keys/locked')
    expect(child.secretKey()).toEqual(root.derive(path("m/1'")).secretKey())
    expect([node.publicKey(), node.fingerprint]).toEqual([root.publicKey(), root.fingerprint])
    const same = root.derive(path('m'))
    same.wipe()
    expect(root.secretKey()).toEqual(hdNode(seed).secretKey())
  })

  it('hands out copies: zeroing one harms nothing', () => {
    const node = root.derive(path('m/5'))
    const [secretKey, publicKey] = [node.secretKey(), node.publicKey()]
    node.secretKey().fill(0)
    node.publicKey().fill(0)
    expect([node.secretKey(), node.publicKey()]).toEqual([secretKey, publicKey])
  })

  it('shows no secret when printed or serialised', () => {
    const shown = `${inspect(root, { depth: 9, showHidden: true })}${JSON.stringify(root)}`
    expect(shown).not.toContain('xprv')
    expect(shown).not.toContain(root.secretKey().join(', '))
    expect(shown).not.toContain(toHex(root.secretKey()).slice(2))
  })

  it('refuses seeds outside 16 to 64 bytes, accounts outside the tree, and paths below its floor', () => {
    expect(codeOf(() => hdNode(new Uint8Array(15)))).toBe('units/out-of-range')
    expect(codeOf(() => hdNode(new Uint8Array(65)))).toBe('units/out-of-range')
    for (const index of [-1, 0.5, 2 ** 31]) expect(codeOf(() => accountStep(index))).toBe('units/out-of-range')
    const deep = root.derive(path(`m${'/0'.repeat(pathDepthMax)}`))
    expect(deep.depth).toBe(pathDepthMax)
    expect(codeOf(() => deep.derive(path('m/0')))).toBe('keys/malformed-path')
    expect(codeOf(() => deep.secretKey(path('m/0')))).toBe('keys/malformed-path')
  })
})

describe('addressOfKey', () => {
  it('takes compressed and uncompressed keys, and refuses what is no point', () => {
    expect(codeOf(() => addressOfKey(new Uint8Array(33)))).toBe('crypto/malformed-key')
    expect(codeOf(() => addressOfKey(new Uint8Array(0)))).toBe('crypto/malformed-key')
  })
})
