import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BitcoinBackend } from '../../../../edge/local/bitcoinBackend.ts'
import {
  type Change,
  decodeChannel,
  encodeChannel,
  type FeeCoin,
  fundingOutput,
  type LiveChannel,
  otherSide,
  ownNewest,
  ownTransaction,
  planAnchorChild,
  pursueCommitment,
  type Side,
} from '../../../../sdk/channel/penalty/index.ts'
import { sha256 } from '../../../../sdk/crypto/engine.ts'
import { feerate, type Height, height, msats, sameBytes, sats } from '../../../../sdk/units.ts'
import { must } from '../../bitcoin/must.ts'
import { isThorough } from '../judges.ts'
import {
  act,
  broadcast,
  type ChainWorld,
  endFacts,
  gained,
  giveCoins,
  kindOf,
  look,
  lookAll,
  mine,
  openOnChain,
  pursue,
  signCoinSpend,
  spendOf,
  tipOf,
} from './chainWorld.ts'
import { allCuts, fewCuts } from './halfway.ts'
import { halfwayStory } from './halfwayStories.ts'
import { bytesOf, live, pay } from './pair.ts'

const sides = ['opener', 'accepter'] as const
const numbers = isThorough ? [0, 1, 2, 3] : [1]
const doers: readonly Side[] = isThorough ? sides : ['accepter']
const preimage = bytesOf('preimage')
const add = (id: number, expiry: Height, amount = 60_000_000n): Change => ({
  type: 'add',
  id,
  amount: msats(amount),
  paymentHash: sha256(preimage),
  expiry,
})

/** Proposes, with the turn if it has to be asked for. */
function propose(world: ChainWorld, side: Side, ...changes: Change[]): void {
  act(world, side, { type: 'ask' })
  const [first] = act(world, side, { type: 'propose', changes })
  if (first?.type === 'refused') throw new Error(`The ${side} does not propose: ${first.fault}.`)
}

/** A few payments both ways; the state of a side after each of them. */
function payBothWays(world: ChainWorld, side: Side, times = 3): readonly LiveChannel[] {
  const states = [live(world.pair, side)]
  const payments = [
    ['opener', 50_000_000n],
    ['accepter', 20_000_000n],
    ['opener', 5_000_000n],
  ] as const
  for (const [from, amount] of payments.slice(0, times)) {
    propose(world, from, pay(amount))
    states.push(live(world.pair, side))
  }
  return states
}

/** How a channel ends on a chain that judges every transaction: on the ledger, and on a real bitcoind. */
export function chainStories(name: string, start: () => Promise<BitcoinBackend>): void {
  describe(`the end of a two-way channel: ${name}`, () => {
    let backend: BitcoinBackend
    beforeAll(async () => {
      backend = await start()
    })
    afterAll(() => backend?.stop())

    describe('by both', () => closings(() => backend))
    describe('by one', () => forcedEnds(() => backend))
    describe('by a cheater', () => revokedEnds(() => backend))
    describe('with HTLCs', () => htlcEnds(() => backend))
    // The ledger is slow where it judges many.
    const few = name === 'ledger' ? fewCuts.slice(0, 2) : fewCuts
    describe('half-way', () => halfwayStory(() => backend, isThorough ? allCuts : few))
  })
}

type Running = () => BitcoinBackend

function closings(running: Running): void {
  it.each(doers)('[TW31] pays what each has, less the fee of the %s, who asked', async (closer) => {
    const world = await openOnChain(running())
    payBothWays(world, 'opener')
    act(world, closer, { type: 'close', fee: sats(500n) })
    await lookAll(world)
    await mine(world, 2)
    expect(await kindOf(world, 'opener')).toBe('closing')
    const fee = (side: Side) => (side === closer ? 500n : 0n)
    expect(world.refused).toEqual([])
    expect(await shares(world)).toEqual({ opener: 665_000n - fee('opener'), accepter: 335_000n - fee('accepter') })
  })

  it('[TW31] is replaced by one that pays more', async () => {
    const world = await openOnChain(running())
    act(world, 'accepter', { type: 'close', fee: sats(300n) })
    await lookAll(world)
    act(world, 'accepter', { type: 'close', fee: sats(2_000n) })
    await lookAll(world)
    await mine(world, 1)
    expect(world.refused).toEqual([])
    expect((await shares(world)).accepter).toBe(298_000n)
  })
}

