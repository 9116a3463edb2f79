import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Change,
  type Content,
  changesMax,
  contentAfter,
  costOf,
  dustOf,
  type Limits,
  type Side,
  spendableOf,
  sumOf,
} from '../../../../sdk/channel/penalty/index.ts'
import { sha256 } from '../../../../sdk/crypto/engine.ts'
import { height, inMsats, msats, sats } from '../../../../sdk/units.ts'
import { bytesOf, pay } from './pair.ts'

const limits: Limits = {
  feeratePerKw: 1_000,
  amountMin: msats(1_000n),
  inFlightMax: inMsats(sats(300_000n)),
  htlcsMax: 3,
  reserve: sats(10_000n),
  dustExposureMax: inMsats(sats(1_000n)),
}
const preimage = bytesOf('preimage')
const first: Content = {
  number: 4,
  balance: { opener: msats(600_000_000n), accepter: msats(400_000_000n) },
  htlcs: [],
  added: { opener: 0, accepter: 0 },
}

const add = (id: number, amount: bigint): Change => ({
  type: 'add',
  id,
  amount: msats(amount),
  paymentHash: sha256(preimage),
  expiry: height(600),
})
const fulfil = (id: number): Change => ({ type: 'fulfil', id, preimage })
const fail = (id: number): Change => ({ type: 'fail', id, reason: 'unknown-payment' })

function stateAfter(content: Content, by: Side, ...changes: Change[]): Content {
  const changed = contentAfter(limits, content, by, changes)
  if (!changed.ok) throw new Error(changed.fault)
  return changed.content
}

function faultOf(content: Content, by: Side, ...changes: Change[]) {
  const changed = contentAfter(limits, content, by, changes)
  return changed.ok ? null : changed.fault
}

const offered = stateAfter(first, 'opener', add(0, 50_000_000n), add(1, 20_000_000n))

