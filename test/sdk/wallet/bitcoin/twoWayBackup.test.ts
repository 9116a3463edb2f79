import { afterEach, describe, expect, it } from 'vitest'
import { memory } from '../../../../sdk/adapters/index.ts'
import { SdkError } from '../../../../sdk/errors.ts'
import type { Store } from '../../../../sdk/ports.ts'
import { type ChannelId, sats } from '../../../../sdk/units.ts'
import { type BackupSetting, evictableCapacityMax } from '../../../../sdk/wallet/bitcoin/index.ts'
import { penaltyKeys } from '../../../../sdk/wallet/bitcoin/penalty/record.ts'
import { until } from './channelWorld.ts'
import {
  balanceOf,
  channelOf,
  createHtlcWorld,
  endingsOf,
  type HtlcWorld,
  type Person,
  phaseOf,
  terms,
  waitMs,
} from './htlcWorld.ts'

let world: HtlcWorld
afterEach(() => world.stop())

/** Anna, who has funded a channel with Ben and keeps copies, and who has paid over it once. */
async function opened(backup: BackupSetting): Promise<{ anna: Person; ben: Person; id: ChannelId }> {
  const [anna, ben] = [await world.person({ backup }), await world.person()]
  const id = await world.open(anna, ben)
  await payed(anna, ben, id, 30_000n)
  return { anna, ben, id }
}

/** Anna pays Ben, and he has it for good. */
async function payed(anna: Person, ben: Person, id: ChannelId, amount: bigint): Promise<void> {
  const request = await ben.wallet.request({ channel: id })
  const { paymentId } = request
  expect((await anna.wallet.pay(id, sats(amount), { paymentId, waitMs })).state).toBe('paid')
  await until(async () => (await ben.wallet.received(request)) !== null)
}

/** The same seed with nothing else, or with that store. */
const comesBack = ({ number }: Person, backup: BackupSetting | null, store?: Store) =>
  world.person({ number, backup, ...(store ? { store } : {}) })

/** Waits until somebody ends the channel on the chain, and mines until all of these have seen the end. */
async function closes(id: ChannelId, ...people: readonly [Person, ...Person[]]): Promise<void> {
  await until(() => endingsOf(world, people[0], id).length > 0)
  await world.mineUntil(() => people.every((one) => phaseOf(one, id) === 'closed'), ...people)
}

