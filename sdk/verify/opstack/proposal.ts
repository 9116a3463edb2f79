import { keccak256 } from '../../crypto/hashes.ts'
import { accepted, type Decoded, refused } from '../../errors.ts'
import { blockHashOf, decodeHeader, type Header } from '../../evm/block.ts'
import { type Address, type BlockHash, fromHex, type Slot, sameBytes } from '../../units.ts'
import { verifyAccount, verifyCode, verifySlot } from '../ethereum/state.ts'
import { type TrustedBlock, verdictOn } from '../ethereum/trusted.ts'
import type { BeaconVerdict, ProposedVerdict } from '../verdict.ts'
import type { OpChain } from './chains.ts'
import { claimOf, type GameClaim, gameSlot, listedGame, statusSlot } from './game.ts'

/** Keeps what leaves the rollup; its storage root is part of every output root (OP stack specs, "Withdrawals"). */
export const messagePasser = '0x4200000000000000000000000000000000000016' as Address

type Nodes = readonly Uint8Array[]

/** What shows a dispute game and the block that it is about. Everything in it may come from a liar. */
export interface ProposalEvidence {
  /** Place of the game in the factory's list. */
  readonly index: number
  readonly factoryProof: Nodes
  /** Of the list's slot (`gameSlot`). */
  readonly listProof: Nodes
  readonly gameProof: Nodes
  /** The game's own code: its arguments stand at the end. */
  readonly gameCode: Uint8Array
  /** Of `statusSlot` of the game. */
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

/**
 * A block of a rollup whose output root stands in a dispute game on its L1, the L1 block being trusted. Never throws.
 *
 * Funds at risk: anybody can open a game with any claim. While `game.status` is `open` it can still be lost, and a claim that was
 * `defended` may yet be set aside by the chain's guardian within days, which is not looked at; nor is whether the portal went by games
 * of this type when it was made. One that is `permissioned` nobody but a named account could contest. For withdrawals, ask the portal.
 *
 * Refuses a game that the factory's list does not hold, of a type that is not read, or that the challenger has won; a super root in
 * which the chain has no output root; a claim of another root, block or time; and whatever proof does not hold.
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
  const { address } = game.value
  const account = verifyAccount({ stateRoot, address, proof: evidence.gameProof })
  if (!account.ok) return account
  const code = account.value ? verifyCode(account.value, evidence.gameCode) : refused('the game does not exist')
  if (!code.ok) return code
  const status = readSlot({
    stateRoot,
    account: address,
    proof: evidence.gameProof,
    slot: statusSlot,
    slotProof: evidence.statusProof,
  })
  if (!status.ok) return status
  const claim = claimOf({ chain, game: game.value, code: code.value, status: status.value })
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
    game: { address: claim.game, type: claim.type, status: claim.status, createdAt: claim.createdAt },
    proven: claim.timestamp === null ? ['output-root'] : ['output-root', 'super-root'],
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

/** The block of a claim, if its output root is the one that is claimed. */
export function claimedBlock(
  claim: GameClaim,
  told: { readonly header: Uint8Array; readonly passerProof: Nodes },
): Decoded<ProposedBlock> {
  const block = outputBlock(told)
  if (!block.ok) return block
  const { hash, header, root } = block.value
  if (!sameBytes(root, claim.root)) return refused('the block is not the one that the game claims')
  if (header.number !== claim.number) return refused('the block has not the number that the game claims')
  if (claim.timestamp !== null && Number(header.timestamp) !== claim.timestamp)
    return refused('the block is not of the time that the game claims')
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