describe('a batch of changes', () => {
  it('[TW3] [TW16] pays, offers, takes and gives back, as one update', () => {
    const next = stateAfter(offered, 'accepter', fulfil(0), fail(1), pay(7_000_000n), add(0, 9_000_000n))
    expect(next).toEqual({
      number: 6,
      balance: { opener: 530_000_000n + 20_000_000n + 7_000_000n, accepter: 400_000_000n + 50_000_000n - 16_000_000n },
      htlcs: [{ by: 'accepter', id: 0, amount: 9_000_000n, paymentHash: sha256(preimage), expiry: 600 }],
      added: { opener: 2, accepter: 1 },
    })
  })

  it('[TW13] is refused for what both sides can see', () => {
    const many = Array.from({ length: changesMax + 1 }, () => pay(1_000n))
    expect([
      faultOf(first, 'opener'),
      faultOf(first, 'opener', ...many),
      faultOf(first, 'opener', pay(999n)),
      faultOf(first, 'opener', add(0, 999n)),
      faultOf(first, 'opener', pay(600_000_001n)),
      faultOf(first, 'accepter', add(0, 400_000_001n)),
      faultOf(offered, 'accepter', { ...fulfil(0), preimage: bytesOf('another') } as Change),
    ]).toEqual([
      'empty-batch',
      'batch-too-large',
      'below-minimum',
      'below-minimum',
      'insufficient',
      'insufficient',
      'wrong-preimage',
    ])
  })

  it('[TW14] knows an HTLC by its side and id alone: not by its hash, not twice, not one of its own', () => {
    expect(faultOf(first, 'opener', add(1, 5_000n))).toBe('wrong-id')
    expect(faultOf(offered, 'opener', add(1, 5_000n))).toBe('wrong-id')
    expect(faultOf(offered, 'accepter', fulfil(2))).toBe('unknown-htlc')
    expect(faultOf(offered, 'accepter', fulfil(0), fulfil(0))).toBe('unknown-htlc')
    expect(faultOf(offered, 'opener', fulfil(0))).toBe('unknown-htlc')
    expect(faultOf(offered, 'opener', fail(0))).toBe('unknown-htlc')
    const twins = stateAfter(first, 'opener', add(0, 9_000_000n), add(1, 9_000_000n))
    const taken = stateAfter(twins, 'accepter', fulfil(1))
    expect(taken.htlcs.map(({ id }) => id)).toEqual([0])
  })

  it('[TW15] leaves the reserve, and to the opener what its commitment costs', () => {
    // 1,124 weight at 1 sat each, two anchors of 330.
    expect(costOf(limits, first)).toBe(1_784n)
    expect(spendableOf(limits, first, 'accepter')).toBe(390_000_000n)
    expect(spendableOf(limits, first, 'opener')).toBe(600_000_000n - 10_000_000n - 1_784_000n)
    expect(faultOf(first, 'accepter', pay(390_000_000n))).toBeNull()
    expect(faultOf(first, 'accepter', pay(390_000_001n))).toBe('reserve')
    expect(faultOf(first, 'opener', pay(588_216_000n))).toBeNull()
    expect(faultOf(first, 'opener', pay(588_216_001n))).toBe('reserve')
  })

  it("[TW15] counts an HTLC's output as a cost of the opener, whoever adds it", () => {
    const edge = stateAfter(first, 'opener', pay(588_216_000n))
    expect(faultOf(edge, 'accepter', add(0, 9_000_000n))).toBe('reserve')
    // Without an output it costs nothing.
    expect(faultOf(edge, 'accepter', add(0, 353_000n))).toBeNull()
  })

  it('[TW15] lets a side below its reserve rise, and never fall', () => {
    const poor: Content = { ...first, balance: { opener: msats(1_000_000_000n), accepter: msats(0n) } }
    expect(faultOf(poor, 'opener', pay(5_000_000n))).toBeNull()
    const risen = stateAfter(poor, 'opener', pay(5_000_000n))
    expect(faultOf(risen, 'accepter', pay(1_000n))).toBe('reserve')
  })

  it('[TW17] leaves no more to fees than the cap on dust', () => {
    const dusty = stateAfter(first, 'opener', add(0, 353_999n), add(1, 353_000n))
    expect(dustOf(limits, dusty)).toBe(706_999n)
    expect(faultOf(dusty, 'accepter', add(0, 293_001n))).toBeNull()
    expect(faultOf(dusty, 'accepter', add(0, 293_002n))).toBe('dust-exposure')
    expect(dustOf(limits, stateAfter(dusty, 'accepter', add(0, 354_000n)))).toBe(706_999n)
  })

  it('[TW18] holds the number and the sum of HTLCs in flight', () => {
    const three = [add(0, 1_000_000n), add(1, 1_000_000n), add(2, 1_000_000n)]
    expect(faultOf(first, 'opener', ...three)).toBeNull()
    expect(faultOf(first, 'opener', ...three, add(3, 1_000_000n))).toBe('too-many-htlcs')
    expect(faultOf(first, 'opener', add(0, 300_000_000n))).toBeNull()
    expect(faultOf(first, 'opener', add(0, 300_000_001n))).toBe('too-much-in-flight')
  })

  it('[TW2] never makes or loses anything', () => {
    const change = fc.oneof(
      fc.bigInt({ min: 1n, max: 500_000_000n }).map(pay),
      fc.tuple(fc.nat({ max: 3 }), fc.bigInt({ min: 1n, max: 200_000_000n })).map(([id, amount]) => add(id, amount)),
      fc.nat({ max: 3 }).map(fulfil),
      fc.nat({ max: 3 }).map(fail),
    )
    const batch = fc.tuple(
      fc.constantFrom<Side>('opener', 'accepter'),
      fc.array(change, { minLength: 1, maxLength: 4 }),
    )
    fc.assert(
      fc.property(fc.array(batch, { maxLength: 12 }), (batches) => {
        let content = first
        for (const [by, changes] of batches) {
          const changed = contentAfter(limits, content, by, changes)
          if (!changed.ok) continue
          expect(changed.content.number).toBe(content.number + 1)
          content = changed.content
          expect(sumOf(content)).toBe(1_000_000_000n)
          expect(dustOf(limits, content)).toBeLessThanOrEqual(limits.dustExposureMax)
          expect(content.balance.opener).toBeGreaterThanOrEqual(inMsats(costOf(limits, content)))
        }
      }),
      { numRuns: 60 },
    )
  })
})
