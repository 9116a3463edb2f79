import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { joinBytes } from '../../../../sdk/units.ts'
import { hash256 } from '../../../../sdk/verify/bitcoin/hash.ts'
import {
  checkpointAt,
  decodeChain,
  encodeChain,
  genesisCheckpoint,
  type HeaderChain,
  startChain,
} from '../../../../sdk/verify/bitcoin/index.ts'
import { held } from '../../../conformance/bitcoin.ts'
import { describeVectors, readVector } from '../../../vectors.ts'
import { extend, hashAt, mineOn, regtestChain } from './regtest.ts'

const genesis = hash256(genesisCheckpoint('regtest').header)
const twenty = mineOn(genesis, 0, 20)
const chain = [mineOn(hashAt(twenty, 14), 15, 3, 1), mineOn(hashAt(twenty, 16), 17, 2, 2)].reduce(
  (grown, branch) => extend(grown, branch).chain,
  extend(regtestChain(12), twenty).chain,
)

describe('a stored chain', () => {
  it('comes back as it was, rivals and all', () => {
    expect(chain.rivals).toHaveLength(2)
    for (const one of [chain, regtestChain(), held(startChain('mainnet', genesisCheckpoint('mainnet'), 9))])
      expect(decodeChain(one.network, encodeChain(one))).toEqual({ ok: true, value: one })
  })

  it('is still read in the layout of version 1', () => {
    const bytes = encodeChain(regtestChain(300))
    expect(Buffer.from(bytes).toString('hex')).toBe(
      `01032c01000000000000${Buffer.from(genesisCheckpoint('regtest').header).toString('hex')}${'0'.repeat(63)}2dae5494dffff7f2001dae5494d0000000000${Buffer.from(hash256(bytes.slice(0, -32))).toString('hex')}`,
    )
  })

  it('is refused when any byte of it has changed, or some are missing or too many', () => {
    const bytes = encodeChain(chain)
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice()
      changed[at] = (changed[at] as number) ^ 1
      expect(decodeChain('regtest', changed).ok, `byte ${at}`).toBe(false)
      expect(decodeChain('regtest', bytes.slice(0, at)).ok, `${at} bytes`).toBe(false)
    }
    expect(decodeChain('regtest', joinBytes(bytes, Uint8Array.of(0))).ok).toBe(false)
    expect(decodeChain('mainnet', bytes).ok).toBe(false)
  })

  it('is refused, or is another sound chain, when somebody made the checksum fit', () => {
    const body = encodeChain(chain).slice(0, -32)
    fc.assert(
      fc.property(fc.nat(body.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = body.slice()
        changed[at] = (changed[at] as number) ^ flip
        const read = decodeChain('regtest', joinBytes(changed, hash256(changed)))
        if (read.ok) expect(encodeChain(read.value).slice(0, -32)).toEqual(changed)
      }),
      { numRuns: 1_000 },
    )
  })

  const impossible: readonly [string, Partial<HeaderChain>][] = [
    ['a branch longer than it keeps', { headersMax: 11 }],
    ['a rival that leaves below the base', { rivals: chain.rivals.map((rival) => ({ ...rival, fork: 3 })) }],
    ['a rival that leaves above the tip', { rivals: chain.rivals.map((rival) => ({ ...rival, fork: 21 })) }],
    ['a rival of no headers', { rivals: chain.rivals.map((rival) => ({ ...rival, headers: new Uint8Array(0) })) }],
    ['more rivals than are kept', { rivals: Array.from({ length: 9 }, () => chain.rivals[0] ?? fail()) }],
    [
      'a rival that should have won',
      {
        best: { ...chain.best, headers: chain.best.headers.slice(0, 80 * 8) },
        rivals: chain.rivals.filter(({ fork }) => fork === 15),
      },
    ],
    ['a best branch with a gap', { best: { ...chain.best, headers: chain.best.headers.slice(80) } }],
    ['a base that contradicts itself', { base: { ...chain.base, times: chain.base.times.slice(1) } }],
  ]
  it.each(impossible)('is refused with %s', (_, change) => {
    expect(decodeChain('regtest', encodeChain({ ...chain, ...change })).ok).toBe(false)
  })

  it('is never a reason to throw, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(decodeChain('mainnet', bytes).ok).toBe(false)
        expect(decodeChain('mainnet', joinBytes(bytes, hash256(bytes))).ok).toBe(false)
      }),
    )
  })
})

describeVectors('a stored chain of mainnet', () => {
  it('[work] refuses any change of its headers, also with a checksum made to fit', () => {
    const headers = readVector('light/btc/mainnet-headers-0-10236.bin')
    const start = held(startChain('mainnet', genesisCheckpoint('mainnet'), 100))
    const whole = extend(start, headers.slice(80, 80 * 2_017)).chain
    const from = checkpointAt(whole, 2_012)
    const small = extend(held(startChain('mainnet', from ?? fail(), 100)), headers.slice(80 * 2_013, 80 * 2_020)).chain
    const body = encodeChain(small).slice(0, -32)
    const first = body.length - 1 - small.best.headers.length
    fc.assert(
      fc.property(fc.integer({ min: first, max: body.length - 2 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = body.slice()
        changed[at] = (changed[at] as number) ^ flip
        expect(decodeChain('mainnet', joinBytes(changed, hash256(changed))).ok).toBe(false)
      }),
      { numRuns: 300 },
    )
  })
})

function fail(): never {
  throw new Error('The test is set up wrongly.')
}
