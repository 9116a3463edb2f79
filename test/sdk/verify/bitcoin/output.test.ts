import { describe, expect, it } from 'vitest'
import { InvariantError } from '../../../../sdk/errors.ts'
import { sats } from '../../../../sdk/units.ts'
import { hash256 } from '../../../../sdk/verify/bitcoin/hash.ts'
import {
  genesisCheckpoint,
  type OutputClaim,
  proveInclusion,
  verifyOutput,
} from '../../../../sdk/verify/bitcoin/index.ts'
import { bytesOf, held } from '../../../conformance/bitcoin.ts'
import { extend, hashAt, mineBlock, mineOn, regtestChain } from './regtest.ts'

const genesis = hash256(genesisCheckpoint('regtest').header)
const before = mineOn(genesis, 0, 3)
const block = mineBlock(5, hashAt(before), 4)
const after = mineOn(hash256(block.header), 4, 5)
const chain = [before, block.header, after].reduce((grown, headers) => extend(grown, headers).chain, regtestChain())

/** The second payment of the block at height 4, five blocks below the tip. */
const claim: OutputClaim = {
  chain,
  header: block.header,
  transaction: block.transactions[2] ?? new Uint8Array(0),
  proof: held(proveInclusion(block.txids, 2)),
  vout: 0,
  script: block.script,
  value: sats(2_000n),
  confirmationsMin: 6,
}

describe('verifyOutput', () => {
  it('says where the output is, how deep, under how much work, and what that hangs on', () => {
    const { value, verdict } = held(verifyOutput({ ...claim, sources: ['one', 'two'] }))
    expect(value).toMatchObject({ vout: 0, index: 2, block: { height: 4, hash: hash256(block.header) } })
    expect(value.transaction.txid).toEqual(block.txids[2])
    expect(verdict).toEqual({
      level: 'confirmed',
      anchor: { kind: 'header-chain', network: 'regtest', height: 0, hash: genesis },
      proven: ['output-inclusion'],
      sources: ['one', 'two'],
      confirmations: 6,
      work: 12n,
      tip: { height: 9, hash: hashAt(after), time: 1_296_688_602 + 600 * 9 },
    })
  })

  const other = mineBlock(5, hashAt(before), 5)
  it.each([
    ['too few confirmations', { confirmationsMin: 7 }, /6 of the 7 confirmations/],
    ['another script', { script: bytesOf('51') }, /another script/],
    ['a script that goes on', { script: new Uint8Array([...block.script, 0]) }, /another script/],
    ['a satoshi more', { value: sats(2_001n) }, /2000 sat, not 2001/],
    ['a satoshi less', { value: sats(1_999n) }, /2000 sat, not 1999/],
    ['an output that is not there', { vout: 1 }, /no such output/],
    ['an output before the first', { vout: -1 }, /no such output/],
    ['another transaction', { transaction: block.transactions[4] ?? new Uint8Array(0) }, /does not lead to the root/],
    ['another place', { proof: { ...claim.proof, index: 3 } }, /./],
    ['a block that nobody mined on', { header: other.header }, /not in the chain/],
    ['a header that is cut short', { header: block.header.slice(1) }, /80 bytes/],
    ['no transaction', { transaction: new Uint8Array(0) }, /cut short/],
    ['a chain that never had the block', { chain: regtestChain() }, /not in the chain/],
  ] as readonly [string, Partial<OutputClaim>, RegExp][])('refuses %s', (_, change, reason) => {
    expect(verifyOutput({ ...claim, ...change })).toMatchObject({ ok: false, reason: expect.stringMatching(reason) })
  })

  it('refuses a block that was reorganised away, though its proof still fits', () => {
    const { chain: left, reorg } = extend(chain, mineOn(hashAt(before), 3, 7, 9))
    expect(reorg?.depth).toBe(6)
    expect(verifyOutput({ ...claim, chain: left, confirmationsMin: 1 })).toMatchObject({
      reason: expect.stringMatching(/not in the chain/),
    })
    const back = extend(left, mineOn(hashAt(after), 9, 2)).chain
    expect(verifyOutput({ ...claim, chain: back, confirmationsMin: 8 }).ok).toBe(true)
  })

  it('refuses a block below the base', () => {
    const pruned = [before, block.header, after].reduce(
      (grown, headers) => extend(grown, headers).chain,
      regtestChain(4),
    )
    expect(pruned.base.height).toBe(5)
    expect(verifyOutput({ ...claim, chain: pruned, confirmationsMin: 1 }).ok).toBe(false)
  })

  it('stops on a caller that asks for no confirmation', () => {
    for (const confirmationsMin of [0, -1, Number.NaN])
      expect(() => verifyOutput({ ...claim, confirmationsMin })).toThrow(InvariantError)
  })
})
