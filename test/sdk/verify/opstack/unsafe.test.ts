import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keccak256 } from '../../../../sdk/crypto/engine.ts'
import { encodeHeader } from '../../../../sdk/evm/block.ts'
import { recoverAccount } from '../../../../sdk/evm/sender.ts'
import { type Address, address, fromHex, type Hex, toHex } from '../../../../sdk/units.ts'
import {
  base,
  opMainnet,
  type UnsafeBlock,
  unsafeDigest,
  unsafeSignerOf,
  unsafeSignerSlot,
  verifyUnsafe,
} from '../../../../sdk/verify/opstack/index.ts'
import type { BeaconVerdict } from '../../../../sdk/verify/verdict.ts'
import { unpackSnappy } from '../../../conformance/snappy.ts'
import { must } from '../ethereum/beacon.ts'
import { rollup, rollupSigner } from '../ethereum/rollup.ts'
import { nobody } from '../ethereum/world.ts'
import { little, payloadOf, signUnsafe } from './payload.ts'

const anchor = { kind: 'checkpoint', network: 'test', slot: 1, root: '0x' } as const
const l1: BeaconVerdict = {
  level: 'finalized',
  anchor,
  block: { number: 5, hash: `0x${'11'.repeat(32)}` as BeaconVerdict['block']['hash'], timestamp: 1 },
  participation: { signed: 32, of: 32 },
  proven: ['storage'],
  sources: [],
}
const judge = (signed: UnsafeBlock, change: Partial<Parameters<typeof verifyUnsafe>[0]> = {}) =>
  verifyUnsafe({ chain: rollup, signer: rollupSigner, l1, signed, ...change })
const reasonOf = (signed: UnsafeBlock, change: Partial<Parameters<typeof verifyUnsafe>[0]> = {}) => {
  const held = judge(signed, change)
  return held.ok ? 'accepted' : held.reason
}
const honest = payloadOf()
const signed = signUnsafe(honest.data)

describe('a block that a rollup has not put on its L1 yet', () => {
  it.each(['ecotone', 'isthmus'] as const)('of %s is proven by the signer that the L1 names', (fork) => {
    const { data, header } = payloadOf({ fork, number: 9 })
    const { value, verdict } = must(judge(signUnsafe(data)))
    expect(value.header).toEqual(header)
    expect(value.bytes).toEqual(encodeHeader(header))
    expect(verdict).toMatchObject({
      level: 'sequenced',
      anchor: { kind: 'sequencer', chainId: rollup.chainId, sequencer: rollupSigner },
      signer: { anchor, l1: { number: 5, level: 'finalized' } },
      block: { number: 9, hash: value.hash },
      proven: ['sequencer-signature', 'sequencer-key'],
    })
  })

  it('is of any number of transactions', () => {
    for (const count of [0, 1, 130]) {
      const transactions = Array.from({ length: count }, (_, at) => new Uint8Array(1 + (at % 90)).fill(1 + at))
      const { data, header } = payloadOf({ transactions })
      expect(must(judge(signUnsafe(data))).value.header).toEqual(header)
    }
  })

  it('is refused of another signer, another chain, and after a change of any byte of it', () => {
    expect(reasonOf(signed, { signer: nobody })).toMatch(/has not signed/)
    expect(reasonOf(signUnsafe(honest.data, undefined, 10))).toMatch(/has not signed/)
    expect(reasonOf(signUnsafe(honest.data, new Uint8Array(32).fill(8)))).toMatch(/has not signed/)
    for (const part of ['data', 'signature'] as const)
      for (let at = 0; at < signed[part].length; at += 7) {
        const bytes = signed[part].slice()
        bytes[at] = (bytes[at] as number) ^ 1
        expect(reasonOf({ ...signed, [part]: bytes })).toMatch(/has not signed/)
      }
  })

  it('is refused, signed as it may be, in any encoding but the one', () => {
    const changed = (at: number, bytes: Uint8Array) => {
      const data = honest.data.slice()
      data.set(bytes, 32 + at)
      return reasonOf(signUnsafe(data))
    }
    expect(changed(52, new Uint8Array(32))).toMatch(/block hash is not that/)
    expect(changed(472, new Uint8Array(32))).toMatch(/block hash is not that/)
    expect(changed(436, little(512, 4))).toMatch(/no fork from Ecotone/)
    expect(changed(504, little(559, 4))).toMatch(/offset/)
    expect(changed(508, little(honest.data.length, 4))).toMatch(/offset|withdrawals/)
    expect(changed(404, little(2n ** 63n, 8))).toMatch(/beyond any/)
    const lists = 560 + 2
    expect(changed(lists, little(6, 4))).toMatch(/transactions/)
    expect(changed(lists + 4, little(4, 4))).toMatch(/transactions/)
    expect(reasonOf(signUnsafe(Uint8Array.of(...honest.data, 0)))).not.toBe('accepted')
    expect(reasonOf(signUnsafe(honest.data.slice(0, 400)))).toMatch(/ends early/)
    // The second begins where it ends: an empty one.
    expect(changed(lists + 4, little(honest.data.length - 32 - lists, 4))).toMatch(/transactions/)
    expect(reasonOf(signUnsafe(new Uint8Array(11 * 1024 * 1024)))).toMatch(/longer than/)
  })

  it('ends in an answer, never in a throw, whatever was signed', () => {
    fc.assert(
      fc.property(fc.nat(honest.data.length - 1), fc.uint8Array({ minLength: 1, maxLength: 8 }), (at, noise) => {
        const data = honest.data.slice()
        data.set(noise.subarray(0, data.length - at), at)
        // A signature each would take most of the time: the reader is what is looked at.
        const held = judge(signUnsafe(data))
        if (held.ok) expect(data).toEqual(honest.data)
      }),
      { numRuns: 60 },
    )
  })
})

