import type { Address, Hex, Slot } from '../units.ts'
import type { Block } from './block.ts'
import type { Outcome } from './execute.ts'
import type { Machine } from './machine.ts'
import type { Account, State } from './state.ts'
import type { Message } from './transaction.ts'

/** Something that a state can be asked for: an account with its code, one storage slot, or the hash of a block. */
export type StatePiece =
  | { readonly kind: 'account'; readonly address: Address }
  | { readonly kind: 'slot'; readonly address: Address; readonly slot: Slot }
  | { readonly kind: 'block-hash'; readonly number: bigint }

/** What is known of a state so far, by {@link pieceKey}. */
export interface StatePart {
  /**
   * `null`: it is known that the account does not exist, and so that its slots are zero. Code that is `null` is not known
   * yet: who runs it, finds the account missing.
   */
  readonly accounts: ReadonlyMap<string, (Account & { readonly code: Uint8Array | null }) | null>
  /** 32 bytes each. */
  readonly slots: ReadonlyMap<string, Uint8Array>
  /** 32 bytes each. */
  readonly blockHashes: ReadonlyMap<string, Uint8Array>
}

/** What came of a run on a part: the outcome, or what the part lacks for one. */
export type PartRun =
  | { readonly kind: 'done'; readonly outcome: Outcome }
  | { readonly kind: 'missing'; readonly pieces: readonly StatePiece[] }

/** Most pieces that one run on guesses may find missing before it is given up. */
export const guessedPiecesMax = 64

/** The piece as text; equal pieces give equal text. */
export function pieceKey(piece: StatePiece): string {
  switch (piece.kind) {
    case 'account':
      return piece.address
    case 'slot':
      return piece.address + piece.slot
    case 'block-hash':
      return `${piece.number}`
  }
}

/**
 * Runs a call on a part of the state, as {@link Machine.call} does on the whole.
 *
 * A run does not end at the first piece that is missing: it goes on with a guess, so that most of what lies behind is found
 * in the same run, and is fetched in the same round. A slot is guessed to be zero, and in a second run to be large, since
 * a balance of nothing is where most runs would end. So some pieces that are named will turn out not to matter. An
 * outcome is only told of a run that guessed nothing.
 */
export function callOnPart(machine: Machine, message: Message, block: Block, part: StatePart): PartRun {
  const found = new Map<string, StatePiece>()
  for (const guess of guesses) {
    const missing = new Map<string, StatePiece>()
    const outcome = runOnGuesses(() => {
      const { state, hashOf } = guessing(part, guess, missing)
      return machine.call(message, { ...block, hashOf }, state)
    })
    if (outcome && missing.size === 0) return { kind: 'done', outcome }
    // A run astray names places without end: they are worth nothing beside those of a run that ended.
    if (!outcome && found.size > 0) break
    for (const [key, piece] of missing) found.set(key, piece)
  }
  return { kind: 'missing', pieces: [...found.values()] }
}

const zero = /* @__PURE__ */ new Uint8Array(32)
const large = /* @__PURE__ */ Uint8Array.from({ length: 32 }, (_, at) => (at === 19 ? 1 : 0))
const guesses = [zero, large]

/** Ends a run on guesses that finds no end, or is at code that is not known. The machine lets it through. */
class Astray extends Error {}

function runOnGuesses(run: () => Outcome): Outcome | undefined {
  try {
    return run()
  } catch (error) {
    if (error instanceof Astray) return undefined
    throw error
  }
}

function guessing(part: StatePart, guess: Uint8Array, missing: Map<string, StatePiece>) {
  const codes = new Map<Hex, Uint8Array>()
  const owners = new Map<Hex, Address>()
  const look = <known>(known: known | undefined, piece: StatePiece, guessed: known): known => {
    if (known !== undefined) return known
    missing.set(`${piece.kind} ${pieceKey(piece)}`, piece)
    if (missing.size > guessedPiecesMax) throw new Astray()
    return guessed
  }
  const state: State = {
    account: (address) => {
      const account = look(part.accounts.get(address), { kind: 'account', address }, null)
      if (account?.code) codes.set(account.codeHash, account.code)
      else if (account) owners.set(account.codeHash, address)
      return account ?? undefined
    },
    code: (hash) => {
      const code = codes.get(hash)
      if (code) return code
      // No guess: the machine keeps code by its hash, and would run the guess ever after.
      const address = owners.get(hash)
      if (address) missing.set(`account ${address}`, { kind: 'account', address })
      throw new Astray()
    },
    storage: (address, slot) =>
      part.accounts.get(address) === null
        ? undefined
        : look(part.slots.get(address + slot), { kind: 'slot', address, slot }, guess),
  }
  const hashOf = (number: bigint) => look(part.blockHashes.get(`${number}`), { kind: 'block-hash', number }, zero)
  return { state, hashOf }
}
