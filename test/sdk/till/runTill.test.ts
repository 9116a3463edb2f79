import { afterEach, describe, expect, it } from 'vitest'
import { memory } from '../../../sdk/adapters/memory.ts'
import { InvariantError, SdkError } from '../../../sdk/errors.ts'
import type { StoredRecord } from '../../../sdk/ports.ts'
import { announcedMax, announceMs, localTillSigner, openBoxes } from '../../../sdk/till/index.ts'
import { channelId, sats, toHex } from '../../../sdk/units.ts'
import {
  createShopper,
  createTown,
  eventually,
  fastClock,
  keyOf,
  linkIn,
  openShop,
  paymentOf,
  type Shop,
  type ShopOptions,
  type Shopper,
  shopTerms,
  type Town,
  tillSecret,
} from './shop.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

async function shopIn(town: Town, options?: ShopOptions): Promise<Shop> {
  const shop = await openShop(town, options)
  ends.push(() => shop.program.stop())
  return shop
}

function shopperIn(town: Town, name: string): Shopper {
  const shopper = createShopper(town, name)
  ends.push(shopper.stop)
  return shopper
}

async function pay({ till }: Shop, shopper: Shopper, name: string): Promise<unknown> {
  await till.quote(paymentOf(name), sats(500n))
  await shopper.pay(sats(500n), paymentOf(name))
  return shopper.answer()
}

