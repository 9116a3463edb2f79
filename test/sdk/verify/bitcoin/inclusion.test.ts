import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { joinBytes } from '../../../../sdk/units.ts'
import { hash256 } from '../../../../sdk/verify/bitcoin/hash.ts'
import {
  decodeTransaction,
  hashText,
  type InclusionProof,
  proveInclusion,
  verifyBlock,
  verifyInclusion,
} from '../../../../sdk/verify/bitcoin/index.ts'
import { depthMax, merkleRoot, rootFromPath } from '../../../../sdk/verify/bitcoin/merkle.ts'
import { bytesOf, held } from '../../../conformance/bitcoin.ts'
import { describeVectors, readVector, readVectorJson } from '../../../vectors.ts'
import { coinbaseBytes, mine, mineBlock } from './regtest.ts'

const empty = new Uint8Array(0)
/** One of the five transactions of 64 bytes on mainnet (BIP-53). */
const real64 = bytesOf(
  '0200000001deb98691723fa71260ffca6ea0a7bc0a63b0a8a366e1b585caad47fb269a2ce401000000030251b201000000010000000000000000016a00000000',
)

/** The proof for one transaction of a block, with the coinbase's. */
function proofOf({ txids, transactions }: ReturnType<typeof mineBlock>, index: number): InclusionProof {
  const coinbase = { bytes: transactions[0] ?? empty, path: held(proveInclusion(txids, 0)).path }
  return { ...held(proveInclusion(txids, index)), coinbase }
}

