import type { Address, Hex, Slot } from '../../../sdk/units.ts'
import { type Account, type AccountChange, emptyCodeHash, type State } from '../../../sdk/vm/index.ts'
import { isSet } from './store.ts'

/** A state, and what transactions that nobody has committed yet have left on it. */
export interface Overlay {
  readonly state: State
  /**
   * Takes over what a transaction changed. False when that leaves something open that only the whole state can tell:
   * then no further one may run on it.
   */
  readonly apply: (changes: readonly AccountChange[]) => boolean
  /** Forgets all of it. */
  readonly clear: () => void
}

interface Left {
  account: Account | undefined
  readonly slots: Map<Slot, Uint8Array>
  /** Whether nothing of the slots below is left. */
  isCleared: boolean
}

/** @param admit - Throws when a transaction may not ask for this account: what stands here does not ask below. */
export function createOverlay(below: State, admit: (address: Address) => void): Overlay {
  const accounts = new Map<Address, Left>()
  const codes = new Map<Hex, Uint8Array>()
  const leftAt = (address: Address): Left => {
    const known = accounts.get(address)
    if (known) return known
    const made: Left = { account: below.account(address), slots: new Map(), isCleared: false }
    accounts.set(address, made)
    return made
  }
  const applyOne = ({ address, isDeleted, nonce, balance, credit, code, slots }: AccountChange): boolean => {
    const left = leftAt(address)
    if (isDeleted) {
      left.account = undefined
      left.slots.clear()
      left.isCleared = true
      return true
    }
    const { account } = left
    for (const { slot, value } of slots) left.slots.set(slot, value)
    if (code) codes.set(code.hash, code.bytes)
    left.account = {
      nonce: nonce ?? account?.nonce ?? 0n,
      balance: balance ?? (account?.balance ?? 0n) + credit,
      codeHash: code?.hash ?? account?.codeHash ?? emptyCodeHash,
      hasStorage: account?.hasStorage === true || slots.some(({ value }) => isSet(value)),
    }
    // Whether slots are left matters where a contract may be created (EIP-7610), so not where one is or has been.
    const isTaken = left.account.nonce > 0n || left.account.codeHash !== emptyCodeHash
    return isTaken || slots.every(({ value }) => isSet(value))
  }
  return {
    state: {
      account: (address) => {
        const left = accounts.get(address)
        if (!left) return below.account(address)
        admit(address)
        return left.account
      },
      code: (hash) => codes.get(hash) ?? below.code(hash),
      storage: (address, slot) => {
        const left = accounts.get(address)
        return left?.slots.get(slot) ?? (left?.isCleared ? undefined : below.storage(address, slot))
      },
    },
    apply: (changes) => changes.map(applyOne).every((isWhole) => isWhole),
    clear: () => {
      accounts.clear()
      codes.clear()
    },
  }
}
