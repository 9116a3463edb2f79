import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { halfSipHash } from '../../../sdk/batch/halfSipHash.ts'
import {
  type BinaryKeys,
  checkPlan,
  intern,
  internBinary,
  opCredit,
  opRead,
  opWrite,
  placeKey,
  planKeys,
} from '../../../sdk/batch/index.ts'
import { InvariantError } from '../../../sdk/errors.ts'
import { toHex } from '../../../sdk/units.ts'
import { footprints } from './arbitraries.ts'

/** Keys of few different bytes, so that they repeat and nearly repeat. */
const binaryKeys: fc.Arbitrary<BinaryKeys> = fc
  .record({
    keyBytes: fc.constantFrom(4, 8, 52),
    spans: fc.array(fc.nat(6), { maxLength: 30 }),
    chance: fc.infiniteStream(fc.nat(1)),
    shift: fc.nat(3),
  })
  .map(({ keyBytes, spans, chance, shift }) => {
    const offsets = Int32Array.from([0, ...spans])
    for (let index = 0; index < spans.length; index++)
      offsets[index + 1] = (offsets[index] as number) + (spans[index] as number)
    const total = offsets.at(-1) ?? 0
    const bytes = new Uint8Array(shift + total * keyBytes).subarray(shift)
    for (let key = 0; key < total; key++)
      for (const at of [0, 1, keyBytes - 1]) bytes[key * keyBytes + at] = chance.next().value ?? 0
    const ops = Uint8Array.from(
      { length: total },
      () => [opRead, opWrite, opCredit, opRead][2 * (chance.next().value ?? 0) + (chance.next().value ?? 0)] ?? opRead,
    )
    return {
      bytes,
      keyBytes,
      ops,
      offsets,
      gas: new Float64Array(spans.length).fill(1),
      unknown: new Uint8Array(spans.length),
    }
  })

const seed: fc.Arbitrary<[number, number]> = fc.tuple(fc.integer(), fc.integer())

describe('intern', () => {
  it('numbers places in the order they are first seen, and keeps their ops', () => {
    fc.assert(
      fc.property(footprints, (footprints) => {
        const { count, placeCount, places, entries, offsets, gas, unknown } = intern(footprints)
        expect([count, places.length]).toEqual([footprints.length, placeCount])
        expect(new Set(places.map(placeKey)).size).toBe(placeCount)
        const firsts = [...new Set([...entries].map((entry) => entry >>> 2))]
        expect(firsts).toEqual([...places.keys()])
        footprints.forEach((footprint, index) => {
          const own = [...entries.subarray(offsets[index], offsets[index + 1])]
          const listed = (op: number) => own.filter((entry) => (entry & 3) === op).map((entry) => places[entry >>> 2])
          expect([listed(opRead), listed(opWrite), listed(opCredit)]).toEqual([
            footprint.reads,
            footprint.writes,
            footprint.credits,
          ])
          expect([gas[index], unknown[index]]).toEqual([footprint.gas, footprint.source === 'unknown' ? 1 : 0])
        })
      }),
    )
  })
})

describe('internBinary', () => {
  it('gives the ids of a map, whatever the seed', () => {
    fc.assert(
      fc.property(binaryKeys, seed, (keys, seed) => {
        const ids = new Map<string, number>()
        const expected = Array.from(keys.ops, (op, key) => {
          const text = toHex(keys.bytes.subarray(key * keys.keyBytes, (key + 1) * keys.keyBytes))
          const id = ids.get(text) ?? ids.size
          ids.set(text, id)
          return (id << 2) | op
        })
        const { entries, placeCount } = internBinary(keys, seed)
        expect([...entries]).toEqual(expected)
        expect(placeCount).toBe(ids.size)
      }),
    )
  })

  it('[P9] a place listed twice by one transaction counts with both ops', () => {
    fc.assert(
      fc.property(binaryKeys, (binary) => {
        const keys = internBinary(binary, [1, 2])
        expect(checkPlan(planKeys(keys), keys)).toEqual({ ok: true, value: true })
      }),
    )
  })

  it('stops on keys that do not fit together', () => {
    const keys = {
      bytes: new Uint8Array(8),
      keyBytes: 4,
      ops: new Uint8Array(2),
      offsets: Int32Array.of(0, 2),
      gas: new Float64Array(1),
      unknown: new Uint8Array(1),
    }
    expect(() => internBinary({ ...keys, keyBytes: 6 }, [1, 2])).toThrow(InvariantError)
    expect(() => internBinary({ ...keys, bytes: new Uint8Array(4) }, [1, 2])).toThrow(InvariantError)
    expect(internBinary(keys, [1, 2]).placeCount).toBe(1)
  })
})

/** HalfSipHash with 32 bits out, from its definition, for any number of rounds; `words` are its little-endian input. */
function reference(
  words: readonly number[],
  [key0, key1]: readonly [number, number],
  rounds: number,
  closing: number,
): number {
  const state = [key0, key1, key0 ^ 0x6c796765, key1 ^ 0x74656462] as [number, number, number, number]
  const add = (to: 0 | 1 | 2 | 3, from: 0 | 1 | 2 | 3, turn: number) => {
    state[to] = (state[to] + state[from]) | 0
    state[from] = ((state[from] << turn) | (state[from] >>> (32 - turn))) ^ state[to]
  }
  const half = (at: 0 | 2) => {
    state[at] = (state[at] << 16) | (state[at] >>> 16)
  }
  const mix = (times: number) => {
    for (let round = 0; round < times; round++) {
      add(0, 1, 5)
      half(0)
      add(2, 3, 8)
      add(0, 3, 7)
      add(2, 1, 13)
      half(2)
    }
  }
  for (const word of [...words, (4 * words.length) << 24]) {
    state[3] ^= word
    mix(rounds)
    state[0] ^= word
  }
  state[2] ^= 0xff
  mix(closing)
  return state[1] ^ state[3]
}

describe('halfSipHash', () => {
  it('its reference gives the published values of HalfSipHash-2-4', () => {
    // veorq/SipHash, vectors.h: key 00..07, input 00 01 02 ..., 32 bits out, lengths 0, 4, 8, 12.
    const words = [0x03020100, 0x07060504, 0x0b0a0908]
    const published = [0x5b9f35a9, 0x89466e2a, 0x8f84b8d0, 0x2f87f057]
    expect(
      [0, 1, 2, 3].map((length) => reference(words.slice(0, length), [0x03020100, 0x07060504], 2, 4) >>> 0),
    ).toEqual(published)
  })

  it('is HalfSipHash-1-3', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { maxLength: 20 }), fc.nat(20), seed, (words, start, key) => {
        const from = Math.min(start, words.length)
        expect(halfSipHash(Int32Array.from(words), from, words.length, ...key)).toBe(
          reference(words.slice(from), key, 1, 3),
        )
      }),
    )
  })
})
