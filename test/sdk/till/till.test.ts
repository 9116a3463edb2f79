import { describe, expect, it } from 'vitest'
import { decodeTransaction } from '../../../sdk/bitcoin/index.ts'
import { channelIdOf, encodePayee, openPayee } from '../../../sdk/channel/index.ts'
import { currentEngine } from '../../../sdk/crypto/engine.ts'
import {
  createTill,
  finalBlocks,
  fundingBlocksMax,
  localTillSigner,
  quotesMax,
  type Till,
  waitingMax,
} from '../../../sdk/till/index.ts'
import { encodeQuote, keys } from '../../../sdk/till/records.ts'
import { height, sats } from '../../../sdk/units.ts'
import {
  channelId,
  deep,
  expired,
  late,
  opening,
  payeeSecret,
  payerSecret,
  shallow,
  signed,
  terms,
  unfunded,
  update,
  view,
  withByte,
} from '../channel/fixtures.ts'
import { at, named, openShop, otherOpening, type Shop, sealed } from './fixtures.ts'

const toAnother = { ...opening, terms: { ...terms, payeeKey: currentEngine().publicKey(withByte(payeeSecret, 0, 3)) } }
const open = sealed({ type: 'open', opening })
const pay = sealed({ type: 'update', update: update(1, 400n) })
const taken = { ok: true, channelId, fault: null } as const

describe('a till, offered a channel', () => {
  it('[OW7] takes it, stores it, and says so', async () => {
    const { shop, till } = await opened()
    expect(till.channels()).toEqual([channelId])
    expect(await till.channel(channelId)).toEqual({ phase: 'open', opening, since: 110, best: null, spent: 0n })
    expect(shop.sent).toEqual([{ type: 'standing', status: 'waiting', channelId, best: null, spent: 0n }])
  })

  it('[OW7] takes the same one again, as the same channel', async () => {
    const { shop, till } = await opened()
    expect(await till.take(open)).toEqual(taken)
    expect([till.channels(), shop.sent.length]).toEqual([[channelId], 2])
  })

  it.each([
    ['another one on the same output', { funding: opening.funding, capacity: sats(20_001n) }, 'funding-taken'],
    ['one that expires too soon', { expiry: height(200) }, 'expiry-out-of-range'],
    ['one of too little', { capacity: sats(999n) }, 'capacity-out-of-range'],
  ] as const)('[OW7] declines %s', async (_, change, fault) => {
    const { shop, till } = await opened()
    const other = otherOpening(change)
    const answer = await till.take(sealed({ type: 'open', opening: other }, { of: other }))
    expect(answer).toEqual({ ok: true, channelId: channelIdOf(other), fault })
    expect(shop.sent.at(-1)).toEqual({ type: 'declined', channelId: channelIdOf(other), fault })
    expect(till.channels()).toEqual([channelId])
  })

  it('[OW7] takes two at once on one output as one', async () => {
    const shop = openShop()
    const till = await createTill(shop.options)
    const other = otherOpening({ funding: opening.funding, capacity: sats(20_001n) })
    const messages = [open, open, sealed({ type: 'open', opening: other }, { of: other })]
    const answers = await Promise.all(messages.map(till.take))
    expect(answers.map((answer) => answer.ok && answer.fault)).toEqual([null, null, 'funding-taken'])
    expect(till.channels()).toEqual([channelId])
  })

  it.each([
    ['rubbish', new Uint8Array(50)],
    ['an update of a channel that is elsewhere', pay],
    ['what a payee says', sealed({ type: 'declined', channelId, fault: 'busy' })],
    [
      '[OW26] an offer that its payer did not seal',
      sealed({ type: 'open', opening }, { secret: withByte(payeeSecret, 0, 9) }),
    ],
    ['an offer to another payee', sealed({ type: 'open', opening: toAnother }, { of: toAnother })],
  ])('drops %s without an answer', async (_, message) => {
    const shop = openShop()
    const till = await createTill(shop.options)
    expect((await till.take(message)).ok).toBe(false)
    expect([shop.sent, shop.records.size]).toEqual([[], 0])
  })
})

