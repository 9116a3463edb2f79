import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeTransaction, txidOf } from '../../../../sdk/bitcoin/index.ts'
import { sha256 } from '../../../../sdk/crypto/engine.ts'
import { height, sats, txid } from '../../../../sdk/units.ts'
import {
  type Attempt,
  type Book,
  currentAttempt,
  dependentsOf,
  emptyBook,
  freshChange,
  type Outlay,
  outlayOf,
  reservedIn,
  settledDepth,
  settledMax,
  withAttempt,
  withOutlay,
  withoutHeld,
  withSent,
  withSightings,
  withUsed,
} from '../../../../sdk/wallet/bitcoin/book.ts'
import { decodeBook, encodeBook } from '../../../../sdk/wallet/bitcoin/bookRecord.ts'
import { must } from '../../bitcoin/must.ts'

const coin = (number: number) => ({ txid: txid(number.toString(16).padStart(64, '0')), index: number % 3 })
const change = (index: number) => ({ account: 0, keyPath: { chain: 'change', index } as const })

function attemptOf(coins: readonly number[], value = 1_000n): Attempt {
  const bytes = encodeTransaction({
    version: 2,
    inputs: coins.map((number) => ({ outpoint: coin(number), sequence: 0xfffffffd })),
    outputs: [{ script: new Uint8Array(22), value: sats(value) }],
    locktime: 0,
  })
  return { txid: txidOf(sha256(sha256(bytes))), bytes, fee: sats(200n), weight: 561 }
}

function outlay(coins: readonly number[], parts: Partial<Outlay> = {}): Outlay {
  return { kind: 'payment', phase: { name: 'sent' }, attempts: [attemptOf(coins)], change: null, ...parts }
}

const idOf = (one: Outlay) => one.attempts[0].txid
const empty = emptyBook

describe('the book', () => {
  it('[CO2] sets a coin aside once', () => {
    const book = withOutlay(withOutlay(empty, outlay([1, 2])), outlay([3]))
    expect([...reservedIn(book)]).toEqual([1, 2, 3].map((number) => `${coin(number).txid}:${coin(number).index}`))
    expect(() => withOutlay(book, outlay([4, 2]))).toThrow('a coin is set aside for one outlay only')
  })

  it('[CO7] takes further attempts that spend the same coins and more, of a payment alone', () => {
    const first = outlay([1, 2])
    const book = withAttempt(withOutlay(empty, first), idOf(first), attemptOf([2, 5, 1], 900n), change(4))
    const after = outlayOf(book, attemptOf([2, 5, 1], 900n).txid) as Outlay
    expect(after.attempts.length).toBe(2)
    expect(after.change).toEqual(change(4))
    expect(currentAttempt(after)).toEqual(attemptOf([2, 5, 1], 900n))
    expect(outlayOf(book, idOf(first))).toBe(after)
    expect(() => withAttempt(book, idOf(first), attemptOf([2, 6]), null)).toThrow('the same coins')
    const funding = outlay([7], { kind: 'funding' })
    expect(() => withAttempt(withOutlay(book, funding), idOf(funding), attemptOf([7], 5n), null)).toThrow('a payment')
  })

  it('[CO5] lets a held outlay out or drops it, and the first one decides', () => {
    const held = outlay([1], { kind: 'funding', phase: { name: 'held' } })
    const book = withOutlay(empty, held)
    expect(withoutHeld(book, idOf(held))).toEqual(empty)
    const sent = withSent(book, idOf(held))
    expect(outlayOf(sent, idOf(held))?.phase.name).toBe('sent')
    expect(withSent(sent, idOf(held))).toBe(sent)
    expect(withoutHeld(sent, idOf(held))).toBeUndefined()
    expect(withoutHeld(empty, idOf(held))).toBe(empty)
    expect(withSent(empty, idOf(held))).toBe(empty)
  })

  it('[CO6] follows the chain both ways, and settles at the depth, not before', () => {
    const one = outlay([1])
    const id = idOf(one)
    const found = { name: 'confirmed', txid: id, height: height(100) } as const
    const at = (book: Book, tip: number) => withSightings(book, [{ txid: id, found }], height(tip))
    const book = withOutlay(empty, one)
    const confirmed = at(book, 100)
    expect(outlayOf(confirmed, id)?.phase).toEqual(found)
    expect(at(confirmed, 100 + settledDepth - 2)).toBe(confirmed)
    const back = withSightings(confirmed, [{ txid: id, found: null }], height(101))
    expect(outlayOf(back, id)?.phase.name).toBe('sent')
    const settled = at(confirmed, 100 + settledDepth - 1)
    expect(settled).toEqual({ ...empty, settled: [{ txid: id, phase: found }] })
    const lost = { name: 'lost', txid: txid('aa'.repeat(32)), height: height(99) } as const
    expect(withSightings(book, [{ txid: id, found: lost }], height(110)).settled).toEqual([{ txid: id, phase: lost }])
    const held = withOutlay(empty, outlay([1], { phase: { name: 'held' } }))
    expect(withSightings(held, [{ txid: id, found: null }], height(101))).toBe(held)
  })

  it('remembers the newest ends alone', () => {
    let book = empty
    for (let number = 0; number < settledMax + 5; number++) {
      const one = outlay([number])
      const found = { name: 'confirmed', txid: idOf(one), height: height(1) } as const
      book = withSightings(withOutlay(book, one), [{ txid: idOf(one), found }], height(50))
    }
    expect(book.settled.length).toBe(settledMax)
    expect(book.settled.at(-1)?.txid).toBe(idOf(outlay([settledMax + 4])))
  })

  it('knows what hangs on what, and gives each change a path of its own', () => {
    const parent = outlay([1], { change: change(6) })
    const child = { ...outlay([2]), attempts: [attemptSpending(parent)] as const }
    const book = withOutlay(withOutlay(empty, parent), child)
    expect(dependentsOf(book, parent)).toEqual([child])
    expect(dependentsOf(book, child)).toEqual([])
    expect(freshChange(book, 0, 0)).toEqual(change(7))
    expect(freshChange(book, 0, 9)).toEqual(change(9))
    expect(freshChange(book, 1, 0)).toEqual({ ...change(0), account: 1 })
  })

  it('never forgets how far the accounts are used', () => {
    const used = [
      { receive: 3, change: 1 },
      { receive: 0, change: 2 },
    ]
    const book = withUsed(empty, used)
    expect(book.used).toEqual(used)
    expect(withUsed(book, [{ receive: 2, change: 0 }])).toBe(book)
  })
})

