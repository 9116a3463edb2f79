import { type Address, type Hex, type Slot, toHex } from '../../../../sdk/units.ts'
import { type AccountChange, type Executed, emptyCodeHash, type State } from '../../../../sdk/vm/index.ts'
import type { CallWish } from './params.ts'
import { type Json, quantityHex } from './shapes.ts'
import { failureOf } from './simulate.ts'

/** An account as geth's prestate tracer writes it: a nonce of 0, no code and zero slots are left out. */
interface TracedAccount {
  balance?: Hex
  nonce?: number
  code?: Hex
  storage?: Record<Slot, Hex>
}

type Traced = Record<Address, TracedAccount>

const zeroWord = `0x${'00'.repeat(32)}`

/** What a run looked at, as it was before (`prestateTracer`). */
export function prestate({ access }: Executed, state: State, wish: CallWish): Traced {
  const traced: Traced = {}
  const at = (address: Address) => {
    const known = traced[address] ?? accountBefore(state, address)
    traced[address] = known
    return known
  }
  for (const party of [wish.from, wish.to]) if (party) at(party)
  for (const { address } of access.emptiness) at(address)
  for (const list of [access.reads, access.writes, access.credits])
    for (const place of list) {
      const account = at(place.address)
      if (place.kind !== 'slot') continue
      account.storage ??= {}
      account.storage[place.slot] = wordAt(state, place.address, place.slot)
    }
  return traced
}

/** What a run changed, before and after (`prestateTracer` with `diffMode`). What became zero is left out of `post`. */
export function difference({ changes }: Executed, state: State): { readonly pre: Traced; readonly post: Traced } {
  const [pre, post]: [Traced, Traced] = [{}, {}]
  for (const change of changes) {
    const before = accountBefore(state, change.address)
    const storage = slotsOf(change.slots.map(({ slot }) => [slot, wordAt(state, change.address, slot)]))
    pre[change.address] = { ...before, ...(storage ? { storage } : {}) }
    if (!change.isDeleted) post[change.address] = accountAfter(state, change)
  }
  return { pre, post }
}

function accountAfter(state: State, { address, nonce, balance, credit, code, slots }: AccountChange): TracedAccount {
  const storage = slotsOf(slots.map(({ slot, value }) => [slot, toHex(value)]))
  const before = state.account(address)?.balance ?? 0n
  const now = balance ?? (credit > 0n ? before + credit : null)
  return {
    ...(now === null ? {} : { balance: quantityHex(now) }),
    ...(nonce === null ? {} : { nonce: Number(nonce) }),
    ...(code === null ? {} : { code: toHex(code.bytes) }),
    ...(storage ? { storage } : {}),
  }
}

function slotsOf(words: readonly (readonly [Slot, Hex])[]): Record<Slot, Hex> | undefined {
  const set = words.filter(([, word]) => word !== zeroWord)
  return set.length > 0 ? (Object.fromEntries(set) as Record<Slot, Hex>) : undefined
}

function accountBefore(state: State, address: Address): TracedAccount {
  const account = state.account(address)
  if (!account) return { balance: '0x0' }
  const { nonce, balance, codeHash } = account
  return {
    balance: quantityHex(balance),
    ...(nonce > 0n ? { nonce: Number(nonce) } : {}),
    ...(codeHash === emptyCodeHash ? {} : { code: toHex(state.code(codeHash)) }),
  }
}

function wordAt(state: State, address: Address, slot: Slot): Hex {
  const value = state.storage(address, slot)
  return value ? toHex(value) : (zeroWord as Hex)
}

/** The outermost call alone (`callTracer` with `onlyTopCall`). */
export function topCall(run: Executed, wish: CallWish, gas: bigint): Json {
  const failed = failureOf(run)
  return {
    type: wish.to === null ? 'CREATE' : 'CALL',
    from: wish.from ?? `0x${'00'.repeat(20)}`,
    ...(wish.to === null ? (run.created ? { to: run.created } : {}) : { to: wish.to }),
    value: quantityHex(wish.value),
    gas: quantityHex(gas),
    gasUsed: quantityHex(run.gasUsed),
    input: toHex(wish.data),
    output: toHex(run.output),
    ...(failed ? { error: failed.message.split(':')[0] } : {}),
  }
}
