import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { joinBytes } from '../../../../sdk/units.ts'
import { hash256 } from '../../../../sdk/verify/bitcoin/hash.ts'
import { decodeTransaction, hashText, verifyBlock } from '../../../../sdk/verify/bitcoin/index.ts'
import { merkleRoot } from '../../../../sdk/verify/bitcoin/merkle.ts'
import { bytesOf, held } from '../../../conformance/bitcoin.ts'
import { describeVectors, readVector } from '../../../vectors.ts'
import { coinbaseBytes, count, encodeTransaction, mine, mineBlock, paymentBytes } from './regtest.ts'

const empty = new Uint8Array(0)
const zeros = new Uint8Array(32)
const pay = (seed: number) => paymentBytes(seed, [{ value: 1n, script: bytesOf('51') }])

/** A block with whatever header fits the transactions. */
function blockOf(transactions: readonly Uint8Array[], root?: Uint8Array): Uint8Array {
  const txids = transactions.map((bytes) => held(decodeTransaction(bytes)).txid)
  const header = mine({ previous: zeros, time: 1, merkleRoot: root ?? held(merkleRoot(txids)) })
  return joinBytes(header, count(transactions.length), ...transactions)
}

/** The transaction with one witness piece for its input. */
function withWitness(bytes: Uint8Array, piece: Uint8Array): Uint8Array {
  return encodeTransaction({
    ...held(decodeTransaction(bytes)),
    witness: joinBytes(count(1), count(piece.length), piece),
  })
}

/** A coinbase that commits to the witnesses of these transactions, and to itself as zeros. */
function committingCoinbase(others: readonly Uint8Array[], reserved: Uint8Array = zeros): Uint8Array {
  const root = held(merkleRoot([zeros, ...others.map((bytes) => held(decodeTransaction(bytes)).wtxid)]))
  const script = joinBytes(bytesOf('6a24aa21a9ed'), hash256(joinBytes(root, reserved)))
  const plain = held(decodeTransaction(coinbaseBytes(1)))
  const [output] = plain.outputs
  if (!output) throw new Error('The coinbase pays nobody.')
  const witness = joinBytes(Uint8Array.of(1, 32), reserved)
  return encodeTransaction({ ...plain, outputs: [output, { ...output, script }], witness })
}

describe('verifyBlock', () => {
  it('takes a block of any size, and gives its parts back', () => {
    for (const size of [1, 2, 3, 4, 7, 9, 300]) {
      const { header, transactions, txids } = mineBlock(size)
      const block = held(verifyBlock(joinBytes(header, count(size), ...transactions)))
      expect(block.header.bytes).toEqual(header)
      expect(block.transactions.map(({ txid }) => txid)).toEqual(txids)
      expect(block.transactions.map(({ bytes }) => bytes)).toEqual(transactions)
    }
  })

  const [first, second, third] = [coinbaseBytes(1), pay(2), pay(3)]
  const whole = blockOf([first, second, third])
  const root = whole.slice(36, 68)
  it.each([
    ['no transactions', blockOf([], zeros)],
    ['one left out', blockOf([first, second], root)],
    ['one more', blockOf([first, second, third, pay(4)], root)],
    ['two in another order', blockOf([first, third, second], root)],
    ['its last one twice (CVE-2012-2459)', blockOf([first, second, third, third], root)],
    ['another root', blockOf([first, second, third], zeros)],
    ['no coinbase', blockOf([second, third])],
    ['two coinbases', blockOf([first, coinbaseBytes(2)])],
    ['a byte more', joinBytes(whole, Uint8Array.of(0))],
    ['a byte less', whole.slice(0, -1)],
    ['a count that lies', joinBytes(whole.slice(0, 80), Uint8Array.of(4), whole.slice(81))],
    ['more bytes than a block can have', joinBytes(whole, new Uint8Array(4_000_000))],
  ])('refuses %s', (_, bytes) => {
    expect(verifyBlock(whole).ok).toBe(true)
    expect(verifyBlock(bytes).ok).toBe(false)
  })

  it('refuses more weight than a block can have, though each transaction is light enough', () => {
    const heavy = (seed: number, size: number) => paymentBytes(seed, [{ value: 1n, script: new Uint8Array(size) }])
    expect(verifyBlock(blockOf([first, heavy(2, 500_000), heavy(3, 499_000)])).ok).toBe(true)
    expect(verifyBlock(blockOf([first, heavy(2, 500_000), heavy(3, 500_000)])).ok).toBe(false)
  })
})

