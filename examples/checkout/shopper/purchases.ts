import type { Store } from 'lanekit'
import type { ArticleId } from '../api.ts'
import type { Purchase } from './model.ts'

/** Where the purchases lie, in the wallet's own store. */
const prefix = 'checkout/purchases/'
/** Most purchases that are read back; older ones stay in the store. */
const readMax = 50

/** The purchases of this browser. One is stored before its first part is ordered, so that a part is never paid twice. */
export interface Purchases {
  readonly all: () => Promise<readonly Purchase[]>
  readonly save: (purchase: Purchase) => Promise<void>
}

type Stored = Pick<
  Purchase,
  'article' | 'parts' | 'at' | 'paid' | 'state' | 'fault' | 'receipt' | 'isReturned' | 'invoice'
> & {
  readonly price: string
}

export function openPurchases(store: Store): Purchases {
  const versions = new Map<string, number>()
  return {
    all: async () => {
      const keys = await store.keys(prefix)
      const found: Purchase[] = []
      for (const key of keys) {
        const record = await store.get(key)
        if (!record) continue
        versions.set(key, record.version)
        const stored = JSON.parse(new TextDecoder().decode(record.bytes)) as Stored
        found.push({
          ...stored,
          invoice: stored.invoice ?? null,
          id: key.slice(prefix.length),
          price: BigInt(stored.price),
          goods: [],
        })
      }
      return found.sort((one, other) => other.at - one.at).slice(0, readMax)
    },
    save: async (purchase) => {
      const { id, goods: _, price, ...rest } = purchase
      const key = `${prefix}${id}`
      const stored: Stored = { ...rest, price: String(price) }
      const bytes = new TextEncoder().encode(JSON.stringify(stored))
      const write = async (expected: number) => {
        await store.commit([{ key, expected, bytes }])
        versions.set(key, expected + 1)
      }
      try {
        await write(versions.get(key) ?? 0)
      } catch (error) {
        if ((error as { readonly code?: unknown }).code !== 'store/conflict') throw error
        // Another tab wrote meanwhile. What is stored is where to go on from, and the till knows better either way.
        await write((await store.get(key))?.version ?? 0)
      }
    },
  }
}

/** A purchase that has not begun. Its id is the secret that all its payment ids come from. */
export function newPurchase(wish: {
  readonly article: ArticleId
  readonly parts: number
  readonly price: bigint
}): Purchase {
  const id = hexOf(crypto.getRandomValues(new Uint8Array(16)))
  return {
    ...wish,
    id,
    at: Date.now(),
    paid: 0,
    state: 'paying',
    fault: null,
    goods: [],
    receipt: null,
    isReturned: false,
    invoice: null,
  }
}

/** The payment id of a part: the same whenever it is asked for, so that a part that may be paid is not paid under another. */
export async function paymentIdOf({ id }: Purchase, part: number): Promise<Uint8Array> {
  const text = new TextEncoder().encode(`lanekit checkout ${id} ${part}`)
  return new Uint8Array(await crypto.subtle.digest('SHA-256', text)).slice(0, 16)
}

export function hexOf(bytes: Uint8Array): string {
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
