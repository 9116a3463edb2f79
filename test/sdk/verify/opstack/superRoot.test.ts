import { describe, expect, it } from 'vitest'
import { keccak256 } from '../../../../sdk/crypto/engine.ts'
import { secureKey } from '../../../../sdk/trie/index.ts'
import { fromHex } from '../../../../sdk/units.ts'
import {
  blockTimeAt,
  claimedBlock,
  claimOf,
  decodeSuperRoot,
  gameSlot,
  messagePasser,
  opMainnet,
  type ProposalEvidence,
  slotAt,
  superRootChainsMax,
  superRootIn,
  verifyProposal,
} from '../../../../sdk/verify/opstack/index.ts'
import { must } from '../ethereum/beacon.ts'
import {
  games,
  outputsTold,
  rollupHeader,
  rollupState,
  superGameCode,
  superRollup,
  superRootOf,
} from '../ethereum/rollup.ts'
import { accountProof, codeOf, createWorld, slotProof, trusted, type WorldBlock } from '../ethereum/world.ts'

// All made here, by the contracts' layout: no game of a real chain is at hand.
const [tip] = createWorld(1) as [WorldBlock]
const l1 = trusted(tip)
const passerProof = rollupState.prove(secureKey(fromHex(messagePasser)))
const whole = superRootOf(outputsTold)
const open = new Uint8Array(32)

const claimIn = (code: Uint8Array, type = 9) =>
  claimOf({ chain: superRollup, game: { address: games[4], type }, code, status: open })
const reasonOf = (held: { readonly ok: boolean; readonly reason?: string }) => held.reason ?? 'accepted'

describe('a super root', () => {
  it('is read back as it was written, of one chain and of the most there can be', () => {
    expect(must(decodeSuperRoot(whole))).toEqual({
      timestamp: 1_700_000_001n,
      outputs: outputsTold.map(([chainId, root]) => ({ chainId: BigInt(chainId), root })),
    })
    for (const count of [1, superRootChainsMax]) {
      const outputs = Array.from({ length: count }, (_, at) => [at + 1, new Uint8Array(32).fill(at)] as const)
      expect(must(decodeSuperRoot(superRootOf(outputs))).outputs).toHaveLength(count)
    }
  })

  it('has one encoding: another version, order, length or number of chains is refused', () => {
    const [one, two, three] = outputsTold
    const many = Array.from({ length: superRootChainsMax + 1 }, (_, at) => [at + 1, one[1]] as const)
    for (const [bytes, reason] of [
      [new Uint8Array(0), /version/],
      [Uint8Array.of(0, ...whole.subarray(1)), /version/],
      [Uint8Array.of(2, ...whole.subarray(1)), /version/],
      [whole.subarray(0, 1), /ends early/],
      [superRootOf([]), /ends early/],
      [whole.subarray(0, -1), /ends early/],
      [Uint8Array.of(...whole, 0), /followed/],
      [superRootOf([two, one]), /order/],
      [superRootOf([one, one, two]), /twice/],
      [superRootOf([one, three, two]), /order/],
      [superRootOf(many), /more than 127/],
      [new Uint8Array(1 << 20).fill(1), /early|followed|more/],
    ] as const)
      expect(reasonOf(decodeSuperRoot(bytes))).toMatch(reason)
  })

  it('is found by its hash before whatever follows it', () => {
    const root = keccak256(whole)
    for (const rest of [0, 1, 40, 60, 124, 200])
      expect(must(superRootIn(Uint8Array.of(...whole, ...new Uint8Array(rest)), root)).outputs).toHaveLength(3)
    for (const cut of [0, 8, 73, whole.length - 1])
      expect(reasonOf(superRootIn(whole.subarray(0, cut), root))).toMatch(/does not hold/)
  })

  it('names the newest block of the chain at its second', () => {
    // What upgrade 20 of OP Mainnet began its super roots from (ethereum-optimism/superchain-ops, the task that chains.ts names).
    const at = { number: 156_622_039, timestamp: 1_788_842_855 }
    expect(must(blockTimeAt(opMainnet, 1_788_842_855n))).toEqual(at)
    expect(must(blockTimeAt(opMainnet, 1_788_842_856n))).toEqual(at)
    expect(must(blockTimeAt(opMainnet, 1_788_842_857n)).number).toBe(at.number + 1)
    for (const none of [0n, 1_686_068_902n, (1n << 64n) - 1n])
      expect(reasonOf(blockTimeAt(opMainnet, none))).toMatch(/no block/)
  })
})

