import { type ChannelId, channelId, fromHex, type Store, sats } from 'lanekit'
import { type BitcoinWallet, decodeInvitation, type Invitation, type TwoWayChannel } from 'lanekit/wallet/bitcoin'
import type { Invited, Order, TwoWayAccount } from '../api.ts'
import { ask, type Plug } from '../page/ask.ts'
import type { Paid } from './cashier.ts'
import type { Cost, Event, Trouble, TwoWayLane } from './model.ts'
import { hexOf } from './purchases.ts'

/** The lanes of this page that pay both ways. */
export interface TwoWaySide {
  readonly quote: (capacity: bigint) => Promise<Cost | Trouble>
  readonly open: (capacity: bigint) => Promise<void>
  readonly pay: (lane: TwoWayLane, amount: bigint, paymentId: Uint8Array) => Promise<Paid>
  readonly close: (lane: TwoWayLane, how: 'together' | 'alone') => Promise<void>
  /** Shows all lanes as they are now. */
  readonly show: () => void
  /** Asks the shop about those that have ended. */
  readonly lookAtEnded: () => Promise<void>
}

export interface TwoWayParts {
  readonly wallet: BitcoinWallet
  readonly store: Store
  readonly plug: Plug
  readonly tell: (event: Event) => void
  /** How long a payment is waited for before the page says that it is on its way. */
  readonly answerMs: number
}

/** A payment waits in the wallet for as long as the page lives. */
const patienceMs = 24 * 3_600_000

/** A payment over these lanes moves its amount whenever it is made, so which were asked for is stored before they are. */
const keyOf = (name: string) => `checkout/two-way-payments/${name.slice(2)}`

export function openTwoWaySide({ wallet, store, plug, tell, answerMs }: TwoWayParts): TwoWaySide {
  const { fetch } = plug
  const asked = new Map<string, Promise<Paid>>()
  const ended = new Map<string, TwoWayAccount>()
  const list = () => wallet.channels().filter((channel) => channel.kind === 'two-way')
  /** For the next lane: each is of one. */
  let invitation: Invitation | null = null

  async function wishOf(capacity: bigint) {
    if (!invitation) {
      const said = await ask<Invited>('/shop/two-way', { fetch, method: 'POST' })
      if (!said.ok) throw Object.assign(new Error(''), { code: codeOf(said.code) })
      const decoded = decodeInvitation(fromHex(said.value.invitation as `0x${string}`))
      if (!decoded.ok) throw Object.assign(new Error(''), { code: 'shop/unreachable' })
      invitation = decoded.value
    }
    return { kind: 'two-way', invitation, capacity: sats(capacity) } as const
  }

  async function send(lane: TwoWayLane, amount: bigint, paymentId: Uint8Array): Promise<Paid> {
    const name = hexOf(paymentId)
    const before = await store.get(keyOf(name))
    if (before) {
      const fate = await fateOf(idOf(lane), name)
      if (fate !== 'free') return { state: fate }
    } else await store.commit([{ key: keyOf(name), expected: 0, bytes: Uint8Array.of(1) }])
    return wallet.pay(idOf(lane), sats(amount), { paymentId, waitMs: patienceMs })
  }

  /**
   * What became of a payment that this wallet had asked for before. It may be asked for again only when nothing is on its way, and the
   * shop, which has taken every update that this side has, says that it is not among them.
   */
  async function fateOf(id: ChannelId, name: string): Promise<'paid' | 'pending' | 'free'> {
    const here = list().find((one) => one.id === id)
    if (!here || here.isPending) return 'pending'
    const there = await ask<TwoWayAccount>(`/shop/two-way/${id}`, { fetch })
    if (!there.ok || there.value.updates < here.updates) return 'pending'
    const order = await ask<Order>(`/shop/orders/${name}`, { fetch })
    if (!order.ok) return 'pending'
    return order.value.receipt ? 'paid' : 'free'
  }

  return {
    quote: async (capacity) => {
      const told = await wallet.quoteChannel(await wishOf(capacity))
      if (!told.ok) return troubleOfRefusal(told.refusal)
      const { quote } = told
      if (quote.kind !== 'two-way') throw new Error('What was wished for is quoted.')
      const { fundingFee, closeFee, payable, reserve, confirmationsMin: confirmations, delayBlocks: backBlocks } = quote
      return { over: 'two-way', capacity, fundingFee, closeFee, payable, reserve, confirmations, backBlocks }
    },
    open: async (capacity) => {
      const opened = await wallet.openChannel(await wishOf(capacity))
      if (!opened.ok) {
        const { code, detail } = troubleOfRefusal(opened.refusal)
        throw Object.assign(new Error(detail), { code })
      }
      invitation = null
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
    close: async (lane, how) => {
      await wallet.closeChannel(idOf(lane), how === 'alone' ? { alone: true } : {})
    },
    show: () => tell({ type: 'two-way', lanes: list().map(laneFrom) }),
    lookAtEnded: async () => {
      for (const { id, phase } of list()) {
        if (phase !== 'closed' || ended.get(id)?.closing) continue
        const said = await ask<TwoWayAccount>(`/shop/two-way/${id}`, { fetch })
        if (!said.ok) continue
        ended.set(id, said.value)
        tell({ type: 'two-way-account', account: said.value })
      }
    },
  }
}

/** A refusal with a code that the texts know. */
export function troubleOfRefusal({ code, detail }: { readonly code: string; readonly detail: string }): Trouble {
  return { code: code.startsWith('insufficient') ? 'insufficient' : code, detail }
}

function laneFrom({ balance, awayAdvice: advice, ...channel }: TwoWayChannel): TwoWayLane {
  return { ...channel, balance: balance / 1_000n, advice }
}

function idOf({ id }: TwoWayLane): ChannelId {
  return channelId(id as `0x${string}`)
}

/** A shop that does not answer says no code of its own. */
function codeOf(code: string): string {
  return code === 'unreachable' || code === 'unavailable' ? 'shop/unreachable' : code
}
