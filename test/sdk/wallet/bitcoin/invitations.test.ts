import { afterEach, describe, expect, it } from 'vitest'
import { channelId, sats } from '../../../../sdk/units.ts'
import { until } from './channelWorld.ts'
import { channelOf, createHtlcWorld, type HtlcWorld, phaseOf, terms } from './htlcWorld.ts'

let world: HtlcWorld
afterEach(() => world.stop())

describe('an invitation that is withdrawn', { timeout: 60_000 }, () => {
  it('[TW6] is answered by no, also after a restart, and costs who answers it nothing; an answer that came first stands', async () => {
    world = createHtlcWorld()
    const [anna, ben] = [await world.person(), await world.person()]
    await world.ground.fund(await anna.wallet.address(), sats(300_000n))
    await world.ground.mine(1)
    await anna.wallet.refresh()
    const before = (await anna.wallet.balance()).confirmed
    const invite = () => ben.wallet.invite({ box: 'memory:', terms })
    const open = async (invitation: Awaited<ReturnType<typeof invite>>) => {
      const opened = await anna.wallet.openChannel({ kind: 'two-way', invitation, capacity: sats(100_000n) })
      if (!opened.ok) throw new Error(opened.refusal.detail)
    }

    const late = await invite()
    for (let times = 0; times < 2; times++)
      expect(await ben.wallet.withdraw(late.id)).toMatchObject({ ok: true, channel: { phase: 'withdrawn' } })
    await ben.begin()
    expect(channelOf(ben, late.id)).toMatchObject({ phase: 'withdrawn', awayAdvice: 'Nothing is at stake.' })
    await open(late)
    await until(() => phaseOf(anna, late.id) === 'declined')
    expect(channelOf(anna, late.id)).toMatchObject({ fault: 'withdrawn', fundingTxid: null, balance: 0n })
    expect((await anna.wallet.balance()).confirmed).toBe(before)

    const stood = await invite()
    await open(stood)
    await until(() => phaseOf(ben, stood.id) !== 'invited')
    expect(await ben.wallet.withdraw(stood.id)).toMatchObject({ ok: false, refusal: { code: 'answered' } })
    await until(() => phaseOf(anna, stood.id) === 'funding' && phaseOf(ben, stood.id) === 'funding')
    expect(await anna.wallet.withdraw(stood.id)).toMatchObject({ ok: false, refusal: { code: 'not-invited' } })
    await expect(ben.wallet.withdraw(channelId(`0x${'0'.repeat(64)}`))).rejects.toMatchObject({
      code: 'wallet/unknown-channel',
    })
  })
})