/** What each side has at its closing script in this channel's closing. */
async function shares(world: ChainWorld) {
  const { opening } = live(world.pair, 'opener')
  const spend = await spendOf(world, opening.funding, fundingOutput(opening).script)
  const valueAt = (script: Uint8Array) =>
    spend?.transaction.outputs.find((output) => sameBytes(output.script, script))?.value ?? 0n
  return {
    opener: valueAt(opening.draft.keys.closingScript),
    accepter: valueAt(opening.accepterKeys.closingScript),
  }
}

function forcedEnds(running: Running): void {
  it.each(doers)('[TW32] [TW36] gives the %s its balance after its delay, and the other one at once', async (side) => {
    for (const number of numbers) {
      const world = await openOnChain(running())
      payBothWays(world, side, number)
      const before = { opener: await gained(world, 'opener'), accepter: await gained(world, 'accepter') }
      const got = async (one: Side) => (await gained(world, one)) - before[one]
      act(world, side, { type: 'force' })
      await mine(world, 1)
      expect([await kindOf(world, side), await kindOf(world, otherSide(side))]).toEqual(['own', 'peer'])
      await mine(world, 2)
      expect(await got(side)).toBe(0n)
      expect(await got(otherSide(side))).toBeGreaterThan(290_000n)
      await world.backend.mine(3)
      await mine(world, 2)
      expect(await got(side)).toBeGreaterThan(290_000n)
      expect(world.refused).toEqual([])
      await mine(world, 1)
      for (const one of sides) expect((await look(world, one))?.isResolved).toBe(true)
    }
  })
}

/** So that justice has time, and its fee is the market's. */
const longDelay = { terms: { delayBlocks: 144 } }

/** Broadcasts an old commitment of a side, which has told its secret since. */
async function cheat(world: ChainWorld, side: Side, old: LiveChannel): Promise<void> {
  world.isAway[side] = true
  expect(await broadcast(world, side, 'cheat', ownTransaction(old, world.pair.secrets[side]))).toBe(true)
}

function revokedEnds(running: Running): void {
  it.each(doers)('[TW37] takes all from the %s at every old state', async (cheater) => {
    for (const number of numbers.filter((number) => number < 3)) {
      const world = await openOnChain(running(), longDelay)
      const old = payBothWays(world, cheater)[number] as LiveChannel
      const before = await gained(world, otherSide(cheater))
      await cheat(world, cheater, old)
      await mine(world, 1)
      expect(await kindOf(world, otherSide(cheater))).toBe('revoked')
      await mine(world, 2)
      // All of it but fees and anchor outputs.
      expect((await gained(world, otherSide(cheater))) - before).toBeGreaterThan(995_000n)
      expect(world.refused).toEqual([])
    }
  })
}

/** A channel in which each side offers an HTLC: the accepter can take the opener's, and its own is the first to expire. */
async function bothOffering(running: Running): Promise<ChainWorld> {
  const world = await openOnChain(running())
  const tip = await tipOf(world)
  propose(world, 'opener', add(0, height(tip + 30)))
  propose(world, 'accepter', add(0, height(tip + 8)))
  act(world, 'accepter', { type: 'learn', preimage })
  return world
}

