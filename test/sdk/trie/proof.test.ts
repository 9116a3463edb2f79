import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keccak256 } from '../../../sdk/crypto/engine.ts'
import { encodeRlp, type RlpItem } from '../../../sdk/rlp.ts'
import { buildTrie, emptyTrieRoot, secureKey, trieKeyBytesMax, verifyTrieProof } from '../../../sdk/trie/index.ts'
import { fromHex, type Hex } from '../../../sdk/units.ts'

const none = new Uint8Array(0)
const short = fromHex('0x01')
const long = new Uint8Array(40).fill(7)

/** A trie of a hundred hashed keys, as state is, and its keys. */
const keys = Array.from({ length: 100 }, (_, index) => secureKey(Uint8Array.of(index)))
const trie = buildTrie(keys.map((key, index) => [key, index % 3 ? long : Uint8Array.of(1 + index)]))
const key = keys[42] as Uint8Array
const absent = secureKey(Uint8Array.of(200))

/** Nodes that name each other, as a forger would make them: the first one's hash is the root. */
function forged(key: Hex, ...nodes: readonly RlpItem[]) {
  const proof = nodes.map(encodeRlp)
  return { root: keccak256(proof[0] as Uint8Array), key: fromHex(key), proof }
}

function hashOf(item: RlpItem): Uint8Array {
  return keccak256(encodeRlp(item))
}

function branch(children: Readonly<Record<number, RlpItem>>, value: RlpItem = none): RlpItem {
  return [...Array.from({ length: 16 }, (_, nibble) => children[nibble] ?? none), value]
}

function reasonOf(told: Parameters<typeof verifyTrieProof>[0]): string {
  const held = verifyTrieProof(told)
  return held.ok ? 'accepted' : held.reason
}

