import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Batch,
  batchBytesMax,
  batchIdOf,
  batchTransactionsMax,
  type DecodedBatch,
  declare,
  decodeBatch,
  decodeBatchJson,
  encodeBatch,
  encodeBatchJson,
  transactionBytesMax,
  transactionPlacesMax,
  undeclared,
} from '../../../sdk/batch/index.ts'
import { keccak256 } from '../../../sdk/crypto/engine.ts'
import { InvariantError } from '../../../sdk/errors.ts'
import { decodeRlp, encodeRlp, quantity, type RlpItem } from '../../../sdk/rlp.ts'
import { chainId, fromHex, toHex } from '../../../sdk/units.ts'
import { account, batch, field, slotOf } from './arbitraries.ts'

const small: Batch = {
  chainId: chainId(1),
  fork: 'osaka',
  transactions: [
    {
      raw: Uint8Array.of(0x02, 0xc0),
      declaration: declare(
        {
          reads: [field('code', 2), slotOf(2, 9)],
          writes: [field('balance', 1), slotOf(2, 5)],
          credits: [field('balance', 3)],
        },
        50_000,
        'trace',
      ),
    },
    { raw: Uint8Array.of(0x01), declaration: undeclared(21_000) },
  ],
}

/** A tree in place of the envelope's, under its version byte. */
function versioned(tree: RlpItem): Uint8Array {
  const payload = encodeRlp(tree)
  const bytes = new Uint8Array(1 + payload.length)
  bytes.set([1])
  bytes.set(payload, 1)
  return bytes
}

function codeOf(decoded: DecodedBatch): string {
  return decoded.ok ? 'accepted' : decoded.code
}

describe('binary envelope', () => {
  it('[E1] is version byte and RLP, field by field', () => {
    const n = (value: number) => quantity(value)
    const expected = encodeRlp([
      n(1),
      new TextEncoder().encode('osaka'),
      [1, 2, 3].map((at) => fromHex(account(at))),
      [[n(1), [5, 9].map((at) => fromHex(`0x${at.toString(16).padStart(64, '0')}`))]],
      [
        // 3 accounts: places 0 to 8 are theirs, 9 and 10 the slots.
        [Uint8Array.of(0x02, 0xc0), [n(5), n(10)], [n(1), n(9)], [n(7)], n(3), n(50_000)],
        [Uint8Array.of(0x01), [], [], [], n(0), n(21_000)],
      ],
    ])
    expect(toHex(encodeBatch(small))).toBe(`0x01${toHex(expected).slice(2)}`)
  })

  it('[E1] decoding gives the batch back, with its id', () => {
    fc.assert(
      fc.property(batch, (batch) => {
        const bytes = encodeBatch(batch)
        const decoded = decodeBatch(bytes)
        expect(decoded).toEqual({ ok: true, value: { ...batch, id: toHex(keccak256(bytes)) } })
      }),
    )
  })

  it('[E1] the order in which places are listed does not change the bytes', () => {
    const [first, second] = small.transactions
    const { reads, writes } = first?.declaration ?? declare({ reads: [], writes: [], credits: [] }, 0)
    const shuffled = {
      ...first,
      declaration: { ...first?.declaration, reads: [...reads].reverse(), writes: [...writes, ...writes] },
    }
    expect(encodeBatch({ ...small, transactions: [shuffled, second] } as Batch)).toEqual(encodeBatch(small))
  })

  it('[E1] the batch keeps nothing of the bytes it was read from', () => {
    const bytes = Buffer.from(encodeBatch(small))
    const decoded = decodeBatch(bytes)
    bytes.fill(0)
    expect(decoded).toMatchObject({ ok: true, value: small })
  })

  it('[E9] mutated envelopes are refused, or are the one encoding of another batch', () => {
    const mutation = fc.record({
      at: fc.nat(),
      byte: fc.nat(255),
      kind: fc.constantFrom('set', 'cut', 'insert', 'drop'),
    })
    fc.assert(
      fc.property(batch, fc.array(mutation, { minLength: 1, maxLength: 3 }), (batch, mutations) => {
        let bytes = [...encodeBatch(batch)]
        for (const { at, byte, kind } of mutations) {
          const place = at % bytes.length
          if (kind === 'set') bytes[place] = byte
          else if (kind === 'cut') bytes = bytes.slice(0, place + 1)
          else bytes.splice(place, kind === 'drop' && bytes.length > 1 ? 1 : 0, ...(kind === 'insert' ? [byte] : []))
        }
        const decoded = decodeBatch(Uint8Array.from(bytes))
        if (decoded.ok) expect([...encodeBatch(decoded.value)]).toEqual(bytes)
      }),
      { numRuns: 2_000 },
    )
  })

  it('[E9] arbitrary bytes never throw', () => {
    const garbage = fc.oneof(fc.uint8Array({ maxLength: 300 }), rlpItem.map(versioned))
    fc.assert(
      fc.property(garbage, (bytes) => {
        expect(decodeBatch(bytes).ok).toBe(false)
      }),
      { numRuns: 1_000 },
    )
  })

  it('[E9] a hostile megabyte of empty lists is refused early', () => {
    const bytes = new Uint8Array(batchBytesMax).fill(0xc0)
    bytes.set([0x01, 0xfa, 0x0f, 0xff, 0xfb])
    expect(codeOf(decodeBatch(bytes))).toBe('malformed-envelope')
  })
})