describe('a wallet that is lost, and comes back from its seed', { timeout: 60_000 }, () => {
  it('[TW42] [TW43] takes its channel from the copies, pays on, and closes together', async () => {
    world = createHtlcWorld()
    const { anna, ben, id } = await opened(world.backup())
    anna.end()
    await anna.beginAgain()
    await until(() => phaseOf(anna, id) === 'open')
    expect(channelOf(anna, id)).toMatchObject({ balance: 70_000_000n, updates: 1 })
    await payed(anna, ben, id, 5_000n)
    await anna.wallet.closeChannel(id)
    await closes(id, anna, ben)
    await ben.wallet.refresh()
    expect((await ben.wallet.balance()).confirmed).toBe(35_000n)
  })

  it('[TW29] pays no more where copies were not required, and closes together', async () => {
    world = createHtlcWorld()
    const wanted = world.backup((link) => link, 'wanted')
    const { anna, ben, id } = await opened(wanted)
    // With the turn its own it may have proposed what is forgotten, so the other side asks for that first.
    expect((await ben.wallet.pay(id, sats(1_000n), { waitMs })).state).toBe('paid')
    await until(() => channelOf(anna, id)?.updates === 2)
    await anna.wallet.refresh()
    anna.end()
    const again = await comesBack(anna, wanted)
    expect(await again.twoWay.restore()).toEqual([{ id, found: 'restored' }])
    await until(() => phaseOf(again, id) === 'restored')
    expect((await again.wallet.pay(id, sats(1n), { waitMs: 200 })).state).toBe('pending')
    expect(channelOf(again, id)).toMatchObject({ spendable: 0n, balance: 71_000_000n })
    // A state that no message followed is with the other side only where a greeting came after it.
    expect(['older', 'same']).toContain(channelOf(again, id)?.peerCopy)
    await again.wallet.closeChannel(id)
    await closes(id, again, ben)
  })

  it('[TW42] goes to the chain by itself once that is kept, or has waited for blocks', async () => {
    world = createHtlcWorld()
    let isDown = false
    const down = world.backup((link) => ({
      ...link,
      keep: async (kept) => {
        if (isDown) throw new SdkError('relay/unreachable', 'The edge does not answer.', { retryable: true })
        return link.keep(kept)
      },
    }))
    const { anna, ben, id } = await opened(down)
    isDown = true
    await anna.wallet.closeChannel(id, { alone: true })
    await anna.wallet.refresh()
    expect(endingsOf(world, anna, id)).toEqual([])
    // Its margin is 3 blocks, so it waits for one at the most.
    await world.ground.mine(1)
    await anna.wallet.refresh()
    expect(endingsOf(world, anna, id)).not.toEqual([])
    await closes(id, anna, ben)
  })

  it('[TW28] learns that it has lost states, lets the other side close, and takes its balance', async () => {
    world = createHtlcWorld()
    const { anna, ben, id } = await opened(world.backup())
    anna.end()
    const careless = await comesBack(anna, null, anna.store) // From now on, no copy is left anywhere.
    await payed(careless, ben, id, 10_000n)
    careless.end()
    const again = await comesBack(anna, world.backup())
    expect(await again.twoWay.restore()).toEqual([{ id, found: 'restored' }])
    await until(() => phaseOf(again, id) === 'behind')
    expect((await again.wallet.pay(id, sats(1n), { waitMs })).state).toBe('refused')
    await closes(id, again, ben)
    await again.wallet.refresh()
    await ben.wallet.refresh()
    expect((await ben.wallet.balance()).confirmed).toBeGreaterThan(38_000n)
    // Of the 60,000 it pays the closing and the sweep.
    const { confirmed, inChannels } = await again.wallet.balance()
    expect(inChannels).toBe(0n)
    expect(confirmed).toBeGreaterThan(200_000n + 55_000n)
  })

  it('[TW50] [TW51] [TW52] takes the newest state from the other side, does not trust it to be that, and has it closed', async () => {
    world = createHtlcWorld()
    let isLosing = false
    const losing = world.backup((link) => ({ ...link, keep: async (kept) => (isLosing ? undefined : link.keep(kept)) }))
    const { anna, ben, id } = await opened(losing)
    isLosing = true
    await payed(anna, ben, id, 10_000n)
    anna.end()
    const again = await comesBack(anna, world.backup())
    expect(await again.twoWay.restore()).toEqual([{ id, found: 'restored' }])
    await until(() => channelOf(again, id)?.peerCopy === 'newer')
    expect(channelOf(again, id)).toMatchObject({ balance: 60_000_000n, updates: 2 })
    await expect(again.wallet.closeChannel(id, { alone: true })).rejects.toThrow()
    again.end()
    // With no copy left but the list of channels, the other side is asked by the channel's box. [TW52]
    const last = await comesBack(anna, listAlone())
    await until(async () => (await last.twoWay.restore())[0]?.found === 'alone')
    expect(channelOf(last, id)).toMatchObject({ balance: 60_000_000n, updates: 2 })
    await closes(id, last, ben)
    await last.wallet.refresh()
    expect((await last.wallet.balance()).confirmed).toBeGreaterThan(200_000n + 55_000n)
  })

  it('[TW44] believes nobody that the one copy which is left is the newest', async () => {
    world = createHtlcWorld()
    const { anna, ben, id } = await opened(world.backup())
    anna.end()
    const lonely = world.backup((link, isEdge) => ({ ...link, kept: async () => (isEdge ? link.kept() : null) }))
    const again = await comesBack(anna, lonely)
    expect(await again.twoWay.restore()).toEqual([{ id, found: 'alone' }])
    await expect(again.wallet.closeChannel(id, { alone: true })).rejects.toThrow('from-backup')
    expect((await again.wallet.pay(id, sats(1n), { waitMs: 200 })).state).toBe('pending')
    expect(phaseOf(again, id)).toBe('unsure')
    await ben.wallet.closeChannel(id, { alone: true })
    await closes(id, again, ben)
  })

  it('[TW28] takes what the other side closes from the seed alone, where every copy is gone', async () => {
    world = createHtlcWorld()
    const { anna, ben, id } = await opened(world.backup())
    anna.end()
    const again = await comesBack(anna, null)
    expect(await again.twoWay.sweep()).toEqual([])
    await ben.wallet.closeChannel(id, { alone: true })
    await closes(id, ben)
    await again.wallet.refresh()
    const before = (await again.wallet.balance()).confirmed
    expect(await again.twoWay.sweep()).toHaveLength(1)
    await world.ground.mine(1)
    await again.wallet.refresh()
    // Of its 70,000 it paid the closing, and this.
    expect((await again.wallet.balance()).confirmed - before).toBeGreaterThan(65_000n)
    expect(await again.twoWay.sweep()).toEqual([])
  })

  it('refuses a channel beyond the limit where the store may be evicted and nothing is kept elsewhere', async () => {
    world = createHtlcWorld()
    const evictable = () => ({ ...memory(), persists: async () => false })
    const [anna, ben] = [await world.person({ store: evictable() }), await world.person()]
    const invitation = await ben.wallet.invite({ box: 'memory:', terms })
    const capacity = sats(evictableCapacityMax + 1n)
    expect(await anna.wallet.openChannel({ kind: 'two-way', invitation, capacity })).toMatchObject({
      ok: false,
      refusal: { code: 'evictable-store' },
    })
    expect((await anna.wallet.invite({ box: 'memory:', terms })).terms.capacityMax).toBe(evictableCapacityMax)
    const safe = await world.person({ backup: world.backup(), store: evictable() })
    expect((await safe.wallet.invite({ box: 'memory:', terms })).terms.capacityMax).toBe(terms.capacityMax)
    // TW46: with no coins for the channel and its reserve, nothing is opened.
    expect(await safe.wallet.openChannel({ kind: 'two-way', invitation, capacity })).toMatchObject({
      ok: false,
      refusal: { code: 'insufficient' },
    })
    await world.ground.fund(await safe.wallet.address(), sats(capacity + 20_000n))
    await world.ground.mine(1)
    await safe.wallet.refresh()
    expect((await safe.wallet.openChannel({ kind: 'two-way', invitation, capacity })).ok).toBe(true)
  })

  it('finds nothing where no edge has a list of channels of the seed', async () => {
    world = createHtlcWorld()
    const nobody = await world.person({ backup: world.backup() })
    await expect(nobody.twoWay.restore()).rejects.toMatchObject({ code: 'wallet/no-backup' })
  })
})

