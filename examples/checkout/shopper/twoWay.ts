import { type ChannelId, channelId, fromHex, sats } from 'lanekit'
import { type BitcoinWallet, decodeInvitation, type Invitation, type TwoWayChannel } from 'lanekit/wallet/bitcoin'
import type { Invited, TwoWayAccount } from '../api.ts'
import { ask, type Plug } from '../page/ask.ts'
import type { Paid } from './cashier.ts'
import type { Cost, Event, Trouble, TwoWayLane } from './model.ts'

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
  readonly plug: Plug
  readonly tell: (event: Event) => void
  /** How long a payment is waited for before the page says that it is on its way. */
  readonly answerMs: number
}

export function openTwoWaySide({ wallet, plug, tell, answerMs }: TwoWayParts): TwoWaySide {
  const { fetch } = plug
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
    // Asked for again by its id, it is the same payment: the wallet pays it once.
    pay: (lane, amount, paymentId) => wallet.pay(idOf(lane), sats(amount), { paymentId, waitMs: answerMs }),
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
