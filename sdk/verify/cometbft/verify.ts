import { verifyEd25519 } from '../../crypto/ed25519.ts'
import { accepted, type Decoded, invariant, refused } from '../../errors.ts'
import { sameBytes, toHex } from '../../units.ts'
import type { CommittedVerdict } from '../verdict.ts'
import {
  type CommitVote,
  headerHash,
  isBefore,
  type LightBlock,
  type Moment,
  type Validator,
  validatorAddress,
  validatorsHash,
  voteBytes,
} from './block.ts'

/** How far a chain is trusted. */
export interface CometTrust {
  /** Nanoseconds for which validators can be held to their word: less than their unbonding takes. */
  readonly periodNanos: bigint
  /** How far a header may be ahead of the clock, in nanoseconds. */
  readonly driftNanos: bigint
  /** Part of the trusted validators' power that must stand behind a skip: at least one third. */
  readonly level?: { readonly numerator: bigint; readonly denominator: bigint }
}

/** What came of a step from a trusted block to another. */
export type CometStep =
  | { readonly kind: 'committed'; readonly block: LightBlock }
  /** Nothing is wrong, but too few of the trusted validators signed: a block between the two may be reached. */
  | { readonly kind: 'not-enough-trust' }
  | { readonly kind: 'refused'; readonly reason: string }

const oneThird = { numerator: 1n, denominator: 3n } as const

/**
 * Judges a block from one that is trusted (CometBFT, `spec/light-client/verification`): the next one by the validators that
 * the trusted one names, a later one by more than a third of their power; and each by more than two thirds of its own.
 * Never throws.
 *
 * Funds at risk: trust ends with the period, and with more than a third of the power in one hand.
 */
export function verifyCometBlock(told: {
  readonly trusted: LightBlock
  readonly block: LightBlock
  readonly now: Moment
  readonly trust: CometTrust
}): CometStep {
  const { trusted, block, trust } = told
  const reason = judgeTimes(told) ?? judgeForm(block)
  if (reason) return { kind: 'refused', reason }
  const tally = tallyOf(block)
  if (!tally.ok) return { kind: 'refused', reason: tally.reason }
  const isNext = block.header.height === trusted.header.height + 1n
  if (isNext && !sameBytes(block.header.validatorsHash, trusted.header.nextValidatorsHash))
    return { kind: 'refused', reason: 'the trusted block names other validators for the next' }
  if (!isNext && !hasMore(tally.value, trusted.nextValidators, trust.level ?? oneThird))
    return { kind: 'not-enough-trust' }
  if (!hasMore(tally.value, block.validators, { numerator: 2n, denominator: 3n }))
    return { kind: 'refused', reason: 'two thirds of the power have not signed it' }
  return { kind: 'committed', block }
}

/** What is said of a block that was committed, trust having begun at `anchor`. Both were judged. */
export function committedVerdict(told: {
  readonly anchor: LightBlock
  readonly block: LightBlock
  readonly sources?: readonly string[]
}): CommittedVerdict {
  const { anchor, block, sources = [] } = told
  const tally = tallyOf(block)
  invariant(tally.ok, 'a committed block has votes that hold')
  const { chainId, height } = anchor.header
  return {
    level: 'committed',
    anchor: { kind: 'header', chainId, height, hash: toHex(headerHash(anchor.header)) },
    block: { height: block.header.height, hash: toHex(headerHash(block.header)) },
    power: powerOf(tally.value, block.validators),
    proven: ['header'],
    sources,
  }
}

/** A trusted block that is too old has no validators to hold to their word: `isTrusted` tells. */
export function isTrusted(trusted: LightBlock, now: Moment, { periodNanos }: Pick<CometTrust, 'periodNanos'>): boolean {
  return nanosOf(trusted.header.time) + periodNanos > nanosOf(now)
}

/** That a block is whole in itself: what it takes to begin at one that is pinned by its hash. Never throws. */
export function trustCometBlock(block: LightBlock, hash: Uint8Array): Decoded<LightBlock> {
  if (!sameBytes(headerHash(block.header), hash)) return refused('the block is another than the one that is pinned')
  const reason = judgeForm(block)
  if (reason) return refused(reason)
  const tally = tallyOf(block)
  if (!tally.ok) return tally
  return hasMore(tally.value, block.validators, { numerator: 2n, denominator: 3n })
    ? accepted(block)
    : refused('two thirds of the power have not signed it')
}

function judgeTimes({ trusted, block, now, trust }: Parameters<typeof verifyCometBlock>[0]): string | null {
  if (!isTrusted(trusted, now, trust)) return 'the trusted block is older than the trusting period'
  if (nanosOf(block.header.time) >= nanosOf(now) + trust.driftNanos) return 'the block is from the future'
  if (block.header.chainId !== trusted.header.chainId) return 'the block is of another chain'
  if (block.header.height <= trusted.header.height) return 'the block is not above the trusted one'
  return isBefore(trusted.header.time, block.header.time) ? null : 'the block is not younger than the trusted one'
}

function judgeForm({ header, commit, validators, nextValidators }: LightBlock): string | null {
  if (!sameBytes(validatorsHash(validators), header.validatorsHash)) return 'the validators are not those of the header'
  if (!sameBytes(validatorsHash(nextValidators), header.nextValidatorsHash))
    return 'the next validators are not those that the header names'
  if (commit.height !== header.height) return 'the votes are for another height'
  if (!sameBytes(headerHash(header), commit.blockId.hash)) return 'the votes are for another block'
  if (commit.votes.length !== validators.length) return 'there are more or fewer votes than validators'
  return null
}

/** Who committed, by address: only signatures that hold, each validator once. */
function tallyOf({ header, commit, validators }: LightBlock): Decoded<ReadonlySet<string>> {
  const known = new Map(validators.map((validator) => [toHex(validatorAddress(validator)), validator]))
  const committed = new Set<string>()
  const seen = new Set<string>()
  for (const vote of commit.votes) {
    if (vote.kind === 'absent') continue
    const address = toHex(vote.validator)
    const validator = known.get(address)
    if (!validator) return refused('somebody voted who is no validator')
    if (seen.has(address)) return refused('a validator voted twice')
    seen.add(address)
    if (!holds(header.chainId, commit, { vote, validator })) return refused('a signature does not hold')
    if (vote.kind === 'commit') committed.add(address)
  }
  return accepted(committed)
}

function holds(
  chainId: string,
  commit: LightBlock['commit'],
  { vote, validator }: { readonly vote: Exclude<CommitVote, { kind: 'absent' }>; readonly validator: Validator },
): boolean {
  return verifyEd25519(vote.signature, voteBytes(chainId, commit, vote), validator.publicKey)
}

/** True when those who committed hold more than this part of the power. */
function hasMore(
  committed: ReadonlySet<string>,
  validators: readonly Validator[],
  { numerator, denominator }: { readonly numerator: bigint; readonly denominator: bigint },
): boolean {
  const power = powerOf(committed, validators)
  return power.committed * denominator > power.of * numerator
}

function powerOf(committed: ReadonlySet<string>, validators: readonly Validator[]): CommittedVerdict['power'] {
  let [power, total] = [0n, 0n]
  for (const validator of validators) {
    total += validator.power
    if (committed.has(toHex(validatorAddress(validator)))) power += validator.power
  }
  return { committed: power, of: total }
}

function nanosOf({ seconds, nanos }: Moment): bigint {
  return seconds * 1_000_000_000n + BigInt(nanos)
}
