import { afterEach, describe, expect, it } from 'vitest'
import { sats } from '../../../../sdk/units.ts'
import { until } from './channelWorld.ts'
import {
  balanceOf,
  channelOf,
  createHtlcWorld,
  endsAfter,
  type HtlcWorld,
  hubTerms,
  type Person,
  phaseOf,
} from './htlcWorld.ts'

const amount = sats(40_000n)
const description = 'two teas'

let world: HtlcWorld
afterEach(() => world.stop())

describe('a payment by hash whose sides do not finish it', { timeout: 60_000 }, () => {
  it('[TW33] is taken on the chain when the payer goes away after it was offered, and is proven by it', async () => {
    world = createHtlcWorld()
    const [anna, ben] = [await world.person(), await world.person()]
    const channel = await world.open(anna, ben)
    await world.reserve(ben, 0)
    const request = await ben.wallet.request({ kind: 'invoice', channel, amount, description })
    const { invoice, paymentHash } = request
    silencesOnceTaken(ben, anna)
    expect((await anna.wallet.pay(invoice, { channel, waitMs: 1_000 })).state).toBe('pending')
    anna.end()
    await world.mineUntil(() => phaseOf(ben, channel) === 'closed', ben)
    await ben.wallet.refresh()
    expect((await ben.wallet.balance()).confirmed).toBeGreaterThan(38_000n)
    expect(await ben.wallet.received(request)).toMatchObject({ amount })
    await anna.begin()
    await world.mineUntil(async () => (await anna.twoWay.payment(paymentHash))?.state === 'paid', anna)
  })

  it('[TW33] comes back from the chain when the payee goes away', async () => {
    world = createHtlcWorld()
    const [anna, ben] = [await world.person(), await world.person()]
    const channel = await world.open(anna, ben)
    await world.reserve(anna, 0)
    const request = await ben.wallet.request({ kind: 'invoice', channel, amount, description })
    const { invoice, paymentHash } = request
    const gone = endsAfter(ben, 'bitcoin/two-way-notes/', 2)
    const pending = anna.wallet.pay(invoice, { channel, waitMs: 500 })
    await gone
    expect((await pending).state).toBe('pending')
    await world.mineUntil(() => phaseOf(anna, channel) === 'closed', anna)
    const failed = { state: 'failed', paymentHash, reason: 'channel-ended' }
    expect(await anna.twoWay.payment(paymentHash)).toEqual(failed)
    // The reserve for fees goes home when the channel is over. [TW46]
    await world.mineUntil(() => channelOf(anna, channel)?.reserve === 0n, anna)
    await anna.wallet.refresh()
    expect((await anna.wallet.balance()).confirmed).toBeGreaterThan(290_000n)
  })

  it('[HB6] is paid by what the chain tells, when the payee is heard nowhere else', async () => {
    world = createHtlcWorld()
    const [anna, hugo, ben] = [await world.person(), await world.person({ hub: hubTerms }), await world.person()]
    const from = await world.open(anna, hugo)
    const to = await world.open(hugo, ben)
    await world.reserve(ben, 0)
    const request = await ben.wallet.request({ kind: 'invoice', channel: to, amount, description })
    const { invoice, paymentHash } = request
    silencesOnceTaken(ben, ben)
    expect((await anna.wallet.pay(invoice, { channel: from, waitMs: 1_000 })).state).toBe('pending')
    const isPaid = async () => (await anna.twoWay.payment(paymentHash))?.state === 'paid'
    await world.mineUntil(isPaid, ben, hugo, anna)
    expect(phaseOf(anna, from)).toBe('open')
    await until(() => balanceOf(hugo, from) === 40_002_000n)
  })
})

/** As soon as the payee has kept the preimage with its channel, nothing that one of them says arrives. */
function silencesOnceTaken(payee: Person, one: Person): void {
  payee.stored = (writes) => {
    if (writes.some(({ key }) => key.startsWith('bitcoin/two-way-invoices/'))) one.isMute = true
  }
}
