import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keccak256 } from '../../../sdk/crypto/engine.ts'
import { receiptFromJson } from '../../../sdk/evm/blockJson.ts'
import {
  bloomOf,
  decodeReceipt,
  encodeReceipt,
  type Log,
  type Receipt,
  receiptBytesMax,
} from '../../../sdk/evm/receipt.ts'
import { encodeRlp, type RlpItem } from '../../../sdk/rlp.ts'
import { orderedTrie } from '../../../sdk/trie/index.ts'
import { address, fromHex, toHex } from '../../../sdk/units.ts'
import { describeVectors, readVectorJson } from '../../vectors.ts'

const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size })
const log: fc.Arbitrary<Log> = fc.record({
  address: bytes(20).map((bytes) => address(toHex(bytes))),
  topics: fc.array(bytes(32), { maxLength: 4 }),
  data: fc.uint8Array({ maxLength: 80 }),
})
const outcome = fc.constantFrom('succeeded' as const, 'failed' as const)
const executed = {
  cumulativeGasUsed: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  logs: fc.array(log, { maxLength: 4 }),
}
const receipt: fc.Arbitrary<Receipt> = fc.oneof(
  fc.record({
    type: fc.constant('legacy' as const),
    outcome: fc.oneof(outcome, fc.record({ stateRoot: bytes(32) })),
    ...executed,
  }),
  fc.record({ type: fc.constantFrom('eip2930', 'eip1559', 'eip4844', 'eip7702'), outcome, ...executed }),
)

function reasonOf(bytes: Uint8Array): string {
  const decoded = decodeReceipt(bytes)
  return decoded.ok ? 'accepted' : decoded.reason
}

const noBloom = new Uint8Array(256)
const one = Uint8Array.of(1)

describe('a receipt', () => {
  it('is read back as written', () => {
    fc.assert(
      fc.property(receipt, (receipt) => {
        expect(decodeReceipt(encodeReceipt(receipt))).toEqual({ ok: true, value: receipt })
      }),
    )
  })

  it('starts with its type, except the legacy one, which starts as a list (EIP-2718)', () => {
    const of = (type: Receipt['type']) =>
      encodeReceipt({ type, outcome: 'succeeded', cumulativeGasUsed: 1n, logs: [] })[0]
    expect((['legacy', 'eip2930', 'eip1559', 'eip4844', 'eip7702'] as const).map(of)).toEqual([0xf9, 1, 2, 3, 4])
  })

  it('with any byte changed is refused or another receipt with one encoding, and never throws', () => {
    const [good] = fc.sample(receipt, { numRuns: 1, seed: 3 }) as [Receipt]
    const encoded = encodeReceipt(good)
    fc.assert(
      fc.property(fc.nat({ max: encoded.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = encoded.slice()
        bytes[at] = (bytes[at] as number) ^ flip
        const decoded = decodeReceipt(bytes)
        if (decoded.ok) expect(toHex(encodeReceipt(decoded.value))).toBe(toHex(bytes))
      }),
      { numRuns: 1_000 },
    )
  })

  it('never throws on garbage', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => typeof decodeReceipt(bytes).ok === 'boolean'))
  })

  it.each<readonly [string, RlpItem, string]>([
    ['a part missing', [one, one, noBloom], "the receipt's list of logs is missing"],
    ['a part too many', [one, one, noBloom, [], one], "the receipt's fields are left over"],
    ['an outcome of 2', [Uint8Array.of(2), one, noBloom, []], "the receipt's outcome is malformed"],
    ['an outcome of zero as a byte', [Uint8Array.of(0), one, noBloom, []], "the receipt's outcome is malformed"],
    ['gas with a leading zero', [one, Uint8Array.of(0, 1), noBloom, []], "the receipt's cumulative gas is malformed"],
    ['gas beyond 64 bits', [one, new Uint8Array(9).fill(1), noBloom, []], "the receipt's cumulative gas is malformed"],
    ['a bloom cut short', [one, one, noBloom.subarray(1), []], "the receipt's bloom is malformed"],
    [
      'a bloom of other logs',
      [one, one, new Uint8Array(256).fill(255), []],
      "the receipt's bloom is not that of its logs",
    ],
    ['logs that are bytes', [one, one, noBloom, one], "the receipt's list of logs is malformed"],
    ['a log that is bytes', [one, one, noBloom, [one]], 'log 0: it is not a list'],
    ['a log without data', [one, one, noBloom, [[new Uint8Array(20), []]]], 'log 0: its data is missing'],
    [
      'a log that goes on',
      [one, one, noBloom, [[new Uint8Array(20), [], one, one]]],
      'log 0: its fields are left over',
    ],
    ['a topic cut short', [one, one, noBloom, [[new Uint8Array(20), [one], one]]], 'log 0: a topic is not 32 bytes'],
    [
      'a topic that is a list',
      [one, one, noBloom, [[new Uint8Array(20), [[]], one]]],
      'log 0: a topic is not 32 bytes',
    ],
    [
      'five topics',
      [one, one, noBloom, [[new Uint8Array(20), Array(5).fill(new Uint8Array(32)), one]]],
      'log 0: it has more than four topics',
    ],
  ])('with %s is refused', (_, item, reason) => {
    expect(reasonOf(encodeRlp(item))).toBe(reason)
    expect(reasonOf(Uint8Array.of(2, ...encodeRlp(item)))).toBe(reason)
  })

  it('of an unknown type, or of type 0 written out, is refused', () => {
    const payload = encodeRlp([one, one, noBloom, []])
    for (const type of [0, 5, 0x7e, 0x7f, 0x80, 0xbf])
      expect(reasonOf(Uint8Array.of(type, ...payload))).toBe('the receipt is of no known type')
    expect(reasonOf(new Uint8Array(0))).toBe('the receipt is of no known type')
  })

  it('that is no list is refused', () => {
    expect(reasonOf(Uint8Array.of(2, 1))).toBe('the receipt is not a list')
  })

  it('of a type has no state root for its outcome', () => {
    const payload = encodeRlp([new Uint8Array(32), one, noBloom, []])
    expect(reasonOf(payload)).toBe('accepted')
    expect(reasonOf(Uint8Array.of(1, ...payload))).toBe('a typed receipt holds a state root for its outcome')
  })

  it('longer than its bound is refused unread', () => {
    expect(reasonOf(new Uint8Array(receiptBytesMax + 1))).toBe(`the receipt is longer than ${receiptBytesMax} bytes`)
  })
})

