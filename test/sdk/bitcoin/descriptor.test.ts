import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { descriptorChecksum } from '../../../sdk/bitcoin/checksum.ts'
import {
  accountOf,
  accountOutput,
  type Descriptor,
  decodeAccountKey,
  decodeDescriptor,
  descriptorCharsMax,
  encodeAddress,
  encodeDescriptor,
  hardened,
  inputWeightMax,
  isOurs,
  multisigAccount,
  outputAt,
} from '../../../sdk/bitcoin/index.ts'
import { toHex } from '../../../sdk/units.ts'
import { multisigOf3, seeded, trAccount, wpkhAccount } from './fixtures.ts'
import { must } from './must.ts'

// Keys of the vectors of BIP-380 to 389.
const keyA =
  'xpub69H7F5d8KSRgmmdJg2KhpAK8SR3DjMwAdkxj3ZuxV27CprR9LgpeyGmXUbC6wb7ERfvrnKZjXoUmmDznezpbZb7ap6r1D3tgFxHmwMkQTPH'
const keyB =
  'xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4ALHY2grBGRjaDMzQLcgJvLJuZZvRcEL'
const keyC =
  'xpub68NZiKmJWnxxS6aaHmn81bvJeTESw724CRDs6HbuccFQN9Ku14VQrADWgqbhhTHBaohPX4CjNLf9fq9MYo6oDaPPLPxSb7gwQN3ih19Zm4Y'
const xprv =
  'xprv9s21ZrQH143K31xYSDQpPDxsXRTUcvj2iNHm5NUtrGiGG5e2DtALGdso3pGz6ssrdK4PFmM8NSpSBHNqPqm55Qn3LqFtT2emdEXVYsCzC2U'

const decodeOne = (text: string): Descriptor => {
  const [descriptor, ...rest] = must(decodeDescriptor(text, 'mainnet'))
  if (!descriptor || rest.length > 0) throw new Error('Not one descriptor.')
  return descriptor
}

