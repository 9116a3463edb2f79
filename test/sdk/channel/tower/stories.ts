import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { esploraSources } from '../../../../edge/bitcoinSource.ts'
import { towerRungBlocks } from '../../../../edge/limits.ts'
import type { BitcoinBackend } from '../../../../edge/local/bitcoinBackend.ts'
import { systemRandom, webCipher } from '../../../../sdk/adapters/index.ts'
import { type Change, fundingOutput, type LiveChannel, ownTransaction } from '../../../../sdk/channel/penalty/index.ts'
import { justiceFeerates, revokedBy, towerFault } from '../../../../sdk/channel/tower/index.ts'
import { createTowerClient, type TowerClient } from '../../../../sdk/client/index.ts'
import { currentEngine, sha256 } from '../../../../sdk/crypto/engine.ts'
import { height, msats, toHex } from '../../../../sdk/units.ts'
import { memoryTower } from '../../../edge/memoryTower.ts'
import {
  act,
  broadcast,
  type ChainWorld,
  endFacts,
  gained,
  giveCoins,
  mine,
  openOnChain,
  pursue,
  spendOf,
  tipOf,
} from '../penalty/chainWorld.ts'
import { bytesOf, live, pay } from '../penalty/pair.ts'

const secretKey = new Uint8Array(32).fill(8)
const policy = { first: 0, freshSeconds: 600, lookSeconds: 600, nowSeconds: 1_800_000_000 }

/** An HTLC of each side. */
async function proposeTwo(world: ChainWorld, propose: Awaited<ReturnType<typeof towered>>['propose']): Promise<void> {
  const expiry = height((await tipOf(world)) + 200)
  const add = (name: string, amount: bigint): Change => ({
    ...{ type: 'add', id: 0, amount: msats(amount), expiry },
    paymentHash: sha256(bytesOf(name)),
  })
  await propose('opener', add('one', 60_000_000n))
  await propose('accepter', add('two', 50_000_000n))
}

/** The opener's channel, its tower, and a cheating accepter. */
async function towered(backend: BitcoinBackend) {
  const world = await openOnChain(backend, { terms: { delayBlocks: 60, marginBlocks: 3, confirmationsMin: 2 } })
  const sources = esploraSources([backend.url, `${backend.url}/`])
  const tower = memoryTower({ sources, secretKey })
  const name = toHex(systemRandom(32))
  const { funding } = live(world.pair, 'opener').opening
  const key = currentEngine().publicKey(secretKey)
  const link = tower.link(name, systemRandom(32))
  const client = createTowerClient({ link, cipher: webCipher(), tower: name, key, funding })
  await client.register(0)
  const old: LiveChannel[] = [live(world.pair, 'accepter')]
  /** A proposal, after which the opener leaves what it revoked. */
  const propose = async (side: 'opener' | 'accepter', ...changes: Change[]) => {
    const before = live(world.pair, 'opener')
    act(world, side, { type: 'ask' })
    act(world, side, { type: 'propose', changes })
    await leave(world, client, before)
    old.push(live(world.pair, 'accepter'))
  }
  return { world, tower, client, old, propose }
}

async function leave(world: ChainWorld, client: TowerClient, before: LiveChannel): Promise<void> {
  const plan = { to: world.payout.opener, feerates: justiceFeerates }
  const state = revokedBy(before, live(world.pair, 'opener'), world.pair.secrets.opener, plan)
  if (!state) throw new Error('Nothing was revoked.')
  await client.keep(state)
}

/** Satoshis at the opener's own script, and how many outputs they are. */
async function taken({ backend, payout }: ChainWorld) {
  const coins = await backend.node.coins(payout.opener)
  return { count: coins.length, value: coins.reduce((sum, { value }) => sum + value, 0n) }
}

