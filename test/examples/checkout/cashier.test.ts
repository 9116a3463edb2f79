import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Order } from '../../../examples/checkout/api.ts'
import { type CashierParts, openCashier, type Paid } from '../../../examples/checkout/shopper/cashier.ts'
import type { Purchase } from '../../../examples/checkout/shopper/model.ts'
import { hexOf, newPurchase, openPurchases } from '../../../examples/checkout/shopper/purchases.ts'
import { memory } from '../../../sdk/adapters/memory.ts'
import { SdkError } from '../../../sdk/errors.ts'
import type { StoredRecord } from '../../../sdk/ports.ts'

/** A shop that charges an id once, as the till does. */
function openShop() {
  const charged = new Map<string, bigint>()
  const orders = new Map<string, { article: Order['article']; part: number }>()
  const shop = { isDown: false, price: 1 }
  const fetch = (async (path: string, init: { method: string; body?: string }) => {
    if (shop.isDown) throw new TypeError('down')
    const paymentId = path.split('/').at(-1) ?? ''
    if (init.method === 'PUT') orders.set(paymentId, JSON.parse(init.body ?? '{}'))
    const { article, part } = orders.get(paymentId) ?? { article: 'leaves', part: 0 }
    const isPaid = charged.has(paymentId)
    const receipt = isPaid
      ? { paymentId, article, part, price: shop.price, at: 0, channel: '0x', number: 1, paid: 1 }
      : null
    const goods = isPaid ? { kind: 'leaf', day: part + 1, high: '', low: '', metres: 1 } : null
    return Response.json({ paymentId, article, part, price: shop.price, goods, receipt })
  }) as unknown as CashierParts['fetch']
  return { shop, charged, fetch }
}

const wish = { article: 'leaves', parts: 20, price: 1n } as const

describe('the cashier', () => {
  beforeEach(() => {
    vi.useFakeTimers({ shouldAdvanceTime: true, advanceTimeDelta: 50 })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  function openAt(
    records: Map<string, StoredRecord>,
    { shop, charged, fetch }: ReturnType<typeof openShop>,
    pay?: CashierParts['pay'],
  ) {
    const seen: Purchase[] = []
    const troubles: string[] = []
    const cashier = openCashier({
      purchases: openPurchases(memory(records)),
      fetch,
      pay:
        pay ??
        (async (amount, id) => {
          charged.set(hexOf(id), amount)
          return { state: 'paid' }
        }),
      isHeld: () => false,
      changed: (purchase) => seen.push(purchase),
      failed: ({ code }) => troubles.push(code),
      use: async () => undefined,
    })
    return { cashier, seen, troubles, shop, charged, last: () => seen.at(-1) }
  }

  it('pays every part once', async () => {
    const { cashier, charged, last } = openAt(new Map(), openShop())
    await cashier.buy(newPurchase(wish))
    expect(last()).toMatchObject({ state: 'done', paid: 20 })
    expect([charged.size, [...charged.values()].reduce((sum, one) => sum + one, 0n)]).toEqual([20, 20n])
  })

  it('goes on where it was after the page was closed anywhere, under the same ids', async () => {
    const records = new Map<string, StoredRecord>()
    const shop = openShop()
    const purchase = newPurchase(wish)
    for (const stopAt of [1, 3, 7, 12]) {
      const page = openAt(records, shop, async (amount, id): Promise<Paid> => {
        shop.charged.set(hexOf(id), amount)
        // The payment has arrived, and the page is gone before it hears of it.
        if (shop.charged.size === stopAt) page.cashier.close()
        return { state: 'pending' }
      })
      if (stopAt === 1) await page.cashier.buy(purchase)
      else {
        await page.cashier.restore()
        await vi.waitFor(() => expect(shop.charged.size).toBeGreaterThanOrEqual(stopAt))
      }
    }
    const page = openAt(records, shop)
    await page.cashier.restore()
    await vi.waitFor(() => expect(page.last()).toMatchObject({ state: 'done', paid: 20 }))
    expect(shop.charged.size).toBe(20)
  })

  it('waits while a payment has no answer, and while the shop is gone, and never calls that a refusal', async () => {
    const shop = openShop()
    let asked = 0
    const page = openAt(new Map(), shop, async (amount, id): Promise<Paid> => {
      asked += 1
      if (asked === 3) shop.shop.isDown = true
      if (asked === 3) setTimeout(() => Object.assign(shop.shop, { isDown: false }), 2_000)
      if (asked % 4 === 1) return { state: 'refused', fault: 'unanswered' }
      shop.charged.set(hexOf(id), amount)
      return { state: 'pending' }
    })
    await page.cashier.buy(newPurchase(wish))
    expect(page.seen.some(({ state }) => state === 'waiting')).toBe(true)
    expect(page.seen.some(({ state }) => state === 'refused')).toBe(false)
    expect([page.last()?.state, shop.charged.size]).toEqual(['done', 20])
  })

  it('stops once the part in hand is paid and fetched, however late, and before the next one', async () => {
    const shop = openShop()
    let asked = 0
    const page = openAt(new Map(), shop, async (amount, id): Promise<Paid> => {
      asked += 1
      if (asked === 3) page.cashier.stop(purchase.id)
      // On its way for a while, and the shop away meanwhile.
      if (asked === 4) Object.assign(shop.shop, { isDown: true })
      if (asked === 4) setTimeout(() => Object.assign(shop.shop, { isDown: false }), 1_000)
      if (asked === 3 || asked === 4) return { state: 'refused', fault: 'unanswered' }
      shop.charged.set(hexOf(id), amount)
      return { state: 'paid' }
    })
    const purchase = newPurchase(wish)
    await page.cashier.buy(purchase)
    expect(page.last()).toMatchObject({ state: 'paused', paid: 3 })
    expect(shop.charged.size).toBe(3)
  })

  it('stops at a refusal, at a price above the one that was shown, and at a store that is full', async () => {
    const refused = openAt(new Map(), openShop(), async () => ({ state: 'refused', fault: 'insufficient' }))
    await refused.cashier.buy(newPurchase(wish))
    expect(refused.last()).toMatchObject({ state: 'refused', fault: 'insufficient', paid: 0 })

    const dear = openShop()
    dear.shop.price = 2
    const cheated = openAt(new Map(), dear)
    await cheated.cashier.buy(newPurchase(wish))
    expect(cheated.last()).toMatchObject({ state: 'refused', fault: 'price-changed', paid: 0 })
    expect(dear.charged.size).toBe(0)

    const full = openAt(new Map(), openShop(), async () => {
      throw new SdkError('store/full', 'Full.')
    })
    await full.cashier.buy(newPurchase(wish))
    expect([full.last()?.state, full.troubles]).toEqual(['paused', ['store/full']])
  })
})
