import { keccak_256 } from '@noble/hashes/sha3.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keccak256 } from '../../../sdk/crypto/keccak.ts'

/** Bytes as they come: a part of a larger buffer, which begins at any address. */
const part = fc
  .tuple(fc.uint8Array({ minLength: 8, maxLength: 2_000 }), fc.nat({ max: 7 }))
  .map(([buffer, start]) => buffer.subarray(start))

describe('keccak256, beside the library', () => {
  it('is the same for every length up to 600, wherever the bytes begin', () => {
    const buffer = Uint8Array.from({ length: 603 }, (_, at) => 7 * at + (at >> 8))
    for (let size = 0; size <= 600; size++)
      for (let start = 0; start < 4; start++) {
        const bytes = buffer.subarray(start, Math.min(start + size, buffer.length))
        expect(keccak256(bytes), `${size} bytes from ${start}`).toEqual(keccak_256(bytes))
      }
  })

  it('is the same for any bytes', () => {
    fc.assert(
      fc.property(part, (bytes) => {
        const before = bytes.slice()
        expect(keccak256(bytes)).toEqual(keccak_256(before))
        expect(bytes).toEqual(before)
      }),
      { numRuns: 500 },
    )
  })

  it('is the same for one bit anywhere in three blocks', () => {
    for (let bit = 0; bit < 8 * 3 * 136; bit += 5) {
      const bytes = new Uint8Array(3 * 136)
      bytes[bit >> 3] = 1 << (bit & 7)
      expect(keccak256(bytes), `bit ${bit}`).toEqual(keccak_256(bytes))
    }
  })
})

describe('keccak256', () => {
  it.each<[string, unknown]>([
    ['text', 'abc'],
    ['an array', [1, 2, 3]],
    ['words', new Uint32Array(2)],
    ['nothing', undefined],
  ])('takes bytes alone: not %s', (_, input) => {
    expect(() => keccak256(input as Uint8Array)).toThrow(TypeError)
  })
})