describe('runTill', () => {
  it('[TP1] reads an announced box, takes the channel, and sells to it', async () => {
    const town = createTown()
    const shop = await shopIn(town)
    const shopper = shopperIn(town, 'ann')
    shop.program.announce(shopper.id)
    await shopper.open()
    expect(await pay(shop, shopper, 'tea')).toBe('paid')
    expect(await shop.till.isPaid(paymentOf('tea'))).toBe(true)
    expect(shop.neglects).toEqual([])
  })

  it('[TP1] the next program reads the boxes of all channels without an announcement, from the first unread message', async () => {
    const town = createTown()
    const records = new Map<string, StoredRecord>()
    const first = await shopIn(town, { records })
    const shopper = shopperIn(town, 'ann')
    first.program.announce(shopper.id)
    await shopper.open()
    expect(await pay(first, shopper, 'tea')).toBe('paid')
    expect(await first.program.stop()).toBe('stopped')
    await first.till.quote(paymentOf('milk'), sats(500n))
    await shopper.pay(sats(500n), paymentOf('milk'))
    const second = await shopIn(town, { records })
    expect(await shopper.answer()).toBe('paid')
    expect(await second.till.isPaid(paymentOf('milk'))).toBe(true)
  })

  it('[TP2] an id of which no channel came is not read any more after a while', async () => {
    const town = createTown()
    let later = 0
    const clock = { ...fastClock, now: () => fastClock.now() + later }
    const { program } = await shopIn(town, { run: { clock, pollMs: 500 } })
    const id = channelId(toHex(keyOf('nobody')))
    const link = linkIn(town, id, 'payer', keyOf('token'))
    program.announce(id)
    await link.send({ sequence: 1, epoch: 1, bytes: Uint8Array.of(1) })
    await eventually(async () => (await link.standing()).acknowledged === 1)
    later = announceMs
    await new Promise((resolve) => setTimeout(resolve, 50))
    await link.send({ sequence: 2, epoch: 1, bytes: Uint8Array.of(2) })
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect((await link.standing()).acknowledged).toBe(1)
    program.announce(id)
    await eventually(async () => (await link.standing()).acknowledged === 2)
  })

  it('[TP2] beyond the bound an announcement is refused, and one that is known is not', async () => {
    const town = createTown()
    const { program } = await shopIn(town, { run: { readersMax: 4 } })
    const id = (at: number) => channelId(toHex(keyOf(`nobody ${at}`)))
    for (let at = 0; at < announcedMax; at++) program.announce(id(at))
    expect(() => program.announce(id(announcedMax))).toThrow(expect.objectContaining({ code: 'till/busy' }))
    expect(() => program.announce(id(3))).not.toThrow()
  })

  it('[TP3] goes on after the node and the boxes were away, and has told of it', async () => {
    const town = createTown()
    const shop = await shopIn(town)
    const shopper = shopperIn(town, 'ann')
    shop.program.announce(shopper.id)
    await shopper.open()
    town.trouble.node = true
    await eventually(() => shop.neglects.some(({ channelId: id }) => id === shopper.id))
    expect(shop.neglects[0]?.error).toMatchObject({ code: 'node/unreachable' })
    await shop.till.quote(paymentOf('tea'), sats(500n))
    await shopper.pay(sats(500n), paymentOf('tea'))
    town.trouble.box = true
    await new Promise((resolve) => setTimeout(resolve, 50))
    town.trouble.node = false
    await new Promise((resolve) => setTimeout(resolve, 50))
    town.trouble.box = false
    expect(await shopper.answer()).toBe('paid')
    expect(await shop.till.isPaid(paymentOf('tea'))).toBe(true)
  })

  it('[TP4] a bug ends the reading of its channel alone, and the chain is still watched', async () => {
    const town = createTown()
    const shop = await openShop(town)
    await shop.program.stop()
    const { runTill } = await import('../../../sdk/till/index.ts')
    const broken = shopperIn(town, 'broken')
    const fine = shopperIn(town, 'fine')
    const neglects: unknown[] = []
    const till = {
      ...shop.till,
      take: async (message: Uint8Array) => {
        const taken = await shop.till.take(message)
        if (taken.ok && taken.channelId === broken.id) throw new InvariantError('A bug.')
        return taken
      },
    }
    const program = runTill({
      till,
      boxes: shop.boxes,
      clock: fastClock,
      pollMs: 500,
      onNeglect: (one) => neglects.push(one),
    })
    ends.push(() => program.stop())
    program.announce(broken.id)
    program.announce(fine.id)
    void broken.open().catch(() => undefined)
    await fine.open()
    await eventually(() => neglects.length > 0)
    expect(neglects).toEqual([{ channelId: broken.id, error: new InvariantError('A bug.') }])
    const { looks } = town.chain
    await eventually(() => town.chain.looks > looks + 2)
    expect(neglects).toHaveLength(1)
  })

  it('[TP5] watches the chain at every poll, and closes in time', async () => {
    const town = createTown()
    const shop = await shopIn(town)
    const shopper = shopperIn(town, 'ann')
    shop.program.announce(shopper.id)
    await shopper.open()
    expect(await pay(shop, shopper, 'tea')).toBe('paid')
    town.chain.tip = 1_988
    await eventually(() => town.chain.broadcasts.length > 0)
    expect((await shop.till.channel(shopper.id))?.phase).toBe('closing')
  })

  it('[TP6] a second till on the store takes over, and the first is told and stops', async () => {
    const town = createTown()
    const records = new Map<string, StoredRecord>()
    const first = await shopIn(town, { records })
    const shopper = shopperIn(town, 'ann')
    first.program.announce(shopper.id)
    await shopper.open()
    const second = await shopIn(town, { records })
    expect(second.boxes.epoch).toBeGreaterThan(first.boxes.epoch)
    expect(await first.program.ended).toBe('taken-over')
    expect(await pay(second, shopper, 'tea')).toBe('paid')
    expect(await second.till.isPaid(paymentOf('tea'))).toBe(true)
    expect(() => first.program.announce(shopper.id)).toThrow(expect.objectContaining({ code: 'till/busy' }))
  })

  it('[TP6] a till is told by the box too, though it does not look at the store', async () => {
    const town = createTown()
    const records = new Map<string, StoredRecord>()
    const first = await shopIn(town, { records, run: { pollMs: 1e9 } })
    const shopper = shopperIn(town, 'ann')
    first.program.announce(shopper.id)
    await shopper.open()
    const later = linkIn(town, shopper.id, 'payee', await tokenOf(shopper))
    const { sent } = await later.standing()
    await later.send({ sequence: sent + 1, epoch: first.boxes.epoch + 1, bytes: Uint8Array.of(1) })
    await first.till.quote(paymentOf('tea'), sats(500n))
    await shopper.pay(sats(500n), paymentOf('tea'))
    expect(await first.program.ended).toBe('taken-over')
  })

  it('[TP6] a till on a restored store speaks for its side again', async () => {
    const town = createTown()
    const records = new Map<string, StoredRecord>()
    const first = await shopIn(town, { records })
    const shopper = shopperIn(town, 'ann')
    first.program.announce(shopper.id)
    await shopper.open()
    await first.program.stop()
    const backup = new Map(records)
    for (let times = 0; times < 3; times++) await (await shopIn(town, { records })).program.stop()
    const restored = await shopIn(town, { records: backup })
    expect(await pay(restored, shopper, 'tea')).toBe('paid')
  })

  it('[TP7] stopping ends the message in hand first, and leaves the others in the box', async () => {
    const town = createTown()
    const shop = await shopIn(town)
    const shopper = shopperIn(town, 'ann')
    shop.program.announce(shopper.id)
    await shopper.open()
    expect(await shop.program.stop()).toBe('stopped')
    await shopper.pay(sats(500n), paymentOf('tea'))
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(shopper.answers).not.toContain('ack')
    expect(await shop.program.stop()).toBe('stopped')
  })

  it('[TP8] with few places every channel has its turn', async () => {
    const town = createTown()
    const shop = await shopIn(town, { run: { readersMax: 1, pollMs: 500 } })
    const shoppers = ['ann', 'bob', 'cyd'].map((name) => shopperIn(town, name))
    for (const shopper of shoppers) shop.program.announce(shopper.id)
    await Promise.all(shoppers.map((shopper) => shopper.open()))
    for (const [at, shopper] of shoppers.entries()) expect(await pay(shop, shopper, `tea ${at}`)).toBe('paid')
  })

  it('[TP9] the token of a channel is the same at every start, and every channel has its own', async () => {
    const [ann, bob] = [shopperIn(createTown(), 'ann'), shopperIn(createTown(), 'bob')]
    const tokens = [await tokenOf(ann), await tokenOf(ann), await tokenOf(bob)].map(toHex)
    expect(tokens[0]).toBe(tokens[1])
    expect(tokens[0]).not.toBe(tokens[2])
  })

  it('[TP9] a channel keeps its token when the till gets another key', async () => {
    const town = createTown()
    const records = new Map<string, StoredRecord>()
    const shop = await shopIn(town, { records })
    const shopper = shopperIn(town, 'ann')
    shop.program.announce(shopper.id)
    await shopper.open()
    const before = toHex(await tokenOf(shopper))
    expect(toHex(await tokenOf(shopper, { records, secrets: [tillSecret, keyOf('new')], present: 'new' }))).toBe(before)
    const other = shopperIn(town, 'bob')
    const fresh = await tokenOf(other, { records, secrets: [tillSecret, keyOf('new')], present: 'new' })
    expect(toHex(fresh)).not.toBe(toHex(await tokenOf(other)))
  })
})

/** The token that a till of this key shows for a channel. */
async function tokenOf(
  { id }: Shopper,
  { records = new Map<string, StoredRecord>(), secrets = [tillSecret], present = 'till' } = {},
): Promise<Uint8Array> {
  const signer = localTillSigner(secrets)
  const shown: Uint8Array[] = []
  const [payeeKey = shopTerms.payeeKey] = present === 'till' ? [] : (await signer.publicKeys()).slice(-1)
  const boxes = await openBoxes({
    store: memory(new Map(records)),
    signer,
    clock: fastClock,
    payeeKey,
    connect: (channel, token) => {
      shown.push(token)
      return linkIn(createTown(), channel, 'payee', token)
    },
  })
  boxes.link(id)
  const [token] = shown
  if (!token) throw new SdkError('relay/nonsense', 'No token was shown.')
  return token
}
