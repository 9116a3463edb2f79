import { ed25519 } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toHex } from '../../../../sdk/units.ts'
import { voteBytes } from '../../../../sdk/verify/cometbft/block.ts'
import {
  type CometTrust,
  type Commit,
  committedVerdict,
  headerHash,
  type LightBlock,
  lightBlockFromJson,
  momentFromText,
  skip,
  startSkipping,
  trustCometBlock,
  validatorAddress,
  validatorsHash,
  verifyCometBlock,
} from '../../../../sdk/verify/cometbft/index.ts'
import { must } from '../ethereum/beacon.ts'

const none = new Uint8Array(0)
const secrets = Array.from({ length: 10 }, (_, at) => new Uint8Array(32).fill(at + 1))
const everybody = secrets
  .map((secret) => ({ secret, validator: { publicKey: ed25519.getPublicKey(secret), power: 10n } }))
  .sort((one, other) => (toHex(validatorAddress(one.validator)) < toHex(validatorAddress(other.validator)) ? -1 : 1))
const now = must(momentFromText('1970-01-01T01:00:00.5Z'))
const trust: CometTrust = { periodNanos: 10_000_000_000_000n, driftNanos: 1_000_000_000n }

/** Four of ten in turn: the sets of heights that are four apart share nobody. Self-made; no chain looks like this. */
function setAt(height: number) {
  return everybody.filter((_, at) => (at - height + 1_000) % 10 < 4)
}

function blockAt(height: number, signing: { readonly absent?: number; readonly chainId?: string } = {}): LightBlock {
  const { absent = 0, chainId = 'test' } = signing
  const [set, next] = [setAt(height), setAt(height + 1)]
  const [validators, nextValidators] = [set.map(({ validator }) => validator), next.map(({ validator }) => validator)]
  const header: LightBlock['header'] = {
    version: { block: 11n, app: 0n },
    chainId,
    height: BigInt(height),
    time: { seconds: BigInt(height), nanos: 5 },
    lastBlockId: { hash: none, parts: { total: 0, hash: none } },
    ...{ lastCommitHash: none, dataHash: none, appHash: none, lastResultsHash: none, evidenceHash: none },
    consensusHash: new Uint8Array(32),
    validatorsHash: validatorsHash(validators),
    nextValidatorsHash: validatorsHash(nextValidators),
    proposer: new Uint8Array(20),
  }
  const hash = headerHash(header)
  const unsigned: Commit = {
    height: BigInt(height),
    round: 1n,
    blockId: { hash, parts: { total: 1, hash } },
    votes: [],
  }
  const votes = set.map(({ secret, validator }, at) => {
    if (at < absent) return { kind: 'absent' } as const
    const vote = {
      kind: 'commit',
      validator: validatorAddress(validator),
      time: header.time,
      signature: none,
    } as const
    return { ...vote, signature: ed25519.sign(voteBytes(chainId, unsigned, vote), secret) }
  })
  return { header, commit: { ...unsigned, votes }, validators, nextValidators }
}

const trusted = blockAt(1)

function stepTo(block: LightBlock, from = trusted, at = now) {
  const step = verifyCometBlock({ trusted: from, block, now: at, trust })
  return step.kind === 'refused' ? step.reason : step.kind
}

describe('a block of a BFT chain', () => {
  it('is committed by its own two thirds, and by the next validators or a third of the trusted ones', () => {
    expect(stepTo(blockAt(2))).toBe('committed')
    expect(stepTo(blockAt(3))).toBe('committed')
    expect(stepTo(blockAt(4))).toBe('committed')
    expect(stepTo(blockAt(5))).toBe('not-enough-trust')
    expect(stepTo(blockAt(6))).toBe('not-enough-trust')
  })

  it('needs more than two thirds of the power', () => {
    expect(stepTo(blockAt(2, { absent: 1 }))).toBe('committed')
    expect(stepTo(blockAt(2, { absent: 2 }))).toBe('two thirds of the power have not signed it')
  })

  it('is refused for each rule that it breaks, by its own reason', () => {
    const block = blockAt(2)
    const { commit, header } = block
    const [vote] = commit.votes as [Exclude<Commit['votes'][number], { kind: 'absent' }>]
    const withVotes = (votes: Commit['votes']): LightBlock => ({ ...block, commit: { ...commit, votes } })
    const flipped = vote.signature.slice()
    flipped[0] = (flipped[0] as number) ^ 1
    expect(stepTo(blockAt(2, { chainId: 'other' }))).toBe('the block is of another chain')
    expect(stepTo(trusted, block)).toBe('the block is not above the trusted one')
    expect(stepTo(withVotes([{ ...vote, signature: flipped }, ...commit.votes.slice(1)]))).toBe(
      'a signature does not hold',
    )
    expect(stepTo(withVotes([vote, vote, ...commit.votes.slice(2)]))).toBe('a validator voted twice')
    expect(stepTo(withVotes(commit.votes.slice(1)))).toBe('there are more or fewer votes than validators')
    const stranger = { ...vote, validator: new Uint8Array(20) }
    expect(stepTo(withVotes([stranger, ...commit.votes.slice(1)]))).toBe('somebody voted who is no validator')
    expect(stepTo({ ...block, header: { ...header, appHash: none.slice(), proposer: none } })).toBe(
      'the votes are for another block',
    )
    expect(stepTo({ ...block, validators: trusted.validators })).toBe('the validators are not those of the header')
    expect(stepTo({ ...block, nextValidators: trusted.validators })).toMatch(/^the next validators/)
    expect(stepTo({ ...block, commit: { ...commit, height: 3n } })).toBe('the votes are for another height')
    expect(stepTo(blockAt(3_700))).toBe('the block is from the future')
    expect(stepTo(block, trusted, must(momentFromText('1970-01-02T00:00:00Z')))).toMatch(/trusting period/)
  })

  it('names the votes for it: a vote for none does not count', () => {
    const block = blockAt(2)
    const votes = block.commit.votes.map((vote, at) => {
      if (vote.kind === 'absent' || at > 1) return vote
      const { secret } = setAt(2)[at] as (typeof everybody)[number]
      const nil = { ...vote, kind: 'nil' } as const
      return { ...nil, signature: ed25519.sign(voteBytes('test', block.commit, nil), secret) }
    })
    expect(stepTo({ ...block, commit: { ...block.commit, votes } })).toBe('two thirds of the power have not signed it')
  })

  it('is halved towards where the validators changed too much', () => {
    let way = startSkipping(must(trustCometBlock(trusted, headerHash(trusted.header))), 9n)
    const needed: bigint[] = []
    while (way.needs !== null) {
      needed.push(way.needs)
      way = must(skip(way, blockAt(Number(way.needs)), { now, trust }))
    }
    expect(way.trusted.header.height).toBe(9n)
    expect(needed).toEqual([9n, 5n, 3n, 7n])
    expect(committedVerdict({ anchor: trusted, block: way.trusted })).toMatchObject({
      level: 'committed',
      anchor: { chainId: 'test', height: 1n },
      power: { committed: 40n, of: 40n },
    })
    expect(skip(startSkipping(trusted, 9n), blockAt(8), { now, trust }).ok).toBe(false)
    expect(trustCometBlock(trusted, headerHash(blockAt(2).header)).ok).toBe(false)
  })

  it('that is garbage is refused without a throw', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        expect(lightBlockFromJson(json).ok).toBe(false)
        expect(lightBlockFromJson({ signed_header: { header: json, commit: json } }).ok).toBe(false)
        expect(momentFromText(json).ok).toBe(false)
      }),
      { numRuns: 300 },
    )
  })
})
