import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type {
  Books,
  CheatStep,
  CheatStory,
  Invited,
  Invoiced,
  Order,
  TwoWayAccount,
} from '../../../examples/checkout/api.ts'
import { esplora, httpBoxes, httpPeers, memory } from '../../../sdk/adapters/index.ts'
import { networks } from '../../../sdk/bitcoin/index.ts'
import { SdkError } from '../../../sdk/errors.ts'
import { createBitcoinKeyring } from '../../../sdk/keys/index.ts'
import { type ChannelId, fromHex, sats, toHex } from '../../../sdk/units.ts'
import {
  type BitcoinWallet,
  createBitcoinWallet,
  decodeInvitation,
  type TwoWayChannel,
} from '../../../sdk/wallet/bitcoin/index.ts'
import { keyringBitcoinSigner } from '../../../sdk/wallet/bitcoin/signer.ts'
import { type House, openHouse } from '../../browser/house.ts'
import { until } from '../../sdk/wallet/bitcoin/channelWorld.ts'

const waitMs = 30_000
let house: House
beforeAll(async () => {
  house = await openHouse()
}, 60_000)
afterAll(() => house.stop())

async function ask<value>(path: string, method = 'GET', body?: unknown): Promise<value> {
  const response = await fetch(`${house.url}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return (await response.json()) as value
}

/** A shopper with an open lane that pays both ways. */
async function shopper() {
  const keys = keyringBitcoinSigner(createBitcoinKeyring(new Uint8Array(32).fill(1), networks.regtest))
  // Through the front, which mines for whoever broadcasts there.
  const node = esplora({ url: `${house.url}/bitcoin`, network: 'regtest' })
  const parts = { keys, store: memory(), network: 'regtest', nodes: [node], pollMs: 100 } as const
  const wallet = await createBitcoinWallet({ ...parts, peers: httpPeers(), boxes: httpBoxes(), gapLimit: 2 })
  await ask('/demo/coins', 'POST', { address: await wallet.address() })
  await until(async () => {
    const { confirmed } = await wallet.balance().catch((error) => {
      if (error instanceof SdkError && error.retryable) return { confirmed: 0n } // The chain may move too fast to be looked at.
      throw error
    })
    return confirmed > 0n
  })
  const { invitation } = await ask<Invited>('/shop/two-way', 'POST')
  const decoded = decodeInvitation(fromHex(invitation as `0x${string}`))
  if (!decoded.ok) throw new Error(decoded.reason)
  const opened = await wallet.openChannel({ kind: 'two-way', invitation: decoded.value, capacity: sats(20_000n) })
  if (!opened.ok) throw new Error(opened.refusal.detail)
  const { id } = opened.channel
  await until(() => laneOf(wallet).phase === 'open')
  return { wallet, id }
}

function laneOf(wallet: BitcoinWallet): TwoWayChannel {
  const [lane] = wallet.channels()
  if (lane?.kind !== 'two-way') throw new Error('The wallet has one channel.')
  return lane
}

/** Orders, pays and fetches. */
async function buy(wallet: BitcoinWallet, id: ChannelId, wish: { article: string; part: number; amount: bigint }) {
  const { paymentId } = await wallet.request({ channel: id })
  const path = `/shop/orders/${toHex(paymentId)}`
  const { article, part, amount } = wish
  expect(await ask<Order>(path, 'PUT', { article, part })).toMatchObject({ goods: null, receipt: null })
  expect((await wallet.pay(id, sats(amount), { paymentId, waitMs })).state).toBe('paid')
  return { path, paid: () => paidOrder(path) }
}

/** The order once the shop has the last word of its payment. */
async function paidOrder(path: string): Promise<Order> {
  await until(async () => (await ask<Order>(path)).receipt !== null)
  return ask<Order>(path)
}

describe('the checkout over lanes that pay both ways', { timeout: 60_000 }, () => {
  it('sells over one as over the other kind, pays a deposit back once, and closes together', async () => {
    const { wallet, id } = await shopper()
    const story = await buy(wallet, id, { article: 'story', part: 0, amount: 40n })
    expect(await story.paid()).toMatchObject({
      goods: { kind: 'story' },
      receipt: { channel: id, number: 1, paid: 40 },
    })
    expect(await ask(`${story.path}/return`, 'POST')).toEqual({ code: 'not-lent' })
    const second = await buy(wallet, id, { article: 'song', part: 3, amount: 1n })
    expect((await second.paid()).goods).toMatchObject({ kind: 'second' })
    const poor = await buy(wallet, id, { article: 'chart', part: 0, amount: 2_499n })

    const chart = await buy(wallet, id, { article: 'chart', part: 0, amount: 2_500n })
    expect(await chart.paid()).toMatchObject({ goods: { kind: 'chart' }, isReturned: false })
    // What was paid before it is final by now, and was too little.
    expect(await ask<Order>(poor.path)).toMatchObject({ goods: null, receipt: null })
    // The shop asks by an invoice as well, once an order, and hands over what is paid by it.
    const { paymentId } = await wallet.request({ channel: id })
    const path = `/shop/orders/${toHex(paymentId)}`
    await ask<Order>(path, 'PUT', { article: 'story', part: 0 })
    expect(await ask(`${path}/invoice`, 'POST', { channel: `0x${'00'.repeat(32)}` })).toEqual({
      code: 'wallet/unknown-channel',
    })
    expect(await ask(`${chart.path}/invoice`, 'POST', { channel: id })).toEqual({ code: 'unknown-order' })
    const { invoice } = await ask<Invoiced>(`${path}/invoice`, 'POST', { channel: id })
    expect((await ask<Invoiced>(`${path}/invoice`, 'POST', { channel: id })).invoice).toBe(invoice)
    expect(await ask<Order>(path)).toMatchObject({ goods: null, receipt: null })
    expect(await wallet.pay(invoice, { waitMs })).toMatchObject({ state: 'paid', amount: 40_000n, fee: 0n })
    expect(await paidOrder(path)).toMatchObject({ goods: { kind: 'story' }, receipt: { channel: id, paid: 40 } })

    const told = await Promise.all([ask<Order>(`${chart.path}/return`, 'POST'), ask(`${chart.path}/return`, 'POST')])
    expect(told).toContainEqual(expect.objectContaining({ isReturned: true, goods: null }))
    expect(told).toContainEqual({ code: 'returned-already' })
    const spent = 40n + 1n + 2_499n + 2_500n - 1_500n + 40n
    await until(() => laneOf(wallet).balance === 1_000n * (20_000n - spent))
    // An invitation that nobody has answered is withdrawn, and whoever answers it is told so.
    const { invitation } = await ask<Invited>('/shop/two-way', 'POST')
    expect((await ask<Books>('/merchant/books')).invitations).toBe(1)
    expect(await ask('/merchant/invitations/withdraw', 'POST')).toEqual({ withdrawn: 1 })
    expect(await ask('/merchant/invitations/withdraw', 'POST')).toEqual({ withdrawn: 0 })
    const late = decodeInvitation(fromHex(invitation as `0x${string}`))
    if (!late.ok) throw new Error(late.reason)
    const answered = await wallet.openChannel({ kind: 'two-way', invitation: late.value, capacity: sats(20_000n) })
    await until(() => wallet.channels().some(({ phase }) => phase === 'declined'))
    expect(answered.ok && wallet.channels().find(({ id }) => id === answered.channel.id)).toMatchObject({
      words: 'The invitation was withdrawn before you answered it. No coin has left, and they are free again.',
    })

    const { twoWay: shown, twoWaySales, twoWaySold } = await ask<Books>('/merchant/books')
    expect(twoWaySold).toEqual({ sales: 5, paid: Number(spent) + 1_500, back: 1_500 })
    const sales = twoWaySales.map((sale) => [sale.article, sale.paid, sale.isByInvoice, sale.back])
    expect(sales).toEqual([
      ['story', 40, true, 0],
      ['chart', 2_500, false, 1_500],
      ['chart', 2_499, false, 0],
      ['song', 1, false, 0],
      ['story', 40, false, 0],
    ])
    expect(twoWaySales[0]).toMatchObject({ paymentId: toHex(paymentId), channel: id })
    const table = await (await fetch(`${house.url}/merchant/ledger.csv`)).text()
    const rows = table.split('\r\n').map((row) => row.split(',').slice(2))
    expect(rows.slice(1, 3)).toEqual([
      ['story', '1', id, `${twoWaySales[0]?.number}`, '40', 'invoice', '0'],
      ['chart', '1', id, `${twoWaySales[1]?.number}`, '2500', 'two-way', '1500'],
    ])
    expect(rows).toHaveLength(twoWaySales.length + 2)
    expect(shown).toMatchObject([{ channel: id, phase: 'open', balance: Number(spent), capacity: 20_000 }])

    await wallet.closeChannel(id)
    await until(() => laneOf(wallet).phase === 'closed')
    const account = async () => ask<TwoWayAccount>(`/shop/two-way/${id}`)
    await until(async () => (await account()).closing !== null)
    const { closing } = await account()
    const fee = closing?.fee ?? 0
    expect(fee).toBeGreaterThan(0)
    expect([...(closing?.values ?? [])].sort((a, b) => a - b)).toEqual([Number(spent), 20_000 - Number(spent) - fee])
    wallet.close()
  })

  it('leaves a shopper who broadcasts an old state with nothing of the lane, and every satoshi is accounted for', async () => {
    await ask<CheatStory>('/demo/cheat', 'POST')
    expect(await ask('/demo/cheat', 'POST')).toEqual({ code: 'playing-already' })
    await until(async () => !(await ask<CheatStory>('/demo/cheat')).isPlaying)
    const { steps, trouble } = await ask<CheatStory>('/demo/cheat')
    expect({ trouble, types: steps.map(({ type }) => type) }).toEqual({
      trouble: null,
      types: ['opened', 'copied', 'paid', 'broadcast', 'caught', 'ended'],
    })
    const step = <type extends CheatStep['type']>(type: type) =>
      steps.find((one) => one.type === type) as Extract<CheatStep, { type: type }>
    expect(step('paid')).toMatchObject({ paid: 20_000, number: 8, balance: 30_000 })
    // It would have had everything back: what it had not paid, and what it had.
    expect(step('broadcast')).toMatchObject({ number: 0, claimed: 50_000 })
    const { capacity, toShop, toCheat, stateFee, justiceFee, anchors } = step('ended')
    expect(toCheat).toBe(0)
    expect(toShop + stateFee + justiceFee + anchors).toBe(capacity)
    expect(toShop).toBeGreaterThan(45_000)
    expect(await house.bitcoin.node.transaction(step('caught').txid as never)).not.toBeNull()
  })
})
