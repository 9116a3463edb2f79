import { describe, expect, it } from 'vitest'
import { secureKey } from '../../../../sdk/trie/index.ts'
import { fromHex } from '../../../../sdk/units.ts'
import {
  base,
  claimedBlock,
  claimOf,
  gameSlot,
  messagePasser,
  opMainnet,
  type ProposalEvidence,
  slotAt,
  verifyProposal,
} from '../../../../sdk/verify/opstack/index.ts'
import { must } from '../ethereum/beacon.ts'
import {
  checkpointGameCode,
  games,
  outputRoot,
  rollup,
  rollupHeader,
  rollupState,
  superRollup,
} from '../ethereum/rollup.ts'
import { accountProof, codeOf, createWorld, slotProof, trusted, type WorldBlock } from '../ethereum/world.ts'

const [, tip] = createWorld(2) as [WorldBlock, WorldBlock]
const l1 = trusted(tip)

function evidenceOf(index: number): ProposalEvidence {
  const game = games[index] as (typeof games)[number]
  return {
    index,
    factoryProof: accountProof(tip, rollup.factory),
    listProof: slotProof(tip, rollup.factory, gameSlot(rollup, index)),
    gameProof: accountProof(tip, game),
    gameCode: codeOf(tip, game),
    statusProof: slotProof(tip, game, slotAt(0n)),
    header: rollupHeader,
    passerProof: rollupState.prove(secureKey(fromHex(messagePasser))),
  }
}

const judged = (evidence: ProposalEvidence, chain = rollup) => verifyProposal({ chain, l1, evidence })
const reasonOf = (evidence: ProposalEvidence, chain = rollup) => {
  const held = judged(evidence, chain)
  return held.ok ? 'accepted' : held.reason
}

describe('a block proposed on L1', () => {
  it('is proven by the list of games, the game, and the output root, and says whether the claim is open', () => {
    expect(must(judged(evidenceOf(1)))).toMatchObject({
      value: { header: { number: 1_000 }, game: games[1] },
      verdict: {
        level: 'proposed',
        game: { status: 'open', createdAt: 1_700_001_000 },
        l1: { hash: tip.hash, level: 'finalized' },
      },
    })
    expect(must(judged(evidenceOf(0))).verdict.game.status).toBe('defended')
  })

  it('is refused of a type that is not read, of a game that was lost, and of one that is not listed', () => {
    expect(reasonOf(evidenceOf(2))).toMatch(/type 9/)
    expect(reasonOf(evidenceOf(2), superRollup)).toMatch(/challenger has won/)
    const beyond = { ...evidenceOf(1), index: 6, listProof: slotProof(tip, rollup.factory, gameSlot(rollup, 6)) }
    expect(reasonOf(beyond)).toMatch(/no such game/)
    expect(reasonOf({ ...evidenceOf(1), index: -1 })).toMatch(/no place/)
  })

  it('is refused with another game, code, status, header or passer', () => {
    const [one, other] = [evidenceOf(1), evidenceOf(0)]
    expect(reasonOf({ ...one, gameProof: other.gameProof })).toMatch(/proof/)
    expect(reasonOf({ ...one, gameCode: one.gameCode.slice(1) })).toMatch(/code/)
    expect(reasonOf({ ...one, statusProof: other.statusProof })).toMatch(/proof/)
    expect(reasonOf({ ...one, header: tip.bytes })).toMatch(/proof/)
    expect(reasonOf({ ...one, passerProof: [] })).toMatch(/proof|holds no node/)
    expect(reasonOf(one, { ...rollup, factory: base.factory })).toMatch(/proof/)
  })

  it('reads no claim from code that is no clone', () => {
    const told = { chain: rollup, game: { address: games[0], type: 0 }, status: new Uint8Array(32) }
    for (const code of [
      new Uint8Array(0),
      new Uint8Array(200),
      Uint8Array.of(0xff, 0xff),
      new Uint8Array(200).fill(0xff),
    ])
      expect(claimOf({ ...told, code }).ok).toBe(false)
  })

  it('is claimed at the end of a way of roots, where the game tells one', () => {
    const told = { chain: rollup, game: { address: games[0], type: 621 }, status: new Uint8Array(32) }
    const other = new Uint8Array(32).fill(1)
    const claim = must(claimOf({ ...told, code: checkpointGameCode(other, other, outputRoot) }))
    expect(claim).toMatchObject({ number: 1_000, timestamp: null, type: 621, status: 'open' })
    expect(claimedBlock(claim, evidenceOf(1)).ok).toBe(true)
    for (const way of [[], [outputRoot, other], [outputRoot, other.subarray(1)], [outputRoot.subarray(1)]]) {
      const held = claimOf({ ...told, code: checkpointGameCode(...way) })
      expect(held.ok ? 'accepted' : held.reason).toMatch(/on the way/)
    }
  })

  it('any changed byte is refused', () => {
    const whole = evidenceOf(1)
    const names = ['factoryProof', 'listProof', 'gameProof', 'statusProof', 'passerProof'] as const
    for (const name of names)
      for (const [at, node] of whole[name].entries()) {
        const changed = node.map((byte, index) => (index === node.length >> 1 ? byte ^ 1 : byte))
        expect(judged({ ...whole, [name]: whole[name].map((one, place) => (place === at ? changed : one)) }).ok).toBe(
          false,
        )
      }
    for (let at = 0; at < rollupHeader.length; at += 7)
      expect(judged({ ...whole, header: rollupHeader.map((byte, index) => (index === at ? byte ^ 1 : byte)) }).ok).toBe(
        false,
      )
  })

  it('knows Base and OP Mainnet by their factories', () => {
    expect([base, opMainnet].map(({ chainId, l1ChainId }) => [chainId, l1ChainId])).toEqual([
      [8_453, 1],
      [10, 1],
    ])
    expect(base.factory).not.toBe(opMainnet.factory)
  })
})