describe('inclusion', () => {
  it('is proven for every transaction of a block of any size, with the coinbase and without', () => {
    for (const size of [1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 17, 33]) {
      const block = mineBlock(size)
      for (const [index, transaction] of block.transactions.entries()) {
        const proof = proofOf(block, index)
        for (const one of [proof, { ...proof, coinbase: null }]) {
          const shown = held(verifyInclusion({ header: block.header, transaction, proof: one }))
          expect([shown.index, shown.transaction.txid, shown.header.bytes]).toEqual([
            index,
            block.txids[index],
            block.header,
          ])
        }
      }
    }
  })

  it('is proven at no other place: a position past the end of an odd row is not one (CVE-2012-2459)', () => {
    for (const size of [1, 2, 3, 5, 6, 7, 11]) {
      const block = mineBlock(size)
      for (const [index, transaction] of block.transactions.entries()) {
        const proof = proofOf(block, index)
        for (let other = 0; other < 64; other++)
          if (other !== index)
            expect(verifyInclusion({ header: block.header, transaction, proof: { ...proof, index: other } }).ok).toBe(
              false,
            )
      }
    }
  })

  it('is refused, or shows the same, after any change of any byte', () => {
    const block = mineBlock(7)
    const header = block.header
    const proof = proofOf(block, 5)
    const transaction = block.transactions[5] ?? empty
    const parts = [header, transaction, proof.path, proof.coinbase?.bytes ?? empty, proof.coinbase?.path ?? empty]
    fc.assert(
      fc.property(fc.nat(parts.length - 1), fc.nat(), fc.integer({ min: 1, max: 255 }), (part, where, flip) => {
        const changed = parts.map((bytes) => bytes.slice())
        const bytes = changed[part] as Uint8Array
        const at = where % bytes.length
        bytes[at] = (bytes[at] as number) ^ flip
        const [h = empty, t = empty, path = empty, first = empty, firstPath = empty] = changed
        const claim = {
          header: h,
          transaction: t,
          proof: { index: 5, path, coinbase: { bytes: first, path: firstPath } },
        }
        const shown = verifyInclusion(claim)
        // Beside its root, a header's bytes are the chain's to judge, by their hash.
        if (shown.ok) expect([part, hashText(shown.value.header.hash)]).not.toEqual([0, hashText(hash256(header))])
        if (part !== 0 || (at >= 36 && at < 68)) expect(shown.ok).toBe(false)
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    ['an index that is none', { index: 1.5 }],
    ['a negative index', { index: -1 }],
    ['an index that is not a number', { index: Number.NaN }],
    ['bits of the index that the path does not use', { index: 5 + 8 }],
    ['a path of broken hashes', { path: new Uint8Array(95) }],
    ['a path that is deeper than any block', { path: new Uint8Array(32 * (depthMax + 1)), index: 0 }],
  ])('is refused with %s', (_, change) => {
    const block = mineBlock(7)
    const claim = { header: block.header, transaction: block.transactions[5] ?? empty, proof: proofOf(block, 5) }
    expect(verifyInclusion(claim).ok).toBe(true)
    expect(verifyInclusion({ ...claim, proof: { ...claim.proof, ...change } }).ok).toBe(false)
  })

  it('follows paths as deep as the fullest block, and no deeper', () => {
    const path = joinBytes(...Array.from({ length: depthMax + 1 }, (_, at) => hash256(Uint8Array.of(at))))
    expect(rootFromPath({ leaf: hash256(empty), index: 0, path: path.slice(32) }).ok).toBe(true)
    expect(rootFromPath({ leaf: hash256(empty), index: 0, path }).ok).toBe(false)
  })

  it('is refused when the first transaction is no coinbase, or another is one', () => {
    const { header, transactions } = mineBlock(2)
    const [coinbase = empty, payment = empty] = transactions
    const wrongWay = [payment, coinbase].map((bytes) => held(decodeTransaction(bytes)).txid)
    const forged = header.slice()
    forged.set(held(merkleRoot(wrongWay)), 36)
    for (const [index, transaction] of [payment, coinbase].entries()) {
      const claim = { header: forged, transaction, proof: held(proveInclusion(wrongWay, index)) }
      expect(verifyInclusion(claim)).toMatchObject({ reason: expect.stringMatching(/stands first/) })
    }
  })

  it('has nothing to prove for a list that is empty, too long, no list of hashes, or repeats itself', () => {
    const { txids } = mineBlock(3)
    expect(proveInclusion([], 0).ok).toBe(false)
    expect(proveInclusion(txids, 3).ok).toBe(false)
    expect(proveInclusion([...txids, empty], 0).ok).toBe(false)
    expect(proveInclusion([...txids, txids[2] ?? empty], 0).ok).toBe(false)
    const many = Array.from({ length: 16_667 }, (_, at) => hash256(Uint8Array.of(at, at >> 8)))
    expect(merkleRoot(many).ok).toBe(false)
    expect(merkleRoot(many.slice(1)).ok).toBe(true)
  })

  it('never throws, whatever it is given', () => {
    const bytes = fc.uint8Array({ maxLength: 200 })
    fc.assert(
      fc.property(bytes, bytes, bytes, fc.double(), (header, transaction, path, index) => {
        const coinbase = { bytes: transaction, path }
        expect(verifyInclusion({ header, transaction, proof: { index, path, coinbase } }).ok).toBe(false)
      }),
    )
  })
})

describe('CVE-2017-12842', () => {
  it('a transaction of 64 bytes is not proven, though it is in the block', () => {
    const coinbase = coinbaseBytes(1)
    const txids = [coinbase, real64].map((bytes) => held(decodeTransaction(bytes)).txid)
    const header = mine({ previous: hash256(empty), time: 1, merkleRoot: held(merkleRoot(txids)) })
    const proof = { ...held(proveInclusion(txids, 1)), coinbase: { bytes: coinbase, path: txids[1] ?? empty } }
    expect(verifyInclusion({ header, transaction: real64, proof })).toMatchObject({
      reason: expect.stringMatching(/64 bytes/),
    })
  })

  it('nothing is proven by way of a transaction that is taken for an inner node', () => {
    const [left, right] = [real64.slice(0, 32), real64.slice(32)]
    const deeper = hash256(real64)
    expect(rootFromPath({ leaf: right, index: 1, path: left })).toMatchObject({
      reason: expect.stringMatching(/transaction too/),
    })
    expect(rootFromPath({ leaf: left, index: 0, path: right })).toMatchObject({
      reason: expect.stringMatching(/transaction too/),
    })
    // The same bytes as a leaf are where a 64-byte transaction really is.
    expect(rootFromPath({ leaf: deeper, index: 0, path: empty })).toEqual({ ok: true, value: deeper })
  })

  it('a transaction that lies deeper than the coinbase is not proven', () => {
    // As in the attack: to the miner the tree has one level, and what should be its second leaf is told as a node.
    const { transactions, txids } = mineBlock(3)
    const [first = empty, second = empty, third = empty] = txids
    const node = hash256(joinBytes(second, third))
    const header = mine({ previous: first, time: 1, merkleRoot: hash256(joinBytes(first, node)) })
    const proof = { index: 2, path: joinBytes(third, first), coinbase: null }
    const claim = { header, transaction: transactions[1] ?? empty, proof }
    const coinbase = { bytes: transactions[0] ?? empty, path: node }
    expect(verifyInclusion(claim).ok).toBe(true)
    expect(verifyInclusion({ ...claim, proof: { ...proof, coinbase } })).toMatchObject({
      reason: expect.stringMatching(/another depth/),
    })
  })

  it('a coinbase that is not proven itself proves no depth', () => {
    const block = mineBlock(4)
    const proof = proofOf(block, 2)
    const claim = { header: block.header, transaction: block.transactions[2] ?? empty, proof }
    const path = proof.coinbase?.path ?? empty
    for (const bytes of [block.transactions[1] ?? empty, coinbaseBytes(99), real64])
      expect(verifyInclusion({ ...claim, proof: { ...proof, coinbase: { bytes, path } } })).toMatchObject({
        reason: expect.stringMatching(/coinbase is not proven/),
      })
  })
})

describe('CVE-2012-2459', () => {
  const leaves = Array.from({ length: 6 }, (_, at) => hash256(Uint8Array.of(at)))

  it('a list with its end repeated has the root of the shorter one, and is refused', () => {
    const doubled = [...leaves, ...leaves.slice(4)]
    expect(merkleRoot(doubled)).toMatchObject({ reason: expect.stringMatching(/equal/) })
    expect(merkleRoot([...leaves.slice(0, 5), leaves[4] ?? empty]).ok).toBe(false)
  })

  it('a node stands to the right of itself in no honest path', () => {
    const [leaf = empty] = leaves
    expect(rootFromPath({ leaf: leaf, index: 0, path: leaf }).ok).toBe(true)
    expect(rootFromPath({ leaf: leaf, index: 1, path: leaf })).toMatchObject({
      reason: expect.stringMatching(/right of itself/),
    })
  })

  it('nothing follows a node that ended its row', () => {
    const [leaf = empty, other = empty] = leaves
    expect(rootFromPath({ leaf: leaf, index: 0, path: joinBytes(leaf, other) })).toMatchObject({
      reason: expect.stringMatching(/end of its row/),
    })
    expect(rootFromPath({ leaf: leaf, index: 2, path: joinBytes(leaf, other) }).ok).toBe(true)
  })
})

describeVectors('inclusion in block 866,342 of mainnet', () => {
  it('is proven for every 608th of 4,864 transactions, and for no stripped-down lie', () => {
    const block = held(verifyBlock(readVector('light/btc/mainnet-block-866342.gz')))
    const txids = block.transactions.map(({ txid }) => txid)
    expect(txids).toHaveLength(4_864)
    for (let index = 0; index < txids.length; index += 608) {
      const transaction = block.transactions[index]?.bytes ?? empty
      const proof = held(proveInclusion(txids, index))
      expect(proof.path.length).toBe(32 * 13)
      expect(verifyInclusion({ header: block.header.bytes, transaction, proof }).ok).toBe(true)
      expect(
        verifyInclusion({ header: block.header.bytes, transaction, proof: { ...proof, index: index + 1 } }).ok,
      ).toBe(false)
    }
  })

  it('is refused for each real transaction of 64 bytes', () => {
    const sized = readVectorJson('light/btc/bip54-txsize.json') as { tx: string; comment: string }[]
    const historical = sized.filter(({ comment }) => comment.startsWith('Historical'))
    expect(historical).toHaveLength(5)
    for (const { tx } of historical) {
      const { txid } = held(decodeTransaction(bytesOf(tx)))
      const header = mine({ previous: txid, time: 1, merkleRoot: hash256(joinBytes(txid, txid)) })
      expect(
        verifyInclusion({ header, transaction: bytesOf(tx), proof: { index: 0, path: txid, coinbase: null } }).ok,
      ).toBe(false)
    }
  })
})
