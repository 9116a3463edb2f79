import { keccak256 } from '../../crypto/hashes.ts'
import { accepted, type Decoded, refused } from '../../errors.ts'
import { blockHashOf, decodeHeader, type Header } from '../../evm/block.ts'
import { toBigInt } from '../../rlp.ts'
import { type Address, address, type BlockHash, fromHex, type Slot, sameBytes, slot, toHex } from '../../units.ts'
import { verifyAccount, verifyCode, verifySlot } from '../ethereum/state.ts'
import { type TrustedBlock, verdictOn } from '../ethereum/trusted.ts'
import type { BeaconVerdict, ProposedVerdict } from '../verdict.ts'
import type { OpChain } from './chains.ts'

/** Keeps what leaves the rollup; its storage root is part of every output root (OP stack specs, "Withdrawals"). */
export const messagePasser = '0x4200000000000000000000000000000000000016' as Address

type Nodes = readonly Uint8Array[]

/** What shows a dispute game and the block that it is about. Everything in it may come from a liar. */
export interface ProposalEvidence {
  /** Place of the game in the factory's list. */
  readonly index: number
  readonly factoryProof: Nodes
  /** Of the list's slot ({@link gameSlot}). */
  readonly listProof: Nodes
  readonly gameProof: Nodes
  /** The game's own code: its arguments stand at the end. */
  readonly gameCode: Uint8Array
  /** Of slot 0 of the game. */
  readonly statusProof: Nodes
  /** Of the rollup's block, in consensus encoding (RLP). */
  readonly header: Uint8Array
  /** Of {@link messagePasser}, under that block. */
  readonly passerProof: Nodes
}

/** A block of a rollup whose root was proposed on its L1. */
export interface ProposedBlock {
  readonly hash: BlockHash
  readonly header: Header
  /** The header in consensus encoding (RLP). Accounts and slots are proven under its state root. */
  readonly bytes: Uint8Array
  readonly game: Address
}

/** Slot of the factory's list that holds a game: type (4 bytes), time (8), address (20). */
export function gameSlot({ gameListPosition }: OpChain, index: number): Slot {
  const start = BigInt(toHex(keccak256(wordOf(gameListPosition))))
  return slotAt(BigInt.asUintN(256, start + BigInt(index)))
}

/**
 * A block of a rollup whose output root stands in a dispute game on its L1, the L1 block being trusted. Never throws.
 *
 * Funds at risk: anybody can open a game with any claim. While `game.status` is `open` it can still be lost, and a claim that was
 * `defended` may yet be set aside by the chain's guardian within days, which is not looked at. For withdrawals, ask the portal.
 *
 * Refuses a game that the factory's list does not hold, of a type that is not read, or that the challenger has won; a claim of
 * another root or block; and whatever proof does not hold.
 */
export function verifyProposal(told: {
  readonly chain: OpChain
  /** Of the L1 that the rollup posts to. */
  readonly l1: TrustedBlock
  readonly evidence: ProposalEvidence
  readonly sources?: readonly string[]
}): Decoded<{ readonly value: ProposedBlock; readonly verdict: ProposedVerdict }> {
  const { chain, l1, evidence, sources = [] } = told
  const { stateRoot } = l1.header
  if (!Number.isSafeInteger(evidence.index) || evidence.index < 0) return refused('the game has no place in a list')
  const listed = readSlot({
    stateRoot,
    account: chain.factory,
    proof: evidence.factoryProof,
    slot: gameSlot(chain, evidence.index),
    slotProof: evidence.listProof,
  })
  if (!listed.ok) return listed
  const game = listedGame(chain, listed.value)
  if (!game.ok) return game
  const account = verifyAccount({ stateRoot, address: game.value, proof: evidence.gameProof })
  if (!account.ok) return account
  const code = account.value ? verifyCode(account.value, evidence.gameCode) : refused('the game does not exist')
  if (!code.ok) return code
  const status = readSlot({
    stateRoot,
    account: game.value,
    proof: evidence.gameProof,
    slot: statusSlot,
    slotProof: evidence.statusProof,
  })
  if (!status.ok) return status
  const claim = claimOf({ game: game.value, code: code.value, status: status.value })
  if (!claim.ok) return claim
  const block = claimedBlock(claim.value, evidence)
  if (!block.ok) return block
  return accepted({
    value: block.value,
    verdict: proposedVerdict({ l1: verdictOn(l1, []), claim: claim.value, block: block.value, sources }),
  })
}

