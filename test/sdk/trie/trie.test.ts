import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keccak256 } from '../../../sdk/crypto/engine.ts'
import { InvariantError } from '../../../sdk/errors.ts'
import { encodeRlp, type RlpItem } from '../../../sdk/rlp.ts'
import {
  buildTrie,
  emptyTrieRoot,
  orderedKey,
  orderedTrie,
  secureKey,
  trieKeyBytesMax,
  verifyTrieProof,
} from '../../../sdk/trie/index.ts'
import { fromHex, type Hex, toHex } from '../../../sdk/units.ts'

type Entries = ReadonlyMap<Hex, Uint8Array>

/** The root by its definition (Yellow Paper, appendix D), from all entries at once. */
function rootByDefinition(entries: Entries): Hex {
  const compose = (pairs: readonly (readonly [string, Uint8Array])[], depth: number): RlpItem => {
    const [[key, value]] = pairs as [[string, Uint8Array]]
    if (pairs.length === 1) return [prefixed(key.slice(depth), 2), value]
    let shared = 0
    while (pairs.every(([other]) => depth + shared < other.length && other[depth + shared] === key[depth + shared]))
      shared += 1
    if (shared > 0) return [prefixed(key.slice(depth, depth + shared), 0), named(compose(pairs, depth + shared))]
    const children = [...'0123456789abcdef'].map((nibble) => {
      const below = pairs.filter(([other]) => other[depth] === nibble)
      return below.length ? named(compose(below, depth + 1)) : new Uint8Array(0)
    })
    return [...children, pairs.find(([other]) => other.length === depth)?.[1] ?? new Uint8Array(0)]
  }
  const prefixed = (nibbles: string, flag: number) =>
    fromHex(nibbles.length % 2 ? `0x${flag + 1}${nibbles}` : `0x${flag}0${nibbles}`)
  const named = (item: RlpItem) => (encodeRlp(item).length < 32 ? item : keccak256(encodeRlp(item)))
  const pairs = [...entries].map(([key, value]) => [key.slice(2), value] as const)
  return toHex(keccak256(encodeRlp(pairs.length ? compose(pairs, 0) : new Uint8Array(0))))
}

function trieOf(entries: Entries) {
  return buildTrie([...entries].map(([key, value]) => [fromHex(key), value]))
}

/** Few byte values and lengths, so that keys meet, split and contain each other; values on both sides of a hash. */
const key = fc
  .array(fc.constantFrom(0x00, 0x01, 0x10, 0x11, 0xff), { maxLength: 4 })
  .map((bytes) => toHex(Uint8Array.from(bytes)))
const value = fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 3 }), fc.uint8Array({ minLength: 20, maxLength: 40 }))
const entries = fc.array(fc.tuple(key, value), { maxLength: 24 }).map((pairs): Entries => new Map(pairs))