/** A tower acts alone: its owner never looks, never signs, and is not asked. */
export function towerStories(judge: string, start: () => Promise<BitcoinBackend>): void {
  describe(`a tower alone: ${judge}`, () => {
    let backend: BitcoinBackend
    beforeAll(async () => {
      backend = await start()
    })
    afterAll(() => backend?.stop())

    it('[WT5] [WT6] [TW40] takes the balance of a cheater at every old state, and sees the end', async () => {
      const { world, tower, client, old, propose } = await towered(backend)
      await propose('opener', pay(400_000_000n))
      await propose('accepter', pay(300_000_000n))
      expect((await client.standing()).next).toBe(2)
      await tower.look()
      const receipt = await client.standing()
      expect(towerFault(live(world.pair, 'opener'), receipt, { ...policy, nowSeconds: receipt.atSeconds })).toBe(null)
      world.isAway.opener = true
      const before = await taken(world)
      const cheated = old[1] as LiveChannel
      expect(cheated.base.number).toBe(1)
      expect(await broadcast(world, 'accepter', 'cheat', ownTransaction(cheated, world.pair.secrets.accepter))).toBe(
        true,
      )
      await tower.look()
      await world.backend.mine(1)
      const after = await taken(world)
      // 700,000 sat were the accepter's in that state.
      expect(after.count - before.count).toBe(1)
      expect(after.value - before.value).toBeGreaterThan(699_000n)
      await world.backend.mine(6)
      await tower.look()
      expect(tower.rows.head()).toMatchObject({ phase: 'ended', dueAt: null })
    })

    it('[WT6] [TW40] takes each HTLC of a revoked state, of both sides', async () => {
      const { world, tower, old, propose } = await towered(backend)
      await proposeTwo(world, propose)
      await propose('opener', { type: 'fail', id: 0, reason: 'unknown-payment' })
      world.isAway.opener = true
      const before = await taken(world)
      const cheated = old[2] as LiveChannel
      expect(cheated.base.htlcs).toHaveLength(2)
      expect(await broadcast(world, 'accepter', 'cheat', ownTransaction(cheated, world.pair.secrets.accepter))).toBe(
        true,
      )
      await tower.look()
      await world.backend.mine(1)
      const after = await taken(world)
      expect(after.count - before.count).toBe(3)
      // 250,000 of the balance, 60,000 and 50,000.
      expect(after.value - before.value).toBeGreaterThan(358_000n)
    })

    it('[TW48] [TW37] leaves to its owner what an HTLC transaction of the cheater gave, and nothing else', async () => {
      const { world, tower, propose } = await towered(backend)
      await proposeTwo(world, propose)
      act(world, 'accepter', { type: 'learn', preimage: bytesOf('one') })
      const cheated = live(world.pair, 'accepter')
      await propose('accepter', { type: 'fail', id: 0, reason: 'unknown-payment' })
      await giveCoins(world, 'accepter', 1)
      world.isAway.opener = true
      world.isAway.accepter = true
      const before = await gained(world, 'opener')
      // The cheater is in blocks with both before the tower looks.
      const cheat = ownTransaction(cheated, world.pair.secrets.accepter)
      expect(await broadcast(world, 'accepter', 'cheat', cheat)).toBe(true)
      await world.backend.mine(1)
      const { opening } = cheated
      const spend = await spendOf(world, opening.funding, fundingOutput(opening).script)
      if (!spend) throw new Error('The old commitment is in a block.')
      const { claims } = await pursue(world, 'accepter', cheated, await endFacts(world, await tipOf(world), spend))
      expect(claims.map(({ kind }) => kind).sort()).toEqual(['own', 'success', 'timeout'])
      await world.backend.mine(1)
      // The tower takes the balance and the other HTLC, and holds what is lost to it for buried in the end.
      await tower.look()
      await world.backend.mine(1)
      const taken = (await gained(world, 'opener')) - before
      expect(taken > 298_500n && taken < 300_000n).toBe(true)
      await world.backend.mine(6)
      await tower.look()
      expect(tower.rows.head()).toMatchObject({ phase: 'ended' })
      expect(tower.rows.justice().map(({ isBuried }) => isBuried)).toEqual([true, true, true])
      // Its owner comes back within the delay: its own balance, and the HTLC.
      world.isAway.opener = false
      await mine(world, 2)
      const all = (await gained(world, 'opener')) - before
      const own = 700_000n - 60_000n
      expect(all - taken - own > 55_000n && all - taken - own < 60_000n).toBe(true)
      expect(world.refused).toEqual([])
    })

    it('[WT6] climbs to the next feerate while blocks leave its justice out, and replaces it', async () => {
      const { world, tower, old, propose } = await towered(backend)
      await propose('opener', pay(400_000_000n))
      world.isAway.opener = true
      const cheat = ownTransaction(old[0] as LiveChannel, world.pair.secrets.accepter)
      expect((await backend.mineOnly([cheat])).ok).toBe(true)
      const valueNow = async () => {
        const coins = await backend.node.coins(world.payout.opener)
        return coins.filter(({ height }) => height === null).map(({ value }) => value)
      }
      const values: bigint[] = []
      for (let rung = 0; rung < justiceFeerates.length; rung++) {
        await tower.look()
        values.push(...(await valueNow()))
        for (let block = 0; block < towerRungBlocks; block++) expect((await backend.mineOnly([])).ok).toBe(true)
      }
      // One at a time, each of the next feerate: four times what the one before paid.
      const fees = values.map((value) => 300_000n - value)
      expect(fees).toHaveLength(justiceFeerates.length)
      for (const [at, fee] of fees.entries()) if (at > 0) expect(fee / (fees[at - 1] ?? 1n)).toBeGreaterThanOrEqual(3n)
    })

    it('[WT7] lets an honest end be', async () => {
      const { world, tower, propose } = await towered(backend)
      await propose('opener', pay(10_000_000n))
      act(world, 'accepter', { type: 'force' })
      world.isAway.opener = true
      await mine(world, 6)
      await tower.look()
      expect(tower.rows.justice()).toEqual([])
      expect(tower.rows.head()?.phase).toBe('ended')
    })
  })
}
