import { SdkError } from '../../errors.ts'
import { type ChannelId, type Feerate, inMsats, type Sats, wholeSats } from '../../units.ts'
import type { ChangeFeed } from './changes.ts'
import type { Channel } from './channel.ts'
import type { Channels, OneWayOutcome, PayOptions } from './channels.ts'
import type { ChannelQuote, ChannelRefusal, ChannelWish } from './opening.ts'
import type { TwoWayChannels } from './penalty/channels.ts'
import type { InvitationWish, TwoWayDraft, TwoWayWish } from './penalty/opening.ts'
import type { Invitation } from './penalty/record.ts'
import type { TwoWayOutcome } from './penalty/wishes.ts'

export type QuotedChannel =
  | { readonly ok: true; readonly quote: ChannelQuote }
  | { readonly ok: false; readonly refusal: ChannelRefusal }

export type Opened =
  | { readonly ok: true; readonly channel: Channel }
  | { readonly ok: false; readonly refusal: ChannelRefusal }

/** What became of a payment, over a channel of either kind. */
export type PayOutcome = OneWayOutcome | TwoWayOutcome

/** Whom a payment goes to: whoever is at the other side of a channel. */
export type PayTarget = ChannelId

/** What somebody is asked to pay over a two-way channel, to be told to them. */
export interface PaymentRequest {
  readonly kind: 'payment-id'
  readonly channel: ChannelId
  /** 16 bytes: the payment is to be made under this name. */
  readonly paymentId: Uint8Array
  /** `null` where the payer chooses. */
  readonly amount: Sats | null
}

/** How a channel is closed: together, at a feerate, or alone. */
export type CloseWish =
  | { readonly alone?: false; readonly feerate?: Feerate }
  | { readonly alone: true; readonly feerate?: never }

/** What was received, finally. */
export interface Received {
  /** Fractions of a satoshi left out. */
  readonly amount: Sats
  /** At least what was asked for. */
  readonly isEnough: boolean
  /** Of the update that has it. */
  readonly number: number
}

/** Channels of both kinds, by one set of words. Each kind's own facts are told apart by `kind`. */
export interface ChannelFront {
  /** What a channel would cost, before anything is signed. */
  readonly quoteChannel: (wish: ChannelWish) => Promise<QuotedChannel>
  /**
   * Signs a channel's funding, stores it, and offers the channel; coins leave once the other side has taken it.
   *
   * Funds at risk, `one-way`: until the expiry, coins come back only with the payee's signature; after it, without. `two-way`: from then
   * on this wallet, or a tower, has to look at the chain once in the channel's `delayBlocks`.
   */
  readonly openChannel: (wish: ChannelWish) => Promise<Opened>
  /**
   * Invites one opener to make a two-way channel with this wallet: the answer is to be told to them. Where the store may be evicted and
   * nothing is backed up, the largest capacity is lowered to `evictableCapacityMax`.
   */
  readonly invite: (wish: InvitationWish) => Promise<Invitation>
  /**
   * Pays over a channel; one-way out of its credit first. Payments of one channel are made one after the other.
   *
   * Funds at risk: what is signed in a one-way channel for a payment that is refused is credit at this payee, and does not come back.
   *
   * @throws `wallet/unknown-channel`, `wallet/channel-elsewhere`, `wallet/busy` (retryable).
   */
  readonly pay: (to: PayTarget, amount: Sats, options?: PayOptions) => Promise<PayOutcome>
  /** A fresh name for a payment over a two-way channel. Nothing is stored or sent. Throws `wallet/wrong-kind`, `wallet/unknown-channel`. */
  readonly request: (wish: { readonly channel: ChannelId; readonly amount?: Sats }) => PaymentRequest
  /** What was paid on a request, once it is final; `null` before. */
  readonly received: (request: PaymentRequest) => Promise<Received | null>
  /**
   * Closes a channel together, at the feerate of the day where none is said; again at a higher one while it is `closing`. A two-way channel
   * can also be closed `alone`, without the other side: this side's coins then wait for the channel's `delayBlocks`. A one-way channel
   * comes back alone at its expiry.
   *
   * @throws `wallet/unknown-channel`, `wallet/channel-not-open`, and `wallet/wrong-kind` for a one-way channel `alone`.
   */
  readonly closeChannel: (channel: ChannelId, how?: CloseWish) => Promise<Channel>
  /** Every channel, as last seen. */
  readonly channels: () => readonly Channel[]
  /** Each channel after it changed, until aborted; first all of them. */
  readonly changes: (signal: AbortSignal) => AsyncIterable<Channel>
}

