import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SdkError } from '../../sdk/errors.ts'
import {
  address,
  batchId,
  blockHash,
  chainId,
  fromHex,
  type Hex,
  isHex,
  sameBytes,
  sats,
  slot,
  toHex,
  txHash,
  wei,
} from '../../sdk/units.ts'

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof SdkError) return error.code
  }
  return 'nothing thrown'
}

describe('amounts', () => {
  it('take both ends of their range and nothing beyond', () => {
    expect(wei(0n)).toBe(0n)
    expect(wei(2n ** 256n - 1n)).toBe(2n ** 256n - 1n)
    expect(sats(2_100_000_000_000_000n)).toBe(2_100_000_000_000_000n)
    for (const beyond of [() => wei(-1n), () => wei(2n ** 256n), () => sats(-1n), () => sats(2_100_000_000_000_001n)])
      expect(codeOf(beyond)).toBe('units/out-of-range')
  })

  it('bring every sum back through the range check', () => {
    const all = wei(2n ** 256n - 1n)
    expect(codeOf(() => wei(all + 1n))).toBe('units/out-of-range')
  })
})

describe('chain ids', () => {
  it('are whole numbers from 1', () => {
    expect(chainId(1)).toBe(1)
    expect(chainId(Number.MAX_SAFE_INTEGER)).toBe(Number.MAX_SAFE_INTEGER)
    for (const wrong of [0, -1, 1.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])
      expect(codeOf(() => chainId(wrong))).toBe('units/out-of-range')
  })
})

describe('identities', () => {
  const readers = [
    { read: address, size: 20 },
    { read: txHash, size: 32 },
    { read: blockHash, size: 32 },
    { read: slot, size: 32 },
    { read: batchId, size: 32 },
  ] as const

  it.each(readers)('$read.name takes $size bytes in any case, and equal ones are equal strings', ({ read, size }) => {
    expect(read(`0x${'Ab'.repeat(size)}`)).toBe(`0x${'ab'.repeat(size)}`)
  })

  it.each(readers)('$read.name refuses every other text', ({ read, size }) => {
    const good = 'ab'.repeat(size)
    for (const wrong of [
      '',
      '0x',
      good,
      `0X${good}`,
      `0x${good}00`,
      `0x${good.slice(1)}`,
      `0x${good.slice(2)}`,
      ` 0x${good}`,
      `0x${good}\n`,
      `0x${good.slice(1)}g`,
    ])
      expect(
        codeOf(() => read(wrong)),
        wrong,
      ).toBe('units/malformed')
  })
})

describe('hex', () => {
  it('is read back as written, for all bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromHex(toHex(bytes))).toEqual(bytes)
      }),
    )
  })

  it('agrees with an independent encoder', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => toHex(bytes) === `0x${Buffer.from(bytes).toString('hex')}`))
    const many = fc.uint8Array({ minLength: 500, maxLength: 1_100 })
    fc.assert(fc.property(many, (bytes) => toHex(bytes) === `0x${Buffer.from(bytes).toString('hex')}`))
  })

  it('is 0x and whole bytes', () => {
    expect(isHex('0x')).toBe(true)
    expect(isHex('0xAbcd', 2)).toBe(true)
    for (const wrong of ['', '0', '0x0', '0xg0', 'abcd', '0xabcd ', '0xab\n', 12, null, undefined, ['0x']])
      expect(isHex(wrong), String(wrong)).toBe(false)
    expect(isHex('0xabcd', 1)).toBe(false)
    expect(codeOf(() => fromHex('0xabc' as Hex))).toBe('units/malformed')
  })
})

describe('sameBytes', () => {
  it('holds exactly for equal contents', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4 }), fc.uint8Array({ maxLength: 4 }), (one, other) => {
        expect(sameBytes(one, other)).toBe(toHex(one) === toHex(other))
        expect(sameBytes(one, one.slice())).toBe(true)
      }),
    )
  })
})
