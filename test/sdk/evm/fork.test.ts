import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  checkUnderFork,
  type Fork,
  floorGas,
  fork,
  gasTables,
  intrinsicGas,
  isPrecompile,
  listGas,
} from '../../../sdk/evm/fork.ts'
import type { Prepared } from '../../../sdk/evm/transaction.ts'
import { address, slot, toHex, wei } from '../../../sdk/units.ts'
import { alice, authorize, bob, preparedOf, preparedWith } from './samples.ts'

const forks: readonly Fork[] = ['cancun', 'prague', 'osaka', 'amsterdam']
const market = { maxFeePerGas: wei(30n), maxPriorityFeePerGas: wei(2n) }
const key = (number: number) => slot(toHex(new Uint8Array(32).fill(number)))
const list = [
  { address: bob.account, slots: [key(1), key(2)] },
  { address: alice.account, slots: [] },
]
const authorization = authorize(bob, { chainId: 1, delegate: alice.account, nonce: 0n })
const listed = { type: 'eip2930', gasPrice: wei(1n), accessList: list } as const
const delegating = {
  type: 'eip7702',
  ...market,
  accessList: [],
  authorizations: [authorization, authorization],
} as const
/** Three zero bytes and five others. */
const data = Uint8Array.of(0, 1, 2, 0, 3, 4, 5, 0)

/** Worked out by hand from the EIPs, one sum a fork. */
const intrinsic: readonly [string, Partial<Prepared>, Readonly<Record<Fork, bigint>>][] = [
  ['a transfer', {}, { cancun: 21_000n, prague: 21_000n, osaka: 21_000n, amsterdam: 12_000n + 3_000n + 6_000n }],
  [
    'a call without value',
    { value: wei(0n) },
    { cancun: 21_000n, prague: 21_000n, osaka: 21_000n, amsterdam: 12_000n + 3_000n },
  ],
  [
    'a transfer to oneself',
    { to: alice.account },
    { cancun: 21_000n, prague: 21_000n, osaka: 21_000n, amsterdam: 12_000n },
  ],
  [
    'data',
    { data },
    {
      cancun: 21_000n + 3n * 4n + 5n * 16n,
      prague: 21_000n + 3n * 4n + 5n * 16n,
      osaka: 21_000n + 3n * 4n + 5n * 16n,
      amsterdam: 21_000n + 3n * 4n + 5n * 16n,
    },
  ],
  [
    'a creation with 33 bytes of initcode, two words',
    { to: null, data: new Uint8Array(33).fill(1) },
    {
      cancun: 21_000n + 33n * 16n + 32_000n + 2n * 2n,
      prague: 21_000n + 33n * 16n + 32_000n + 2n * 2n,
      osaka: 21_000n + 33n * 16n + 32_000n + 2n * 2n,
      amsterdam: 12_000n + 33n * 16n + 12_000n + 2n * 2n,
    },
  ],
  [
    'a list of two accounts and two slots',
    { pricing: listed },
    {
      cancun: 21_000n + 2n * 2_400n + 2n * 1_900n,
      prague: 21_000n + 2n * 2_400n + 2n * 1_900n,
      osaka: 21_000n + 2n * 2_400n + 2n * 1_900n,
      amsterdam: 21_000n + 2n * 2_900n + 2n * 2_000n + 64n * (2n * 20n + 2n * 32n),
    },
  ],
  [
    'two authorizations',
    { pricing: delegating },
    { cancun: 21_000n, prague: 21_000n + 50_000n, osaka: 21_000n + 50_000n, amsterdam: 21_000n + 2n * 7_816n },
  ],
]

const floors: readonly [string, Partial<Prepared>, Readonly<Record<Fork, bigint>>][] = [
  ['a transfer', {}, { cancun: 0n, prague: 21_000n, osaka: 21_000n, amsterdam: 21_000n }],
  [
    'data',
    { data },
    {
      cancun: 0n,
      prague: 21_000n + 3n * 10n + 5n * 40n,
      osaka: 21_000n + 3n * 10n + 5n * 40n,
      amsterdam: 21_000n + 8n * 64n,
    },
  ],
  [
    'a creation, whose own cost lies below the floor from amsterdam on',
    { to: null, data },
    { cancun: 0n, prague: 21_000n + 230n, osaka: 21_000n + 230n, amsterdam: 24_000n + 8n * 64n },
  ],
  [
    'a list, whose bytes count from amsterdam on',
    { pricing: listed },
    { cancun: 0n, prague: 21_000n, osaka: 21_000n, amsterdam: 21_000n + 64n * 104n },
  ],
]