/** @param both.twoWay - `null` where the wallet has no way to their boxes. */
export function channelFront(both: {
  readonly oneWay: Channels
  readonly twoWay: TwoWayChannels | null
  readonly feed: ChangeFeed
}): ChannelFront {
  const { oneWay, twoWay, feed } = both
  const find = (id: ChannelId): Channel | null => oneWay.find(id) ?? twoWay?.find(id) ?? null
  const list = (): readonly Channel[] => [...oneWay.list(), ...(twoWay?.list() ?? [])]
  const twoWayOf = (id: ChannelId): TwoWayChannels | null => (twoWay?.find(id) ? twoWay : null)
  return {
    quoteChannel: async (wish) => (wish.kind === 'two-way' ? need(twoWay).quote(draftOf(wish)) : oneWay.quote(wish)),
    openChannel: async (wish) => {
      if (wish.kind !== 'two-way') return oneWay.open(wish)
      const opened = await need(twoWay).open(draftOf(wish))
      return opened.ok ? opened : { ok: false, refusal: { code: opened.fault, detail: opened.detail } }
    },
    invite: async (wish) => need(twoWay).invite(wish),
    pay: async (id, amount, options) => {
      const both = twoWayOf(id)
      return both ? both.pay(id, inMsats(amount), options) : oneWay.pay(id, amount, options)
    },
    request: ({ channel, amount }) => {
      if (oneWay.find(channel)) throw wrongKind('A channel in one direction only pays: ask for a two-way channel.')
      const both = need(twoWay)
      if (!both.find(channel)) throw new SdkError('wallet/unknown-channel', 'The wallet has no such channel.')
      return { kind: 'payment-id', channel, paymentId: both.request(), amount: amount ?? null }
    },
    received: async ({ channel, paymentId, amount }) => {
      const note = await need(twoWay).received(channel, paymentId)
      if (!note) return null
      const whole = wholeSats(note.amount)
      return { amount: whole, isEnough: whole >= (amount ?? 0n), number: note.number }
    },
    closeChannel: async (id, how = {}) => {
      const both = twoWayOf(id)
      if (both) return both.close(id, how.alone ? 'alone' : how)
      if (how.alone && oneWay.find(id))
        throw wrongKind('A channel in one direction is closed by its payee, and comes back alone at its expiry.')
      return oneWay.close(id, how)
    },
    channels: list,
    changes: (signal) => changes(feed, { list, find }, signal),
  }
}

async function* changes(
  feed: ChangeFeed,
  { list, find }: { readonly list: () => readonly Channel[]; readonly find: (id: ChannelId) => Channel | null },
  signal: AbortSignal,
): AsyncGenerator<Channel, void> {
  const all = list().map(({ id }) => id)
  for await (const id of feed.follow(all, signal)) {
    const channel = find(id)
    if (channel) yield channel
  }
}

function draftOf({ invitation, capacity, pushed }: TwoWayWish): TwoWayDraft {
  return { invitation, capacity, ...(pushed === undefined ? {} : { pushed: inMsats(pushed) }) }
}

function need(twoWay: TwoWayChannels | null): TwoWayChannels {
  if (twoWay) return twoWay
  throw new SdkError('wallet/no-boxes', 'The wallet was given no way to the boxes of two-way channels.', {
    notes: ['Give it `boxes`: `httpBoxes()`.'],
  })
}

function wrongKind(message: string): SdkError {
  return new SdkError('wallet/wrong-kind', message)
}
