import { bls12_381 } from '@noble/curves/bls12-381.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AggregateClaim, verifyAggregates } from '../../../sdk/crypto/aggregates.ts'
import { least, prime } from '../../../sdk/crypto/bls/field.ts'
import { markOf } from '../../../sdk/crypto/bls/mapping.ts'
import { isProductOne } from '../../../sdk/crypto/bls/pairing.ts'
import {
  flatKey,
  flatMark,
  isInGroup,
  isKeyInGroup,
  type Key,
  type Mark,
  negativeBase,
  readKey,
  readMark,
} from '../../../sdk/crypto/bls/points.ts'

const { G1, G2, longSignatures } = bls12_381
const suite = 'BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_'
type LibraryMark = typeof G2.Point.BASE
const hashed = (message: Uint8Array) => longSignatures.hash(message, suite) as LibraryMark
const secrets = fc.bigInt({ min: 1n, max: G1.Point.Fn.ORDER - 1n })
const messages = fc.uint8Array({ minLength: 32, maxLength: 32 })
const messageOf = (value: number) => new Uint8Array(32).fill(value)

/** By the library: what one secret says to one message. */
function claimOf(secret: bigint, message: Uint8Array): AggregateClaim {
  return {
    plus: [G1.Point.BASE.multiply(secret).toBytes()],
    minus: [],
    message,
    signature: hashed(message).multiply(secret).toBytes(),
  }
}

/** A point of the curve that is in no group: one in 2^100 or so is. */
function strayBytes(size: 48 | 96): Uint8Array {
  for (let x = 3; ; x++) {
    const bytes = new Uint8Array(size)
    bytes[0] = 0x80
    bytes[size - 1] = x
    if (size === 48 ? readKey(bytes) : readMark(bytes)) return bytes
  }
}

const flat = (point: Mark) => {
  const { x, y } = flatMark(point)
  return [x.re, x.im, y.re, y.im].map(least)
}
const libraryFlat = (point: LibraryMark) => {
  const { x, y } = point.toAffine()
  return [x.c0, x.c1, y.c0, y.c1]
}

describe('points and hashes beside the library', () => {
  it('hashes to the same points, whatever the length of the message', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (message) => {
        expect(flat(markOf(message, suite))).toEqual(libraryFlat(hashed(message)))
      }),
      { numRuns: 12 },
    )
  })

  it('reads keys and signatures as the library does, and finds them in their groups', () => {
    fc.assert(
      fc.property(secrets, (secret) => {
        const [libraryKey, libraryMark] = [G1.Point.BASE.multiply(secret), G2.Point.BASE.multiply(secret)]
        const [key, mark] = [readKey(libraryKey.toBytes()), readMark(libraryMark.toBytes())] as [Key, Mark]
        expect([flatKey(key).x, least(flatKey(key).y)]).toEqual(Object.values(libraryKey.toAffine()))
        expect(flat(mark)).toEqual(libraryFlat(libraryMark))
        expect([isKeyInGroup(key), isInGroup(mark)]).toEqual([true, true])
      }),
      { numRuns: 8 },
    )
  })

  it('finds points of the curves that are in no group', () => {
    expect(isKeyInGroup(readKey(strayBytes(48)) as Key)).toBe(false)
    expect(isInGroup(readMark(strayBytes(96)) as Mark)).toBe(false)
  })

  it('reads nothing from a wrong length, wrong flags, infinity, a number that is too large, and x of no point', () => {
    const key = G1.Point.BASE.toBytes()
    const mark = G2.Point.BASE.toBytes()
    const flagged = (bytes: Uint8Array, mask: number) => bytes.map((byte, at) => (at === 0 ? byte ^ mask : byte))
    const large = Uint8Array.from(Buffer.from((prime + (1n << 383n)).toString(16), 'hex'))
    for (const bytes of [key.subarray(1), mark, flagged(key, 0x80), G1.Point.ZERO.toBytes(), large, new Uint8Array(48)])
      expect(readKey(bytes)).toBeUndefined()
    const largeParts = [
      new Uint8Array([...large, ...mark.subarray(48)]),
      new Uint8Array([...mark.subarray(0, 48), ...large]),
    ]
    for (const bytes of [mark.subarray(1), key, flagged(mark, 0x80), G2.Point.ZERO.toBytes(), ...largeParts])
      expect(readMark(bytes)).toBeUndefined()
    const noPoint = new Uint8Array(48).fill(0)
    noPoint[0] = 0x80
    noPoint[47] = 1
    expect(() => G1.Point.fromBytes(noPoint)).toThrow()
    expect(readKey(noPoint)).toBeUndefined()
  })

  it('multiplies pairings as the group laws have it: e(a P, Q) is e(P, a Q), and nothing else', () => {
    fc.assert(
      fc.property(secrets, messages, (secret, message) => {
        const point = hashed(message)
        const key = readKey(G1.Point.BASE.multiply(secret).toBytes()) as Key
        const moved = readMark(point.multiply(secret).toBytes()) as Mark
        const still = readMark(point.toBytes()) as Mark
        expect(
          isProductOne([
            [key, still],
            [negativeBase, moved],
          ]),
        ).toBe(true)
        expect(
          isProductOne([
            [key, still],
            [negativeBase, still],
          ]),
        ).toBe(secret === 1n)
        expect(isProductOne([[key, still]])).toBe(false)
      }),
      { numRuns: 4 },
    )
  })
})

