import { describe, expect, it } from 'vitest'
import { httpBackups, memory, webCipher } from '../../../../sdk/adapters/index.ts'
import { type BitcoinTransaction, decodeTransaction } from '../../../../sdk/bitcoin/index.ts'
import { SdkError } from '../../../../sdk/errors.ts'
import type { BackupLink, Store } from '../../../../sdk/ports.ts'
import { type ChannelId, sats } from '../../../../sdk/units.ts'
import { type BackupSetting, evictableCapacityMax } from '../../../../sdk/wallet/bitcoin/index.ts'
import { must } from '../../bitcoin/must.ts'
import { until } from './channelWorld.ts'
import {
  bitcoin,
  channelOf,
  edge,
  minedTo,
  type Person,
  person as personOf,
  phaseOf,
  terms,
  useTwoWayWorld,
  waitMs,
} from './twoWayWorld.ts'

useTwoWayWorld()

/** What wallets have broadcast. */
const broadcasts: BitcoinTransaction[] = []

function listen(transaction: Uint8Array) {
  broadcasts.push(must(decodeTransaction(transaction)))
  return bitcoin.node.broadcast(transaction)
}

let people = 100

/** Somebody with that backup, by the seed of that number. */
const person = (number: number, backup: BackupSetting | null, store?: Store) =>
  personOf(store, number, { nodes: [{ ...bitcoin.node, broadcast: listen }], ...(backup ? { backup } : {}) })

/** Copies at the edge; `through` may lose or hide them. */
function backupAt(
  through: (link: BackupLink, isEdge: boolean) => BackupLink = (link) => link,
  mode: BackupSetting['mode'] = 'required',
): BackupSetting {
  const link = httpBackups()
  return {
    // The test's own edge is written with a slash at its end, so that the two places can be told apart.
    link: (at) => through(link(at), at.box.endsWith('/')),
    edges: [`${edge.url}/`],
    cipher: webCipher(),
    mode,
  }
}

/** Anna, who has funded a channel with Ben and keeps copies, and who has paid over it once. */
async function opened(backup: BackupSetting): Promise<{ anna: Person; ben: Person; id: ChannelId; number: number }> {
  const number = ++people
  const anna = await person(number, backup)
  const ben = await person(++people, null)
  await bitcoin.fund(await anna.wallet.address(), sats(300_000n))
  await bitcoin.mine(1)
  await anna.wallet.refresh()
  const invitation = await ben.wallet.invite({ box: edge.url, terms })
  const answer = await anna.wallet.openChannel({ kind: 'two-way', invitation, capacity: sats(100_000n) })
  if (!answer.ok) throw new Error(answer.refusal.detail)
  await until(() => phaseOf(anna) === 'funding' && phaseOf(ben) === 'funding')
  await minedTo('open', anna, ben)
  expect((await anna.wallet.pay(invitation.id, sats(30_000n), { waitMs })).state).toBe('paid')
  return { anna, ben, id: invitation.id, number }
}

/** Anna pays Ben 10,000 sat, and he has it for good. */
async function payMore(anna: Person, ben: Person, id: ChannelId): Promise<void> {
  const request = await ben.wallet.request({ channel: id })
  const { paymentId } = request
  expect((await anna.wallet.pay(id, sats(10_000n), { paymentId, waitMs })).state).toBe('paid')
  await until(async () => (await ben.wallet.received(request)) !== null)
}

