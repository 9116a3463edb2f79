import { keccak256 } from '../../../sdk/crypto/engine.ts'
import { encodeRlp, quantity, type RlpItem } from '../../../sdk/rlp.ts'
import { type Address, fromHex, type Slot } from '../../../sdk/units.ts'
import type { TouchedPlaces } from '../../../sdk/vm/index.ts'
import type { BlockAccessList } from './engine.ts'
import { trimmed } from './settle.ts'
import type { AccountWrite } from './store.ts'

/** What one step of a block touched and left: 0 is what the block does by itself, then its transactions from 1. */
export interface Step {
  readonly index: number
  readonly access: TouchedPlaces
  readonly writes: readonly AccountWrite[]
  /** Accounts that belong to it even when nothing of them was looked at: its sender and recipient. */
  readonly parties: readonly Address[]
}

interface Accesses {
  readonly slots: Map<Slot, RlpItem[]>
  readonly reads: Set<Slot>
  readonly balances: RlpItem[]
  readonly nonces: RlpItem[]
  readonly codes: RlpItem[]
}

/** The access list of a block (EIP-7928), from its steps in their order. */
export function blockAccessList(steps: Iterable<Step>): BlockAccessList {
  const accounts = new Map<Address, Accesses>()
  const at = (address: Address) => {
    const known = accounts.get(address)
    if (known) return known
    const made: Accesses = { slots: new Map(), reads: new Set(), balances: [], nonces: [], codes: [] }
    accounts.set(address, made)
    return made
  }
  for (const { index, access, writes, parties } of steps) {
    for (const party of parties) at(party)
    for (const { address } of access.emptiness) at(address)
    for (const list of [access.reads, access.writes, access.credits])
      for (const place of list) {
        const account = at(place.address)
        if (place.kind === 'slot') account.reads.add(place.slot)
      }
    for (const write of writes) enter(at(write.address), quantity(index), write)
  }
  const rlp = encodeRlp([...accounts].sort(([one], [other]) => (one < other ? -1 : 1)).map(itemOf))
  return { rlp, hash: keccak256(rlp) }
}

function enter(account: Accesses, index: Uint8Array, { isDeleted, nonce, balance, code, slots }: AccountWrite): void {
  if (balance !== null) account.balances.push([index, quantity(balance)])
  if (isDeleted) return
  if (nonce !== null) account.nonces.push([index, quantity(nonce)])
  if (code) account.codes.push([index, code.bytes])
  for (const { slot, value } of slots) {
    const change = [index, trimmed(value)]
    const known = account.slots.get(slot)
    if (known) known.push(change)
    else account.slots.set(slot, [change])
  }
}

function itemOf([address, { slots, reads, balances, nonces, codes }]: readonly [Address, Accesses]): RlpItem {
  const changed = [...slots].sort(([one], [other]) => (one < other ? -1 : 1))
  const read = [...reads].filter((slot) => !slots.has(slot)).sort()
  return [
    fromHex(address),
    changed.map(([slot, changes]) => [trimmed(fromHex(slot)), changes]),
    read.map((slot) => trimmed(fromHex(slot))),
    balances,
    nonces,
    codes,
  ]
}