describe('a till, paid', () => {
  it('[OW15] stores the payment with its channel, and gives goods from the store alone', async () => {
    const { shop, till } = await funded()
    expect(await till.isPaid(named(1))).toBe(false)
    expect(await till.take(pay)).toEqual(taken)
    expect(shop.sent.at(-1)).toEqual({ type: 'ack', channelId, number: 1, paid: 400n, spent: 12n })
    const again = await createTill({ ...shop.options, store: shop.options.store })
    expect([await again.isPaid(named(1)), (await again.channel(channelId))?.spent]).toEqual([true, 12n])
  })

  it('[OW15] has stored it even where the answer was lost', async () => {
    const { shop, till } = await funded()
    shop.onSend = () => {
      throw new Error('no way')
    }
    await expect(till.take(pay)).rejects.toThrow('no way')
    expect(await till.isPaid(named(1))).toBe(true)
    shop.onSend = () => undefined
    expect(await till.take(pay)).toEqual(taken)
    expect((await till.channel(channelId))?.spent).toBe(12n)
  })

  it('[OW12] charges a payment once, in whatever channel', async () => {
    const { shop, till } = await funded()
    const other = otherOpening()
    shop.view = { ...unfunded }
    await till.take(sealed({ type: 'open', opening: other }, { of: other }))
    shop.view = view
    await till.take(pay)
    expect(await till.take(again(2, 400n, 1))).toEqual(taken)
    expect((await till.channel(channelId))?.spent).toBe(12n)
    expect(await till.quote(named(1), sats(99n))).toEqual({ price: 12n, expiresAt: shop.now })
  })

  it('[OW12] does not sell what has no price, or whose price has expired', async () => {
    const { shop, till } = await funded()
    expect(await till.take(again(1, 400n, 2))).toEqual({ ...taken, fault: 'unknown-payment' })
    shop.now += 3_600_000
    expect(await till.take(pay)).toEqual({ ...taken, fault: 'unknown-payment' })
    expect(await till.isPaid(named(1))).toBe(false)
  })

  it.each([
    ['[OW8] before the funding is deep', unfunded, 'funding-unproven'],
    ['[OW18] when it should close', late, 'not-open'],
    ['[OW18] when the funding is spent', shallow, 'not-open'],
  ] as const)('takes nothing %s', async (_, seen, fault) => {
    const { shop, till } = await funded()
    shop.view = seen
    expect(await till.take(pay)).toEqual({ ...taken, fault })
    expect(await till.isPaid(named(1))).toBe(false)
  })

  it('[OW26] drops an update that somebody turned to another payment', async () => {
    const { till } = await funded()
    const turned = sealed(
      { type: 'update', update: { ...update(1, 400n), paymentId: named(2) } },
      { secret: withByte(payeeSecret, 0, 9) },
    )
    expect((await till.take(turned)).ok).toBe(false)
    expect((await till.channel(channelId))?.best).toBeNull()
  })
})

describe("a till's quotes", () => {
  it('stand until they expire, whatever is asked later', async () => {
    const { shop, till } = await opened()
    const first = await till.quote(named(3), sats(5n), 1_000)
    expect(first).toEqual({ price: 5n, expiresAt: shop.now + 1_000 })
    expect(await till.quote(named(3), sats(6n))).toEqual(first)
    shop.now += 1_000
    expect((await till.quote(named(3), sats(6n))).price).toBe(6n)
  })

  it('are of ids of 16 bytes', async () => {
    const { till } = await opened()
    await expect(till.quote(new Uint8Array(15), sats(5n))).rejects.toMatchObject({ code: 'units/malformed' })
  })
})

describe("a till's limits", () => {
  it('are channels that wait for their first payment', async () => {
    const { shop } = await opened()
    for (let index = 1; index < waitingMax; index++) {
      const waiting = otherOpening({ funding: { ...opening.funding, index } })
      const bytes = encodePayee(openPayee(waiting, height(110)))
      shop.records.set(keys.channel(channelIdOf(waiting)), { version: 1, bytes })
    }
    const till = await createTill(shop.options)
    const other = otherOpening()
    expect(await till.take(sealed({ type: 'open', opening: other }, { of: other }))).toMatchObject({ fault: 'busy' })
    expect(till.channels()).toHaveLength(waitingMax)
  })

  it('are quotes that stand; those that have expired make room', async () => {
    const { shop } = await opened()
    const bytes = encodeQuote({ price: sats(1n), expiresAt: shop.now + 1 })
    for (let at = 0; at < quotesMax; at++)
      shop.records.set(`${keys.quotes}${at.toString(16).padStart(32, '0')}`, { version: 1, bytes })
    const till = await createTill(shop.options)
    await expect(till.quote(named(9), sats(5n))).rejects.toMatchObject({ code: 'till/busy', retryable: true })
    shop.now += 1
    expect((await till.quote(named(9), sats(5n))).price).toBe(5n)
  })
})

