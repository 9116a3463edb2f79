import { keccak256 } from '../../../sdk/crypto/engine.ts'
import { encodeRlp, quantity } from '../../../sdk/rlp.ts'
import { buildTrie, emptyTrieRoot, secureKey } from '../../../sdk/trie/index.ts'
import { type Address, fromHex, type Hex, type Slot, toHex } from '../../../sdk/units.ts'
import { type AccountChange, emptyCodeHash, type State } from '../../../sdk/vm/index.ts'

/** A state in memory, that takes over what transactions change. */
export interface MemoryState extends State {
  readonly put: (address: Address, content: Content) => void
  readonly apply: (changes: readonly AccountChange[]) => void
  readonly entries: () => Iterable<readonly [Address, Stored]>
  /** Puts everything back to an earlier copy. */
  readonly copy: () => MemoryState
}

interface Content {
  readonly nonce: bigint
  readonly balance: bigint
  readonly code: Uint8Array
  readonly slots: readonly { readonly slot: Slot; readonly value: Uint8Array }[]
}

interface Stored {
  nonce: bigint
  balance: bigint
  codeHash: Hex
  readonly storage: Map<Slot, Uint8Array>
  hasStorage: boolean
}

export function memoryState(
  accounts: Map<Address, Stored> = new Map(),
  codes: Map<Hex, Uint8Array> = new Map(),
): MemoryState {
  const accountAt = (address: Address) => {
    const known = accounts.get(address)
    if (known) return known
    const made: Stored = { nonce: 0n, balance: 0n, codeHash: emptyCodeHash, storage: new Map(), hasStorage: false }
    accounts.set(address, made)
    return made
  }
  const setSlots = (account: Stored, slots: Content['slots']) => {
    for (const { slot, value } of slots) {
      if (isSet(value)) account.storage.set(slot, value)
      else account.storage.delete(slot)
    }
    account.hasStorage = account.storage.size > 0
  }
  const change = (one: AccountChange) => {
    if (one.isDeleted) {
      accounts.delete(one.address)
      return
    }
    const account = accountAt(one.address)
    account.nonce = one.nonce ?? account.nonce
    account.balance = (one.balance ?? account.balance) + one.credit
    if (one.code) {
      codes.set(one.code.hash, one.code.bytes)
      account.codeHash = one.code.hash
    }
    setSlots(account, one.slots)
  }
  return {
    account: (address) => accounts.get(address),
    code: (hash) => codes.get(hash) ?? missing(`code ${hash}`),
    storage: (address, slot) => accounts.get(address)?.storage.get(slot),
    put: (address, { nonce, balance, code, slots }) => {
      const account = accountAt(address)
      account.nonce = nonce
      account.balance = balance
      account.codeHash = code.length === 0 ? emptyCodeHash : toHex(keccak256(code))
      codes.set(account.codeHash, code)
      setSlots(account, slots)
    },
    apply: (changes) => {
      for (const one of changes) change(one)
    },
    entries: () => accounts.entries(),
    copy: () =>
      memoryState(
        new Map([...accounts].map(([address, one]) => [address, { ...one, storage: new Map(one.storage) }])),
        new Map(codes),
      ),
  }
}

function isSet(value: Uint8Array): boolean {
  for (let at = 0; at < value.length; at++) if (value[at] !== 0) return true
  return false
}

/** Root of the state's trie. */
export function stateRoot(state: MemoryState): Uint8Array {
  const leaves: [Uint8Array, Uint8Array][] = []
  for (const [address, { nonce, balance, codeHash, storage }] of state.entries()) {
    const slots = [...storage].map(([slot, value]) => [secureKeyOf(slot), encodeRlp(trimmed(value))] as const)
    const root = slots.length === 0 ? emptyTrieRoot() : buildTrie(slots).root
    leaves.push([secureKeyOf(address), encodeRlp([quantity(nonce), quantity(balance), root, fromHex(codeHash)])])
  }
  return buildTrie(leaves).root
}

const secureKeys = new Map<Hex, Uint8Array>()

function secureKeyOf(text: Hex): Uint8Array {
  const known = secureKeys.get(text)
  if (known) return known
  const key = secureKey(fromHex(text))
  if (secureKeys.size < 100_000) secureKeys.set(text, key)
  return key
}

function trimmed(value: Uint8Array): Uint8Array {
  const first = value.findIndex((byte) => byte !== 0)
  return first < 0 ? new Uint8Array(0) : value.subarray(first)
}

function missing(what: string): never {
  throw new Error(`The state has no ${what}.`)
}