const rlpItem: fc.Arbitrary<RlpItem> = fc.letrec<{ item: RlpItem }>((tie) => ({
  item: fc.oneof({ maxDepth: 5 }, fc.uint8Array({ maxLength: 40 }), fc.array(tie('item'), { maxLength: 6 })),
})).item

describe('envelope faults', () => {
  // The small batch as a tree, to be spoiled one rule at a time.
  type Tx = [Uint8Array, RlpItem[], RlpItem[], RlpItem[], RlpItem, RlpItem]
  type Group = [RlpItem, RlpItem[]]
  type Tree = [RlpItem, RlpItem, [RlpItem, RlpItem, ...RlpItem[]], [Group, ...Group[]], [Tx, Tx, ...Tx[]]]
  const spoiled = (spoil: (tree: Tree) => void) => {
    const decoded = decodeRlp(encodeBatch(small).subarray(1))
    if (!decoded.ok) throw new InvariantError(decoded.reason)
    const tree = structuredClone(decoded.value) as unknown as Tree
    spoil(tree)
    return codeOf(decodeBatch(versioned(tree)))
  }
  const cases: [string, string, (tree: Tree) => void][] = [
    ['nothing spoiled', 'accepted', () => undefined],
    [
      '[E1] chain 0',
      'malformed-envelope',
      (tree) => {
        tree[0] = quantity(0)
      },
    ],
    [
      '[E1] a chain id beyond 2^53 - 1',
      'malformed-envelope',
      (tree) => {
        tree[0] = quantity(2n ** 53n)
      },
    ],
    [
      '[E1] a leading zero',
      'malformed-envelope',
      (tree) => {
        tree[0] = Uint8Array.of(0, 1)
      },
    ],
    [
      '[E1] a list for a number',
      'malformed-envelope',
      (tree) => {
        tree[0] = []
      },
    ],
    [
      '[E1] a field too many',
      'malformed-envelope',
      (tree) => {
        ;(tree as unknown[]).push(quantity(1))
      },
    ],
    [
      '[E1] a field too few',
      'malformed-envelope',
      (tree) => {
        ;(tree as unknown[]).pop()
      },
    ],
    [
      '[E1] a source that is none',
      'malformed-envelope',
      (tree) => {
        tree[4][0][4] = quantity(4)
      },
    ],
    [
      '[E1] gas beyond its limit',
      'malformed-envelope',
      (tree) => {
        tree[4][0][5] = quantity(2 ** 32)
      },
    ],
    [
      '[E2] an account of 19 bytes',
      'malformed-envelope',
      (tree) => {
        tree[2][0] = new Uint8Array(19)
      },
    ],
    [
      '[E2] accounts out of order',
      'unordered-keys',
      (tree) => {
        tree[2].reverse()
      },
    ],
    [
      '[E2] an account twice',
      'unordered-keys',
      (tree) => {
        tree[2][1] = tree[2][0]
      },
    ],
    [
      '[E2] a slot group of no account',
      'index-out-of-range',
      (tree) => {
        tree[3][0][0] = quantity(3)
      },
    ],
    [
      '[E2] an empty slot group',
      'malformed-envelope',
      (tree) => {
        tree[3].push([quantity(2), []])
      },
    ],
    [
      '[E2] slot groups twice',
      'unordered-keys',
      (tree) => {
        tree[3].push(tree[3][0])
      },
    ],
    [
      '[E2] slots out of order',
      'unordered-keys',
      (tree) => {
        tree[3][0][1].reverse()
      },
    ],
    [
      '[E4] an index past the tables',
      'index-out-of-range',
      (tree) => {
        tree[4][0][1][1] = quantity(11)
      },
    ],
    [
      '[E4] indices out of order',
      'unordered-keys',
      (tree) => {
        tree[4][0][1].reverse()
      },
    ],
    [
      '[E4] an index twice',
      'unordered-keys',
      (tree) => {
        tree[4][0][1] = [quantity(10), quantity(10)]
      },
    ],
    [
      '[E4] a place in two lists',
      'malformed-envelope',
      (tree) => {
        tree[4][0][3] = [quantity(5), quantity(7)]
      },
    ],
    [
      '[E5] unknown, and declares',
      'malformed-envelope',
      (tree) => {
        tree[4][1][1] = [quantity(5)]
      },
    ],
    [
      '[E6] an idle slot',
      'malformed-envelope',
      (tree) => {
        tree[4][0][2] = [quantity(1)]
      },
    ],
    [
      '[E6] an idle account',
      'malformed-envelope',
      (tree) => {
        tree[4][0][3] = []
      },
    ],
    [
      '[E8] no transaction',
      'malformed-envelope',
      (tree) => {
        ;(tree as unknown[]).splice(2, 3, [], [], [])
      },
    ],
    [
      '[E8] an empty transaction',
      'malformed-envelope',
      (tree) => {
        tree[4][1][0] = new Uint8Array(0)
      },
    ],
    [
      '[E8] a transaction too long',
      'batch-too-large',
      (tree) => {
        tree[4][1][0] = new Uint8Array(transactionBytesMax + 1)
      },
    ],
    [
      '[E8] a transaction too many',
      'batch-too-large',
      (tree) => {
        while (tree[4].length <= batchTransactionsMax) tree[4].push(tree[4][1])
      },
    ],
    [
      '[E8] a fork with a name too long',
      'malformed-envelope',
      (tree) => {
        tree[1] = new Uint8Array(33).fill(0x61)
      },
    ],
    [
      '[E8] a fork without a name',
      'malformed-envelope',
      (tree) => {
        tree[1] = new Uint8Array(0)
      },
    ],
    [
      '[E8] a fork of other characters',
      'malformed-envelope',
      (tree) => {
        tree[1] = Uint8Array.of(0xe4)
      },
    ],
  ]
  it.each(cases)('%s: %s', (_, code, spoil) => {
    expect(spoiled(spoil)).toBe(code)
  })

  it('[E9] another version, no bytes, bytes behind, and too many bytes', () => {
    const bytes = encodeBatch(small)
    expect(codeOf(decodeBatch(Uint8Array.of(2, ...bytes.subarray(1))))).toBe('unsupported-version')
    expect(codeOf(decodeBatch(new Uint8Array(0)))).toBe('malformed-envelope')
    expect(codeOf(decodeBatch(Uint8Array.of(...bytes, 0)))).toBe('malformed-envelope')
    expect(codeOf(decodeBatch(new Uint8Array(batchBytesMax + 1).fill(1)))).toBe('batch-too-large')
  })

  it('[E8] too many places of one transaction', () => {
    const reads = Array.from({ length: transactionPlacesMax + 1 }, (_, at) => slotOf(1, at))
    const most = {
      ...small,
      transactions: [
        { raw: Uint8Array.of(1), declaration: declare({ reads: reads.slice(1), writes: [], credits: [] }, 1) },
      ],
    }
    expect(decodeBatch(encodeBatch(most)).ok).toBe(true)
    const beyond = {
      ...small,
      transactions: [{ raw: Uint8Array.of(1), declaration: declare({ reads, writes: [], credits: [] }, 1) }],
    }
    expect(() => encodeBatch(beyond)).toThrow(expect.objectContaining({ code: 'batch/too-large' }))
  })
})

