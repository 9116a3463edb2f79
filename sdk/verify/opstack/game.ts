import { keccak256 } from '../../crypto/hashes.ts'
import { accepted, type Decoded, refused } from '../../errors.ts'
import { toBigInt } from '../../rlp.ts'
import { type Address, address, type Slot, sameBytes, toHex } from '../../units.ts'
import { slotOf, wordOf } from '../ethereum/state.ts'
import type { OpChain } from './chains.ts'
import { blockTimeAt, outputIn, superRootIn } from './superRoot.ts'

/** A game as the factory's list names it. */
export interface ListedGame {
  readonly address: Address
  readonly type: number
}

/** Slot of the factory's list that holds a game: type (4 bytes), time (8), address (20). */
export function gameSlot({ gameListPosition }: OpChain, index: number): Slot {
  const start = BigInt(toHex(keccak256(wordOf(gameListPosition))))
  return slotAt(BigInt.asUintN(256, start + BigInt(index)))
}

/** The game that a word of the factory's list names. */
export function listedGame({ gameTypes }: OpChain, word: Uint8Array): Decoded<ListedGame> {
  const type = new DataView(word.buffer, word.byteOffset).getUint32(0)
  if (toBigInt(word.subarray(12)) === 0n) return refused('the factory has made no such game')
  return gameTypes.includes(type)
    ? accepted({ address: address(toHex(word.subarray(12))), type })
    : refused(`games of type ${type} are not read`)
}

/** Where a game keeps its times and its status. */
export const statusSlot: Slot = /* @__PURE__ */ slotAt(0n)

/**
 * What became of a claim.
 *
 * - `open`: it can still be lost.
 * - `defended`: everybody could contest it, and nobody did so with success.
 * - `permissioned`: it stands, but only named accounts could make or contest it (types 1 and 5): their word, and no more.
 */
export type GameStatus = 'open' | 'defended' | 'permissioned'

/** What a game claims of one rollup. */
export interface GameClaim {
  readonly game: Address
  readonly type: number
  /** Output root of the rollup, 32 bytes. */
  readonly root: Uint8Array
  /** Of the rollup's block. Of a super root, it follows from the time and the chain's configuration. */
  readonly number: number
  /** Of the rollup's block, in seconds since 1970, where the claim was a super root; `null` for an output root. */
  readonly timestamp: number | null
  readonly status: GameStatus
  readonly createdAt: number
}

/**
 * Types whose claim is a super root: `isSuperGame` in ethereum-optimism/optimism,
 * `packages/contracts-bedrock/src/dispute/lib/Types.sol`.
 */
const superTypes: readonly number[] = [4, 5, 7, 9, 10]
/**
 * Types whose games go on from a parent, named before the super root by its place in the factory's list (4 bytes):
 * `ZKDisputeGame`, same repository, `src/dispute/zk`, version 2. Everybody may contest a claim, a proof settles it, and one whose
 * parent was lost is lost. The contract is what counts: the specs (`super-zk-dispute-game.md`) have the time once more before it.
 */
const childTypes: readonly number[] = [10]
const parentSize = 4
/**
 * Types whose games tell the output roots on the way to the one that they claim: `AggregateVerifier` of Base (its specs, "Proof
 * Contracts"), where a proof comes with the claim and another one contests it.
 */
const checkpointTypes: readonly number[] = [621]
/** Types that only named accounts may play, from the same list as those of super roots. */
const permissionedTypes: readonly number[] = [1, 5]

/**
 * Where a clone's arguments hold the claim, the type of the game, and what is claimed beside it: `DisputeGameFactory.create`, same
 * repository. A factory without arguments for its games leaves the type out; then the number is all that follows.
 */
const [claimAt, typeAt, extraAt] = [0x14, 0x54, 0x58]
const plainSize = typeAt + 32
/** A checkpoint has its parent (20 bytes) behind its number, and then the roots. */
const rootsAt = plainSize + 20

