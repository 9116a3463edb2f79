import { type ChannelId, channelId, fromHex, msats, type Store, sats } from 'lanekit'
import { type BitcoinWallet, decodeInvitation, type TwoWayChannel, type TwoWayChannels } from 'lanekit/wallet/bitcoin'
import type { Invited, Order, TwoWayAccount } from '../api.ts'
import { ask, type Plug } from '../page/ask.ts'
import { type Paid, troubleOf } from './cashier.ts'
import type { Event, TwoWayLane } from './model.ts'
import { hexOf } from './purchases.ts'
import { closeFeeMin } from './twoWayFee.ts'

/** The lanes of this page that pay both ways. */
export interface TwoWaySide {
  readonly open: (capacity: bigint) => Promise<void>
  readonly pay: (lane: TwoWayLane, amount: bigint, paymentId: Uint8Array) => Promise<Paid>
  readonly close: (lane: TwoWayLane, how: 'together' | 'alone', feeMin: bigint) => Promise<void>
  /** Shows every lane after each change until the signal aborts. */
  readonly follow: (signal: AbortSignal) => Promise<void>
}

export interface TwoWayParts {
  readonly wallet: BitcoinWallet
  readonly store: Store
  readonly plug: Plug
  readonly tell: (event: Event) => void
  /** How long a payment is waited for before the page says that it is on its way. */
  readonly answerMs: number
}

/** How often the lanes are read: from memory, so it costs nothing. */
const lookMs = 300
/** A payment waits in the wallet for as long as the page lives. */
const patienceMs = 24 * 3_600_000

/** A payment over these lanes moves its amount whenever it is made, so which were asked for is stored before they are. */
const keyOf = (name: string) => `checkout/two-way-payments/${name.slice(2)}`

export function openTwoWaySide({ wallet, store, plug, tell, answerMs }: TwoWayParts): TwoWaySide {
  const twoWay = wallet.twoWay as TwoWayChannels
  const { fetch } = plug
  const asked = new Map<string, Promise<Paid>>()

  async function send(lane: TwoWayLane, amount: bigint, paymentId: Uint8Array): Promise<Paid> {
    const name = hexOf(paymentId)
    const before = await store.get(keyOf(name))
    if (before) {
      const fate = await fateOf(idOf(lane), name)
      if (fate !== 'free') return { state: fate }
    } else await store.commit([{ key: keyOf(name), expected: 0, bytes: Uint8Array.of(1) }])
    return twoWay.pay(idOf(lane), msats(1_000n * amount), { paymentId, waitMs: patienceMs })
  }

  /**
   * What became of a payment that this wallet had asked for before. It may be asked for again only when nothing is on its way, and the
   * shop, which has taken every update that this side has, says that it is not among them.
   */
  async function fateOf(id: ChannelId, name: string): Promise<'paid' | 'pending' | 'free'> {
    const here = twoWay.list().find((one) => one.id === id)
    if (!here || here.isPending) return 'pending'
    const there = await ask<TwoWayAccount>(`/shop/two-way/${id}`, { fetch })
    if (!there.ok || there.value.updates < here.updates) return 'pending'
    const order = await ask<Order>(`/shop/orders/${name}`, { fetch })
    if (!order.ok) return 'pending'
    return order.value.receipt ? 'paid' : 'free'
  }

  async function look(known: Map<string, TwoWayAccount>): Promise<void> {
    for (const { id, phase } of twoWay.list()) {
      if (phase !== 'closed' || known.get(id)?.closing) continue
      const said = await ask<TwoWayAccount>(`/shop/two-way/${id}`, { fetch })
      if (!said.ok) continue
      known.set(id, said.value)
      tell({ type: 'two-way-account', account: said.value })
    }
  }

  return {
    open: async (capacity) => {
      const said = await ask<Invited>('/shop/two-way', { fetch, method: 'POST' })
      if (!said.ok) throw Object.assign(new Error(''), { code: codeOf(said.code) })
      const invitation = decodeInvitation(fromHex(said.value.invitation as `0x${string}`))
      if (!invitation.ok) throw Object.assign(new Error(''), { code: 'shop/unreachable' })
      const opened = await twoWay.open({ invitation: invitation.value, capacity: sats(capacity) })
      if (!opened.ok) throw Object.assign(new Error(opened.fault), { code: opened.fault })
    },
    pay: (lane, amount, paymentId) => {
      const name = hexOf(paymentId)
      const end =
        asked.get(name) ??
        send(lane, amount, paymentId).finally(() => {
          asked.delete(name)
        })
      asked.set(name, end)
      const late = new Promise<Paid>((resolve) => setTimeout(resolve, answerMs, { state: 'pending' }))
      return Promise.race([end, late])
    },
    close: async (lane, how, feeMin) => {
      const fee = feeMin > closeFeeMin ? feeMin : closeFeeMin
      await twoWay.close(idOf(lane), how === 'alone' ? 'alone' : { fee: sats(fee) })
    },
    follow: async (signal) => {
      const known = new Map<string, TwoWayAccount>()
      let seen = ''
      while (!signal.aborted) {
        const lanes = twoWay.list().map(laneFrom)
        const now = lanes.map((lane) => Object.values(lane).join()).join()
        if (now !== seen) tell({ type: 'two-way', lanes })
        seen = now
        await look(known).catch((error: unknown) => tell({ type: 'trouble', trouble: troubleOf(error) }))
        await new Promise((resolve) => setTimeout(resolve, lookMs))
      }
    },
  }
}

function laneFrom(channel: TwoWayChannel): TwoWayLane {
  const { kind, id, phase, capacity, confirmations, confirmationsMin, updates, isPending, trouble, isElsewhere } =
    channel
  return {
    ...{ kind, id, phase, capacity, confirmations, confirmationsMin, updates, isPending, trouble, isElsewhere },
    balance: channel.balance / 1_000n,
    remaining: channel.spendable / 1_000n,
    advice: channel.awayAdvice,
  }
}

function idOf({ id }: TwoWayLane): ChannelId {
  return channelId(id as `0x${string}`)
}

/** A shop that does not answer says no code of its own. */
function codeOf(code: string): string {
  return code === 'unreachable' || code === 'unavailable' ? 'shop/unreachable' : code
}
