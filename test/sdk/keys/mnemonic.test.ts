import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { webCipher } from '../../../sdk/adapters/webCipher.ts'
import {
  entropyOf,
  mnemonicFromEntropy,
  mnemonicTextMax,
  parseMnemonic,
  seedInputs,
  seedOf,
} from '../../../sdk/keys/index.ts'
import { anyText } from '../../anyText.ts'
import { codeOf, must, testMnemonic } from './published.ts'

const entropy = fc.constantFrom(16, 20, 24, 28, 32).chain((size) => fc.uint8Array({ minLength: size, maxLength: size }))

describe('parseMnemonic', () => {
  it('reads any case, any white space and full-width letters', () => {
    const typed = `\n  ${testMnemonic.toUpperCase().replaceAll(' ', ' \t\u3000')}\r\n`
    expect(parseMnemonic(typed)).toEqual({ ok: true, value: testMnemonic })
    expect(parseMnemonic(testMnemonic.replace('test', 'ｔｅｓｔ'))).toEqual({ ok: true, value: testMnemonic })
  })

  it('says which words are not in the list, by position, without echoing any', () => {
    const parsed = parseMnemonic(testMnemonic.replace('test test', 'tets test').replace('junk', 'jnuk'))
    expect(parsed).toEqual({ ok: false, reason: 'not in the English list: word 1, 12' })
  })

  it('refuses a wrong checksum, a wrong number of words and endless text', () => {
    const reason = (text: string) => {
      const parsed = parseMnemonic(text)
      return parsed.ok ? 'accepted' : parsed.reason
    }
    expect(reason(testMnemonic.replace('junk', 'test'))).toMatch(/checksum/)
    expect(reason(testMnemonic.replace(' junk', ''))).toMatch(/has 11$/)
    expect(reason('')).toMatch(/has 0$/)
    expect(reason('test '.repeat(mnemonicTextMax))).toMatch(/longer/)
  })

  it('never throws, and no reason holds a word of the text', () => {
    fc.assert(
      fc.property(anyText(), fc.string({ unit: 'grapheme' }), (one, other) => {
        for (const text of [one, other, `${testMnemonic} ${one}`]) {
          const parsed = parseMnemonic(text)
          if (!parsed.ok) expect(parsed.reason).not.toContain('test')
        }
      }),
    )
  })

  it('entropy and words are one to one', () => {
    fc.assert(
      fc.property(entropy, (bytes) => {
        const mnemonic = mnemonicFromEntropy(bytes)
        expect(parseMnemonic(mnemonic)).toEqual({ ok: true, value: mnemonic })
        expect(entropyOf(mnemonic)).toEqual(bytes)
      }),
    )
  })
})

describe('mnemonicFromEntropy', () => {
  it.each([0, 15, 17, 33, 64])('refuses %i bytes', (size) => {
    expect(codeOf(() => mnemonicFromEntropy(new Uint8Array(size)))).toBe('keys/malformed-mnemonic')
  })
})

describe('seed', () => {
  const mnemonic = must(parseMnemonic(testMnemonic))

  it("is the same from the platform's PBKDF2 as from plain JavaScript", async () => {
    for (const passphrase of ['', 'TREZOR', 'Å\u3000ｱ'])
      expect(await webCipher().pbkdf2(seedInputs(mnemonic, passphrase))).toEqual(seedOf(mnemonic, passphrase))
  })

  it('does not depend on how the passphrase is composed', () => {
    expect(seedOf(mnemonic, 'caf\u00e9')).toEqual(seedOf(mnemonic, 'cafe\u0301'))
  })

  it('refuses a passphrase that has no UTF-8 form', () => {
    expect(codeOf(() => seedOf(mnemonic, '\ud800'))).toBe('keys/malformed-mnemonic')
    expect(codeOf(() => seedInputs(mnemonic, '\udc00x'))).toBe('keys/malformed-mnemonic')
  })
})
