import fc from 'fast-check'
import type { Access, BatchTransaction, Declaration, Footprint, Place } from '../../../sdk/batch/access.ts'
import { type Batch, declare, normalise } from '../../../sdk/batch/index.ts'
import { type Address, address, chainId, slot, toHex } from '../../../sdk/units.ts'

/** The n-th account of the tests. */
export function account(n: number): Address {
  return address(`0x${n.toString(16).padStart(40, '0')}`)
}

export function field(kind: 'nonce' | 'balance' | 'code', n: number): Place {
  return { kind, address: account(n) }
}

export function slotOf(n: number, at: number): Place {
  return { kind: 'slot', address: account(n), slot: slot(`0x${at.toString(16).padStart(64, '0')}`) }
}

/** Few places, so that transactions meet. */
export const place: fc.Arbitrary<Place> = fc.oneof(
  fc
    .tuple(fc.constantFrom('nonce' as const, 'balance' as const, 'code' as const), fc.nat(3))
    .map(([kind, n]) => field(kind, n)),
  fc.tuple(fc.nat(2), fc.nat(4)).map(([n, at]) => slotOf(n, at)),
)

const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size }).map(toHex)

/** Places all over the state. */
const anyPlace: fc.Arbitrary<Place> = fc.oneof(
  place,
  fc
    .tuple(fc.constantFrom('nonce' as const, 'balance' as const, 'code' as const), bytes(20))
    .map(([kind, of]) => ({ kind, address: address(of) })),
  fc.tuple(bytes(20), bytes(32)).map(([of, at]): Place => ({ kind: 'slot', address: address(of), slot: slot(at) })),
)

/** Lists as a careless caller might fill them: doubles, no order, one place in several lists. */
export const access: fc.Arbitrary<Access> = accessOver(place)

function accessOver(places: fc.Arbitrary<Place>, maxLength = 4): fc.Arbitrary<Access> {
  const list = fc.array(places, { maxLength })
  return fc.record({ reads: list, writes: list, credits: list })
}

const gas = fc.oneof(fc.constant(0), fc.nat(100_000), fc.nat(0xffff_ffff))

/** Crowded batches, which make few long lanes, and sparse ones, which make many. */
export const footprints: fc.Arbitrary<Footprint[]> = fc.oneof(
  footprintsOver(access, 19),
  footprintsOver(accessOver(place, 1), 200),
)

function footprintsOver(access: fc.Arbitrary<Access>, knownToUnknown: number): fc.Arbitrary<Footprint[]> {
  const footprint = fc
    .record({ access, gas, known: fc.integer({ min: 0, max: knownToUnknown }) })
    .map(({ access, gas, known }): Footprint => {
      const source = known === 0 ? 'unknown' : 'trace'
      return { ...normalise(access), gas, source, sender: account(0) }
    })
  return fc.array(footprint, { maxLength: 40 })
}

const declaration: fc.Arbitrary<Declaration> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc
      .tuple(accessOver(anyPlace), gas, fc.constantFrom('trace' as const, 'template' as const, 'declared' as const))
      .map(([access, gas, source]) => declare(access, gas, source)),
  },
  {
    weight: 1,
    arbitrary: gas.map((gas): Declaration => ({ reads: [], writes: [], credits: [], source: 'unknown', gas })),
  },
)

const transaction: fc.Arbitrary<BatchTransaction> = fc.record({
  raw: fc.uint8Array({ minLength: 1, maxLength: 200 }),
  declaration,
})

export const batch: fc.Arbitrary<Batch> = fc.record({
  chainId: fc
    .oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }))
    .map(chainId),
  fork: fc.constantFrom('osaka', 'bpo2', 'a-1'),
  transactions: fc.array(transaction, { minLength: 1, maxLength: 12 }),
})
