import fc from 'fast-check'
import { hashMessage, hashTypedData } from 'viem'
import { describe, expect, it } from 'vitest'
import { messageHash, messagePayload, typedDataHash, typedDataPayload } from '../../../sdk/evm/message.ts'
import { decodeTypedData, type TypedData, typedDataDepthMax } from '../../../sdk/evm/typedData.ts'
import { toHex } from '../../../sdk/units.ts'
import { anyText } from '../../anyText.ts'

function decoded(json: unknown): TypedData {
  const data = decodeTypedData(json)
  if (!data.ok) throw new Error(data.reason)
  return data.value
}

/** The example of EIP-712, with its published hash. */
const mail = {
  types: {
    EIP712Domain: [
      { name: 'name', type: 'string' },
      { name: 'version', type: 'string' },
      { name: 'chainId', type: 'uint256' },
      { name: 'verifyingContract', type: 'address' },
    ],
    Person: [
      { name: 'name', type: 'string' },
      { name: 'wallet', type: 'address' },
    ],
    Mail: [
      { name: 'from', type: 'Person' },
      { name: 'to', type: 'Person' },
      { name: 'contents', type: 'string' },
    ],
  },
  primaryType: 'Mail',
  domain: {
    name: 'Ether Mail',
    version: '1',
    chainId: 1,
    verifyingContract: '0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC',
  },
  message: {
    from: { name: 'Cow', wallet: '0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826' },
    to: { name: 'Bob', wallet: '0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB' },
    contents: 'Hello, Bob!',
  },
}
const mailHash = '0xbe609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2'

describe('personal messages (ERC-191)', () => {
  it('hash as in viem, text and bytes alike', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.uint8Array(), (text, raw) => {
        expect(toHex(messageHash(messagePayload(text)))).toBe(hashMessage(text))
        expect(toHex(messageHash(messagePayload(raw)))).toBe(hashMessage({ raw }))
      }),
    )
  })
})

