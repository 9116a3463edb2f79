import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { joinBytes } from '../../../../sdk/units.ts'
import { hash256 } from '../../../../sdk/verify/bitcoin/hash.ts'
import {
  decodeHeader,
  decodeMerkleBlock,
  decodeMerkleProof,
  hashText,
  verifyInclusion,
} from '../../../../sdk/verify/bitcoin/index.ts'
import { rootFromPath } from '../../../../sdk/verify/bitcoin/merkle.ts'
import { bytesOf, held } from '../../../conformance/bitcoin.ts'
import { count, mineBlock, number } from './regtest.ts'

const empty = new Uint8Array(0)

/** The example of the Bitcoin developer reference: mainnet block 100,015, seven transactions, of which the fifth. */
const example = bytesOf(
  '0100000082bb869cf3a793432a66e826e05a6fc37469f8efb7421dc880670100000000007f16c5962e8bd963659c793ce370d95f093bc7e367117b3c30c1f8fdd0d9728776381b4d4c86041b554b852907000000043612262624047ee87660be1a707519a443b1c1ce3d248cbfc6c15870f6c5daa2019f5b01d4195ecbc9398fbf3c3b1fa9bb3183301d7a1fb3bd174fcfa40a2b6541ed70551dd7e841883ab8f0b16bf04176b7d1480e4f0af9f3d4c3595768d06820d2a7bc994987302e5b1ac80fc425fe25f8b63169ea78e68fbaaefa59379bbf011d',
)

/** A block told as BIP-37 says: depth first, going down only on the ways to what is wanted. */
function merkleBlock(header: Uint8Array, txids: readonly Uint8Array[], wanted: readonly number[]): Uint8Array {
  const hashes: Uint8Array[] = []
  const flags: boolean[] = []
  const nodeAt = (level: number, position: number): Uint8Array => {
    if (level === 0) return txids[position] ?? empty
    const left = nodeAt(level - 1, 2 * position)
    const hasRight = (2 * position + 1) << (level - 1) < txids.length
    return hash256(joinBytes(left, hasRight ? nodeAt(level - 1, 2 * position + 1) : left))
  }
  const tell = (level: number, position: number): void => {
    const within = wanted.some((index) => index >> level === position)
    flags.push(within)
    if (level === 0 || !within) hashes.push(nodeAt(level, position))
    else
      for (const child of [2 * position, 2 * position + 1])
        if (child << (level - 1) < txids.length) tell(level - 1, child)
  }
  tell(Math.ceil(Math.log2(txids.length)), 0)
  const bits = new Uint8Array(Math.ceil(flags.length / 8))
  for (const [at, flag] of flags.entries()) if (flag) bits[at >> 3] = (bits[at >> 3] as number) | (1 << (at & 7))
  return joinBytes(header, number(txids.length, 4), count(hashes.length), ...hashes, count(bits.length), bits)
}