describe('JSON envelope', () => {
  it('[E7] has the fields of the design', () => {
    expect(JSON.parse(encodeBatchJson(small))).toEqual({
      version: 1,
      chainId: 1,
      fork: 'osaka',
      accounts: [account(1), account(2), account(3)],
      slots: [[1, [`0x${'5'.padStart(64, '0')}`, `0x${'9'.padStart(64, '0')}`]]],
      txs: [
        { raw: '0x02c0', reads: [5, 10], writes: [1, 9], credits: [7], source: 'trace', gas: 50_000 },
        { raw: '0x01', reads: [], writes: [], credits: [], source: 'unknown', gas: 21_000 },
      ],
      digest: toHex(keccak256(encodeBatch(small))),
    })
  })

  it('[E7] both forms carry one batch and one id', () => {
    fc.assert(
      fc.property(batch, (batch) => {
        const text = encodeBatchJson(batch)
        const decoded = decodeBatchJson(text)
        expect(decoded).toEqual(decodeBatch(encodeBatch(batch)))
        if (decoded.ok) expect(encodeBatchJson(decoded.value)).toBe(text)
        expect(decoded.ok && decoded.value.id).toBe(batchIdOf(batch))
        expect(batchIdOf(batch)).toBe(batchIdOf(encodeBatch(batch)))
      }),
    )
  })

  it('[E7] takes any layout and hex of either case', () => {
    const json = JSON.parse(encodeBatchJson(small))
    const text = JSON.stringify({ ...json, digest: json.digest.toUpperCase().replace('0X', '0x') }, null, 2)
    expect(decodeBatchJson(text)).toEqual(decodeBatch(encodeBatch(small)))
  })

  interface Tree {
    [field: string]: unknown
    accounts: [string, ...string[]]
    slots: [unknown[]]
    txs: [Record<string, unknown>, Record<string, unknown>]
  }
  const spoiled = (spoil: (json: Tree) => void) => {
    const json: Tree = JSON.parse(encodeBatchJson(small))
    spoil(json)
    return codeOf(decodeBatchJson(JSON.stringify(json)))
  }
  const cases: [string, string, (json: Tree) => void][] = [
    [
      '[E7] another digest',
      'wrong-digest',
      (json) => {
        json.digest = `0x${'0'.repeat(64)}`
      },
    ],
    [
      '[E7] content that the digest does not cover',
      'wrong-digest',
      (json) => {
        json.txs[1].raw = '0x0f'
      },
    ],
    [
      '[E7] no digest',
      'malformed-envelope',
      (json) => {
        delete json.digest
      },
    ],
    [
      '[E7] a further field',
      'malformed-envelope',
      (json) => {
        json.plan = {}
      },
    ],
    [
      '[E7] a further field of a transaction',
      'malformed-envelope',
      (json) => {
        json.txs[0].nonce = 1
      },
    ],
    [
      '[E7] a missing field of a transaction',
      'malformed-envelope',
      (json) => {
        delete json.txs[0].gas
      },
    ],
    [
      '[E7] a chain id as text',
      'malformed-envelope',
      (json) => {
        json.chainId = '1'
      },
    ],
    [
      '[E7] gas with a fraction',
      'malformed-envelope',
      (json) => {
        json.txs[0].gas = 1.5
      },
    ],
    [
      '[E7] gas below zero',
      'malformed-envelope',
      (json) => {
        json.txs[0].gas = -1
      },
    ],
    [
      '[E7] gas beyond its limit',
      'malformed-envelope',
      (json) => {
        json.txs[0].gas = 2 ** 32
      },
    ],
    [
      '[E7] an index below zero',
      'malformed-envelope',
      (json) => {
        json.txs[0].reads = [-5]
      },
    ],
    [
      '[E7] an index as text',
      'malformed-envelope',
      (json) => {
        json.txs[0].reads = ['5']
      },
    ],
    [
      '[E7] half a byte',
      'malformed-envelope',
      (json) => {
        json.txs[0].raw = '0x0'
      },
    ],
    [
      '[E7] an account of 19 bytes',
      'malformed-envelope',
      (json) => {
        json.accounts[0] = `0x${'00'.repeat(19)}`
      },
    ],
    [
      '[E7] a slot group of three',
      'malformed-envelope',
      (json) => {
        json.slots[0].push(1)
      },
    ],
    [
      '[E7] a source that is none',
      'malformed-envelope',
      (json) => {
        json.txs[0].source = 'guess'
      },
    ],
    [
      '[E9] another version',
      'unsupported-version',
      (json) => {
        json.version = 2
      },
    ],
    [
      '[E9] a version as text',
      'malformed-envelope',
      (json) => {
        json.version = '1'
      },
    ],
    [
      '[E8] a transaction too long',
      'batch-too-large',
      (json) => {
        json.txs[0].raw = `0x${'00'.repeat(transactionBytesMax + 1)}`
      },
    ],
  ]
  it.each(cases)('%s: %s', (_, code, spoil) => {
    expect(spoiled(spoil)).toBe(code)
  })

  it('[E9] arbitrary JSON, arbitrary text and mutated envelopes never throw', () => {
    const text = encodeBatchJson(small)
    const cut = fc.tuple(fc.nat(text.length), fc.nat(40), fc.string({ maxLength: 6 }))
    const garbage = fc.oneof(
      fc.json(),
      fc.string(),
      cut.map(([at, length, filler]) => text.slice(0, at) + filler + text.slice(at + length)),
      fc
        .tuple(fc.constantFrom(...Object.keys(JSON.parse(text))), fc.jsonValue())
        .map(([name, value]) => JSON.stringify({ ...JSON.parse(text), [name]: value })),
      fc
        .tuple(fc.constantFrom('raw', 'reads', 'writes', 'credits', 'source', 'gas'), fc.jsonValue())
        .map(([name, value]) => {
          const json = JSON.parse(text)
          json.txs[0][name] = value
          return JSON.stringify(json)
        }),
    )
    const whole = decodeBatchJson(text)
    fc.assert(
      fc.property(garbage, (garbage) => {
        const decoded = decodeBatchJson(garbage)
        // What is still accepted is the same batch, since the digest covers all of it.
        if (decoded.ok) expect(decoded).toEqual(whole)
      }),
      { numRuns: 2_000 },
    )
  })

  it('[E9] deep nesting and too long texts are refused', () => {
    expect(codeOf(decodeBatchJson('['.repeat(500_000) + ']'.repeat(500_000)))).toBe('malformed-envelope')
    expect(codeOf(decodeBatchJson(' '.repeat(batchBytesMax + 1)))).toBe('batch-too-large')
  })
})

