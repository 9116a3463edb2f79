import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeRlp, encodeRlp, isBytes, quantity, type RlpItem, rlpDepthMax, toBigInt } from '../../sdk/rlp.ts'
import { fromHex, type Hex, toHex } from '../../sdk/units.ts'

const { item } = fc.letrec<{ item: RlpItem; bytes: Uint8Array; list: RlpItem[] }>((tie) => ({
  item: fc.oneof({ maxDepth: 5 }, tie('bytes'), tie('list')),
  // Lengths on both sides of the long form, and single bytes on both sides of 0x80.
  bytes: fc.oneof(
    fc.uint8Array({ maxLength: 2 }),
    fc.uint8Array({ minLength: 54, maxLength: 57 }),
    fc.uint8Array({ maxLength: 300 }),
  ),
  list: fc.array(tie('item'), { maxLength: 6 }),
}))

describe('RLP', () => {
  it('is read back as written', () => {
    fc.assert(
      fc.property(item, (item) => {
        expect(decodeRlp(encodeRlp(item))).toEqual({ ok: true, value: item })
      }),
    )
  })

  it('is canonical: bytes that are taken are the one encoding of what they hold', () => {
    let taken = 0
    // Few byte values, so that garbage is often well-formed.
    const garbage = fc.array(fc.constantFrom(0x00, 0x7f, 0x80, 0x81, 0x82, 0xb8, 0xc0, 0xc1, 0xc2, 0xc3, 0xf8, 0x38), {
      maxLength: 6,
    })
    fc.assert(
      fc.property(garbage, (garbage) => {
        const bytes = Uint8Array.from(garbage)
        const decoded = decodeRlp(bytes)
        if (!decoded.ok) return
        taken += 1
        expect(toHex(encodeRlp(decoded.value))).toBe(toHex(bytes))
      }),
      { numRuns: 5_000 },
    )
    expect(taken).toBeGreaterThan(100)
  })

  it('never throws on garbage', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => typeof decodeRlp(bytes).ok === 'boolean'))
  })

  it('refuses a valid encoding with any byte added or cut', () => {
    fc.assert(
      fc.property(item, fc.nat({ max: 255 }), (item, byte) => {
        const bytes = encodeRlp(item)
        expect(decodeRlp(Uint8Array.of(...bytes, byte)).ok).toBe(false)
        expect(decodeRlp(bytes.subarray(0, -1)).ok).toBe(false)
      }),
    )
  })

  it.each([
    ['0x', 'the item is empty'],
    ['0x8000', 'bytes follow the item'],
    ['0x8101', 'a single byte is wrapped without need'],
    ['0x83646f', 'the item is cut short'],
    ['0xc3646f', 'the item is cut short'],
    ['0xc28364', 'the item is cut short'],
    ['0xb837', 'a short length is written in long form'],
    ['0xb90038', 'the length has a leading zero'],
    ['0xb9', 'the length is cut short or beyond any buffer'],
    ['0xbfffffffffffffffff', 'the length is cut short or beyond any buffer'],
    ['0xf90400c0', 'the item is cut short'],
  ])('refuses %s: %s', (bytes, reason) => {
    expect(decodeRlp(fromHex(bytes as Hex))).toEqual({ ok: false, reason })
  })

  it('follows lists down to its depth and not one further, without overflowing the stack', () => {
    const nested = (depth: number) => {
      let item: RlpItem = []
      for (let level = 1; level < depth; level++) item = [item]
      return encodeRlp(item)
    }
    expect(decodeRlp(nested(rlpDepthMax)).ok).toBe(true)
    expect(decodeRlp(nested(rlpDepthMax + 1))).toEqual({
      ok: false,
      reason: `lists are nested deeper than ${rlpDepthMax}`,
    })
    expect(decodeRlp(new Uint8Array(1_000_000).fill(0xc1)).ok).toBe(false)
  })

  it('gives views when it decodes and copies when it encodes', () => {
    const bytes = fromHex('0x83646f67')
    const decoded = decodeRlp(bytes)
    bytes[1] = 0x66
    expect(decoded).toEqual({ ok: true, value: fromHex('0x666f67') })
    const word = fromHex('0x646f67')
    const encoded = encodeRlp(word)
    word[0] = 0
    expect(toHex(encoded)).toBe('0x83646f67')
  })

  it('tells strings from lists', () => {
    expect(isBytes(new Uint8Array(0))).toBe(true)
    expect(isBytes([])).toBe(false)
  })
})

describe('quantity', () => {
  it('is the shortest big-endian form, and read back as written', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 300n }), (value) => {
        const bytes = quantity(value)
        expect(bytes[0]).not.toBe(0)
        expect(toBigInt(bytes)).toBe(value)
      }),
    )
  })

  it.each([
    [0, '0x'],
    [127, '0x7f'],
    [256, '0x0100'],
    [2 ** 53 - 1, '0x1fffffffffffff'],
  ])('of %d is %s', (value, hex) => {
    expect(toHex(quantity(value))).toBe(hex)
  })
})