describe('a proof', () => {
  it('with any byte changed is refused', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...keys, absent),
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (key, nth, at, flip) => {
          const proof = trie.prove(key).map((node) => node.slice())
          const node = proof[nth % proof.length] as Uint8Array
          node[at % node.length] = (node[at % node.length] as number) ^ flip
          expect(verifyTrieProof({ root: trie.root, key, proof }).ok).toBe(false)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('with a node missing, doubled, added or moved is refused', () => {
    for (const key of [...keys, absent]) {
      const proof = trie.prove(key)
      const changed = [
        ...proof.map((_, at) => proof.filter((_, other) => other !== at)),
        ...proof.map((node, at) => [...proof.slice(0, at), node, ...proof.slice(at)]),
        [...proof, encodeRlp([fromHex('0x20'), long])],
        [...proof, none],
        ...(proof.length > 1 ? [[...proof].reverse()] : []),
      ]
      for (const proof of changed) expect(verifyTrieProof({ root: trie.root, key, proof }).ok).toBe(false)
    }
  })

  it('says nothing for another root', () => {
    expect(reasonOf({ root: keccak256(trie.root), key, proof: trie.prove(key) })).toBe(
      'node 0 is not the one its parent names',
    )
  })

  it('of one key never gives its value to another', () => {
    for (const other of keys.filter((other) => other !== key)) {
      const held = verifyTrieProof({ root: trie.root, key: other, proof: trie.prove(key) })
      // Where the ways part early, the other key may need nodes that are missing here.
      expect(held.ok).toBe(false)
    }
  })

  it('never throws on garbage', () => {
    const garbage = fc.array(fc.uint8Array({ maxLength: 70 }), { maxLength: 5 })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), garbage, (key, proof) => {
        const root = keccak256(proof[0] ?? none)
        expect(typeof verifyTrieProof({ root, key, proof }).ok).toBe('boolean')
      }),
      { numRuns: 1_000 },
    )
  })

  it('never throws on nodes of garbage that do name each other', () => {
    const { node } = fc.letrec<{ node: RlpItem; part: RlpItem }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 3 },
        fc.tuple(fc.uint8Array({ maxLength: 3 }), tie('part')),
        fc.array(tie('part'), { minLength: 17, maxLength: 17 }),
        fc.array(tie('part'), { maxLength: 3 }),
      ),
      part: fc.oneof(fc.uint8Array({ maxLength: 2 }), fc.constant(none), tie('node')),
    }))
    fc.assert(
      fc.property(node, fc.uint8Array({ maxLength: 3 }), (node, key) => {
        const proof = [encodeRlp(node)]
        expect(typeof verifyTrieProof({ root: keccak256(proof[0] as Uint8Array), key, proof }).ok).toBe('boolean')
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('absence', () => {
  it('is never proven by an empty list of nodes, unless the trie is empty', () => {
    expect(reasonOf({ root: trie.root, key: absent, proof: [] })).toBe('the proof holds no node')
    expect(reasonOf({ root: trie.root, key: absent, proof: [fromHex('0x80')] })).toBe('the proof holds no node')
    for (const proof of [[], [fromHex('0x80')]])
      expect(verifyTrieProof({ root: emptyTrieRoot(), key: absent, proof })).toEqual({ ok: true, value: null })
    expect(verifyTrieProof({ root: emptyTrieRoot(), key: absent, proof: trie.prove(absent) }).ok).toBe(false)
    expect(verifyTrieProof({ root: emptyTrieRoot(), key: absent, proof: [fromHex('0x80'), none] }).ok).toBe(false)
  })

  it.each<readonly [string, Hex, RlpItem]>([
    ['an empty slot of a branch', '0x20', branch({ 0: [fromHex('0x30'), short], 1: [fromHex('0x30'), short] })],
    [
      'a branch without value, where the key ends',
      '0x',
      branch({ 0: [fromHex('0x30'), short], 1: [fromHex('0x30'), short] }),
    ],
    ['a leaf of another key', '0x12', [fromHex('0x2013'), short]],
    ['a leaf of a longer key', '0x12', [fromHex('0x201234'), short]],
    ['a leaf of a shorter key', '0x1234', [fromHex('0x2012'), short]],
    ['an extension that leads elsewhere', '0x12', [fromHex('0x0013'), hashOf(branch({ 0: long, 1: long }))]],
    ['an extension beyond the key', '0x12', [fromHex('0x001234'), hashOf(branch({ 0: long, 1: long }))]],
  ])('is proven by %s', (_, key, node) => {
    expect(verifyTrieProof(forged(key, node))).toEqual({ ok: true, value: null })
  })
})

describe('nodes no trie is built of are refused', () => {
  const leaf: RlpItem = [fromHex('0x20'), long]
  const inline: RlpItem = [fromHex('0x30'), short]

  it.each<readonly [string, Hex, readonly RlpItem[], string]>([
    ['a node that is a string', '0x', [long], 'a node is not a list'],
    ['a node of three parts', '0x', [[short, short, short]], 'a node has neither 2 nor 17 parts'],
    ['a node of no part', '0x', [[]], 'a node has neither 2 nor 17 parts'],
    ['a path with an unknown flag', '0x', [[fromHex('0x40'), short]], 'the path of a node is not canonical'],
    ['a path with a padding other than zero', '0x', [[fromHex('0x21'), short]], 'the path of a node is not canonical'],
    ['a path without its flag', '0x', [[none, short]], 'the path of a node is not canonical'],
    ['a path that is a list', '0x', [[[], short]], 'the path of a node is not canonical'],
    ['a leaf with an empty value', '0x', [[fromHex('0x20'), none]], 'a leaf holds no value'],
    ['a leaf whose value is a list', '0x', [[fromHex('0x20'), [short]]], 'a leaf holds no value'],
    ['an extension without a path', '0x12', [[fromHex('0x00'), hashOf(leaf)], leaf], 'an extension has no path'],
    ['an extension that names nothing', '0x12', [[fromHex('0x11'), none]], 'an extension names no node'],
    [
      'an extension to a leaf',
      '0x12',
      [
        [fromHex('0x11'), hashOf([fromHex('0x32'), long])],
        [fromHex('0x32'), long],
      ],
      'an extension does not lead to a branch',
    ],
    [
      'an extension to a leaf inside it',
      '0x12',
      [[fromHex('0x11'), [fromHex('0x32'), short]]],
      'an extension does not lead to a branch',
    ],
    ['a branch of one child', '0x00', [branch({ 0: inline })], 'a branch has fewer than two entries'],
    ['a branch of a value alone', '0x', [branch({}, short)], 'a branch has fewer than two entries'],
    [
      'a branch whose value is a list',
      '0x',
      [branch({ 0: inline, 1: inline }, [short])],
      'the value of a branch is a list',
    ],
    [
      'a hash that is cut short',
      '0x00',
      [branch({ 0: long.subarray(0, 31), 1: inline })],
      'a branch names something that is no node',
    ],
    [
      'a node inside its parent that is as long as a hash',
      '0x00',
      [branch({ 0: [fromHex('0x30'), long], 1: inline })],
      'a branch names something that is no node',
    ],
    [
      'a short node outside its parent',
      '0x00',
      [branch({ 0: hashOf(inline), 1: inline }), inline],
      'node 1 belongs inside its parent',
    ],
  ])('%s', (_, key, nodes, reason) => {
    expect(reasonOf(forged(key, ...nodes))).toBe(reason)
  })

  it('a node in other than canonical RLP', () => {
    const proof = [fromHex('0xf8022001')]
    const root = keccak256(proof[0] as Uint8Array)
    expect(reasonOf({ root, key: none, proof })).toBe(
      'node 0 is not canonical RLP: a short length is written in long form',
    )
  })
})

describe('inputs out of bounds are refused', () => {
  it('a root that is no hash, and a key longer than one', () => {
    expect(reasonOf({ root: trie.root.subarray(1), key, proof: trie.prove(key) })).toBe('the root is not 32 bytes')
    expect(reasonOf({ root: trie.root, key: new Uint8Array(trieKeyBytesMax + 1), proof: [] })).toBe(
      'the key is longer than 32 bytes',
    )
  })
})
