import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AccessListQuote,
  attachAccessList,
  type ColdTouch,
  chooseAccessList,
  coldTouches,
  quoteAccessList,
} from '../../../sdk/evm/accessList.ts'
import { type Fork, intrinsicGas, listGas } from '../../../sdk/evm/fork.ts'
import type { AccessList, Prepared } from '../../../sdk/evm/transaction.ts'
import { type Address, address, type Slot, slot, toHex, wei } from '../../../sdk/units.ts'
import { alice, authorize, bob, person, preparedWith } from './samples.ts'

const forks: readonly Fork[] = ['cancun', 'prague', 'osaka', 'amsterdam']
const key = (number: number): Slot => slot(toHex(new Uint8Array(32).fill(number)))
const place = (number: number): Address => address(toHex(new Uint8Array(20).fill(number)))
const read = (account: Address, number: number): ColdTouch => ({
  kind: 'slot',
  address: account,
  slot: key(number),
  by: 'read',
})
const write = (account: Address, number: number): ColdTouch => ({ ...read(account, number), by: 'write' }) as ColdTouch
const access = (account: Address): ColdTouch => ({ kind: 'account', address: account, by: 'access' })
const token = place(0x70)

function quote(
  touches: readonly ColdTouch[],
  fork: Fork = 'osaka',
  transaction: Prepared = preparedWith(),
): AccessListQuote {
  return quoteAccessList({ transaction, touches, fork, run: null })
}