describe('a bloom filter', () => {
  it('has the three bits of each address and topic that the Yellow Paper names, and no other', () => {
    fc.assert(
      fc.property(fc.array(log, { maxLength: 3 }), (logs) => {
        let expected = 0n
        for (const entry of logs.flatMap((log) => [fromHex(log.address), ...log.topics])) {
          const hash = BigInt(toHex(keccak256(entry)))
          for (const pair of [240n, 224n, 208n]) expected |= 1n << ((hash >> pair) & 2047n)
        }
        expect(BigInt(toHex(bloomOf(logs)))).toBe(expected)
      }),
    )
  })

  it('of no logs is empty, and data leaves no mark', () => {
    expect(bloomOf([])).toEqual(noBloom)
    const [one] = fc.sample(log, { numRuns: 1, seed: 5 }) as [Log]
    expect(bloomOf([one])).toEqual(bloomOf([{ ...one, data: Uint8Array.of(1, 2, 3) }]))
  })
})

describeVectors('real receipts', () => {
  const encoded = (json: unknown) => {
    const bytes = receiptFromJson(json)
    if (!bytes.ok) throw new Error(bytes.reason)
    return bytes.value
  }

  it('of a Cancun block, 202 of them, have its receipts root and are read back as written', () => {
    const block = readVectorJson('light/eth/proofs/helios-block.json') as { receiptsRoot: string }
    const all = (readVectorJson('light/eth/proofs/helios-receipts.json') as unknown[]).map(encoded)
    expect(all).toHaveLength(202)
    expect(toHex(orderedTrie(all).root)).toBe(block.receiptsRoot)
    for (const bytes of all) {
      const receipt = decodeReceipt(bytes)
      expect(receipt.ok && toHex(encodeReceipt(receipt.value))).toBe(toHex(bytes))
    }
  })

  it('of the first block with a transaction tell its state root, and have its receipts root', () => {
    const block = readVectorJson('blocks/mainnet-46147/block.json.gz') as { receiptsRoot: string }
    const [first] = readVectorJson('light/eth/lc-e2e/receipts.json') as unknown[]
    expect(toHex(orderedTrie([encoded(first)]).root)).toBe(block.receiptsRoot)
  })
})
