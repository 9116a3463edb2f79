import { afterEach, describe, expect, it } from 'vitest'
import { msats, sats } from '../../../../sdk/units.ts'
import { until } from './channelWorld.ts'
import { balanceOf, createHtlcWorld, endsAfter, type HtlcWorld, hubTerms, phaseOf, waitMs } from './htlcWorld.ts'

const description = 'two teas'

let world: HtlcWorld
afterEach(() => world.stop())

/** A payer, a hub that leaves copies, and a payee, with a channel on each side of the hub. */
async function begun() {
  world = createHtlcWorld()
  const anna = await world.person()
  const hugo = await world.person({ hub: hubTerms, backup: world.backup() })
  const ben = await world.person()
  return { anna, hugo, ben, from: await world.open(anna, hugo), to: await world.open(hugo, ben) }
}

describe('a hub that loses its disk', { timeout: 60_000 }, () => {
  it('[HB11] [TW53] comes back from its copies, finishes what was on its way, and passes on again', async () => {
    const { anna, hugo, ben, from, to } = await begun()
    const small = msats(2_000_000n)
    const isThorough = process.env.LANEKIT_CHAIN_STORIES === 'all'
    let count = 0n
    // Commits of a payment: what was asked for, taken, offered on, answered, paid, given to the other side, and more.
    for (const number of isThorough ? Array.from({ length: 9 }, (_, at) => at + 1) : [4, 6]) {
      const request = await ben.wallet.request({
        kind: 'invoice',
        channel: to,
        amount: sats(2_000n),
        description,
        waitMs,
      })
      const { invoice } = request
      const crash = endsAfter(hugo, 'bitcoin/two-way', number)
      const first = anna.wallet.pay(invoice, { channel: from, waitMs: 100 })
      await crash
      await first
      await hugo.beginAgain()
      await until(() => phaseOf(hugo, from) === 'open' && phaseOf(hugo, to) === 'open')
      const paid = await anna.wallet.pay(invoice, { channel: from, waitMs })
      // Of what had not come to it yet the order is lost.
      if (paid.state === 'paid') count += 1n
      else expect(paid).toMatchObject({ state: 'refused', fault: 'no-way' })
      if (number >= 4) expect(paid.state, `after commit ${number}`).toBe('paid')
      await until(() => balanceOf(ben, to) === count * small)
      await until(() => balanceOf(hugo, from) === count * (small + hubTerms.fee))
      await until(() => balanceOf(anna, from) === 100_000_000n - count * (small + hubTerms.fee))
    }
  })

  it('[HB6] [HB11] is paid by what the chain told while it was away', async () => {
    const { anna, hugo, ben, from, to } = await begun()
    await world.reserve(ben, 0)
    const request = await ben.wallet.request({ kind: 'invoice', channel: to, amount: sats(40_000n), description })
    const { invoice, paymentHash } = request
    ben.stored = (writes) => {
      if (writes.some(({ key }) => key.startsWith('bitcoin/two-way-invoices/'))) ben.isMute = true
    }
    expect((await anna.wallet.pay(invoice, { channel: from, waitMs: 100 })).state).toBe('pending')
    await until(() => ben.isMute)
    hugo.end()
    await world.mineUntil(() => phaseOf(ben, to) === 'closed', ben)
    await hugo.beginAgain()
    const isPaid = async () => (await anna.twoWay.payment(paymentHash))?.state === 'paid'
    await until(isPaid)
    expect(phaseOf(anna, from)).toBe('open')
    await until(() => balanceOf(hugo, from) === 40_002_000n)
    await world.mineUntil(() => phaseOf(hugo, to) === 'closed', hugo)
  })
})