describe('a trie', () => {
  it('gives back what stands at a key, and nothing where nothing does', () => {
    fc.assert(
      fc.property(entries, key, (entries, other) => {
        const trie = trieOf(entries)
        for (const [at, value] of entries) expect(trie.get(fromHex(at))).toEqual(value)
        expect(trie.get(fromHex(other))).toEqual(entries.get(other))
      }),
      { numRuns: 300 },
    )
  })

  it('has the root that the definition gives, whatever it holds', () => {
    fc.assert(
      fc.property(entries, (entries) => {
        expect(toHex(trieOf(entries).root)).toBe(rootByDefinition(entries))
      }),
      { numRuns: 500 },
    )
  })

  it('keeps no trace of the updates that led to it', () => {
    const update = fc.tuple(key, fc.option(value))
    fc.assert(
      fc.property(fc.array(update, { maxLength: 40 }), (updates) => {
        let trie = buildTrie([])
        const model = new Map<Hex, Uint8Array>()
        for (const [key, value] of updates) {
          trie = value ? trie.with(fromHex(key), value) : trie.without(fromHex(key))
          if (value) model.set(key, value)
          else model.delete(key)
        }
        expect(toHex(trie.root)).toBe(rootByDefinition(model))
      }),
      { numRuns: 500 },
    )
  })

  it('proves every key it holds and the absence of every other', () => {
    fc.assert(
      fc.property(entries, fc.array(key), (entries, others) => {
        const trie = trieOf(entries)
        for (const key of [...entries.keys(), ...others]) {
          const held = verifyTrieProof({ root: trie.root, key: fromHex(key), proof: trie.prove(fromHex(key)) })
          expect(held).toEqual({ ok: true, value: entries.get(key) ?? null })
        }
      }),
    )
  })

  it('never changes: an update leaves the old root and its proofs standing', () => {
    fc.assert(
      fc.property(entries, key, value, (entries, key, value) => {
        const before = trieOf(entries)
        const root = toHex(before.root)
        const proof = before.prove(fromHex(key)).map(toHex)
        before.with(fromHex(key), value)
        before.without(fromHex(key))
        for (const present of entries.keys()) before.without(fromHex(present))
        expect(toHex(before.root)).toBe(root)
        expect(before.prove(fromHex(key)).map(toHex)).toEqual(proof)
      }),
    )
  })

  it('is itself without a key it does not have', () => {
    const trie = buildTrie([
      [fromHex('0x1234'), fromHex('0x01')],
      [fromHex('0x1235'), fromHex('0x02')],
    ])
    for (const absent of ['0x', '0x12', '0x1236', '0x1334', '0x123456', '0x99'] as const)
      expect(trie.without(fromHex(absent))).toBe(trie)
    expect(trie.without(fromHex('0x1234')).without(fromHex('0x1235')).root).toEqual(emptyTrieRoot())
  })

  it('keeps the later of two entries with one key', () => {
    const key = fromHex('0xab')
    const twice = buildTrie([
      [key, fromHex('0x01')],
      [key, fromHex('0x02')],
    ])
    expect(twice.root).toEqual(buildTrie([[key, fromHex('0x02')]]).root)
  })

  it('has the well-known root when it is empty', () => {
    expect(toHex(buildTrie([]).root)).toBe('0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421')
    expect(buildTrie([]).prove(fromHex('0x00'))).toEqual([])
  })

  it('takes no empty value and no key longer than a hash', () => {
    const trie = buildTrie([])
    expect(() => trie.with(fromHex('0x01'), new Uint8Array(0))).toThrow(InvariantError)
    expect(() => buildTrie([[new Uint8Array(trieKeyBytesMax + 1), fromHex('0x01')]])).toThrow(InvariantError)
    expect(() => trie.with(new Uint8Array(trieKeyBytesMax), fromHex('0x01'))).not.toThrow()
  })
})

describe('an ordered trie', () => {
  it('is the trie of its values under their indices in RLP', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 300 }), (values) => {
        const entries = values.map((value, index) => [toHex(encodeRlp(numberItem(index))), value] as const)
        expect(toHex(orderedTrie(values).root)).toBe(rootByDefinition(new Map(entries)))
      }),
      { numRuns: 20 },
    )
  })

  it.each([
    [0, '0x80'],
    [1, '0x01'],
    [127, '0x7f'],
    [128, '0x8180'],
    [256, '0x820100'],
  ])('has item %d at key %s', (index, key) => {
    expect(toHex(orderedKey(index))).toBe(key)
  })
})

describe('a secure key', () => {
  it('is the hash of the bytes', () => {
    // Keccak-256 of nothing.
    expect(toHex(secureKey(new Uint8Array(0)))).toBe(
      '0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470',
    )
  })
})

function numberItem(index: number): Uint8Array {
  if (index === 0) return new Uint8Array(0)
  return index < 256 ? Uint8Array.of(index) : Uint8Array.of(index >> 8, index & 255)
}
