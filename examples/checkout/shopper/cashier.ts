import type { Goods, Order } from '../api.ts'
import { ask, type Plug, type Said } from '../page/ask.ts'
import type { Purchase, Trouble } from './model.ts'
import { hexOf, type Purchases, paymentIdOf } from './purchases.ts'

/** What became of a payment, as `pay` of the wallet says it. */
export type Paid = { readonly state: 'paid' | 'pending' } | { readonly state: 'refused'; readonly fault: string }

export interface CashierParts {
  readonly purchases: Purchases
  readonly fetch: Plug['fetch']
  /** Pays a part over the lane that is open, or its invoice. Throws what the wallet throws. */
  readonly pay: (amount: bigint, paymentId: Uint8Array, invoice: string | null) => Promise<Paid>
  /** True while nothing may be paid: paused, or the lane is in use elsewhere. */
  readonly isHeld: () => boolean
  /** Told after each step. */
  readonly changed: (purchase: Purchase) => void
  readonly failed: (trouble: Trouble) => void
  /** Takes goods as they come; resolves when the next part is wanted. */
  readonly use: (purchase: Purchase, goods: Goods) => Promise<void>
}

/** Buys what is wanted, part after part, and goes on after whatever happened in between. */
export interface Cashier {
  readonly buy: (purchase: Purchase) => Promise<void>
  /** No further part is bought after the one in hand: once its payment has begun, its end is waited for. */
  readonly stop: (id: string) => void
  /** Shows everything that is stored, and takes up what was under way. */
  readonly restore: () => Promise<void>
  readonly close: () => void
}

/** How long is waited for an answer that has not come, and while payments are held. */
const waitMs = 400
/** A purchase of many parts is saved after so many: the till knows the rest. */
const savedEvery = 10
/** Goods that are shown of one purchase. */
const goodsKept = 5

export function openCashier(parts: CashierParts): Cashier {
  const { purchases, changed } = parts
  const running = new Map<string, { isWanted: boolean }>()
  let isClosed = false

  async function run(first: Purchase): Promise<void> {
    if (running.has(first.id)) return
    const wish = { isWanted: true }
    running.set(first.id, wish)
    const ahead = new Map<number, Promise<Said<Order>>>()
    let now: Purchase = { ...first, state: 'paying', fault: null }
    const show = (next: Purchase) => {
      now = next
      changed(now)
    }
    try {
      await purchases.save(now)
      show(now)
      let isInHand = false
      while (now.paid < now.parts && (wish.isWanted || (isInHand && !parts.isHeld())) && !isClosed) {
        if (parts.isHeld()) await pause()
        else isInHand = await buyPart(parts, now, { show, ahead, isInHand })
        if (now.state === 'refused') break
        if (now.paid % savedEvery === 0) await purchases.save(now)
      }
      if (isClosed) return
      if (now.state !== 'refused') show({ ...now, state: now.paid === now.parts ? 'done' : 'paused' })
      await purchases.save(now)
    } catch (error) {
      if (isClosed) return
      show({ ...now, state: 'paused' })
      const trouble = troubleOf(error)
      // Whoever has the lane now goes on with it, and the lane itself says where it is.
      if (trouble.code !== 'wallet/channel-elsewhere') parts.failed(trouble)
    } finally {
      running.delete(first.id)
    }
  }

  return {
    buy: run,
    stop: (id) => {
      const wish = running.get(id)
      if (wish) wish.isWanted = false
    },
    restore: async () => {
      for (const purchase of await purchases.all()) {
        changed(purchase)
        void fetchGoods(parts, purchase).then((next) => {
          changed(next)
          if (next.state === 'paying' || next.state === 'waiting') void run(next)
        })
      }
    },
    close: () => {
      isClosed = true
    },
  }
}

/**
 * Orders one part, pays it, and fetches it. Each step may be made again, whatever became of it the last time: the order and
 * the payment go by an id that never changes, and the till charges an id once. True where it is paid, or may still be, and is not
 * fetched yet.
 */
async function buyPart(
  parts: CashierParts,
  purchase: Purchase,
  told: {
    readonly show: (next: Purchase) => void
    readonly ahead: Map<number, Promise<Said<Order>>>
    /** What this said of the part the last time. */
    readonly isInHand: boolean
  },
): Promise<boolean> {
  const { fetch, pay } = parts
  const { show, ahead, isInHand } = told
  const id = await paymentIdOf(purchase, purchase.paid)
  const path = `/shop/orders/${hexOf(id)}`
  const ordered = await (ahead.get(purchase.paid) ?? order(parts, purchase, purchase.paid))
  ahead.clear()
  // The next part is ordered while this one is paid: an order binds nobody.
  const next = purchase.paid + 1
  if (ordered.ok && next < purchase.parts) ahead.set(next, order(parts, purchase, next))
  if (!ordered.ok) return wait(purchase, show, { isInHand })
  if (ordered.value.receipt) return take(parts, { purchase, order: ordered.value, show })
  const refuse = (fault: string) => {
    show({ ...purchase, state: 'refused', fault })
    return false
  }
  if (BigInt(ordered.value.price) > purchase.price) return refuse('price-changed')
  const paid = await pay(BigInt(ordered.value.price), id, purchase.invoice?.invoice ?? null)
  // What is unanswered goes on by itself, and is paid for again under the same id: that is no refusal.
  if (paid.state === 'refused' && paid.fault !== 'unanswered') return refuse(paid.fault)
  const fetched = paid.state === 'refused' ? null : await ask<Order>(path, { fetch })
  if (fetched?.ok && fetched.value.receipt) return take(parts, { purchase, order: fetched.value, show })
  return wait(purchase, show, { isInHand: true })
}

async function order({ fetch }: CashierParts, purchase: Purchase, part: number): Promise<Said<Order>> {
  const path = `/shop/orders/${hexOf(await paymentIdOf(purchase, part))}`
  return ask<Order>(path, { fetch, method: 'PUT', body: { article: purchase.article, part } })
}

async function take(
  parts: CashierParts,
  {
    purchase,
    order,
    show,
  }: { readonly purchase: Purchase; readonly order: Order; readonly show: (next: Purchase) => void },
): Promise<false> {
  const { goods, receipt } = order
  const next: Purchase = {
    ...purchase,
    state: 'paying',
    paid: purchase.paid + 1,
    goods: goods ? [...purchase.goods, goods].slice(-goodsKept) : purchase.goods,
    receipt,
  }
  show(next)
  if (goods) await parts.use(next, goods)
  return false
}

async function wait(
  purchase: Purchase,
  show: (next: Purchase) => void,
  { isInHand }: { readonly isInHand: boolean },
): Promise<boolean> {
  if (purchase.state !== 'waiting') show({ ...purchase, state: 'waiting' })
  await pause()
  return isInHand
}

/** The last goods of a stored purchase: they are the shop's to give again, and cost nothing. */
async function fetchGoods({ fetch }: CashierParts, purchase: Purchase): Promise<Purchase> {
  const goods: Goods[] = []
  let { isReturned } = purchase
  for (let part = Math.max(0, purchase.paid - goodsKept); part < purchase.paid; part++) {
    const said = await ask<Order>(`/shop/orders/${hexOf(await paymentIdOf(purchase, part))}`, { fetch })
    if (said.ok && said.value.goods) goods.push(said.value.goods)
    if (said.ok && said.value.isReturned) isReturned = true
  }
  return { ...purchase, goods, isReturned }
}

export function troubleOf(error: unknown): Trouble {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown }
  return { code: typeof code === 'string' ? code : 'unknown', detail: typeof message === 'string' ? message : '' }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, waitMs))
}
