import type { Invoiced, Order } from '../api.ts'
import { ask, type Plug } from '../page/ask.ts'
import type { Cashier } from './cashier.ts'
import { type Event, isBilled, isTwoWay, laneOf, type Purchase, type State } from './model.ts'
import { hexOf, type Purchases, paymentIdOf } from './purchases.ts'

/** Invoices of the shop's that are shown, and wait to be paid by whomever. */
export interface Billing {
  readonly show: (purchase: Purchase) => Promise<void>
  /** Looks again after those that were shown before. */
  readonly restore: () => void
}

export interface BillingParts {
  readonly fetch: Plug['fetch']
  readonly state: () => State
  readonly tell: (event: Event) => void
  readonly purchases: Purchases
  readonly cashier: Cashier
  readonly signal: AbortSignal
}

/** How often the shop is asked whether somebody has paid. */
const lookMs = 1_500

export function openBilling({ fetch, state, tell, purchases, cashier, signal }: BillingParts): Billing {
  /** Until it is paid, or is no longer to be: whoever paid it, the cashier fetches what was bought. */
  async function follow({ id }: Purchase, path: string): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, lookMs))
      const now = state().purchases.find((one) => one.id === id) ?? null
      if (signal.aborted || !isBilled(now) || Date.now() > now.invoice.expiresAt + lookMs) return
      const said = await ask<Order>(path, { fetch })
      if (said.ok && said.value.receipt) return cashier.buy(now)
    }
  }

  const pathOf = async (purchase: Purchase) => `/shop/orders/${hexOf(await paymentIdOf(purchase, 0))}`
  return {
    show: async (purchase) => {
      const lane = laneOf(state())
      if (!lane || !isTwoWay(lane)) return
      const path = await pathOf(purchase)
      const { article } = purchase
      const ordered = await ask<Order>(path, { fetch, method: 'PUT', body: { article, part: 0 } })
      const said = ordered.ok
        ? await ask<Invoiced>(`${path}/invoice`, { fetch, method: 'POST', body: { channel: lane.id } })
        : ordered
      if (!said.ok) throw Object.assign(new Error(''), { code: 'shop/unreachable' })
      // Stored with its invoice before anybody can pay it: nothing else pays for this purchase from then on.
      const billed: Purchase = { ...purchase, state: 'paused', invoice: said.value }
      await purchases.save(billed)
      tell({ type: 'purchase', purchase: billed })
      void follow(billed, path)
    },
    restore: () => {
      for (const purchase of state().purchases.filter(isBilled))
        void pathOf(purchase).then((path) => follow(purchase, path))
    },
  }
}