describe('quoteAccessList', () => {
  it('another contract and its slots: 100 for the account, 100 a read, 200 a first write', () => {
    const { full, best } = quote([access(token), read(token, 1), write(token, 2)])
    expect(full).toEqual({ list: [{ address: token, slots: [key(1), key(2)] }], gasDifference: -100n - 100n - 200n })
    expect(best).toEqual(full)
  })

  it('the recipient itself: 2400 for its entry, which 24 reads do not bring back and 25 do', () => {
    const reads = (count: number) => Array.from({ length: count }, (_, at) => read(bob.account, at))
    expect(quote(reads(24))).toMatchObject({ full: { gasDifference: 0n }, best: { list: [], gasDifference: 0n } })
    expect(quote(reads(25))).toMatchObject({ full: { gasDifference: -100n }, best: { gasDifference: -100n } })
    expect(quote(reads(1)).full.gasDifference).toBe(2_400n + 1_900n - 2_000n)
  })

  it('prunes what loses and keeps what pays', () => {
    const { full, best } = quote([read(bob.account, 1), access(token), read(token, 1)])
    expect(full.gasDifference).toBe(2_300n - 200n)
    expect(best).toEqual({ list: [{ address: token, slots: [key(1)] }], gasDifference: -200n })
  })

  it('a beneficiary of SELFDESTRUCT wins back its whole cold price', () => {
    const heir: ColdTouch = { kind: 'account', address: token, by: 'selfdestruct' }
    expect(quote([heir]).best.gasDifference).toBe(-200n)
  })

  it('a place that a reverted frame touched is paid twice, so listing it saves twice', () => {
    expect(quote([read(bob.account, 1), read(bob.account, 1)]).full.gasDifference).toBe(2_400n + 1_900n - 4_000n)
    expect(quote([access(token), access(token)]).best.gasDifference).toBe(2_400n - 5_000n)
  })

  it('touches of unknown kind are taken as what saves least, and the quote says so', () => {
    const unknown = coldTouches({
      transaction: preparedWith(),
      accessed: [{ address: token, slots: [key(1)] }],
      fork: 'osaka',
      warm: [],
    })
    expect(quote(unknown)).toMatchObject({ best: { gasDifference: -200n }, isExact: false })
    const run = { gas: 100_000n, refund: 0n }
    const known = [access(token), read(token, 1)]
    const price = (touches: readonly ColdTouch[]) =>
      quoteAccessList({ transaction: preparedWith(), touches, fork: 'osaka', run }).isExact
    expect([price(known), price(unknown), quote(known).isExact]).toEqual([true, false, false])
  })

  it('a capped refund takes a fifth of the difference (EIP-3529)', () => {
    const touches = Array.from({ length: 10 }, (_, at) => write(bob.account, at))
    const run = { gas: 71_060n, refund: 48_000n }
    const transaction = preparedWith()
    expect(quoteAccessList({ transaction, touches, fork: 'osaka', run }).full.gasDifference).toBe(320n)
    const uncapped = { gas: 71_060n, refund: 4_800n }
    expect(quoteAccessList({ transaction, touches, fork: 'osaka', run: uncapped }).full.gasDifference).toBe(400n)
  })

  it('below the data floor nothing is saved (EIP-7623)', () => {
    const transaction = preparedWith({ data: new Uint8Array(1_000).fill(1) })
    const run = { gas: 45_000n, refund: 0n }
    const quoted = quoteAccessList({ transaction, touches: [access(token)], fork: 'osaka', run })
    expect(quoted).toMatchObject({ full: { gasDifference: 0n }, best: { list: [], gasDifference: 0n } })
  })

  it('lists ascend, and hold each account and slot once', () => {
    const touches = [read(token, 2), access(token), read(place(1), 9), read(token, 1), read(token, 2)]
    expect(quote(touches).full.list).toEqual([
      { address: place(1), slots: [key(9)] },
      { address: token, slots: [key(1), key(2)] },
    ])
  })

  it('nothing touched: nothing listed', () => {
    expect(quote([])).toMatchObject({ full: { list: [], gasDifference: 0n }, best: { list: [], gasDifference: 0n } })
  })

  const anyTouch = fc.oneof(
    fc.record({
      kind: fc.constant('account' as const),
      address: fc.constantFrom(place(1), place(2)),
      by: fc.constantFrom('access' as const, 'selfdestruct' as const, 'unknown' as const),
    }),
    fc.record({
      kind: fc.constant('slot' as const),
      address: fc.constantFrom(place(1), place(2)),
      slot: fc.constantFrom(key(1), key(2)),
      by: fc.constantFrom('read' as const, 'write' as const, 'unknown' as const),
    }),
  )

  it('no other list saves more than the best one', () => {
    fc.assert(
      fc.property(fc.array(anyTouch, { maxLength: 12 }), fc.constantFrom(...forks), (touches, fork) => {
        const { best } = quote(touches, fork)
        const differences = everyList().map((list) => listGas(list, fork) - savedBy(list, touches, fork))
        expect(differences).toContain(best.gasDifference)
        expect(differences.every((difference) => difference >= best.gasDifference)).toBe(true)
      }),
    )
  })

  it('under amsterdam a list never pays, as long as no frame reverts', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(anyTouch, { selector: (touch) => JSON.stringify({ ...touch, by: '' }) }),
        (touches) => {
          const { full, best } = quote(touches, 'amsterdam')
          expect(best.list).toEqual([])
          expect(full.gasDifference >= 1_280n * BigInt(full.list.length)).toBe(true)
        },
      ),
    )
  })

  it('under amsterdam a perfect list costs 1280 more an account and 2048 more a slot', () => {
    expect(quote([access(token), read(token, 1), write(token, 2)], 'amsterdam').full.gasDifference).toBe(
      1_280n + 2n * 2_048n,
    )
  })
})

/** All lists over two accounts with two slots each, written another way than the code under test. */
function everyList(): AccessList[] {
  const keys = [[], [key(1)], [key(2)], [key(1), key(2)]]
  const entries = (account: Address) => [[], ...keys.map((slots) => [{ address: account, slots }])]
  return entries(place(1)).flatMap((one) => entries(place(2)).map((other) => [...one, ...other]))
}