/** Places that have lost every copy, and have the list of channels. */
function listAlone(): BackupSetting {
  const listEnd = 2 ** 32
  return world.backup((link) => ({
    ...link,
    kept: async () => {
      const kept = await link.kept()
      return kept && kept.number < listEnd ? kept : null
    },
  }))
}

/** What Anna left with Ben, as he keeps it. */
const left = async ({ store }: Person, id: ChannelId) => (await store.get(penaltyKeys.peerCopy(id)))?.bytes ?? null

/** Both go, and Ben has that in its place: neither is told again what was said before. */
async function endsWith(bytes: Uint8Array | null, anna: Person, ben: Person, id: ChannelId): Promise<void> {
  await until(() => world.isRead(id))
  for (const { end } of [anna, ben]) end()
  const key = penaltyKeys.peerCopy(id)
  await ben.store.commit([{ key, expected: (await ben.store.get(key))?.version ?? 0, bytes }])
  await ben.begin()
}

describe('a peer that lies about the copy it was left with', { timeout: 60_000 }, () => {
  it('[TW51] [TW52] gains nothing by an old one, none, garbage, or one of another channel', async () => {
    world = createHtlcWorld()
    const [anna, ben] = [await world.person({ backup: world.backup() }), await world.person()]
    const [id, other] = [await world.open(anna, ben), await world.open(anna, ben)]
    await payed(anna, ben, other, 1_000n)
    await payed(anna, ben, id, 30_000n)
    const old = await left(ben, id)
    await payed(anna, ben, id, 10_000n)
    const newest = await left(ben, id)
    if (!old || !newest) throw new Error('It was left a copy of each.')
    const lies = {
      old,
      none: null,
      garbage: Uint8Array.from(newest, (byte, at) => (at === newest.length - 1 ? byte ^ 1 : byte)),
      'of another channel': await left(ben, other),
    }
    const shown: Readonly<Record<string, string | null>> = {
      ...{ old: 'older', none: null, garbage: 'unreadable', 'of another channel': 'unreadable' },
    }
    let paid = 40_000n
    for (const [name, copy] of Object.entries(lies)) {
      await endsWith(copy, anna, ben, id)
      await anna.beginAgain()
      // The places show the newest state, whatever the other side gives back, and it goes on from that.
      await until(() => phaseOf(anna, id) === 'open')
      expect(channelOf(anna, id), name).toMatchObject({ balance: 1_000n * (100_000n - paid), peerCopy: shown[name] })
      await payed(anna, ben, id, 1_000n)
      paid += 1_000n
    }
    expect(endingsOf(world, anna, id)).toEqual([])

    // Without a copy of its own it has what it is given, which is never the newest by itself: the other side closes, by the one commitment it has.
    await endsWith(old, anna, ben, id)
    const last = await comesBack(anna, listAlone())
    const found = await last.twoWay.restore()
    expect(found.find((one) => one.id === id)).toEqual({ id, found: 'alone' })
    await closes(id, last, ben)
    expect(new Set(endingsOf(world, last, id).map(({ txid }) => txid)).size).toBe(1)
    expect(balanceOf(ben, id)).toBe(1_000n * paid)
  })
})
