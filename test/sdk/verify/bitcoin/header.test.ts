import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hashNumber } from '../../../../sdk/verify/bitcoin/header.ts'
import {
  bitcoinNetworks,
  decodeHeader,
  decodeTarget,
  encodeTarget,
  genesisCheckpoint,
  hashText,
  headerSize,
  meetsOwnTarget,
  workOf,
} from '../../../../sdk/verify/bitcoin/index.ts'
import { bytesOf, held } from '../../../conformance/bitcoin.ts'

describe('decodeHeader', () => {
  it('reads block 0 of every network, whose hash is known and has its work', () => {
    const hashes = bitcoinNetworks.map((network) => {
      const header = held(decodeHeader(genesisCheckpoint(network).header))
      expect(meetsOwnTarget(header)).toBe(true)
      return [network, hashText(header.hash)]
    })
    expect(hashes).toEqual([
      ['mainnet', '000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f'],
      ['testnet4', '00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043'],
      ['signet', '00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6'],
      ['regtest', '0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206'],
      ['testnet3', '000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943'],
    ])
  })

  it('reads each field from its place', () => {
    const root = '4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b'
    const header = held(decodeHeader(genesisCheckpoint('mainnet').header))
    expect(header).toMatchObject({ version: 1, time: 1_231_006_505, bits: 0x1d00ffff, nonce: 2_083_236_893 })
    expect([hashText(header.previous), hashText(header.merkleRoot)]).toEqual(['00'.repeat(32), root])
  })

  it('reads a version with its top bit set as negative', () => {
    const bytes = genesisCheckpoint('mainnet').header.slice()
    bytes[3] = 0x80
    expect(held(decodeHeader(bytes)).version).toBe(-0x7fffffff)
  })

  it('refuses any size but 80 and keeps its own copy of the bytes', () => {
    for (const size of [0, 79, 81, 160]) expect(decodeHeader(new Uint8Array(size)).ok).toBe(false)
    const bytes = genesisCheckpoint('mainnet').header.slice()
    const header = held(decodeHeader(bytes))
    bytes.fill(0)
    expect(held(decodeHeader(header.bytes))).toEqual(header)
  })

  it('takes any 80 bytes, and finds no work in a changed header', () => {
    const genesis = genesisCheckpoint('mainnet').header
    fc.assert(
      fc.property(fc.nat(headerSize - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = genesis.slice()
        bytes[at] = (bytes[at] as number) ^ flip
        // A change of the bits can make the target easier; the chain, not the header, says which target is right.
        const changed = held(decodeHeader(bytes))
        if (changed.bits === 0x1d00ffff) expect(meetsOwnTarget(changed)).toBe(false)
      }),
    )
  })
})

describe('compact targets', () => {
  it.each([
    [0x01120000, 0x12n],
    [0x02123400, 0x1234n],
    [0x03123456, 0x123456n],
    [0x04123456, 0x12345600n],
    [0x02008000, 0x80n],
    [0x05009234, 0x92340000n],
    [0x1d00ffff, 0xffffn << 208n],
    [0x207fffff, 0x7fffffn << 232n],
    [0x2100ffff, 0xffffn << 240n],
  ])('%s stands for its target and back', (bits, target) => {
    expect(decodeTarget(bits)).toEqual({ ok: true, value: target })
    expect(encodeTarget(target)).toBe(bits)
  })

  it.each([
    ['zero', [0, 0x00123456, 0x01003456, 0x02000056, 0x03000000, 0x04000000, 0xff000000]],
    ['negative', [0x01fedcba, 0x04923456, 0x1d80ffff, 0x20ffffff]],
    ['beyond 256 bits', [0x21010000, 0x22000100, 0x23000001, 0xff123456]],
  ])('refuses a target that is %s', (_, all) => {
    for (const bits of all) expect(decodeTarget(bits).ok, bits.toString(16)).toBe(false)
  })

  it('keeps the top of any target, and never makes it easier', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: (1n << 256n) - 1n }), (target) => {
        const kept = held(decodeTarget(encodeTarget(target)))
        expect(kept <= target && target - kept <= target >> 15n).toBe(true)
        expect(encodeTarget(kept)).toBe(encodeTarget(target))
      }),
    )
  })

  it('counts the hashes that a target takes', () => {
    expect(workOf(held(decodeTarget(0x1d00ffff)))).toBe(0x1_0001_0001n)
    expect(workOf(held(decodeTarget(0x207fffff)))).toBe(2n)
    expect(workOf((1n << 256n) - 1n)).toBe(1n)
  })

  it('compares hashes as numbers whose lowest byte comes first', () => {
    expect(hashNumber(bytesOf(`01${'00'.repeat(31)}`))).toBe(1n)
    expect(hashNumber(bytesOf(`${'00'.repeat(31)}01`))).toBe(1n << 248n)
  })
})
