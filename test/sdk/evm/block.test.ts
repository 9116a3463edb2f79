import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { blockHashOf, decodeHeader, encodeHeader, type Header, headerBytesMax } from '../../../sdk/evm/block.ts'
import { headerFromJson } from '../../../sdk/evm/blockJson.ts'
import { decodeRlp, encodeRlp, quantity, type RlpItem } from '../../../sdk/rlp.ts'
import { toHex } from '../../../sdk/units.ts'
import { describeVectors, readVectorJson } from '../../vectors.ts'

const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size })
/** Whole numbers of at most `size` bytes, small ones as often as large ones. */
const scalar = (size: number) =>
  fc.oneof(fc.bigInt(0n, 255n), fc.bigInt(0n, (1n << BigInt(8 * size)) - 1n)).map(quantity)
const fields = [
  ...[bytes(32), bytes(32), bytes(20), bytes(32), bytes(32), bytes(32), bytes(256), scalar(32), scalar(6)],
  ...[scalar(8), scalar(8), scalar(8), fc.uint8Array({ maxLength: 32 }), bytes(32), bytes(8)],
  ...[scalar(32), bytes(32), scalar(8), scalar(8), bytes(32), bytes(32)],
]
const eras = { frontier: 15, london: 16, shanghai: 17, cancun: 20, prague: 21 } as const

function headerItems(era: keyof typeof eras): fc.Arbitrary<RlpItem[]> {
  return fc.tuple(...fields.slice(0, eras[era]))
}

function reasonOf(items: RlpItem): string {
  const header = decodeHeader(encodeRlp(items))
  return header.ok ? 'accepted' : header.reason
}

describe('a header', () => {
  it.each(Object.keys(eras) as (keyof typeof eras)[])('of %s is read and written back as the same bytes', (era) => {
    fc.assert(
      fc.property(headerItems(era), (items) => {
        const bytes = encodeRlp(items)
        const header = decodeHeader(bytes)
        expect(header).toMatchObject({ ok: true, value: { era } })
        expect(header.ok && toHex(encodeHeader(header.value))).toBe(toHex(bytes))
      }),
    )
  })

  it('keeps every field where the Yellow Paper and the later forks put it', () => {
    const items = fields.map((_, at) => {
      const size = [32, 32, 20, 32, 32, 32, 256, 1, 1, 1, 1, 1, 1, 32, 8, 1, 32, 1, 1, 32, 32][at]
      return new Uint8Array(size as number).fill(at + 1)
    })
    const filled = (at: number, size: number) => new Uint8Array(size).fill(at)
    const expected: Header = {
      era: 'prague',
      parentHash: `0x${'01'.repeat(32)}` as Header['parentHash'],
      ommersHash: filled(2, 32),
      miner: `0x${'03'.repeat(20)}` as Header['miner'],
      stateRoot: filled(4, 32),
      transactionsRoot: filled(5, 32),
      receiptsRoot: filled(6, 32),
      logsBloom: filled(7, 256),
      difficulty: 8n,
      number: 9,
      gasLimit: 10n,
      gasUsed: 11n,
      timestamp: 12n,
      extraData: filled(13, 1),
      mixHash: filled(14, 32),
      nonce: filled(15, 8),
      baseFeePerGas: 16n as never,
      withdrawalsRoot: filled(17, 32),
      blobGasUsed: 18n,
      excessBlobGas: 19n,
      parentBeaconBlockRoot: filled(20, 32),
      requestsHash: filled(21, 32),
    }
    expect(decodeHeader(encodeRlp(items))).toEqual({ ok: true, value: expected })
  })

  const [sample] = fc.sample(headerItems('prague'), { numRuns: 1, seed: 1 }) as [RlpItem[]]
  const changed = (at: number, item: RlpItem) => sample.map((old, index) => (index === at ? item : old))

  it.each<readonly [number, RlpItem, string]>([
    [0, new Uint8Array(31), "the header's parent hash is malformed"],
    [2, new Uint8Array(21), "the header's miner is malformed"],
    [6, new Uint8Array(255), "the header's bloom is malformed"],
    [7, new Uint8Array(33).fill(1), "the header's difficulty is malformed"],
    [8, Uint8Array.of(0), "the header's number is malformed"],
    [8, Uint8Array.of(0x20, 0, 0, 0, 0, 0, 0), "the header's number is malformed"],
    [10, Uint8Array.of(0, 1), "the header's gas used is malformed"],
    [10, new Uint8Array(9).fill(1), "the header's gas used is malformed"],
    [12, [], "the header's extra data is malformed"],
    [14, new Uint8Array(7), "the header's nonce is malformed"],
    [15, [Uint8Array.of(1)], "the header's base fee is malformed"],
    [20, new Uint8Array(0), "the header's requests hash is malformed"],
  ])('with field %i malformed is refused by name', (at, item, reason) => {
    expect(reasonOf(changed(at, item))).toBe(reason)
  })

  it('of a field count that no fork has is refused', () => {
    for (let count = 0; count < 24; count++) {
      if (Object.values<number>(eras).includes(count)) continue
      const items = [...sample, ...sample].slice(0, count)
      expect(reasonOf(items)).toBe(`no fork's header has ${count} fields`)
    }
  })

  it('that is no list, not canonical or too long is refused', () => {
    expect(reasonOf(new Uint8Array(3))).toBe('the header is not a list')
    expect(decodeHeader(new Uint8Array(0)).ok).toBe(false)
    expect(decodeHeader(new Uint8Array(headerBytesMax + 1))).toEqual({
      ok: false,
      reason: `the header is longer than ${headerBytesMax} bytes`,
    })
  })

  it('with any byte changed is refused or another header, and never throws', () => {
    const good = encodeRlp(sample)
    fc.assert(
      fc.property(fc.nat({ max: good.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = good.slice()
        bytes[at] = (bytes[at] as number) ^ flip
        const header = decodeHeader(bytes)
        if (header.ok) expect(toHex(encodeHeader(header.value))).toBe(toHex(bytes))
        expect(blockHashOf(bytes)).not.toBe(blockHashOf(good))
      }),
      { numRuns: 2_000 },
    )
  })
})

describeVectors('real headers', () => {
  it.each([
    ['frontier', 'blocks/mainnet-46147/block.json.gz'],
    ['frontier', 'blocks/mainnet-930196/block.json.gz'],
    ['frontier', 'blocks/mainnet-5891667/block.json.gz'],
    ['london', 'blocks/mainnet-13287210/block.json.gz'],
    ['shanghai', 'light/eth/lc-e2e/executionBlockHeader.json'],
    ['cancun', 'blocks/mainnet-19606599/block.json.gz'],
    ['cancun', 'light/eth/proofs/helios-block.json'],
  ])('of %s have their hash: %s', (era, name) => {
    const json = readVectorJson(name) as { hash: string }
    const bytes = headerFromJson(json)
    if (!bytes.ok) throw new Error(bytes.reason)
    expect(blockHashOf(bytes.value)).toBe(json.hash)
    const header = decodeHeader(bytes.value)
    expect(header).toMatchObject({ ok: true, value: { era } })
    expect(header.ok && decodeRlp(encodeHeader(header.value))).toEqual(decodeRlp(bytes.value))
  })
})
