import { describe, expect, it } from 'vitest'
import type { StoredRecord } from '../../../sdk/ports.ts'
import { sats } from '../../../sdk/units.ts'
import { createRandom } from '../../sim/random.ts'
import { createShopper, createTown, eventually, openShop, paymentOf, type Shop } from './shop.ts'

/** Chance of each fault at each step of a world. */
const faults = { node: 0.15, box: 0.15, heal: 0.4, restart: 0.1, second: 0.1 }
const steps = 40

/**
 * Shoppers pay while nodes and boxes fail, and tills are stopped, started and doubled on one store. After healing,
 * everything that was signed has its answer, and is charged once.
 */
describe('a till among faults', () => {
  it.each([1, 2, 3, 4])('[TP1] [TP3] [TP6] loses no payment and charges none twice (seed %i)', async (seed) => {
    const random = createRandom(seed)
    const town = createTown()
    const records = new Map<string, StoredRecord>()
    const open = () => openShop(town, { records, run: { pollMs: 500, readersMax: 2 }, undepositedMax: sats(0n) })
    const shops: Shop[] = [await open()]
    const shop = () => shops.at(-1) as Shop
    const shoppers = ['ann', 'bob', 'cyd'].map((name) => createShopper(town, `${name} ${seed}`))
    for (const shopper of shoppers) {
      shop().program.announce(shopper.id)
      await shopper.open()
    }
    const sold: string[] = []
    for (let step = 0; step < steps; step++) {
      town.trouble.node = random.chance(town.trouble.node ? 1 - faults.heal : faults.node)
      town.trouble.box = random.chance(town.trouble.box ? 1 - faults.heal : faults.box)
      if (random.chance(faults.restart)) {
        await shop().program.stop()
        shops.push(await open())
      }
      if (random.chance(faults.second)) shops.push(await open())
      const shopper = random.pick(shoppers)
      const name = `tea ${seed} ${step}`
      await shop().till.quote(paymentOf(name), sats(10n))
      const paid = await shopper.pay(sats(10n), paymentOf(name)).catch(() => new Uint8Array(0))
      if (typeof paid !== 'string') sold.push(name)
      await new Promise((resolve) => setTimeout(resolve, random.below(20)))
    }
    Object.assign(town.trouble, { node: false, box: false })
    for (const shopper of shoppers) {
      await shopper.resend()
      expect(await shopper.answer()).toBe('paid')
    }
    await eventually(async () => (await Promise.all(sold.map(isPaid))).every(Boolean))
    const { spent, paid, credit } = await (await reopened()).till.income()
    expect(spent).toBe(10n * BigInt(sold.length))
    expect(paid).toBe(spent + credit)
    expect(sold.length).toBeGreaterThan(2)
    for (const { program } of shops) await program.stop()
    for (const shopper of shoppers) shopper.stop()

    async function isPaid(name: string): Promise<boolean> {
      return shop().till.isPaid(paymentOf(name))
    }
    async function reopened(): Promise<Shop> {
      shops.push(await open())
      return shop()
    }
  })
})