/** Reads a game by its proven code and the proven word in {@link statusSlot}. */
export function claimOf(told: {
  readonly chain: OpChain
  readonly game: ListedGame
  readonly code: Uint8Array
  readonly status: Uint8Array
}): Decoded<GameClaim> {
  const { chain, game, code, status: word } = told
  const status = statusOf(game, word)
  if (!status) return refused('the challenger has won the game')
  const given = argumentsOf(code)
  if (!given) return refused('the game is no clone with its claim')
  const what = claimed(chain, game, given)
  if (!what.ok) return what
  const createdAt = Number(new DataView(word.buffer, word.byteOffset).getBigUint64(24))
  return accepted({ game: game.address, type: game.type, ...what.value, status, createdAt })
}

/** Packed from the low end: createdAt (8 bytes), resolvedAt (8), status (1). */
function statusOf({ type }: ListedGame, word: Uint8Array): GameStatus | null {
  if (word[15] === 0) return 'open'
  if (word[15] !== 2) return null
  return permissionedTypes.includes(type) ? 'permissioned' : 'defended'
}

/** A clone ends with its arguments, and two bytes that say how many they and these two are. */
function argumentsOf(code: Uint8Array): Uint8Array | null {
  const size = ((code.at(-2) ?? 0) << 8) | (code.at(-1) ?? 0)
  return size > code.length || size < plainSize + 2 ? null : code.subarray(code.length - size, code.length - 2)
}

function claimed(chain: OpChain, game: ListedGame, given: Uint8Array): Decoded<Claimed> {
  if (superTypes.includes(game.type)) return superClaim(chain, game, given)
  return checkpointTypes.includes(game.type) ? checkpointClaim(given) : outputClaim(game, given)
}

interface Claimed {
  readonly root: Uint8Array
  readonly number: number
  readonly timestamp: number | null
}

function outputClaim({ type }: ListedGame, given: Uint8Array): Decoded<Claimed> {
  const isPlain = given.length === plainSize
  if (!isPlain && typeOf(given) !== type) return refused('the game is not of the type that it was listed as')
  return numberedClaim(given, isPlain ? typeAt : extraAt)
}

function checkpointClaim(given: Uint8Array): Decoded<Claimed> {
  const roots = given.subarray(rootsAt)
  const isWhole = roots.length > 0 && roots.length % 32 === 0
  return isWhole && sameBytes(roots.subarray(-32), given.subarray(claimAt, claimAt + 32))
    ? numberedClaim(given, typeAt)
    : refused('the roots on the way do not end with the one that the game claims')
}

function numberedClaim(given: Uint8Array, numberAt: number): Decoded<Claimed> {
  const number = Number(toBigInt(given.subarray(numberAt, numberAt + 32)))
  // Whoever opens a game may claim any number.
  if (given.length < numberAt + 32 || !Number.isSafeInteger(number))
    return refused('the game claims a block beyond any')
  return accepted({ root: given.subarray(claimAt, claimAt + 32), number, timestamp: null })
}

function superClaim(chain: OpChain, { type }: ListedGame, given: Uint8Array): Decoded<Claimed> {
  if (typeOf(given) !== type) return refused('the game is not of the type that it was listed as')
  const superRootAt = extraAt + (childTypes.includes(type) ? parentSize : 0)
  const claim = superRootIn(given.subarray(superRootAt), given.subarray(claimAt, claimAt + 32))
  if (!claim.ok) return claim
  const root = outputIn(claim.value, chain.chainId)
  if (!root.ok) return root
  const at = blockTimeAt(chain, claim.value.timestamp)
  return at.ok ? accepted({ root: root.value, ...at.value }) : at
}

function typeOf(given: Uint8Array): number {
  return new DataView(given.buffer, given.byteOffset).getUint32(typeAt)
}

/** The slot at a position. */
export function slotAt(position: bigint): Slot {
  return slotOf(wordOf(position))
}