function savedBy(list: AccessList, touches: readonly ColdTouch[], fork: Fork): bigint {
  const berlin = { access: 2_500n, selfdestruct: 2_600n, read: 2_000n, write: 2_100n }
  const prices = fork === 'amsterdam' ? { access: 2_900n, selfdestruct: 2_900n, read: 2_000n, write: 2_000n } : berlin
  return touches.reduce((sum, touch) => {
    const entry = list.find(({ address }) => address === touch.address)
    if (!entry || (touch.kind === 'slot' && !entry.slots.includes(touch.slot))) return sum
    return sum + prices[touch.by === 'unknown' ? (touch.kind === 'slot' ? 'read' : 'access') : touch.by]
  }, 0n)
}

describe('chooseAccessList', () => {
  const quoted = quote([read(bob.account, 1), access(token)])

  it('never: none; always: all; auto: what pays', () => {
    expect(chooseAccessList(quoted, 'never')).toEqual([])
    expect(chooseAccessList(quoted, 'always')).toEqual(quoted.full.list)
    expect(chooseAccessList(quoted, 'auto')).toEqual([{ address: token, slots: [] }])
    expect(chooseAccessList(quote([access(token)], 'amsterdam'), 'auto')).toEqual([])
  })
})

describe('attachAccessList', () => {
  const list = [{ address: token, slots: [key(1)] }]

  it('raises the gas limit by what the list costs up front', () => {
    const attached = attachAccessList(preparedWith({ gas: 50_000n }), list, 'osaka')
    expect(attached.pricing).toMatchObject({ type: 'eip1559', accessList: list })
    expect(attached.gas).toBe(50_000n + 4_300n)
    expect(intrinsicGas(attached, 'osaka')).toBe(21_000n + 4_300n)
  })

  it('makes a legacy transaction one of type 1, unless the list is empty', () => {
    const legacy = preparedWith({ pricing: { type: 'legacy', gasPrice: wei(9n) } })
    expect(attachAccessList(legacy, list, 'osaka').pricing).toEqual({ type: 'eip2930', gasPrice: 9n, accessList: list })
    expect(attachAccessList(legacy, [], 'osaka')).toBe(legacy)
  })

  it('stays within the cap of the fork (EIP-7825)', () => {
    expect(attachAccessList(preparedWith({ gas: 16_777_000n }), list, 'osaka').gas).toBe(16_777_216n)
  })
})

describe('coldTouches', () => {
  it('counts a place once, however often the node lists it', () => {
    const entry = { address: token, slots: [key(1), key(1)] }
    const touches = coldTouches({ transaction: preparedWith(), accessed: [entry, entry], fork: 'osaka', warm: [] })
    expect(touches.map(({ kind }) => kind)).toEqual(['account', 'slot'])
  })

  it('leaves out what is warm from the start, but never slots', () => {
    const carol = person(0x0c)
    const elsewhere = person(0x0d)
    const authorizations = [
      authorize(carol, { chainId: 1, delegate: token, nonce: 0n }),
      authorize(elsewhere, { chainId: 2, delegate: token, nonce: 0n }),
    ]
    const market = { maxFeePerGas: wei(30n), maxPriorityFeePerGas: wei(2n), accessList: [] }
    const transaction = preparedWith({ pricing: { type: 'eip7702', ...market, authorizations } })
    const ecrecover = address(`0x${'00'.repeat(19)}01`)
    const feeRecipient = place(0xfe)
    const accounts = [alice.account, bob.account, carol.account, elsewhere.account, ecrecover, feeRecipient, token]
    const accessed = accounts.map((account) => ({ address: account, slots: [key(1)] }))
    const touches = coldTouches({ transaction, accessed, fork: 'osaka', warm: [feeRecipient] })
    const cold = touches.flatMap((touch) => (touch.kind === 'account' ? [touch.address] : []))
    expect(cold).toEqual([elsewhere.account, token])
    expect(touches.filter(({ kind }) => kind === 'slot')).toHaveLength(accounts.length)
  })
})