describe('a wallet that is lost, and comes back from its seed', { timeout: 120_000 }, () => {
  it('[TW42] [TW43] takes its channel from the copies, and pays on once the other side has shown where it stands', async () => {
    const { anna, ben, id, number } = await opened(backupAt())
    anna.wallet.close()
    const again = await person(number, backupAt())
    expect(again.wallet.channels()).toEqual([])
    expect(await again.twoWay.restore()).toEqual([{ id, found: 'restored' }])
    expect(await again.twoWay.restore()).toEqual([])
    await until(() => phaseOf(again) === 'open')
    expect(channelOf(again)).toMatchObject({ balance: 70_000_000n, updates: 1 })
    expect((await again.wallet.pay(id, sats(5_000n), { waitMs })).state).toBe('paid')
    await again.wallet.closeChannel(id)
    await minedTo('closed', again, ben)
    await ben.wallet.refresh()
    expect((await ben.wallet.balance()).confirmed).toBe(35_000n)
  })

  it('[TW29] pays no more where copies were not required, and closes together', async () => {
    const wanted = backupAt((link) => link, 'wanted')
    const { anna, ben, id, number } = await opened(wanted)
    // With the turn its own it may have proposed what is forgotten, so the other side asks for that first.
    expect((await ben.wallet.pay(id, sats(1_000n), { waitMs })).state).toBe('paid')
    await until(() => channelOf(anna)?.updates === 2)
    await anna.wallet.refresh()
    anna.wallet.close()
    const again = await person(number, wanted)
    expect(await again.twoWay.restore()).toEqual([{ id, found: 'restored' }])
    await until(() => phaseOf(again) === 'restored')
    expect((await again.wallet.pay(id, sats(1n), { waitMs: 1_500 })).state).toBe('pending')
    expect(channelOf(again)).toMatchObject({ spendable: 0n, balance: 71_000_000n })
    // A state that no message followed is with the other side only where a greeting came after it.
    expect(['older', 'same']).toContain(channelOf(again)?.peerCopy)
    await again.wallet.closeChannel(id)
    await minedTo('closed', again, ben)
  })

  it('[TW42] goes to the chain by itself once that is kept, or has waited for blocks', async () => {
    let isDown = false
    const down = backupAt((link) => ({
      ...link,
      keep: async (kept) => {
        if (isDown) throw new SdkError('relay/unreachable', 'The edge does not answer.', { retryable: true })
        return link.keep(kept)
      },
    }))
    const { anna, ben, id } = await opened(down)
    isDown = true
    await anna.wallet.closeChannel(id, { alone: true })
    const funding = channelOf(anna)?.fundingTxid
    const left = () => broadcasts.filter(({ inputs }) => inputs[0]?.outpoint.txid === funding).length
    await anna.wallet.refresh()
    expect(left()).toBe(0)
    // Its margin is 3 blocks, so it waits for one at the most.
    await bitcoin.mine(1)
    await anna.wallet.refresh()
    expect(left()).toBeGreaterThan(0)
    await minedTo('closed', anna, ben)
  })

  it('[TW28] learns that it has lost states, lets the other side close, and takes its balance', async () => {
    const { anna, ben, id, number } = await opened(backupAt())
    anna.wallet.close()
    const careless = await person(number, null, anna.store) // From now on, no copy is left anywhere.
    await payMore(careless, ben, id)
    careless.wallet.close()
    const again = await person(number, backupAt())
    expect(await again.twoWay.restore()).toEqual([{ id, found: 'restored' }])
    await until(() => phaseOf(again) === 'behind')
    expect((await again.wallet.pay(id, sats(1n), { waitMs })).state).toBe('refused')
    await minedTo('closed', again, ben)
    await again.wallet.refresh()
    await ben.wallet.refresh()
    expect((await ben.wallet.balance()).confirmed).toBeGreaterThan(38_000n)
    // Of the 60,000 it pays the closing and the sweep.
    const { confirmed, inChannels } = await again.wallet.balance()
    expect(inChannels).toBe(0n)
    expect(confirmed).toBeGreaterThan(200_000n + 55_000n)
  })

  it('[TW50] [TW51] [TW52] takes the newest state from the other side, does not trust it to be that, and has it closed', async () => {
    let isLosing = false
    const losing = backupAt((link) => ({ ...link, keep: async (kept) => (isLosing ? undefined : link.keep(kept)) }))
    const { anna, ben, id, number } = await opened(losing)
    isLosing = true
    await payMore(anna, ben, id)
    anna.wallet.close()
    const again = await person(number, backupAt())
    expect(await again.twoWay.restore()).toEqual([{ id, found: 'restored' }])
    await until(() => channelOf(again)?.peerCopy === 'newer')
    expect(channelOf(again)).toMatchObject({ balance: 60_000_000n, updates: 2 })
    await expect(again.wallet.closeChannel(id, { alone: true })).rejects.toThrow()
    again.wallet.close()
    // With no copy left but the list of channels, the other side is asked by the channel's box. [TW52]
    const listEnd = 2 ** 32
    const listAlone = backupAt((link) => ({
      ...link,
      kept: async () => {
        const kept = await link.kept()
        return kept && kept.number < listEnd ? kept : null
      },
    }))
    const last = await person(number, listAlone)
    await until(async () => (await last.twoWay.restore())[0]?.found === 'alone')
    expect(channelOf(last)).toMatchObject({ balance: 60_000_000n, updates: 2 })
    await minedTo('closed', last, ben)
    await last.wallet.refresh()
    expect((await last.wallet.balance()).confirmed).toBeGreaterThan(200_000n + 55_000n)
  })

  it('[TW44] believes nobody that the one copy which is left is the newest', async () => {
    const { anna, ben, id, number } = await opened(backupAt())
    anna.wallet.close()
    const lonely = backupAt((link, isEdge) => ({ ...link, kept: async () => (isEdge ? link.kept() : null) }))
    const again = await person(number, lonely)
    expect(await again.twoWay.restore()).toEqual([{ id, found: 'alone' }])
    await expect(again.wallet.closeChannel(id, { alone: true })).rejects.toThrow('from-backup')
    expect((await again.wallet.pay(id, sats(1n), { waitMs: 1_500 })).state).toBe('pending')
    expect(phaseOf(again)).toBe('unsure')
    await ben.wallet.closeChannel(id, { alone: true })
    await minedTo('closed', again, ben)
  })

  it('[TW28] takes what the other side closes from the seed alone, where every copy is gone', async () => {
    const { anna, ben, id, number } = await opened(backupAt())
    anna.wallet.close()
    const again = await person(number, null)
    expect(await again.twoWay.sweep()).toEqual([])
    await ben.wallet.closeChannel(id, { alone: true })
    await minedTo('closed', ben)
    await again.wallet.refresh()
    const before = (await again.wallet.balance()).confirmed
    expect(await again.twoWay.sweep()).toHaveLength(1)
    await bitcoin.mine(1)
    await again.wallet.refresh()
    // Of its 70,000 it paid the closing, and this.
    expect((await again.wallet.balance()).confirmed - before).toBeGreaterThan(65_000n)
    expect(await again.twoWay.sweep()).toEqual([])
  })

  it('refuses a channel beyond the limit where the store may be evicted and nothing is kept elsewhere', async () => {
    const evictable = () => ({ ...memory(), persists: async () => false })
    const anna = await person(++people, null, evictable())
    const ben = await person(++people, null)
    const invitation = await ben.wallet.invite({ box: edge.url, terms })
    const capacity = sats(evictableCapacityMax + 1n)
    expect(await anna.wallet.openChannel({ kind: 'two-way', invitation, capacity })).toMatchObject({
      ok: false,
      refusal: { code: 'evictable-store' },
    })
    expect((await anna.wallet.invite({ box: edge.url, terms })).terms.capacityMax).toBe(evictableCapacityMax)
    const safe = await person(++people, backupAt(), evictable())
    expect((await safe.wallet.invite({ box: edge.url, terms })).terms.capacityMax).toBe(terms.capacityMax)
    // TW46: with no coins for the channel and its reserve, nothing is opened.
    expect(await safe.wallet.openChannel({ kind: 'two-way', invitation, capacity })).toMatchObject({
      ok: false,
      refusal: { code: 'insufficient' },
    })
    await bitcoin.fund(await safe.wallet.address(), sats(capacity + 20_000n))
    await bitcoin.mine(1)
    await safe.wallet.refresh()
    expect((await safe.wallet.openChannel({ kind: 'two-way', invitation, capacity })).ok).toBe(true)
  })

  it('finds nothing where no edge has a list of channels of the seed', async () => {
    const nobody = await person(++people, backupAt())
    await expect(nobody.twoWay.restore()).rejects.toMatchObject({ code: 'wallet/no-backup' })
  })
})
