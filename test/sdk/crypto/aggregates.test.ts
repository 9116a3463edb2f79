import { bls12_381 } from '@noble/curves/bls12-381.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AggregateClaim, verifyAggregates } from '../../../sdk/crypto/aggregates.ts'
import { messagePoint } from '../../../sdk/crypto/messagePoints.ts'
import { clearCofactor, isInGroup, normOf, pairRoot, rootOfEither } from '../../../sdk/crypto/signaturePoints.ts'

const { G1, G2, fields, longSignatures } = bls12_381
const suite = 'BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_'
type LibraryMark = typeof G2.Point.BASE
const hashed = (message: Uint8Array) => longSignatures.hash(message, suite) as LibraryMark
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

/** Bytes of small numbers as x: of a point in no group, or of none. */
function strayBytes(size: 48 | 96, x: number): Uint8Array {
  const bytes = new Uint8Array(size)
  bytes[0] = 0x80
  bytes[size - 1] = x
  return bytes
}

/** Bytes of a point of the curve that is in no group: the library writes only those that are. */
function writtenAnyway(point: LibraryMark): Uint8Array {
  const { x, y } = point.toAffine()
  const bytes = Uint8Array.from([...fields.Fp.toBytes(x.c1), ...fields.Fp.toBytes(x.c0)])
  bytes[0] = (bytes[0] as number) | (2n * (y.c1 || y.c0) > fields.Fp.ORDER ? 0xa0 : 0x80)
  return bytes
}