describe('encoders', () => {
  const raw = Uint8Array.of(1)
  const refusal = (code: string) => expect.objectContaining({ name: 'SdkError', code })

  it('[E8] refuse what the decoders would refuse', () => {
    const one = { raw, declaration: undeclared(0) }
    const long = { raw: new Uint8Array(transactionBytesMax), declaration: undeclared(0) }
    const many = (count: number, transaction = one) => ({
      ...small,
      transactions: Array.from({ length: count }, () => transaction),
    })
    expect(() => encodeBatch(many(0))).toThrow(refusal('batch/malformed'))
    expect(() => encodeBatch(many(batchTransactionsMax + 1))).toThrow(refusal('batch/too-large'))
    expect(() => encodeBatch(many(8, long))).toThrow(refusal('batch/too-large'))
    expect(() => encodeBatchJson(many(4, long))).toThrow(refusal('batch/too-large'))
    expect(() => encodeBatch({ ...small, fork: 'not a fork' })).toThrow(refusal('batch/malformed'))
    expect(decodeBatch(encodeBatch(many(batchTransactionsMax))).ok).toBe(true)
  })

  it('[E5] refuse an unknown access that declares', () => {
    const declaration = { ...undeclared(0), reads: [field('code', 1)] }
    expect(() => encodeBatch({ ...small, transactions: [{ raw, declaration }] })).toThrow(refusal('batch/malformed'))
  })
})