function attemptSpending(parent: Outlay): Attempt {
  const bytes = encodeTransaction({
    version: 2,
    inputs: [{ outpoint: { txid: idOf(parent), index: 0 }, sequence: 0 }],
    outputs: [{ script: new Uint8Array(22), value: sats(1n) }],
    locktime: 0,
  })
  return { txid: txidOf(sha256(sha256(bytes))), bytes, fee: sats(1n), weight: 4 }
}

describe('the record of a book', () => {
  const index = fc.integer({ min: 0, max: 2 ** 31 - 1 })
  const used = fc.array(fc.record({ receive: index, change: index }), { maxLength: 3 })
  const end = fc.record({
    name: fc.constantFrom('confirmed' as const, 'lost' as const),
    txid: fc.integer({ min: 0 }).map((number) => coin(number).txid),
    height: fc.integer({ min: 0, max: 499_999_999 }).map(height),
  })
  const phase = fc.oneof(end, fc.constantFrom({ name: 'held' } as const, { name: 'sent' } as const))
  const path = fc.record({
    account: fc.integer({ min: 0, max: 2 }),
    keyPath: fc.record({ chain: fc.constantFrom('receive' as const, 'change' as const), index }),
  })
  const outlays = fc
    .array(
      fc.record({ phase, change: fc.option(path), kind: fc.constantFrom('payment' as const, 'funding' as const) }),
      {
        maxLength: 5,
      },
    )
    .map((all) => all.map((parts, at) => outlay([2 * at, 2 * at + 1], parts)))
  const settled = fc.array(fc.record({ txid: end.map(({ txid }) => txid), phase: end }), { maxLength: 5 })
  const books = fc.record({ used, outlays, settled })

  it('is read as it was written', () => {
    fc.assert(
      fc.property(books, (book) => {
        expect(must(decodeBook(encodeBook(book)))).toEqual(book)
      }),
    )
  })

  it('is refused when it is anything else, without a throw', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(decodeBook(bytes).ok).toBe(false)
      }),
    )
    fc.assert(
      fc.property(books, fc.nat(), fc.integer({ min: 1, max: 255 }), (book, at, flip) => {
        const bytes = encodeBook(book)
        bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ flip
        const read = decodeBook(bytes)
        if (read.ok) expect(encodeBook(read.value)).toEqual(bytes)
      }),
    )
    expect(decodeBook(encodeBook(empty).slice(0, -1)).ok).toBe(false)
  })

  it('of this version stays readable', () => {
    const bytes = encodeBook({
      used: [{ receive: 5, change: 2 }],
      outlays: [outlay([1], { change: change(3), kind: 'funding', phase: { name: 'held' } })],
      settled: [{ txid: coin(9).txid, phase: { name: 'lost', txid: coin(8).txid, height: height(7) } }],
    })
    expect(Buffer.from(bytes).toString('hex')).toMatchInlineSnapshot(
      `"01f8b5c3c20502f866f86401c180f85bf859b852020000000101000000000000000000000000000000000000000000000000000000000000000100000000fdffffff01e80300000000000016000000000000000000000000000000000000000000000000000081c8820231c3800103f847f845a00900000000000000000000000000000000000000000000000000000000000000e303a0080000000000000000000000000000000000000000000000000000000000000007"`,
    )
  })
})