/** Messages of op-node, for chain 100, as alloy-rs/op-alloy keeps them (`rpc-types-engine`, its tests); packed by snappy. */
const recorded = {
  ecotone:
    '0xf104f0434442b9eb38b259f5b23826e6b623e829d2fb878dac70187a1aecf42a3f9bedfd29793d1fcb5822324be0d3e12340a95855553a65d64b83e5579dffb31470df5d010000006a03000412346a1d00fe0100fe0100fe0100fe0100fe0100fe01004201000cc588d465219504100201067601007cfece77b89685f60e3663b6e0faf2de0734674eb91339700c4858c773a8ff921e014401043e0100',
  isthmus:
    '0x9105f043cee25401b6853202950d1d8a082f31a80c4fef5782c049a731f5d104b1b9b9aa7618605b420438ae98b44c8aaaebd482854473c2ae57c079286bb634bece5210000000006a03000412346a1d00fe0100fe0100fe0100fe0100fe0100fe01004201000c5766d26721950430020106f6010001440104b60100049876',
} as const

describe('messages that op-node made', () => {
  const chain = { ...rollup, chainId: 100 }
  const messageOf = (packed: Hex): UnsafeBlock => {
    const bytes = unpackSnappy(fromHex(packed))
    return { signature: bytes.slice(0, 65), data: bytes.slice(65) }
  }

  it('are of the signer that made them, and of the block that they name', () => {
    const signer = address('0x9965507d1a55bcc2695c58ba16fb37d819b0a4dc')
    expect(must(judge(messageOf(recorded.ecotone), { chain, signer }))).toMatchObject({
      value: { hash: '0xfece77b89685f60e3663b6e0faf2de0734674eb91339700c4858c773a8ff921e' },
      verdict: { block: { number: 0, timestamp: 1_708_427_461 } },
    })
  })

  it('are refused where they name no block hash, though everything else is read', () => {
    const message = messageOf(recorded.isthmus)
    const signer = recoverAccount(unsafeDigest(100, message.data), message.signature)
    expect(reasonOf(message, { chain, signer: signer as Address })).toMatch(/block hash is not that/)
  })
})

describe('the signer of a rollup', () => {
  it('stands in the slot that its SystemConfig names', () => {
    expect(toHex(keccak256(new TextEncoder().encode('systemconfig.unsafeblocksigner')))).toBe(unsafeSignerSlot)
    expect([base.systemConfig, opMainnet.systemConfig]).toEqual([
      '0x73a79fab69143498ed3712e519a88a918e1f4072',
      '0x229047fed2591dbec1ef1118d64f7af3db9eb290',
    ])
  })

  it('is nobody where the slot holds nothing, or no account', () => {
    expect(unsafeSignerOf(new Uint8Array(32)).ok).toBe(false)
    expect(unsafeSignerOf(new Uint8Array(32).fill(1)).ok).toBe(false)
  })

  it('signs domain, chain and payload: three words', () => {
    const words = new Uint8Array(96)
    words.set([0x21, 0x05], 62)
    words.set(keccak256(Uint8Array.of(7)), 64)
    expect(unsafeDigest(8_453, Uint8Array.of(7))).toEqual(keccak256(words))
  })
})
