import { afterEach, describe, expect, it } from 'vitest'
import { memory } from '../../../../sdk/adapters/memory.ts'
import { SdkError } from '../../../../sdk/errors.ts'
import type { Store } from '../../../../sdk/ports.ts'
import { type ChannelId, sats } from '../../../../sdk/units.ts'
import type { ChangeFeed } from '../../../../sdk/wallet/bitcoin/changes.ts'
import type { Channels } from '../../../../sdk/wallet/bitcoin/channels.ts'
import { type ChannelWorld, createChannelWorld, peerName, until } from './channelWorld.ts'

const worlds: ChannelWorld[] = []
const ends: (() => void)[] = []

afterEach(() => {
  for (const end of ends.splice(0)) end()
  for (const world of worlds.splice(0)) world.stop()
})

async function begin(options: Parameters<typeof createChannelWorld>[0] = {}): Promise<ChannelWorld> {
  const world = await createChannelWorld(options)
  worlds.push(world)
  return world
}

async function walletOf(world: ChannelWorld, store?: Store): Promise<Channels & { readonly feed: ChangeFeed }> {
  const { channels, feed, end } = await world.wallet(store)
  ends.push(end)
  return { ...channels, feed }
}

/** Opens a channel and brings it to where it pays. */
async function opened(world: ChannelWorld): Promise<{ channels: Awaited<ReturnType<typeof walletOf>>; id: ChannelId }> {
  const channels = await walletOf(world)
  const answer = await channels.open({ peer: peerName, capacity: sats(50_000n) })
  if (!answer.ok) throw new Error(answer.refusal.detail)
  const { id } = answer.channel
  await until(() => world.chain.pool.size > 0)
  await world.mine(2)
  await until(async () => {
    await channels.tend()
    return only(channels).phase === 'open'
  })
  return { channels, id }
}

function only(channels: Channels) {
  const [channel] = channels.list()
  if (!channel) throw new Error('the wallet has no channel')
  return channel
}

async function paymentFor(world: ChannelWorld, price: bigint): Promise<Uint8Array> {
  const paymentId = crypto.getRandomValues(new Uint8Array(16))
  await world.till.quote(paymentId, sats(price))
  return paymentId
}

