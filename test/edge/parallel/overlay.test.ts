import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createOverlay } from '../../../edge/executor/parallel/overlay.ts'
import { createStore, isSet } from '../../../edge/executor/parallel/store.ts'
import { keccak256 } from '../../../sdk/crypto/index.ts'
import { type Address, address, type Slot, toHex } from '../../../sdk/units.ts'
import { type AccountChange, emptyCodeHash, type State } from '../../../sdk/vm/index.ts'

const addresses = [1, 2, 3].map((one) => address(`0x${`${one}`.padStart(40, '0')}`))
const slots = [1, 2, 3].map((one) => `0x${`${one}`.padStart(64, '0')}` as Slot)
const bytecode = Uint8Array.of(0x60, 0x01)
const code = { hash: toHex(keccak256(bytecode)), bytes: bytecode }
const word = (last: number) => Uint8Array.from({ length: 32 }, (_, at) => (at === 31 ? last : 0))

const deleted = (address: Address): AccountChange => ({
  ...{ address, isDeleted: true, slots: [] },
  ...{ nonce: null, balance: null, credit: 0n, code: null },
})

const written = fc.uniqueArray(fc.record({ slot: fc.constantFrom(...slots), value: fc.nat({ max: 2 }).map(word) }), {
  selector: ({ slot }) => slot,
})
const change: fc.Arbitrary<AccountChange> = fc.oneof(
  fc.constantFrom(...addresses).map(deleted),
  fc.record({
    address: fc.constantFrom(...addresses),
    isDeleted: fc.constant(false),
    nonce: fc.constantFrom(null, 1n),
    balance: fc.constantFrom(null, 0n, 5n),
    credit: fc.constantFrom(0n, 3n),
    code: fc.constantFrom(null, code),
    slots: written,
  }),
)
const transaction = fc.uniqueArray(change, { selector: ({ address }) => address, minLength: 1 })

/** Whether slots are left is asked where a contract may be created alone (EIP-7610): not where one is. */
function seen({ account, storage }: State) {
  return addresses.map((at) => {
    const { nonce = 0n, balance = 0n, codeHash = emptyCodeHash, hasStorage = false } = account(at) ?? {}
    const values = slots.map((slot) => storage(at, slot)).map((value) => value && isSet(value) && toHex(value))
    const isTaken = nonce > 0n || codeHash !== emptyCodeHash
    return { exists: account(at) !== undefined, nonce, balance, codeHash, hasStorage: isTaken || hasStorage, values }
  })
}

/** Two stores with the same past, one of them under an overlay. */
function world(past: readonly AccountChange[][]) {
  const [below, model] = [createStore(), createStore()]
  for (const store of [below, model]) for (const [at, changes] of past.entries()) store.take(changes, at + 1)
  return { overlay: createOverlay(below.state, () => undefined), below, model }
}

describe('a state with what nobody has committed yet', () => {
  it('is the state after the commits, as long as it says that it is whole', () => {
    fc.assert(
      fc.property(fc.array(transaction, { maxLength: 3 }), fc.array(transaction, { maxLength: 5 }), (past, coming) => {
        const { overlay, below, model } = world(past)
        for (const [at, changes] of coming.entries()) {
          const isWhole = overlay.apply(changes)
          model.take(changes, 10 + at)
          if (!isWhole) return
          expect(seen(overlay.state)).toEqual(seen(model.state))
        }
        overlay.clear()
        expect(seen(overlay.state)).toEqual(seen(below.state))
      }),
      { numRuns: 120 },
    )
  })

  it('has nothing left of an account that was deleted, and of a contract that comes after it only its own slots', () => {
    const at = addresses[0] as Address
    const [first, second] = slots as [Slot, Slot]
    const created = { address: at, isDeleted: false, nonce: 1n, balance: 0n, credit: 0n, code }
    const { overlay } = world([[{ ...created, slots: [{ slot: first, value: word(7) }] }]])
    expect(overlay.apply([deleted(at)])).toBe(true)
    expect(overlay.state.storage(at, first)).toBe(undefined)
    expect(overlay.apply([{ ...created, slots: [{ slot: second, value: word(8) }] }])).toBe(true)
    expect(overlay.state.storage(at, first)).toBe(undefined)
    expect(overlay.state.storage(at, second)).toEqual(word(8))
  })

  it('is not whole where slots were cleared and a contract may still be created (EIP-7610)', () => {
    const at = addresses[0] as Address
    const plain = { address: at, isDeleted: false, nonce: null, balance: 1n, credit: 0n, code: null }
    const clearing = { ...plain, slots: [{ slot: slots[0] as Slot, value: word(0) }] }
    const { overlay } = world([[{ ...plain, slots: [{ slot: slots[0] as Slot, value: word(7) }] }]])
    expect(overlay.apply([clearing])).toBe(false)
    expect(overlay.apply([{ ...clearing, code }])).toBe(true)
  })
})