/** Of the curve, in no group. */
function strayPoint(): LibraryMark {
  const { Fp2 } = fields
  const x = Fp2.fromBigTuple([2n, 0n])
  const y = Fp2.sqrt(Fp2.add(Fp2.mul(Fp2.sqr(x), x), Fp2.fromBigTuple([4n, 4n])))
  return G2.Point.fromAffine({ x, y })
}

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
    // The same message twice: each is judged by itself; the same words twice are one claim.
    const [seven, nine] = [claimOf(7n, messageOf(2)), claimOf(9n, messageOf(2))]
    expect(verifyAggregates([seven, nine])).toBe(true)
    expect(verifyAggregates([seven, { ...seven }])).toBe(true)
    expect(verifyAggregates([seven, { ...seven, plus: nine.plus }])).toBe(false)
    expect(verifyAggregates([seven, { ...seven, plus: [...seven.plus, ...nine.plus] }])).toBe(false)
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
      { numRuns: 12 },
    )
    expect(verifyAggregates([])).toBe(false)
    expect(verifyAggregates([{ ...claim, plus: [] }])).toBe(false)
    expect(verifyAggregates([{ ...claim, minus: claim.plus }])).toBe(false)
  })

  it('do not hold for infinity, as key or as signature', () => {
    const claim = claimOf(11n, messageOf(4))
    expect(verifyAggregates([{ ...claim, plus: [G1.Point.ZERO.toBytes()] }])).toBe(false)
    expect(verifyAggregates([{ ...claim, signature: G2.Point.ZERO.toBytes() }])).toBe(false)
  })

  it('do not hold with points outside the groups, nor where signatures cancel each other out', () => {
    const claim = claimOf(11n, messageOf(4))
    for (let x = 1; x < 6; x++) {
      const stray = strayBytes(48, x)
      // Once more: what was refused is not remembered as checked.
      for (let time = 0; time < 2; time++) expect(verifyAggregates([{ ...claim, plus: [stray] }])).toBe(false)
      expect(verifyAggregates([{ ...claim, signature: strayBytes(96, x) }])).toBe(false)
    }
    const negative = G2.Point.fromBytes(claim.signature).negate().toBytes()
    expect(verifyAggregates([claim, { ...claimOf(5n, messageOf(6)), signature: negative }])).toBe(false)
  })

  it("are of the library's point for every message", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (message) => {
        const point = messagePoint(message, suite)
        expect(point.equals(hashed(message))).toBe(true)
        point.assertValidity()
      }),
      { numRuns: 12 },
    )
  })

  it("see a point's group and clear its cofactor as the library does, in the group and outside", () => {
    const seen = { inside: 0, outside: 0, notOnCurve: 0 }
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: fields.Fp.ORDER - 1n }), fc.nat(9), (c0, c1) => {
        const { Fp2 } = fields
        const x = Fp2.fromBigTuple([c0, BigInt(c1)])
        const square = Fp2.add(Fp2.mul(Fp2.sqr(x), x), G2.Point.CURVE().b)
        let y: typeof x
        try {
          y = Fp2.sqrt(square)
        } catch {
          expect(() => pairRoot(square, rootOfEither(normOf(square)))).toThrow(RangeError)
          seen.notOnCurve += 1
          return
        }
        const ours = pairRoot(square, rootOfEither(normOf(square)))
        expect([y, Fp2.neg(y)]).toContainEqual(ours)
        const point = G2.Point.fromAffine({ x, y })
        const cleared = clearCofactor(point)
        expect(cleared.equals(point.clearCofactor())).toBe(true)
        for (const one of [point, cleared, point.add(cleared)]) {
          expect(isInGroup(one)).toBe(one.isTorsionFree())
          seen[isInGroup(one) ? 'inside' : 'outside'] += 1
        }
      }),
      { numRuns: 16 },
    )
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(0)
    expect(isInGroup(G2.Point.ZERO)).toBe(true)
    // Points of a small order come to infinity on the way.
    const { h, n } = G2.Point.CURVE()
    const stray = strayPoint()
    for (const order of [13n ** 2n, 23n ** 2n, 2713n]) {
      const bits = ((h / order) * n).toString(2)
      const small = [...bits].reduce(
        (sum, bit) => (bit === '1' ? sum.double().add(stray) : sum.double()),
        G2.Point.ZERO,
      )
      expect(small.is0()).toBe(false)
      expect(isInGroup(small)).toBe(false)
      expect(clearCofactor(small).is0()).toBe(true)
      const mixed = small.add(G2.Point.BASE)
      expect(isInGroup(mixed)).toBe(false)
      expect(clearCofactor(mixed).equals(mixed.clearCofactor())).toBe(true)
    }
    expect(clearCofactor(G2.Point.ZERO).is0()).toBe(true)
  })

  it('root pairs whose halves are zero, and no pair that has no root', () => {
    const { Fp2 } = fields
    for (const [c0, c1] of [
      [0n, 0n],
      [4n, 0n],
      [2n, 0n],
      [-4n, 0n],
      [-2n, 0n],
      [0n, 8n],
      [0n, -8n],
      [3n, 5n],
    ] as const) {
      const pair = Fp2.sqr(Fp2.fromBigTuple([c0, c1]))
      for (const square of [pair, Fp2.fromBigTuple([c0, 0n])]) {
        const root = pairRoot(square, rootOfEither(normOf(square)))
        expect(Fp2.sqr(root)).toEqual(square)
      }
      const none = Fp2.mul(pair, Fp2.fromBigTuple([1n, 1n]))
      if (!Fp2.is0(none)) expect(() => pairRoot(none, rootOfEither(normOf(none)))).toThrow(RangeError)
    }
  })

  it('hold by the sum of their signatures, which alone has to be in the group', () => {
    const [one, other] = [claimOf(11n, messageOf(4)), claimOf(5n, messageOf(6))]
    const stray = strayPoint()
    expect(stray.isTorsionFree()).toBe(false)
    const moved = (claim: AggregateClaim, by: LibraryMark) => {
      const signature = writtenAnyway(G2.Point.fromBytes(claim.signature).add(by))
      return { ...claim, signature }
    }
    expect(writtenAnyway(G2.Point.fromBytes(one.signature))).toEqual(one.signature)
    const pair = [moved(one, stray), moved(other, stray.negate())] as const
    expect(verifyAggregates(pair)).toBe(true)
    for (const claims of [[pair[0]], [pair[1]], [pair[0], other], [one, pair[1]], [pair[0], moved(other, stray)]])
      expect(verifyAggregates(claims)).toBe(false)
  })

  it('do not hold with a signature in any writing but the one', () => {
    const claim = claimOf(11n, messageOf(4))
    const flagged = (flags: number) => claim.signature.map((byte, at) => (at === 0 ? (byte & 0x1f) | flags : byte))
    const flags = [0x00, 0x20, 0x40, 0x60, 0x80, 0xa0, 0xc0, 0xe0].map((one) => flagged(one))
    const held = flags.map((signature) => verifyAggregates([{ ...claim, signature }]))
    expect(held.filter((one) => one)).toHaveLength(1)
    const { signature } = claim
    const beyond = signature.map((byte, at) => (at === 0 ? byte | 0x1f : at < 48 ? 0xff : byte))
    const uncompressed = G2.Point.fromBytes(signature).toBytes(false)
    for (const other of [
      signature.subarray(1),
      Uint8Array.of(...signature, 0),
      beyond,
      uncompressed,
      new Uint8Array(0),
    ])
      expect(verifyAggregates([{ ...claim, signature: other }])).toBe(false)
  })
})