describe('decodeMerkleBlock', () => {
  it('reads the published example, whose path leads to the root', () => {
    const { header: bytes, matches } = held(decodeMerkleBlock(example))
    const header = held(decodeHeader(bytes))
    expect(hashText(header.hash)).toBe('000000000000b731f2eef9e8c63173adfb07e41bd53eb0ef0a6b720d6cb6dea4')
    expect(matches.map(({ txid, proof }) => [hashText(txid), proof.index, proof.path.length / 32])).toEqual([
      ['652b0aa4cf4f17bdb31f7a1d308331bba91f3b3cbf8f39c9cb5e19d4015b9f01', 4, 3],
    ])
    const [match] = matches
    const root = rootFromPath({ leaf: match?.txid ?? empty, index: 4, path: match?.proof.path ?? empty })
    expect(root).toEqual({ ok: true, value: header.merkleRoot })
  })

  it('gives a proof for each match, of any number in a block of any size', () => {
    for (const size of [1, 2, 3, 5, 7, 8, 12, 33]) {
      const { header, transactions, txids } = mineBlock(size)
      const all = Array.from({ length: size }, (_, at) => at)
      for (const wanted of [[], [0], [size - 1], all.filter((at) => at % 3 === 1), all]) {
        const shown = held(decodeMerkleBlock(merkleBlock(header, txids, wanted)))
        expect(shown.matches.map(({ proof }) => proof.index)).toEqual([...new Set(wanted)])
        for (const { txid, proof } of shown.matches) {
          const inclusion = held(
            verifyInclusion({ header: shown.header, transaction: transactions[proof.index] ?? empty, proof }),
          )
          expect(inclusion.transaction.txid).toEqual(txid)
        }
      }
    }
  })

  const { header, txids } = mineBlock(7)
  const told = merkleBlock(header, txids, [4])
  const at = (place: number, ...bytes: readonly number[]) => {
    const changed = told.slice()
    changed.set(bytes, place)
    return changed
  }
  it.each([
    ['no transactions', at(80, 0, 0, 0, 0)],
    ['more transactions than a block holds', at(80, 0x1b, 0x41)],
    ['another number of transactions', at(80, 3)],
    ['fewer hashes than it counts', at(84, 5)],
    ['a hash too many', joinBytes(at(84, 5).slice(0, 213), new Uint8Array(32), told.slice(213))],
    ['a hash too few', joinBytes(at(84, 3).slice(0, 181), told.slice(213))],
    ['a flag that only fills up', at(told.length - 1, 0x9d)],
    ['a byte of flags too many', joinBytes(at(told.length - 2, 2), Uint8Array.of(0))],
    ['no flags', joinBytes(told.slice(0, -2), Uint8Array.of(0))],
    ['flags that go on', at(told.length - 1, 0x7f)],
    ['a byte more', joinBytes(told, Uint8Array.of(0))],
  ])('refuses %s', (_, bytes) => {
    expect(decodeMerkleBlock(told).ok).toBe(true)
    expect(decodeMerkleBlock(bytes).ok).toBe(false)
  })

  it('refuses any part of a proof', () => {
    for (let size = 0; size < told.length; size++) expect(decodeMerkleBlock(told.slice(0, size)).ok).toBe(false)
  })

  it('proves nothing else after any change of any byte', () => {
    const { header, txids, transactions } = mineBlock(7)
    const told = merkleBlock(header, txids, [4])
    fc.assert(
      fc.property(fc.integer({ min: 36, max: told.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = told.slice()
        changed[at] = (changed[at] as number) ^ flip
        const shown = decodeMerkleBlock(changed)
        for (const { proof } of shown.ok ? shown.value.matches : [])
          for (const transaction of transactions) {
            const inclusion = verifyInclusion({ header, transaction, proof })
            if (inclusion.ok) expect(inclusion.value.transaction.txid).toEqual(txids[proof.index])
          }
      }),
      { numRuns: 500 },
    )
  })

  it('never throws, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void decodeMerkleBlock(bytes)))
    const flags = fc.uint8Array({ maxLength: 40 })
    fc.assert(
      fc.property(fc.nat(20_000), fc.nat(8), flags, (transactions, hashes, bits) => {
        const bytes = joinBytes(
          header,
          number(transactions, 4),
          count(hashes),
          new Uint8Array(32 * hashes),
          count(bits.length),
          bits,
        )
        void decodeMerkleBlock(bytes)
      }),
    )
  })
})

describe('decodeMerkleProof', () => {
  const read = (json: unknown) => decodeMerkleProof(new TextEncoder().encode(JSON.stringify(json)))
  const hash = `${'00'.repeat(31)}ff`

  it('turns hashes from the order they are shown in to the order they are hashed in', () => {
    const { height, proof } = held(read({ block_height: 7, merkle: [hash, 'ab'.repeat(32)], pos: 3 }))
    expect([height, proof.index, proof.coinbase]).toEqual([7, 3, null])
    expect(proof.path).toEqual(bytesOf(`ff${'00'.repeat(31)}${'ab'.repeat(32)}`))
    expect(held(read({ block_height: 0, merkle: [], pos: 0 })).proof.path).toEqual(empty)
  })

  it.each([
    ['nothing', null],
    ['a list', []],
    ['a text', 'proof'],
    ['no height', { merkle: [], pos: 0 }],
    ['a height that is a text', { block_height: '7', merkle: [], pos: 0 }],
    ['a position that is negative', { block_height: 7, merkle: [], pos: -1 }],
    ['a position that is no whole number', { block_height: 7, merkle: [], pos: 0.5 }],
    ['hashes that are no list', { block_height: 7, merkle: hash, pos: 0 }],
    ['a hash that is no text', { block_height: 7, merkle: [7], pos: 0 }],
    ['a hash that cannot be a text', { block_height: 7, merkle: [{ toString: 1, valueOf: 1 }], pos: 0 }],
    ['a hash that is too short', { block_height: 7, merkle: [hash.slice(2)], pos: 0 }],
    ['a hash with a prefix', { block_height: 7, merkle: [`0x${hash}`], pos: 0 }],
    ['a hash of other letters', { block_height: 7, merkle: [hash.replace('ff', 'fg')], pos: 0 }],
    ['more hashes than a tree is deep', { block_height: 7, merkle: Array(16).fill(hash), pos: 0 }],
    ['more bytes than any proof', { block_height: 7, merkle: [], pos: 0, more: 'x'.repeat(5_000) }],
  ])('refuses %s', (_, json) => {
    expect(read(json).ok).toBe(false)
  })

  it('never throws, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => !decodeMerkleProof(bytes).ok))
    fc.assert(fc.property(fc.jsonValue(), (json) => void read({ block_height: 1, merkle: json, pos: 0 })))
  })
})