/** What a proposal comes to, `l1` being the verdict on what was read there. */
export function proposedVerdict(told: {
  readonly l1: BeaconVerdict
  readonly claim: GameClaim
  readonly block: ProposedBlock
  readonly sources: readonly string[]
}): ProposedVerdict {
  const { l1, claim, block, sources } = told
  const { number, timestamp } = block.header
  return {
    level: 'proposed',
    anchor: l1.anchor,
    l1: { number: l1.block.number, hash: l1.block.hash, level: l1.level },
    block: { number, hash: block.hash, timestamp: Number(timestamp) },
    game: { address: claim.game, status: claim.status, createdAt: claim.createdAt },
    proven: ['output-root'],
    sources,
  }
}

function readSlot(told: {
  readonly stateRoot: Uint8Array
  readonly account: Address
  readonly proof: Nodes
  readonly slot: Slot
  readonly slotProof: Nodes
}): Decoded<Uint8Array> {
  const { stateRoot, account, proof, slot, slotProof } = told
  const held = verifyAccount({ stateRoot, address: account, proof })
  if (!held.ok) return held
  if (!held.value) return refused('the L1 holds no such contract')
  return verifySlot({ storageRoot: held.value.storageRoot, slot, proof: slotProof })
}

/** The game that a word of the factory's list names. */
export function listedGame({ gameTypes }: OpChain, word: Uint8Array): Decoded<Address> {
  const type = new DataView(word.buffer, word.byteOffset).getUint32(0)
  if (toBigInt(word.subarray(12)) === 0n) return refused('the factory has made no such game')
  return gameTypes.includes(type)
    ? accepted(address(toHex(word.subarray(12))))
    : refused(`games of type ${type} are not read`)
}

/** Where a clone's arguments hold the claim and the number of its block (OP stack specs, "Fault Dispute Game"). */
const [claimAt, numberAt, argumentsEnd] = [0x14, 0x54, 0x74]
const statuses = ['open', null, 'defended'] as const
/** Where a game keeps its times and its status. */
export const statusSlot: Slot = /* @__PURE__ */ slotAt(0n)

/** What a game is about. */
export interface GameClaim {
  readonly game: Address
  /** Output root, 32 bytes. */
  readonly root: Uint8Array
  /** Of the rollup's block. */
  readonly number: bigint
  readonly status: 'open' | 'defended'
  readonly createdAt: number
}

/** Reads a game by its proven code and the proven word in {@link statusSlot}. */
export function claimOf(told: {
  readonly game: Address
  readonly code: Uint8Array
  readonly status: Uint8Array
}): Decoded<GameClaim> {
  const { game, code, status: word } = told
  // A clone ends with its arguments, and two bytes that say how many they and these two are.
  const size = ((code.at(-2) ?? 0) << 8) | (code.at(-1) ?? 0)
  if (size > code.length || size < argumentsEnd + 2) return refused('the game is no clone with its claim')
  const given = code.subarray(code.length - size, code.length - 2)
  // Packed from the low end: createdAt (8 bytes), resolvedAt (8), status (1).
  const status = statuses[word[15] as number]
  if (!status) return refused('the challenger has won the game')
  const view = new DataView(word.buffer, word.byteOffset)
  return accepted({
    game,
    root: given.subarray(claimAt, claimAt + 32),
    number: toBigInt(given.subarray(numberAt, argumentsEnd)),
    status,
    createdAt: Number(view.getBigUint64(24)),
  })
}

/** The block of a claim, if its output root is the one that is claimed. */
export function claimedBlock(
  claim: GameClaim,
  told: { readonly header: Uint8Array; readonly passerProof: Nodes },
): Decoded<ProposedBlock> {
  const block = outputBlock(told)
  if (!block.ok) return block
  const { hash, header, root } = block.value
  if (!sameBytes(root, claim.root)) return refused('the block is not the one that the game claims')
  if (BigInt(header.number) !== claim.number) return refused('the block has not the number that the game claims')
  return accepted({ hash, header, bytes: told.header, game: claim.game })
}

/** A block and its output root of version 0: keccak256 of version, state root, the passer's storage root, block hash. */
function outputBlock({ header: bytes, passerProof }: { readonly header: Uint8Array; readonly passerProof: Nodes }) {
  const header = decodeHeader(bytes)
  if (!header.ok) return header
  const { stateRoot } = header.value
  const passer = verifyAccount({ stateRoot, address: messagePasser, proof: passerProof })
  if (!passer.ok) return passer
  if (!passer.value) return refused('the block is of no rollup of the OP stack')
  const hash = blockHashOf(bytes)
  const preimage = new Uint8Array(128)
  preimage.set(stateRoot, 32)
  preimage.set(passer.value.storageRoot, 64)
  preimage.set(fromHex(hash), 96)
  return accepted({ hash, header: header.value, root: keccak256(preimage) })
}

/** The slot at a position. */
export function slotAt(position: bigint): Slot {
  return slot(toHex(wordOf(position)))
}

function wordOf(value: bigint): Uint8Array {
  return fromHex(`0x${value.toString(16).padStart(64, '0')}`)
}
