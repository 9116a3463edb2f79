import { invariant } from '../../../sdk/errors.ts'
import { secureKey, type Trie } from '../../../sdk/trie/index.ts'
import { type Address, type BlockHash, fromHex, type Slot } from '../../../sdk/units.ts'
import { emptyCodeHash, type State } from '../../../sdk/vm/index.ts'
import type { AccountProof, SealedBlock } from './engine.ts'
import { wordOf } from './settle.ts'
import { emptyTrie, type PastAccount, type Store } from './store.ts'

/** Hashes a block can see: its 256 predecessors. */
const hashesMax = 256

/** A kept block: its accounts' trie, and its accounts as they were before it. */
interface Kept {
  readonly block: SealedBlock
  readonly trie: Trie
  readonly before: ReadonlyMap<Address, PastAccount | null>
}

/** The newest blocks, and the state after each of them: what changed since is looked up first, the store last. */
export interface History {
  readonly head: () => Kept
  readonly at: (number: number) => Kept | undefined
  readonly oldest: () => number
  readonly add: (kept: Kept) => void
  /** Hash of one of the 256 blocks up to the head. */
  readonly hashOf: (number: bigint) => Uint8Array | undefined
  /** The hashes of the last 255 blocks before the head, the oldest first. */
  readonly hashes: () => readonly BlockHash[]
  readonly stateAt: (number: number) => State | undefined
  readonly prove: (number: number, address: Address, slots: readonly Slot[]) => AccountProof | undefined
}

/** @param hashes - Of the blocks just before `first`, the oldest first. */
export function createHistory(store: Store, first: Kept, hashes: readonly BlockHash[], keptMax: number): History {
  const blocks = new Map<number, Kept>()
  const names = new Map<number, BlockHash>()
  let newest = first.block.header.number
  let oldest = newest
  for (const [at, hash] of hashes.entries()) names.set(newest - hashes.length + at, hash)

  const add = (kept: Kept) => {
    newest = kept.block.header.number
    blocks.set(newest, kept)
    names.set(newest, kept.block.hash)
    names.delete(newest - hashesMax)
    for (; newest - oldest >= keptMax; oldest++) blocks.delete(oldest)
  }
  add(first)

  /** The account after a kept block; `undefined` when it is as it is now. */
  const pastAt = (number: number, address: Address): PastAccount | null | undefined => {
    invariant(number >= oldest, 'a state is read while its block is kept')
    for (let later = number + 1; later <= newest; later++) {
      const past = blocks.get(later)?.before.get(address)
      if (past !== undefined) return past
    }
    return store.running().before.get(address)
  }

  const accountAt = (number: number, address: Address): PastAccount | undefined => {
    const past = pastAt(number, address)
    return past === undefined ? store.state.account(address) && store.accounts.get(address) : (past ?? undefined)
  }

  const stateAt = (number: number): State | undefined => {
    if (!blocks.has(number)) return undefined
    return {
      account: (address) => accountAt(number, address),
      code: store.state.code,
      storage: (address, slot) => {
        const past = pastAt(number, address)
        if (past === undefined) return store.state.storage(address, slot)
        return past ? wordOf(past.storage.get(secureKey(fromHex(slot)))) : undefined
      },
    }
  }

  const prove = (number: number, address: Address, slots: readonly Slot[]): AccountProof | undefined => {
    const kept = blocks.get(number)
    if (!kept) return undefined
    const account = accountAt(number, address)
    const storage = account?.storage ?? emptyTrie
    return {
      address,
      nonce: account?.nonce ?? 0n,
      balance: account?.balance ?? 0n,
      codeHash: account?.codeHash ?? emptyCodeHash,
      storageRoot: storage.root,
      nodes: kept.trie.prove(secureKey(fromHex(address))),
      slots: slots.map((slot) => {
        const key = secureKey(fromHex(slot))
        return { slot, value: wordOf(storage.get(key)), nodes: storage.prove(key) }
      }),
    }
  }

  return {
    head: () => blocks.get(newest) as Kept,
    at: (number) => blocks.get(number),
    oldest: () => oldest,
    add,
    hashOf: (number) => {
      const hash = names.get(Number(number))
      return hash && fromHex(hash)
    },
    hashes: () =>
      [...names.keys()]
        .filter((number) => number < newest)
        .sort((a, b) => a - b)
        .map((n) => names.get(n) as BlockHash),
    stateAt,
    prove,
  }
}