describe('aggregates', () => {
  it('hold for one key, for a sum of keys, for a sum without some, and for several messages at once', () => {
    const message = messageOf(1)
    const keys = [3n, 5n, 8n].map((secret) => G1.Point.BASE.multiply(secret).toBytes())
    const all = G1.Point.BASE.multiply(16n).toBytes()
    const both = hashed(message).multiply(8n).toBytes()
    const [first, second, third] = keys as [Uint8Array, Uint8Array, Uint8Array]
    expect(verifyAggregates([{ plus: [first, second], minus: [], message, signature: both }])).toBe(true)
    expect(verifyAggregates([{ plus: [all], minus: [third], message, signature: both }])).toBe(true)
    expect(verifyAggregates([{ plus: [all], minus: [second], message, signature: both }])).toBe(false)
    expect(verifyAggregates([claimOf(7n, messageOf(2)), claimOf(9n, messageOf(3))])).toBe(true)
    // The same message twice: each is judged by itself.
    expect(verifyAggregates([claimOf(7n, messageOf(2)), claimOf(9n, messageOf(2))])).toBe(true)
  })

  it('do not hold with a changed byte in key, message or signature, nor by nobody', () => {
    const claim = claimOf(11n, messageOf(4))
    fc.assert(
      fc.property(fc.nat(48 + 32 + 96 - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const parts = [claim.plus[0] as Uint8Array, claim.message, claim.signature].map((part) => part.slice())
        const [key, message, signature] = parts as [Uint8Array, Uint8Array, Uint8Array]
        const [part, place] = at < 48 ? [key, at] : at < 80 ? [message, at - 48] : [signature, at - 80]
        part[place] = (part[place] as number) ^ change
        expect(verifyAggregates([{ plus: [key], minus: [], message, signature }])).toBe(false)
      }),
      { numRuns: 25 },
    )
    expect(verifyAggregates([])).toBe(false)
    expect(verifyAggregates([{ ...claim, plus: [] }])).toBe(false)
    expect(verifyAggregates([{ ...claim, minus: claim.plus }])).toBe(false)
  })

  it('do not hold with points outside the groups, nor where signatures cancel each other out', () => {
    const claim = claimOf(11n, messageOf(4))
    expect(verifyAggregates([{ ...claim, plus: [strayBytes(48)] }])).toBe(false)
    expect(verifyAggregates([{ ...claim, signature: strayBytes(96) }])).toBe(false)
    const negative = G2.Point.fromBytes(claim.signature).negate().toBytes()
    expect(verifyAggregates([claim, { ...claimOf(5n, messageOf(6)), signature: negative }])).toBe(false)
  })
})