describe('a descriptor', () => {
  it('gives the scripts that BIP-382 lists', () => {
    const descriptor = decodeOne(`wpkh([ffffffff/13']${keyA}/1/2/*)`)
    expect([0, 1, 2].map((index) => toHex(outputAt(descriptor, index).script))).toEqual([
      '0x0014326b2249e3a25d5dc60935f044ee835d090ba859',
      '0x0014af0bd98abc2f2cae66e36896a39ffe2d32984fb7',
      '0x00141fa798efd1cbf95cebf912c031b8a4a6e9fb9f27',
    ])
  })

  it('gives the sorted multisig scripts that BIP-383 lists', () => {
    const descriptor = decodeOne(`wsh(sortedmulti(2,${keyB}/*,${keyC}/0/0/*))`)
    expect([0, 1].map((index) => toHex(outputAt(descriptor, index).witnessScript as Uint8Array))).toEqual([
      '0x5221025d5fc65ebb8d44a5274b53bac21ff8307fec2334a32df05553459f8b1f7fe1b62102fbd47cc8034098f0e6a94c6aeee8528abf0a2153a5d8e46d325b7284c046784652ae',
      '0x52210264fd4d1f5dea8ded94c61e9641309349b62f27fbffe807291f664e286bfbe6472103f4ece6dfccfa37b211eb3d0af4d0c61dba9ef698622dc17eecdf764beeb005a652ae',
    ])
  })

  it('of a pair stands for two, in order (BIP-389)', () => {
    const pair = must(decodeDescriptor(`wpkh([ffffffff/13h]${keyA}/<1;3>/*)`, 'mainnet'))
    expect(pair.map(encodeDescriptor)).toEqual(
      [1, 3].map((step) => encodeDescriptor(decodeOne(`wpkh([ffffffff/13h]${keyA}/${step}/*)`))),
    )
  })

  it.each([wpkhAccount(), trAccount(), multisigOf3()])('is written as it is read', (account) => {
    for (const descriptor of [account.receive, account.change]) {
      const text = encodeDescriptor(descriptor)
      expect(encodeDescriptor(decodeOne(text))).toBe(text)
      expect(outputAt(decodeOne(text), 7)).toEqual(outputAt(descriptor, 7))
    }
  })

  it('writes its origin with h, and counts a key without one as its own master', () => {
    const text = encodeDescriptor(decodeOne(`wpkh([FFFFFFFF/84'/0h/0']${keyA}/0/*)`))
    expect(text.slice(0, text.indexOf('xpub'))).toBe('wpkh([ffffffff/84h/0h/0h]')
    const bare = decodeOne(`tr(${keyA}/0/*)`)
    expect(outputAt(bare, 5).keys).toMatchObject([
      { path: [0, 5], fingerprint: expect.stringMatching(/^[0-9a-f]{8}$/) },
    ])
    expect(encodeDescriptor(decodeOne(encodeDescriptor(bare)))).toBe(encodeDescriptor(bare))
  })

  it('of a key of a test network is for test networks', () => {
    const vpub =
      'vpub5Y6cjg78GGuNLsaPhmYsiw4gYX3HoQiRBiSwDaBXKUafCt9bNwWQiitDk5VZ5BVxYnQdwoTyXSs2JHRPAgjAvtbBrf8ZhDYe2jWAqvZVnsc'
    const key = must(decodeAccountKey({ xpub: vpub, network: 'regtest' }))
    expect(key.xpub.slice(0, 4)).toBe('tpub')
    expect(must(decodeDescriptor(`wpkh(${key.xpub}/0/*)`, 'signet'))).toHaveLength(1)
    expect(decodeDescriptor(`wpkh(${key.xpub}/0/*)`, 'mainnet').ok).toBe(false)
    expect(decodeDescriptor(`wpkh(${keyA}/0/*)`, 'signet').ok).toBe(false)
    expect(decodeAccountKey({ xpub: vpub, network: 'mainnet' }).ok).toBe(false)
  })

  it.each([
    ['a private key', `wpkh(${xprv}/0/*)`],
    ['hardened children', `wpkh(${keyA}/0/*h)`],
    ['a hardened step', `wpkh(${keyA}/0h/*)`],
    ['no range', `wpkh(${keyA}/0)`],
    ['a step of 2^31', `wpkh(${keyA}/2147483648/*)`],
    ['an origin step of 2^31', `wpkh([ffffffff/2147483648]${keyA}/0/*)`],
    ['a short fingerprint', `wpkh([fffffff/84h]${keyA}/0/*)`],
    ['a fingerprint that is not hexadecimal', `wpkh([gfffffff/84h]${keyA}/0/*)`],
    ['two origins', `wpkh([ffffffff][ffffffff]${keyA}/0/*)`],
    ['a slash too many in the origin', `wpkh([ffffffff/84h/]${keyA}/0/*)`],
    ['a foreign mark of hardening', `wpkh([ffffffff/84H]${keyA}/0/*)`],
    ['a range in the origin', `wpkh([ffffffff/*]${keyA}/0/*)`],
    ['a pair of equal steps', `wpkh(${keyA}/<1;1>/*)`],
    ['half a pair', `wpkh(${keyA}/<0;>/*)`],
    ['two pairs', `wpkh(${keyA}/<0;1>/<2;3>/*)`],
    ['a pair on one key only', `wsh(sortedmulti(1,${keyB}/<0;1>/*,${keyC}/0/*))`],
    ['a form this wallet does not speak', `sh(wpkh(${keyA}/0/*))`],
    ['a tree of scripts', `tr(${keyA}/0/*,pk(${keyB}/0/*))`],
    ['unsorted keys', `wsh(multi(1,${keyB}/0/*,${keyC}/0/*))`],
    ['more signatures than keys', `wsh(sortedmulti(3,${keyB}/0/*,${keyC}/0/*))`],
    ['no signature', `wsh(sortedmulti(0,${keyB}/0/*,${keyC}/0/*))`],
    ['a key twice', `wsh(sortedmulti(1,${keyB}/0/*,${keyB}/1/*))`],
    ['sixteen keys', `wsh(sortedmulti(1,${Array(16).fill(`${keyB}/0/*`).join(',')}))`],
    ['a wrong letter in the key', `wpkh(${keyA.replace('a', 'b')}/0/*)`],
    ['too many letters', `wpkh(${keyA}${'/0'.repeat(descriptorCharsMax)}/*)`],
    ['too long a path', `wpkh(${keyA}${'/0'.repeat(255)}/*)`],
    ['a letter outside the set', 'wpkh(Ü)'],
    ['nothing', ''],
  ])('with %s is refused', (_, text) => {
    expect(decodeDescriptor(text, 'mainnet').ok).toBe(false)
  })

  it('never makes the decoder throw', () => {
    const text = fc.oneof(
      fc.string(),
      fc
        .array(fc.constantFrom('wsh(', 'sortedmulti(', 'tr(', '2,', keyA, '/0', '/*', ')', '[ffffffff]', '<0;1>', '#'))
        .map((parts) => parts.join('')),
    )
    fc.assert(fc.property(text, (text) => typeof decodeDescriptor(text, 'mainnet').ok === 'boolean'))
  })
})

describe('a checksum', () => {
  // BIP-380, "Test Vectors".
  it('is the one of BIP-380', () => {
    expect(descriptorChecksum('raw(deadbeef)')).toBe('89f8spxm')
    expect(descriptorChecksum('raw(deedbeef)')).not.toBe('89f8spxm')
    expect(descriptorChecksum('raw(Ü)')).toBeUndefined()
  })

  it('may be missing; wrong, empty, short, long or doubled it is refused', () => {
    const text = encodeDescriptor(wpkhAccount().receive)
    const body = text.slice(0, -9)
    expect(decodeDescriptor(body, 'mainnet').ok).toBe(true)
    for (const bad of [`${body}#`, text.slice(0, -1), `${text}q`, `${body}#qqqqqqqq`, `${text}${text.slice(-9)}`])
      expect(decodeDescriptor(bad, 'mainnet')).toEqual({ ok: false, reason: 'the checksum is wrong' })
  })

  it('notices any one changed character', () => {
    const text = encodeDescriptor(multisigOf3().receive)
    fc.assert(
      fc.property(fc.nat({ max: text.length - 1 }), fc.constantFrom(...'0123456789abcdefgh'), (at, letter) => {
        fc.pre(text[at] !== letter)
        return !decodeDescriptor(text.slice(0, at) + letter + text.slice(at + 1), 'mainnet').ok
      }),
    )
  })
})

describe('an account', () => {
  it('knows its scripts by deriving them', () => {
    const account = trAccount()
    const path = { chain: 'change', index: 3 } as const
    const { script } = accountOutput(account, path)
    expect(isOurs(account, path, script)).toBe(true)
    expect(isOurs(account, { ...path, index: 4 }, script)).toBe(false)
    expect(isOurs(account, { ...path, chain: 'receive' }, script)).toBe(false)
    expect(encodeAddress(script, 'mainnet')).toMatch(/^bc1p/)
  })

  it('of several keys has the same scripts whoever names them first', () => {
    const keys = [1, 2, 3].map((seed) => seeded(seed).accountKey(48))
    const other = must(multisigAccount('mainnet', 2, [...keys].reverse()))
    const path = { chain: 'receive', index: 9 } as const
    expect(accountOutput(other, path)).toEqual(accountOutput(multisigOf3(), path))
  })

  it('is made of a pair, and of nothing else', () => {
    const { receive, change } = wpkhAccount()
    expect(accountOf([receive, change]).ok).toBe(true)
    expect(accountOf([receive]).ok).toBe(false)
    expect(accountOf([receive, change, change]).ok).toBe(false)
    expect(accountOf([receive, receive]).ok).toBe(false)
    expect(accountOf([receive, trAccount().change]).ok).toBe(false)
    expect(accountOf([receive, { ...change, network: 'signet' }]).ok).toBe(false)
  })

  it('keeps the way to each key for its signer', () => {
    const { keys } = accountOutput(wpkhAccount(), { chain: 'change', index: 2 })
    expect(keys).toMatchObject([
      { fingerprint: seeded(1).fingerprint, path: [84 + hardened, hardened, hardened, 1, 2] },
    ])
  })

  it.each([
    [wpkhAccount(), 272],
    [trAccount(), 230],
    [multisigOf3(), 418],
  ])('weighs its inputs', (account, weight) => {
    expect(inputWeightMax(account.receive)).toBe(weight)
  })
})