describe('a game about a super root', () => {
  const evidence: ProposalEvidence = {
    index: 4,
    factoryProof: accountProof(tip, superRollup.factory),
    listProof: slotProof(tip, superRollup.factory, gameSlot(superRollup, 4)),
    gameProof: accountProof(tip, games[4]),
    gameCode: codeOf(tip, games[4]),
    statusProof: slotProof(tip, games[4], slotAt(0n)),
    header: rollupHeader,
    passerProof,
  }
  const judged = (change: Partial<ProposalEvidence> = {}) =>
    verifyProposal({ chain: superRollup, l1, evidence: { ...evidence, ...change } })

  it('proves the block whose output root stands in it', () => {
    expect(must(judged())).toMatchObject({
      value: { header: { number: 1_000 }, game: games[4] },
      verdict: { level: 'proposed', game: { type: 9, status: 'open' }, proven: ['output-root', 'super-root'] },
    })
  })

  it('is read of every type, whatever follows the super root; by a named account it is never called defended', () => {
    const stood = Uint8Array.from({ length: 32 }, (_, at) => (at === 15 ? 2 : 0))
    for (const [type, rest, status] of [
      [4, 124, 'defended'],
      [7, 124, 'defended'],
      [9, 124, 'defended'],
      [10, 140, 'defended'],
      [5, 40, 'permissioned'],
      [5, 60, 'permissioned'],
      [5, 164, 'permissioned'],
    ] as const) {
      const told = { chain: superRollup, game: { address: games[4], type }, code: superGameCode(type, { rest }) }
      expect(must(claimOf({ ...told, status: open }))).toMatchObject({
        number: 1_000,
        timestamp: 1_700_000_000,
        status: 'open',
      })
      expect(must(claimOf({ ...told, status: stood })).status).toBe(status)
    }
  })

  it('is refused with a super root of others, of no time, out of order, or that it does not hold', () => {
    const [one, two, three] = outputsTold
    for (const [code, reason] of [
      [superGameCode(9, { preimage: superRootOf([one, three]) }), /not of this chain/],
      [superGameCode(9, { preimage: superRootOf([two], 5n) }), /no block/],
      [superGameCode(9, { preimage: superRootOf([two], (1n << 64n) - 1n) }), /no block/],
      [superGameCode(9, { preimage: superRootOf([two, one]) }), /order/],
      [superGameCode(9, { preimage: superRootOf([two, two]) }), /twice/],
      [superGameCode(9, { claim: new Uint8Array(32).fill(1) }), /does not hold/],
      // The first games of super roots had the time alone.
      [superGameCode(9, { preimage: new Uint8Array(32) }), /does not hold/],
      [superGameCode(8), /not of the type/],
      [superGameCode(10), /not of the type/],
    ] as const)
      expect(reasonOf(claimIn(code))).toMatch(reason)
    // A game with a parent, and one without, each as the other.
    const [child, other] = [superGameCode(10), superGameCode(9)]
    const typed = (code: Uint8Array, type: number) => code.map((byte, at) => (at === 45 + 0x57 ? type : byte))
    expect(reasonOf(claimIn(typed(child, 9), 9))).toMatch(/does not hold/)
    expect(reasonOf(claimIn(typed(other, 10), 10))).toMatch(/does not hold/)
    expect(reasonOf(claimIn(superGameCode(10, { preimage: superRootOf([one, three]) }), 10))).toMatch(/not of this/)
    // Read as an output root, it is none.
    expect(reasonOf(claimIn(superGameCode(0), 0))).toMatch(/beyond any/)
  })

  it('is refused with a super root that was made up whole, its hash as well', () => {
    const outputs = outputsTold.map(([chainId]) => [chainId, new Uint8Array(32).fill(9)] as const)
    expect(reasonOf(judged({ gameCode: superGameCode(9, { preimage: superRootOf(outputs) }) }))).toMatch(/code/)
  })

  it('holds the block to the root, the number and the time that follow from it', () => {
    const claim = must(claimIn(superGameCode(9)))
    const block = { header: rollupHeader, passerProof }
    expect(claimedBlock(claim, block).ok).toBe(true)
    expect(reasonOf(claimedBlock({ ...claim, root: outputsTold[0][1] }, block))).toMatch(/not the one/)
    expect(reasonOf(claimedBlock({ ...claim, number: 999 }, block))).toMatch(/number/)
    expect(reasonOf(claimedBlock({ ...claim, timestamp: 1_700_000_002 }, block))).toMatch(/time/)
    const other = must(claimIn(superGameCode(9, { preimage: superRootOf(outputsTold, 1_700_000_002n) })))
    expect(reasonOf(claimedBlock(other, block))).toMatch(/number/)
  })

  it('any changed byte of what is proven is refused, and of what is read it is refused or the same', () => {
    for (let at = 0; at < evidence.gameCode.length; at += 3)
      expect(judged({ gameCode: evidence.gameCode.map((byte, index) => (index === at ? byte ^ 1 : byte)) }).ok).toBe(
        false,
      )
    const code = superGameCode(9)
    const read = must(claimIn(code))
    for (let at = 0; at < code.length; at++) {
      const changed = claimIn(code.map((byte, index) => (index === at ? byte ^ 1 : byte)))
      if (changed.ok) expect(changed.value).toEqual(read)
    }
  })
})