describe('gas tables', () => {
  describe.each(intrinsic)('intrinsic gas of %s', (_, changes, expected) => {
    it.each(forks)('%s', (name) => {
      expect(intrinsicGas(preparedWith(changes), name)).toBe(expected[name])
    })
  })

  describe.each(floors)('floor gas of %s', (_, changes, expected) => {
    it.each(forks)('%s', (name) => {
      expect(floorGas(preparedWith(changes), name)).toBe(expected[name])
    })
  })

  it('a list costs the same wherever it is attached', () => {
    fc.assert(
      fc.property(preparedOf('eip1559'), fc.constantFrom(...forks), (prepared, name) => {
        const { pricing } = prepared
        if (pricing.type !== 'eip1559') return
        const without = { ...prepared, pricing: { ...pricing, accessList: [] } }
        expect(intrinsicGas(prepared, name) - intrinsicGas(without, name)).toBe(listGas(pricing.accessList, name))
      }),
    )
  })

  it('only amsterdam is not active yet', () => {
    expect(forks.filter((name) => gasTables[name].status === 'scheduled')).toEqual(['amsterdam'])
  })

  it('knows where precompiled contracts stand', () => {
    const at = (number: number) => address(`0x${number.toString(16).padStart(40, '0')}`)
    const count = (name: Fork) => [...Array(0x120).keys()].filter((number) => isPrecompile(at(number), name)).length
    expect(forks.map(count)).toEqual([10, 17, 18, 18])
    expect(isPrecompile(at(0), 'osaka')).toBe(false)
    expect(isPrecompile(at(0x100), 'osaka')).toBe(true)
    expect(isPrecompile(at(0x100), 'prague')).toBe(false)
  })

  it('refuses a fork it does not know, also one that every object has', () => {
    expect(fork('prague')).toBe('prague')
    for (const name of ['berlin', '', 'toString', '__proto__'])
      expect(() => fork(name)).toThrow(expect.objectContaining({ code: 'evm/unsupported-fork' }))
  })
})

describe('checkUnderFork', () => {
  const reasonOf = (changes: Partial<Prepared>, name: Fork) => {
    const check = checkUnderFork(preparedWith(changes), name)
    return check.ok ? 'accepted' : check.reason
  }

  it('asks for the intrinsic gas, to the unit', () => {
    expect(reasonOf({ gas: 21_000n }, 'osaka')).toBe('accepted')
    expect(reasonOf({ gas: 20_999n }, 'osaka')).toMatch(/below the 21000/)
    expect(checkUnderFork(preparedWith(), 'osaka')).toEqual({ ok: true, value: { intrinsic: 21_000n, floor: 21_000n } })
  })

  it('asks for the floor where it is higher (EIP-7623)', () => {
    expect(reasonOf({ data, gas: 21_230n }, 'prague')).toBe('accepted')
    expect(reasonOf({ data, gas: 21_229n }, 'prague')).toMatch(/below the 21230/)
    expect(reasonOf({ data, gas: 21_229n }, 'cancun')).toBe('accepted')
  })

  it('caps the gas limit from osaka on (EIP-7825), and intrinsic gas alone from amsterdam on (EIP-8037)', () => {
    expect(reasonOf({ gas: 16_777_216n }, 'osaka')).toBe('accepted')
    expect(reasonOf({ gas: 16_777_217n }, 'osaka')).toMatch(/above osaka's 16777216/)
    expect(reasonOf({ gas: 16_777_217n }, 'prague')).toBe('accepted')
    expect(reasonOf({ gas: 16_777_217n }, 'amsterdam')).toBe('accepted')
    expect(reasonOf({ gas: 1n << 40n, data: new Uint8Array(262_144) }, 'amsterdam')).toMatch(
      /above amsterdam's 16777216/,
    )
  })

  it('limits initcode (EIP-3860, EIP-7954), but not the data of a call', () => {
    const long = { data: new Uint8Array(49_153), gas: 4_000_000n }
    expect(reasonOf({ ...long, to: null }, 'osaka')).toMatch(/longer than 49152/)
    expect(reasonOf({ ...long, to: null }, 'amsterdam')).toBe('accepted')
    expect(reasonOf(long, 'osaka')).toBe('accepted')
    expect(reasonOf({ to: null, data: new Uint8Array(131_073), gas: 16_000_000n }, 'amsterdam')).toMatch(
      /longer than 131072/,
    )
  })

  it('has no authorizations before prague', () => {
    expect(reasonOf({ gas: 100_000n, pricing: delegating }, 'cancun')).toMatch(/authorizations/)
    expect(reasonOf({ gas: 100_000n, pricing: delegating }, 'prague')).toBe('accepted')
  })
})