describe('typed data (EIP-712)', () => {
  it('the example of the standard has its published hash, as an object and as text', () => {
    expect(toHex(typedDataHash(decoded(mail)))).toBe(mailHash)
    expect(toHex(typedDataHash(decoded(JSON.stringify(mail))))).toBe(mailHash)
  })

  it('the payload holds what is signed and nothing else, and reads back the same', () => {
    const extra = {
      ...mail,
      types: { ...mail.types, Unused: [{ name: 'secret', type: 'uint256' }] },
      domain: { ...mail.domain, salt: `0x${'00'.repeat(32)}` },
      message: { ...mail.message, note: 'shown, but not signed' },
    }
    const payload = typedDataPayload(decoded(extra))
    expect(payload).toEqual(typedDataPayload(decoded(mail)))
    const text = new TextDecoder().decode(payload)
    expect(text).not.toMatch(/note|secret|salt/)
    expect(decoded(text)).toEqual(decoded(mail))
    expect(toHex(typedDataHash(decoded(text)))).toBe(mailHash)
  })

  it('derives the domain’s type from its fields, as viem does', () => {
    for (const domain of [
      {},
      { name: 'a' },
      { chainId: 5, salt: `0x${'11'.repeat(32)}` },
      { version: '1', name: null },
    ]) {
      const { EIP712Domain: _, ...types } = mail.types
      const data = { ...mail, types, domain }
      expect(toHex(typedDataHash(decoded(data)))).toBe(hashTypedData(data as never))
    }
  })

  it('the domain alone can be signed', () => {
    const data = { types: {}, primaryType: 'EIP712Domain', domain: { name: 'a' }, message: {} }
    const withType = { ...data, types: { EIP712Domain: [{ name: 'name', type: 'string' }] } }
    expect(toHex(typedDataHash(decoded(withType)))).toBe(hashTypedData(data as never))
  })

  const atoms: readonly (readonly [string, fc.Arbitrary<unknown>])[] = [
    ['string', anyText()],
    ['bool', fc.boolean()],
    ['address', fc.uint8Array({ minLength: 20, maxLength: 20 }).map(toHex)],
    ['bytes', fc.uint8Array().map(toHex)],
    ['bytes4', fc.uint8Array({ minLength: 4, maxLength: 4 }).map(toHex)],
    ['uint8', fc.nat(255)],
    ['int16', fc.integer({ min: -32_768, max: 32_767 })],
    ['uint256', fc.bigInt(0n, 2n ** 256n - 1n)],
    ['int256', fc.bigInt(-(2n ** 255n), 2n ** 255n - 1n)],
  ]
  const fields = fc.array(
    fc.constantFrom(...atoms).chain(([type, value]) =>
      fc.oneof(
        value.map((one) => ({ type, value: one })),
        fc.array(value, { maxLength: 3 }).map((list) => ({ type: `${type}[]`, value: list })),
        fc.array(value, { minLength: 2, maxLength: 2 }).map((list) => ({ type: `${type}[2]`, value: list })),
        fc
          .array(fc.array(value, { maxLength: 2 }), { maxLength: 2 })
          .map((list) => ({ type: `${type}[][]`, value: list })),
      ),
    ),
    { maxLength: 5 },
  )

  it('hashes as viem does, whatever the structs hold, and its payload reads back', () => {
    fc.assert(
      fc.property(fields, fields, (outer, inner) => {
        const struct = (list: typeof outer) => list.map(({ type }, at) => ({ name: `f${at}`, type }))
        const value = (list: typeof outer) => Object.fromEntries(list.map((field, at) => [`f${at}`, field.value]))
        const data = {
          types: {
            Inner: struct(inner),
            Outer: [...struct(outer), { name: 'one', type: 'Inner' }, { name: 'many', type: 'Inner[]' }],
          },
          primaryType: 'Outer',
          domain: { name: 'test', chainId: 1 },
          message: { ...value(outer), one: value(inner), many: [value(inner), value(inner)] },
        }
        const read = decoded(data)
        expect(toHex(typedDataHash(read))).toBe(hashTypedData(data as never))
        const again = decoded(new TextDecoder().decode(typedDataPayload(read)))
        expect(typedDataHash(again)).toEqual(typedDataHash(read))
        expect(typedDataPayload(again)).toEqual(typedDataPayload(read))
      }),
      { numRuns: 200 },
    )
  })

  it('structs may hold themselves, as long as the values end', () => {
    const types = { Node: [{ name: 'next', type: 'Node[]' }] }
    const deep = (levels: number): unknown => ({ next: levels ? [deep(levels - 1)] : [] })
    const data = (levels: number) => ({ types, primaryType: 'Node', domain: {}, message: deep(levels) })
    expect(toHex(typedDataHash(decoded(data(3))))).toBe(hashTypedData(data(3) as never))
    expect(decodeTypedData(data(typedDataDepthMax))).toMatchObject({
      ok: false,
      reason: 'the values are nested too deep',
    })
  })

  it('names that objects inherit are names like any other', () => {
    const name = (field: string) => ({ name: field, type: 'uint8' })
    const types = { constructor: [name('__proto__'), name('toString')] }
    const text = `{"types":${JSON.stringify(types)},"primaryType":"constructor","domain":{},"message":{"__proto__":1,"toString":2}}`
    const read = decoded(text)
    expect(new TextDecoder().decode(typedDataPayload(read))).toContain('"message":{"__proto__":"1","toString":"2"}')
    const plain = text.replaceAll('__proto__', 'a')
    expect(typedDataHash(read)).not.toEqual(typedDataHash(decoded(plain)))
    expect(decodeTypedData(text.replace('"toString":2', '"b":2')).ok).toBe(false)
    expect(decodeTypedData({ ...mail, primaryType: 'hasOwnProperty' }).ok).toBe(false)
  })

  const one = (type: string, value: unknown) => ({
    types: { T: [{ name: 'x', type }] },
    primaryType: 'T',
    domain: {},
    message: { x: value },
  })

  it.each<[string, string, readonly unknown[], readonly unknown[]]>([
    [
      'uint8',
      'uint8',
      [0, 255, '255', '0xff', 255n],
      [256, -1, 1.5, '1.5', '', '0x', 'ff', null, true, Number.NaN, 2 ** 53],
    ],
    ['int8', 'int8', [-128, 127, '-128'], [128, -129, '0x80', '-0x1']],
    ['bool', 'bool', [true, false], ['true', 1, 0, null]],
    ['string', 'string', ['', 'a'], [1, null, {}]],
    ['address', 'address', [`0x${'Ab'.repeat(20)}`], ['0x', `0x${'00'.repeat(21)}`, 1]],
    ['bytes', 'bytes', ['0x', '0x00'], ['0x0', '00', 1, [1]]],
    ['bytes4', 'bytes4', ['0x01020304'], ['0x010203', '0x0102030405']],
    ['uint8[]', 'uint8[]', [[], [1, 2]], [1, '[]', [256], {}, null]],
    ['uint8[2]', 'uint8[2]', [[1, 2]], [[], [1], [1, 2, 3]]],
  ])('judges values of type %s', (_, type, sound, unsound) => {
    for (const value of sound) expect(decodeTypedData(one(type, value)).ok).toBe(true)
    for (const value of [...unsound, undefined]) expect(decodeTypedData(one(type, value)).ok).toBe(false)
  })

  it('integers may be written in any way: the hash is one', () => {
    const hashes = [255, '255', '0xff', '0x00ff', 255n].map((value) =>
      toHex(typedDataHash(decoded(one('uint256', value)))),
    )
    expect(new Set(hashes).size).toBe(1)
  })

  it('refuses types that do not exist', () => {
    for (const type of [
      'uint',
      'int',
      'uint7',
      'uint264',
      'uint0',
      'uint08',
      'bytes0',
      'bytes33',
      'bytes01',
      'Missing',
      'uint8]',
      'uint8[-1]',
      '',
      '[]',
      'function',
    ])
      expect(decodeTypedData(one(type, 1))).toMatchObject({
        ok: false,
        reason: 'a field has a type that does not exist',
      })
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['text that is not JSON', '{'],
    ['a list', []],
    ['no types', { ...mail, types: undefined }],
    ['no primary type', { ...mail, primaryType: undefined }],
    ['a primary type that is not there', { ...mail, primaryType: 'Letter' }],
    ['a built-in primary type', { ...mail, primaryType: 'string' }],
    ['a domain that is text', { ...mail, domain: 'x' }],
    ['a message that is a list', { ...mail, message: [] }],
    ['a struct named as a built-in type', { ...mail, types: { ...mail.types, uint7: [] } }],
    ['a struct with a comma in its name', { ...mail, types: { ...mail.types, 'a,b': [] } }],
    [
      'a field that would end its struct',
      { ...mail, types: { ...mail.types, Mail: [{ name: 'x)', type: 'string' }] } },
    ],
    ['a field without a type', { ...mail, types: { ...mail.types, Mail: [{ name: 'x' }] } }],
    [
      'a field that stands twice',
      {
        ...mail,
        types: {
          ...mail.types,
          Mail: [
            { name: 'x', type: 'bool' },
            { name: 'x', type: 'bool' },
          ],
        },
      },
    ],
    ['a struct that is no list', { ...mail, types: { ...mail.types, Mail: {} } }],
    ['too many types', { ...mail, types: Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`T${at}`, []])) }],
    ['too many values', one('uint8[]', new Array(70_000).fill(1))],
    ['text too long', JSON.stringify(one('string', 'x'.repeat(1_100_000)))],
  ])('refuses %s', (_, json) => {
    expect(decodeTypedData(json).ok).toBe(false)
  })

  it('never throws, and what it takes can be hashed', () => {
    const anything = fc.json().map((text) => JSON.parse(text) as unknown)
    const spoiled = fc.tuple(fc.constantFrom('types', 'primaryType', 'domain', 'message'), anything)
    fc.assert(
      fc.property(spoiled, anything, ([name, value], other) => {
        for (const json of [{ ...mail, [name]: value }, other, { ...mail, types: { ...mail.types, Person: value } }]) {
          const data = decodeTypedData(json)
          if (data.ok) expect(typedDataHash(data.value)).toHaveLength(32)
        }
      }),
      { numRuns: 500 },
    )
  })
})