describe('channels of a wallet', () => {
  it('tells what a channel costs before anything is signed', async () => {
    const world = await begin()
    const channels = await walletOf(world)
    const quoted = await channels.quote({ peer: peerName, capacity: sats(50_000n) })
    expect(quoted).toEqual({
      ok: true,
      quote: {
        kind: 'one-way',
        capacity: 50_000n,
        fundingFee: 300n,
        closeFee: 400n,
        payable: 49_600n,
        confirmationsMin: 2,
        expiryBlocks: 1_008,
      },
    })
    expect(channels.list()).toEqual([])
    expect(world.chain.broadcasts).toEqual([])
  })

  it('refuses a capacity and an expiry that the payee does not take, and signs nothing', async () => {
    const world = await begin()
    const channels = await walletOf(world)
    const small = await channels.open({ peer: peerName, capacity: sats(10n) })
    expect(small.ok || small.refusal.code).toBe('malformed-opening')
    const large = await channels.open({ peer: peerName, capacity: sats(2_000_000n) })
    expect(large.ok || large.refusal).toEqual({
      code: 'capacity-out-of-range',
      detail: 'The payee takes channels of 5000 to 1000000 sat.',
    })
    const short = await channels.open({ peer: peerName, capacity: sats(50_000n), expiryBlocks: 5 })
    expect(short.ok || short.refusal.code).toBe('expiry-out-of-range')
    expect(channels.list()).toEqual([])
  })

  it('[OW23] lets no coin go before the payee has taken the channel', async () => {
    const world = await begin()
    world.isBoxDown = true
    const channels = await walletOf(world)
    await channels.open({ peer: peerName, capacity: sats(50_000n) })
    await channels.tend()
    expect(only(channels).phase).toBe('offered')
    expect(world.chain.broadcasts).toEqual([])
    world.isBoxDown = false
    await until(() => world.chain.broadcasts.length > 0)
    expect(only(channels).phase).toBe('funding')
  })

  it('[OW23] gives the coins of a declined channel back', async () => {
    const world = await begin({ declines: true })
    const channels = await walletOf(world)
    await channels.open({ peer: peerName, capacity: sats(50_000n) })
    await until(() => only(channels).phase === 'declined')
    await channels.tend()
    expect(only(channels).fault).toBe('other-terms')
    expect(world.released).toEqual([only(channels).fundingTxid])
    expect(world.chain.broadcasts).toEqual([])
  })

  it('pays, and says what was paid and spent', async () => {
    const world = await begin()
    const { channels, id } = await opened(world)
    const paymentId = await paymentFor(world, 1_000n)
    const outcome = await channels.pay(id, sats(1_000n), { paymentId })
    expect(outcome).toMatchObject({ state: 'paid', number: 1, paid: 1_000n, spent: 1_000n })
    expect(await world.till.isPaid(paymentId)).toBe(true)
    expect(only(channels)).toMatchObject({ paid: 1_000n, spent: 1_000n, remaining: 48_600n, pending: false })
  })

  it('[OW11] makes small payments out of the credit of the first', async () => {
    const world = await begin()
    const { channels, id } = await opened(world)
    for (let count = 1n; count <= 30n; count++) {
      const paymentId = await paymentFor(world, 12n)
      const outcome = await channels.pay(id, sats(12n), { paymentId })
      const paid = count * 12n > 294n ? count * 12n : 294n
      expect(outcome).toMatchObject({ state: 'paid', paid, spent: count * 12n })
    }
  })

  it('[OW16] takes payments made at once one after the other', async () => {
    const world = await begin()
    const { channels, id } = await opened(world)
    const ids = await Promise.all(Array.from({ length: 20 }, () => paymentFor(world, 50n)))
    const outcomes = await Promise.all(ids.map((paymentId) => channels.pay(id, sats(50n), { paymentId })))
    expect(outcomes.map(({ state }) => state)).toEqual(Array(20).fill('paid'))
    expect(only(channels)).toMatchObject({ paid: 1_000n, spent: 1_000n })
  })

  it('is refused what is not for sale, and keeps what it signed as credit', async () => {
    const world = await begin()
    const { channels, id } = await opened(world)
    expect(await channels.pay(id, sats(500n))).toEqual({ state: 'refused', fault: 'unknown-payment' })
    expect(only(channels)).toMatchObject({ paid: 500n, spent: 0n, remaining: 49_600n })
    const paymentId = await paymentFor(world, 500n)
    expect(await channels.pay(id, sats(500n), { paymentId })).toMatchObject({ state: 'paid', paid: 500n, spent: 500n })
    expect(await channels.pay(id, sats(60_000n))).toEqual({ state: 'refused', fault: 'insufficient' })
  })

  it('[OW15] [OW16] sends a payment that nobody answered again, byte for byte, after a restart too', async () => {
    const world = await begin()
    const { channels, id } = await opened(world)
    const paymentId = await paymentFor(world, 700n)
    world.isBoxDown = true
    expect(await channels.pay(id, sats(700n), { paymentId, waitMs: 30 })).toMatchObject({ state: 'pending' })
    expect(only(channels).pending).toBe(true)
    for (const end of ends.splice(0)) end()
    world.isBoxDown = false
    const later = await walletOf(world)
    expect(only(later).pending).toBe(true)
    await until(async () => {
      await later.tend()
      return !only(later).pending
    })
    expect(only(later)).toMatchObject({ paid: 700n, spent: 700n })
    expect(await world.till.isPaid(paymentId)).toBe(true)
  })

  it('tells the wallet whose channel another one has taken over, which can sign nothing more', async () => {
    const world = await begin()
    const { channels, id } = await opened(world)
    const second = await walletOf(world)
    await expect(channels.pay(id, sats(400n))).rejects.toMatchObject({ code: 'wallet/channel-elsewhere' })
    expect(only(channels).isElsewhere).toBe(true)
    const paymentId = await paymentFor(world, 400n)
    expect(await second.pay(id, sats(400n), { paymentId })).toMatchObject({ state: 'paid', number: 1 })
    await expect(channels.pay(id, sats(400n))).rejects.toBeInstanceOf(SdkError)
  })

  it('tells a wallet that only reads, when another device has taken the channel over at the box', async () => {
    const world = await begin()
    const { id } = await opened(world)
    const device = memory()
    for (const key of await world.store.keys('')) {
      const record = await world.store.get(key)
      if (record) await device.commit([{ key, expected: 0, bytes: record.bytes }])
    }
    // Its epoch is above the one that the wallet here opens the channel with again.
    await walletOf(world, device)
    const there = await walletOf(world, device)
    await until(async () => {
      await there.tend()
      return only(there).phase === 'open'
    })
    const paymentId = await paymentFor(world, 400n)
    expect(await there.pay(id, sats(400n), { paymentId })).toMatchObject({ state: 'paid' })
    const here = await walletOf(world)
    await until(() => only(here).isElsewhere)
    await expect(here.pay(id, sats(400n))).rejects.toMatchObject({ code: 'wallet/channel-elsewhere' })
  })

  it('[OW19] [OW21] closes at once at a fee of the day, and proves the ending', async () => {
    const world = await begin()
    const { channels, id } = await opened(world)
    const paymentId = await paymentFor(world, 9_000n)
    await channels.pay(id, sats(9_000n), { paymentId })
    await channels.close(id)
    await until(() => world.chain.pool.size > 0)
    await world.mine(2)
    await channels.tend()
    const channel = only(channels)
    expect(channel.phase).toBe('closed')
    expect(channel.ending).toMatchObject({ confirmations: 2, toPayee: 9_000n })
    expect(channel.ending?.toPayer).toBeGreaterThan(40_700n)
    const income = await world.till.income()
    expect(income).toMatchObject({ paid: 9_000n, spent: 9_000n, settled: 9_000n })
    expect(await channels.pay(id, sats(1n))).toEqual({ state: 'refused', fault: 'not-open' })
  })

  it('[OW22] takes everything back after the expiry when the payee never came', async () => {
    const world = await begin()
    const { channels } = await opened(world)
    world.isBoxDown = true
    const { expiry } = only(channels)
    while (world.chain.tip < expiry) world.chain.tip += 100
    await channels.tend()
    expect(only(channels).phase).toBe('refunding')
    await world.mine(2)
    await channels.tend()
    expect(only(channels)).toMatchObject({ phase: 'closed', ending: { toPayee: 0n } })
    expect(only(channels).ending?.toPayer).toBeGreaterThan(49_000n)
  })

  it('shows each channel as it changes, the latest state first', async () => {
    const world = await begin()
    const { channels, id } = await opened(world)
    const stop = new AbortController()
    const seen: bigint[] = []
    const watching = (async () => {
      for await (const one of channels.feed.follow([id], stop.signal)) seen.push(channels.find(one)?.spent ?? 0n)
    })()
    const paymentId = await paymentFor(world, 640n)
    await channels.pay(id, sats(640n), { paymentId })
    await until(() => seen.at(-1) === 640n)
    stop.abort()
    await watching
    expect(seen[0]).toBe(0n)
  })

  it('says which part of the world does not answer, and goes on when it does', async () => {
    const world = await begin()
    const { channels } = await opened(world)
    world.chain.isDown = true
    await channels.tend()
    expect(only(channels).trouble).toBe('The node does not answer.')
    world.chain.isDown = false
    await channels.tend()
    expect(only(channels).trouble).toBe(null)
  })

  it('opens nothing on a store without channels, and does not know those of others', async () => {
    const world = await begin()
    const { id } = await opened(world)
    const other = await walletOf(world, memory())
    expect(other.list()).toEqual([])
    expect(() => other.pay(id, sats(1n))).toThrow(SdkError)
  })
})