describe('what a till leaves with the box', () => {
  it('[OW25] covers a payment before it is acknowledged, where more is at stake than it may lose', async () => {
    const { shop, till } = await funded({ undepositedMax: sats(399n) })
    shop.onSend = () => expect(shop.deposits).toHaveLength(1)
    await till.take(pay)
    expect(shop.deposits).toMatchObject([{ channelId, number: 1, paid: 400n, broadcastHeight: 628 }])
    const transaction = decodeTransaction((shop.deposits[0] as (typeof shop.deposits)[0]).transaction)
    expect(transaction.ok && transaction.value.outputs.map(({ value }) => value)).toEqual([400n, 19_300n])
  })

  it('[OW25] may wait for the next watch, where little is at stake', async () => {
    const { shop, till } = await funded({ undepositedMax: sats(400n) })
    await till.take(pay)
    expect([shop.deposits.length, await till.isPaid(named(1))]).toEqual([0, true])
    await till.watch()
    expect(shop.deposits).toMatchObject([{ number: 1 }])
    await till.watch()
    expect(shop.deposits).toHaveLength(1)
  })

  it('is what the till itself would close with', async () => {
    const { till } = await funded()
    expect(await till.bestClose(channelId)).toBeNull()
    await till.take(pay)
    expect(await till.bestClose(channelId)).toMatchObject({ number: 1, paid: 400n })
  })
})

describe('a till that watches the chain', () => {
  it('[OW18] closes in time, and goes on until the spend is deep', async () => {
    const { shop, till } = await funded()
    await till.take(pay)
    shop.view = late
    expect(await till.watch()).toEqual([])
    await till.watch()
    expect(shop.broadcasts).toHaveLength(2)
    expect(shop.broadcasts[0]).toEqual(shop.broadcasts[1])
    shop.view = deep
    await till.watch()
    expect((await till.channel(channelId))?.phase).toBe('closed')
    expect(await till.income()).toEqual({ channels: 1, paid: 400n, spent: 12n, credit: 388n, settled: 400n })
  })

  it('[OW20] closes when it wants to, once', async () => {
    const { shop, till } = await funded()
    await till.take(pay)
    await till.close(channelId)
    expect((await till.channel(channelId))?.phase).toBe('closing')
    expect([shop.broadcasts.length, await till.take(again(2, 500n, 1))]).toEqual([1, { ...taken, fault: 'not-open' }])
  })

  it('[OW19] closes with the payer at its fee', async () => {
    const { shop, till } = await funded()
    await till.take(pay)
    const signature = signed(sats(400n), sats(250n))
    expect(await till.take(sealed({ type: 'close', channelId, number: 1, fee: sats(250n), signature }))).toEqual(taken)
    const transaction = decodeTransaction(shop.broadcasts[0] as Uint8Array)
    expect(transaction.ok && transaction.value.outputs.map(({ value }) => value)).toEqual([400n, 19_350n])
  })

  it('forgets what nobody funds, and frees its output', async () => {
    const { shop, till } = await opened()
    shop.view = { ...at(110 + fundingBlocksMax), fundedAt: null }
    expect(await till.watch()).toEqual([])
    expect([till.channels(), shop.records.size]).toEqual([[], 0])
  })

  it('archives what has ended for good, and keeps its sums and its goods', async () => {
    const { shop, till } = await funded()
    await till.take(pay)
    shop.view = { ...deep, height: height(120 + finalBlocks) }
    await till.watch()
    expect([till.channels(), await till.channel(channelId), await till.isPaid(named(1))]).toEqual([[], null, true])
    expect(await till.income()).toEqual({ channels: 1, paid: 400n, spent: 12n, credit: 388n, settled: 400n })
  })

  it('looks after the others when it fails at one', async () => {
    const { shop, till } = await funded()
    const other = otherOpening()
    await till.take(sealed({ type: 'open', opening: other }, { of: other }))
    await till.take(pay)
    const record = `till/channels/${channelIdOf(other).slice(2)}`
    shop.records.set(record, { version: 1, bytes: new Uint8Array(3) })
    shop.view = expired
    const again = await createTill(shop.options)
    expect(await again.watch()).toMatchObject([{ channelId: channelIdOf(other), error: { code: 'store/corrupt' } }])
    expect((await again.channel(channelId))?.phase).toBe('closing')
  })
})

describe('a till with wrong terms', () => {
  it.each([
    ['contradict themselves', { terms: { ...terms, marginBlocks: 0 } }],
    ['name a key that its signer lacks', { signer: localTillSigner([payerSecret]) }],
  ])('is not opened when they %s', async (_, change) => {
    await expect(createTill({ ...openShop().options, ...change })).rejects.toMatchObject({
      code: 'till/malformed-terms',
    })
  })
})

async function opened(setting: Parameters<typeof openShop>[0] = {}): Promise<{ shop: Shop; till: Till }> {
  const shop = openShop(setting)
  const till = await createTill(shop.options)
  expect(await till.take(open)).toEqual(taken)
  return { shop, till }
}

/** One that is funded, with a price of 12 sat for the payment named 1. */
async function funded(setting: Parameters<typeof openShop>[0] = {}): Promise<{ shop: Shop; till: Till }> {
  const { shop, till } = await opened(setting)
  shop.view = view
  await till.quote(named(1), sats(12n))
  return { shop, till }
}

function again(number: number, paid: bigint, name: number): Uint8Array {
  return sealed({ type: 'update', update: update(number, paid, { name }) })
}
