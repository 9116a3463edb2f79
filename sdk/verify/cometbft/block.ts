import { sha256 } from '../../crypto/hashes.ts'
import { joinBytes } from '../../units.ts'
import { bytesField, fixed64Field, lengthDelimited, messageField, varintField } from './proto.ts'

/** Most validators of a set: what CometBFT allows votes for. */
export const validatorsMax = 10_000

/** A moment, exact: whole seconds since 1970, and nanoseconds of the next. */
export interface Moment {
  readonly seconds: bigint
  readonly nanos: number
}

export interface Validator {
  /** ed25519, 32 bytes. */
  readonly publicKey: Uint8Array
  readonly power: bigint
}

export interface BlockId {
  readonly hash: Uint8Array
  readonly parts: { readonly total: number; readonly hash: Uint8Array }
}

/** A block's header (CometBFT, `spec/core/data_structures.md`). */
export interface CometHeader {
  readonly version: { readonly block: bigint; readonly app: bigint }
  readonly chainId: string
  readonly height: bigint
  readonly time: Moment
  readonly lastBlockId: BlockId
  readonly lastCommitHash: Uint8Array
  readonly dataHash: Uint8Array
  readonly validatorsHash: Uint8Array
  readonly nextValidatorsHash: Uint8Array
  readonly consensusHash: Uint8Array
  readonly appHash: Uint8Array
  readonly lastResultsHash: Uint8Array
  readonly evidenceHash: Uint8Array
  readonly proposer: Uint8Array
}

/** What one validator says of a block: that it commits, that it commits to none, or nothing. */
export type CommitVote =
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'commit' | 'nil'
      /** 20 bytes. */
      readonly validator: Uint8Array
      readonly time: Moment
      readonly signature: Uint8Array
    }

export interface Commit {
  readonly height: bigint
  readonly round: bigint
  readonly blockId: BlockId
  readonly votes: readonly CommitVote[]
}

/** A header, the votes for it, and who votes now and next. */
export interface LightBlock {
  readonly header: CometHeader
  readonly commit: Commit
  readonly validators: readonly Validator[]
  readonly nextValidators: readonly Validator[]
}

/** The first 20 bytes of the hash of its key. */
export function validatorAddress({ publicKey }: Validator): Uint8Array {
  return sha256(publicKey).subarray(0, 20)
}

/** Hash of a header: the root over its fields. */
export function headerHash(header: CometHeader): Uint8Array {
  const { version, chainId, height, time, lastBlockId } = header
  return merkleRoot([
    joinBytes(varintField(1, version.block), varintField(2, version.app)),
    bytesField(1, new TextEncoder().encode(chainId)),
    varintField(1, height),
    timestamp(time),
    blockIdBytes(lastBlockId),
    ...[header.lastCommitHash, header.dataHash, header.validatorsHash, header.nextValidatorsHash].map(value),
    ...[header.consensusHash, header.appHash, header.lastResultsHash, header.evidenceHash, header.proposer].map(value),
  ])
}

/** Hash of a validator set, in its order. */
export function validatorsHash(validators: readonly Validator[]): Uint8Array {
  return merkleRoot(
    validators.map(({ publicKey, power }) =>
      joinBytes(messageField(1, bytesField(1, publicKey)), varintField(2, power)),
    ),
  )
}

/** The bytes that a validator signs when it commits to a block, or to none (`CanonicalVote`, a precommit). */
export function voteBytes(chainId: string, commit: Commit, vote: Exclude<CommitVote, { kind: 'absent' }>): Uint8Array {
  const { height, round, blockId } = commit
  return lengthDelimited(
    joinBytes(
      varintField(1, 2n),
      fixed64Field(2, height),
      fixed64Field(3, round),
      vote.kind === 'commit' ? messageField(4, blockIdBytes(blockId)) : new Uint8Array(0),
      messageField(5, timestamp(vote.time)),
      bytesField(6, new TextEncoder().encode(chainId)),
    ),
  )
}

export function isBefore(one: Moment, other: Moment): boolean {
  return one.seconds === other.seconds ? one.nanos < other.nanos : one.seconds < other.seconds
}

function value(bytes: Uint8Array): Uint8Array {
  return bytesField(1, bytes)
}

function timestamp({ seconds, nanos }: Moment): Uint8Array {
  return joinBytes(varintField(1, seconds), varintField(2, BigInt(nanos)))
}

function blockIdBytes({ hash, parts }: BlockId): Uint8Array {
  return joinBytes(
    bytesField(1, hash),
    messageField(2, joinBytes(varintField(1, BigInt(parts.total)), bytesField(2, parts.hash))),
  )
}

/** RFC 6962: leaves and nodes are hashed apart, and the left half is the largest power of two. */
function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256(new Uint8Array(0))
  const [first] = leaves
  if (leaves.length === 1) return sha256(joinBytes(Uint8Array.of(0), first as Uint8Array))
  let half = 1
  while (2 * half < leaves.length) half *= 2
  return sha256(joinBytes(Uint8Array.of(1), merkleRoot(leaves.slice(0, half)), merkleRoot(leaves.slice(half))))
}