describe('witnesses (BIP-141)', () => {
  const segwit = withWitness(pay(2), bytesOf('aabb'))

  it('are taken when the coinbase commits to them', () => {
    for (const reserved of [zeros, hash256(empty)]) {
      const block = held(verifyBlock(blockOf([committingCoinbase([segwit, pay(3)], reserved), segwit, pay(3)])))
      expect(block.transactions.map(({ witness }) => witness.length > 0)).toEqual([true, true, false])
    }
  })

  it('are refused when nothing commits to them, also in the coinbase', () => {
    expect(verifyBlock(blockOf([coinbaseBytes(1), segwit])).ok).toBe(false)
    expect(verifyBlock(blockOf([withWitness(coinbaseBytes(1), zeros)])).ok).toBe(false)
  })

  it('are refused when they are not those that are committed to', () => {
    const coinbase = committingCoinbase([segwit])
    expect(verifyBlock(blockOf([coinbase, segwit])).ok).toBe(true)
    expect(verifyBlock(blockOf([coinbase, withWitness(pay(2), bytesOf('aabc'))])).ok).toBe(false)
    expect(verifyBlock(blockOf([coinbase, pay(2)])).ok).toBe(false)
  })

  it('need the one piece of 32 bytes in the coinbase', () => {
    const coinbase = held(decodeTransaction(committingCoinbase([segwit])))
    for (const witness of [
      empty,
      bytesOf(`011f${'00'.repeat(31)}`),
      bytesOf(`0120${'00'.repeat(32)}`),
      bytesOf(`0220${'00'.repeat(32)}00`),
    ])
      expect(verifyBlock(blockOf([encodeTransaction({ ...coinbase, witness }), segwit])).ok).toBe(witness.length === 34)
  })

  it('are committed to by the last output that looks like it', () => {
    const coinbase = held(decodeTransaction(committingCoinbase([segwit])))
    const [paid, commitment] = coinbase.outputs
    if (!paid || !commitment) throw new Error('The coinbase commits to nothing.')
    const other = { ...commitment, script: joinBytes(commitment.script.slice(0, 6), zeros) }
    const longer = { ...commitment, script: joinBytes(commitment.script, bytesOf('00')) }
    const shorter = { ...commitment, script: commitment.script.slice(0, -1) }
    const takes = (...outputs: (typeof paid)[]) =>
      verifyBlock(blockOf([encodeTransaction({ ...coinbase, outputs }), segwit])).ok
    expect(takes(paid, other, commitment)).toBe(true)
    expect(takes(paid, commitment, other)).toBe(false)
    expect(takes(paid, longer)).toBe(true)
    expect(takes(paid, commitment, shorter)).toBe(true)
  })
})

describe('laws of verifyBlock', () => {
  it('a change of any byte is refused, or shows in the hash of the header', () => {
    const segwit = withWitness(pay(2), bytesOf('aabb'))
    const bytes = blockOf([committingCoinbase([segwit, pay(3)]), segwit, pay(3)])
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = bytes.slice()
        changed[at] = (changed[at] as number) ^ flip
        const block = verifyBlock(changed)
        if (block.ok) expect(at < 36 || (at >= 68 && at < 80)).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })

  it('no bytes make it throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(verifyBlock(bytes).ok).toBe(false)
        expect(verifyBlock(joinBytes(new Uint8Array(80), bytes)).ok).toBe(false)
      }),
    )
  })
})

describeVectors('block 866,342 of mainnet', () => {
  it('holds what its header commits to, and nothing else', () => {
    const bytes = readVector('light/btc/mainnet-block-866342.gz')
    const { header, transactions } = held(verifyBlock(bytes))
    expect(hashText(header.hash)).toMatch(/^0000000000000000000/)
    expect(transactions).toHaveLength(4_864)
    for (const { bytes: whole, ...transaction } of transactions.slice(0, 200))
      expect(Buffer.compare(encodeTransaction({ ...transaction, bytes: whole }), whole)).toBe(0)
    for (const at of [100, 5_000, 1_000_000, bytes.length - 1]) {
      const changed = bytes.slice()
      changed[at] = (changed[at] as number) ^ 1
      expect(verifyBlock(changed).ok).toBe(false)
    }
  })
})