function htlcEnds(running: Running): void {
  it('[TW33] [TW36] are taken on one’s own commitment by their preimage, and back after their expiry', async () => {
    const world = await bothOffering(running)
    await giveCoins(world, 'accepter', 2)
    const before = await gained(world, 'accepter')
    world.isAway.opener = true
    act(world, 'accepter', { type: 'force' })
    await mine(world, 2)
    for (let at = 0; at < 8; at++) {
      await world.backend.mine(1)
      await mine(world, 1)
    }
    expect(await kindOf(world, 'accepter')).toBe('own')
    // Its balance, the HTLC that it took, and its own that it took back.
    expect((await gained(world, 'accepter')) - before).toBeGreaterThan(355_000n)
    expect(world.refused).toEqual([])
    expect((await look(world, 'accepter'))?.isResolved).toBe(true)
  })

  it('[TW36] are taken on the other side’s commitment by their preimage, and back after their expiry', async () => {
    const world = await bothOffering(running)
    const before = await gained(world, 'accepter')
    act(world, 'opener', { type: 'force' })
    world.isAway.opener = true
    await mine(world, 3)
    await world.backend.mine(7)
    await mine(world, 2)
    expect(await kindOf(world, 'accepter')).toBe('peer')
    expect((await gained(world, 'accepter')) - before).toBeGreaterThan(355_000n)
    // The preimage is on the chain now, so who offered the HTLC can be paid for it elsewhere.
    world.isAway.opener = false
    const resolution = await look(world, 'opener')
    expect(resolution?.learned).toMatchObject([{ htlc: { by: 'opener', id: 0 }, preimage }])
    expect(world.refused).toEqual([])
  })

  it('[TW47] are taken by a side that was restored from the state before', async () => {
    const world = await bothOffering(running)
    const copy = encodeChannel(live(world.pair, 'accepter'))
    propose(world, 'opener', pay(1_000_000n))
    world.pair.channels.accepter = must(decodeChannel(copy, 'backup'))
    world.pair.notes.accepter.length = 0
    const before = await gained(world, 'accepter')
    act(world, 'opener', { type: 'force' })
    world.isAway.opener = true
    await mine(world, 3)
    await world.backend.mine(7)
    await mine(world, 2)
    expect(await kindOf(world, 'accepter')).toBe('newer')
    // Its balance with the last payment, the HTLC that it took, and its own that it took back.
    expect((await gained(world, 'accepter')) - before).toBeGreaterThan(356_000n)
    expect(world.refused).toEqual([])
  })

  it('[TW21] [TW36] show their preimage to who offered them, whoever’s commitment it is', async () => {
    for (const closer of sides) {
      const world = await openOnChain(running())
      propose(world, 'opener', add(0, height((await tipOf(world)) + 30)))
      act(world, 'accepter', { type: 'learn', preimage })
      await giveCoins(world, 'accepter', 1)
      act(world, closer, { type: 'force' })
      await mine(world, 3)
      expect((await look(world, 'opener'))?.learned).toMatchObject([{ htlc: { by: 'opener', id: 0 }, preimage }])
      expect(world.refused).toEqual([])
    }
  })

  it.each(doers)('[TW37] of a revoked commitment of the %s are all taken', async (cheater) => {
    const world = await openOnChain(running(), longDelay)
    const tip = await tipOf(world)
    propose(world, 'opener', add(0, height(tip + 30)))
    propose(world, 'accepter', add(0, height(tip + 30)), add(1, height(tip + 40), 200_000n))
    const old = live(world.pair, cheater)
    propose(world, 'accepter', { type: 'fulfil', id: 0, preimage }, pay(1_000_000n))
    propose(world, 'opener', { type: 'fulfil', id: 0, preimage }, { type: 'fail', id: 1, reason: 'no-way-on' })
    const before = await gained(world, otherSide(cheater))
    await cheat(world, cheater, old)
    await mine(world, 3)
    expect(await kindOf(world, otherSide(cheater))).toBe('revoked')
    expect((await gained(world, otherSide(cheater))) - before).toBeGreaterThan(990_000n)
    expect(world.refused).toEqual([])
    expect((await look(world, otherSide(cheater)))?.isResolved).toBe(true)
  })

  it('[TW37] [TW47] of a revoked commitment are taken even when the cheater was first with its HTLC transaction', async () => {
    const world = await openOnChain(running(), longDelay)
    propose(world, 'opener', add(0, height((await tipOf(world)) + 30)))
    act(world, 'accepter', { type: 'learn', preimage })
    const old = live(world.pair, 'accepter')
    await giveCoins(world, 'accepter', 1)
    propose(world, 'accepter', { type: 'fail', id: 0, reason: 'no-way-on' })
    const before = await gained(world, 'opener')
    world.isAway.opener = true
    // TW47: restored from a copy, which has no archive, it has forgotten the HTLC.
    world.pair.notes.opener.length = 0
    await cheat(world, 'accepter', old)
    await mine(world, 1)
    // The cheater claims by its old state, and gets into a block with its HTLC transaction.
    const facts = async () => {
      const spend = await spendOf(world, old.opening.funding, fundingOutput(old.opening).script)
      if (!spend) throw new Error('The old commitment is in a block.')
      return endFacts(world, await tipOf(world), spend)
    }
    await pursue(world, 'accepter', old, await facts())
    await mine(world, 1)
    expect((await facts()).spends.size).toBeGreaterThan(0)
    world.isAway.opener = false
    await lookAll(world)
    await mine(world, 3)
    expect((await gained(world, 'opener')) - before).toBeGreaterThan(990_000n)
    expect(world.refused).toEqual([])
  })

  it('[TW37] [TW39] is punished again when a reorganization of six blocks takes the punishment back', async () => {
    const world = await openOnChain(running(), longDelay)
    const [old] = payBothWays(world, 'opener') as [LiveChannel]
    await mine(world, 3)
    const before = await gained(world, 'accepter')
    await cheat(world, 'opener', old)
    await mine(world, 3)
    const got = async () => (await gained(world, 'accepter')) - before
    expect(await got()).toBeGreaterThan(995_000n)
    // The cheater's commitment is in another block now.
    const cheated = ownTransaction(old, world.pair.secrets.opener)
    expect(must(await running().reorg(6, [cheated]))).toBeNull()
    expect(await got()).toBeLessThan(400_000n)
    await mine(world, 3)
    expect(await got()).toBeGreaterThan(995_000n)
    expect(world.refused).toEqual([])
  })

  it('[TW38] lifts its commitment by a child on its anchor output, and again by a dearer one', async () => {
    const world = await openOnChain(running())
    await giveCoins(world, 'opener', 1)
    act(world, 'opener', { type: 'force' })
    await lookAll(world)
    const { pair } = world
    const made = ownNewest(live(pair, 'opener'), pair.secrets.opener)
    const [coin] = world.coins.opener as [FeeCoin]
    let feeMin = 0n
    for (const rate of [5_000, 9_000]) {
      const wish = { anchor: 'holder-anchor', feerate: feerate(rate), feeMin: sats(feeMin) } as const
      const child = must(planAnchorChild(made, pair.secrets.opener, coin, wish))
      expect(await broadcast(world, 'opener', 'child', signCoinSpend('opener', child))).toBe(true)
      feeMin = child.fee + 200n
    }
    await mine(world, 1)
    expect(await kindOf(world, 'opener')).toBe('own')
    expect(world.refused).toEqual([])
  })

  it('[TW38] lifts the commitment of the other side, where that one waits in place of its own', async () => {
    const world = await openOnChain(running())
    await giveCoins(world, 'opener', 1)
    act(world, 'accepter', { type: 'force' })
    await lookAll(world)
    const { pair } = world
    const [coin] = world.coins.opener as [FeeCoin]
    const wish = { tip: await tipOf(world), feerate: feerate(5_000), coin }
    const taken: boolean[] = []
    for (const child of pursueCommitment(live(pair, 'opener'), pair.secrets.opener, wish))
      taken.push((await running().node.broadcast(signCoinSpend('opener', child))).ok)
    expect(taken).toEqual([false, true])
    await mine(world, 1)
    expect(await kindOf(world, 'opener')).toBe('peer')
    expect(world.refused).toEqual([])
  })
}
