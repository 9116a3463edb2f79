import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bitcoinNetworks, decodeTarget } from '../../../../sdk/verify/bitcoin/index.ts'
import { rulesOf } from '../../../../sdk/verify/bitcoin/network.ts'
import { faultOf, isAfterMedian, requiredBits, retargetedBits } from '../../../../sdk/verify/bitcoin/rules.ts'
import { held } from '../../../conformance/bitcoin.ts'

const [mainnet, testnet3, testnet4, signet, regtest] = [
  rulesOf('mainnet'),
  rulesOf('testnet3'),
  rulesOf('testnet4'),
  rulesOf('signet'),
  rulesOf('regtest'),
]
const twoWeeks = 1_209_600

describe('retargets', () => {
  it.each([
    ['as slow as it was', 1_261_130_161, 1_262_152_739, 0x1d00ffff, 0x1d00d86a],
    ['never beyond the limit', 1_231_006_505, 1_233_061_996, 0x1d00ffff, 0x1d00ffff],
    ['at most four times harder', 1_279_008_237, 1_279_297_671, 0x1c05a3f4, 0x1c0168fd],
    ['at most four times easier', 1_263_163_443, 1_269_211_443, 0x1c387f6f, 0x1d00e1fd],
  ])('%s (cases of Bitcoin Core)', (_, time, lastTime, bits, next) => {
    expect(retargetedBits(mainnet, { time, bits }, lastTime)).toBe(next)
  })

  it('take a period that ran backwards in time as the shortest one', () => {
    const period = { time: 1_500_000_000, bits: 0x1b04864c }
    expect(retargetedBits(mainnet, period, 0)).toBe(retargetedBits(mainnet, period, period.time + twoWeeks / 4))
    expect(retargetedBits(mainnet, period, 0)).not.toBe(
      retargetedBits(mainnet, period, period.time + twoWeeks / 4 + 99),
    )
  })

  it('stay below 2^256 on every network, so no product wraps as it does in Core', () => {
    for (const network of bitcoinNetworks.filter((one) => one !== 'regtest')) {
      const easiest = held(decodeTarget(rulesOf(network).easiestBits))
      expect(easiest * BigInt(4 * twoWeeks)).toBeLessThan(1n << 256n)
    }
  })

  it('happen at multiples of 2,016 and nowhere else', () => {
    const header = {
      time: 1_500_000_600,
      previousTime: 1_500_000_000,
      previousBits: 0x1b04864c,
      period: { time: 1_499_500_000, bits: 0x1b04864c },
    }
    for (const rules of [mainnet, testnet3, testnet4, signet]) {
      expect(requiredBits(rules, { ...header, height: 4_031 })).toBe(0x1b04864c)
      expect(requiredBits(rules, { ...header, height: 4_032 })).toBe(
        retargetedBits(rules, header.period, 1_500_000_000),
      )
      expect(requiredBits(rules, { ...header, height: 4_033 })).toBe(0x1b04864c)
    }
    for (const height of [1, 2_016, 4_031]) expect(requiredBits(regtest, { ...header, height })).toBe(0x207fffff)
  })
})

describe('testnet4 (BIP-94)', () => {
  const period = { time: 1_720_000_000, bits: 0x1a0fffff }
  const at = (height: number, seconds: number) => ({
    height,
    time: 1_720_500_000 + seconds,
    previousTime: 1_720_500_000,
    previousBits: period.bits,
    period,
  })

  it('a header more than 20 minutes late must have the easiest target, any other that of the period', () => {
    expect(requiredBits(testnet4, at(100, 1_200))).toBe(period.bits)
    expect(requiredBits(testnet4, at(100, 1_201))).toBe(0x1d00ffff)
    expect(requiredBits(mainnet, at(100, 1_201))).toBe(period.bits)
  })

  it('the first header of a period is no exception, however late', () => {
    expect(requiredBits(testnet4, at(2_016, 100_000))).toBe(retargetedBits(testnet4, period, 1_720_500_000))
    expect(requiredBits(testnet4, at(2_016, 100_000))).not.toBe(0x1d00ffff)
  })

  it('the first header of a period is stamped at most 600 seconds before the header before it', () => {
    const judge = (rules: typeof testnet4, height: number, seconds: number) => {
      const header = at(height, seconds)
      return faultOf(rules, { ...header, version: 4, bits: requiredBits(rules, header) }, 1_800_000_000)
    }
    expect(judge(testnet4, 4_032, -600)).toBe(null)
    expect(judge(testnet4, 4_032, -601)).toMatch(/BIP-94/)
    expect(judge(testnet4, 4_031, -601)).toBe(null)
    expect(judge(signet, 4_032, -601)).toBe(null)
  })
})

describe('testnet3', () => {
  const period = { time: 1_720_000_000, bits: 0x1b04864c }
  const at = (height: number, seconds: number, previousBits = period.bits) => {
    const previousTime = period.time + twoWeeks
    return { height, time: previousTime + seconds, previousTime, previousBits, period }
  }

  it('a late header must have the easiest target, and the one after an exception that of the period again', () => {
    expect(requiredBits(testnet3, at(100, 1_200))).toBe(period.bits)
    expect(requiredBits(testnet3, at(100, 1_201))).toBe(0x1d00ffff)
    expect(requiredBits(testnet3, at(101, 1, 0x1d00ffff))).toBe(period.bits)
  })

  it('an exception at the end of a period makes the next one as easy, which BIP-94 ended', () => {
    expect(requiredBits(testnet3, at(2_016, 1, 0x1d00ffff))).toBe(0x1d00ffff)
    expect(requiredBits(testnet4, at(2_016, 1, 0x1d00ffff))).toBe(period.bits)
    expect(requiredBits(testnet3, at(2_016, 1))).toBe(period.bits)
  })

  it('knows no bound on timewarps', () => {
    const header = at(4_032, -601)
    const fault = faultOf(testnet3, { ...header, version: 4, bits: requiredBits(testnet3, header) }, 1_800_000_000)
    expect(fault).toBe(null)
  })
})

describe('versions', () => {
  const judge = (rules: typeof mainnet, height: number, version: number) =>
    faultOf(
      rules,
      {
        height,
        version,
        time: 1,
        bits: rules.easiestBits,
        previousTime: 0,
        previousBits: rules.easiestBits,
        period: { time: 0, bits: rules.easiestBits },
      },
      1_000,
    )

  it.each([
    [227_930, -5, 227_931, 1],
    [363_724, 2, 363_725, 2],
    [388_380, 3, 388_381, 3],
  ])('mainnet at %i still takes %i, and at %i no longer %i', (before, old, from, tooOld) => {
    expect(judge(mainnet, before, old)).toBe(null)
    expect(judge(mainnet, from, tooOld)).toMatch(/version/)
    expect(judge(mainnet, from, tooOld + 1)).toBe(null)
  })

  it('compares versions as signed numbers', () => {
    expect(judge(mainnet, 500_000, -0x8000_0000)).toMatch(/version/)
    expect(judge(mainnet, 500_000, 0x3fff_ffff)).toBe(null)
    expect(judge(regtest, 1, 3)).toMatch(/version/)
  })
})

describe('median time past', () => {
  it('is the middle of the last eleven stamps, or of as many as there are', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50), { minLength: 1, maxLength: 30 }), fc.nat(50), (times, time) => {
        const sorted = times.slice(-11).sort((a, b) => a - b)
        const median = sorted[Math.floor(sorted.length / 2)] as number
        expect(isAfterMedian(time, Uint32Array.from(times.slice(-11)))).toBe(time > median)
      }),
    )
  })
})
