import { decodeInvoice } from '../../bitcoin/bolt11/index.ts'
import { SdkError } from '../../errors.ts'
import { type ChannelId, type Feerate, inMsats, type Msats, type Sats, wholeSats } from '../../units.ts'
import type { ChangeFeed } from './changes.ts'
import type { Channel } from './channel.ts'
import type { Channels, OneWayOutcome, PayOptions } from './channels.ts'
import type { ChannelQuote, ChannelRefusal, ChannelWish } from './opening.ts'
import type { TwoWayDesks } from './penalty/channels.ts'
import type { Withdrawn } from './penalty/invitation.ts'
import type { InvoiceOutcome, InvoicePayOptions, QuotedPayment } from './penalty/invoicePaying.ts'
import { receiptIdOf } from './penalty/invoices.ts'
import type { InvitationWish } from './penalty/opening.ts'
import type { Invitation } from './penalty/record.ts'
import type { InvoiceRequest, InvoiceWish } from './penalty/request.ts'
import type { TwoWayOutcome } from './penalty/wishes.ts'
import { payRefusal } from './words.ts'

export type QuotedChannel =
  | { readonly ok: true; readonly quote: ChannelQuote }
  | { readonly ok: false; readonly refusal: ChannelRefusal }

export type Opened =
  | { readonly ok: true; readonly channel: Channel }
  | { readonly ok: false; readonly refusal: ChannelRefusal }

/** What became of a payment over a channel. Of a refusal, `detail` says in words what can be done. */
export type PayOutcome =
  | Exclude<OneWayOutcome | TwoWayOutcome, { readonly state: 'refused' }>
  | {
      readonly state: 'refused'
      readonly fault: Extract<OneWayOutcome | TwoWayOutcome, { readonly state: 'refused' }>['fault']
      readonly detail: string
    }

/** Asks whoever is at the other side of a two-way channel for a payment under a name. */
export interface NamedWish {
  readonly kind?: 'payment-id'
  readonly channel: ChannelId
  readonly amount?: Sats
}

/** What the other side of a two-way channel is asked to pay under a name, to be told to it. */
export interface NamedRequest {
  readonly kind: 'payment-id'
  readonly channel: ChannelId
  /** 16 bytes: the payment is to be made under this name. */
  readonly paymentId: Uint8Array
  /** `null` where the payer chooses. */
  readonly amount: Sats | null
}

/** What somebody is asked to pay, to be told to them. */
export type PaymentRequest = NamedRequest | InvoiceRequest

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

/** Pays: over a channel whoever is at its other side, or an invoice. */
export interface Pay {
  /**
   * Over a channel; one-way out of its credit first. Payments of one channel are made one after the other.
   *
   * Funds at risk: what is signed in a one-way channel for a payment that is refused is credit at this payee, and does not come back.
   *
   * @throws `wallet/unknown-channel`, `wallet/channel-elsewhere`, `wallet/busy` (retryable).
   */
  (channel: ChannelId, amount: Sats, options?: PayOptions): Promise<PayOutcome>
  /**
   * An invoice (BOLT-11): over the two-way channel with its payee, or through the hub that both share. An invoice is paid once: asked
   * again, also after a restart or from another tab, it says what became of the first time; only what came back finally is tried again.
   *
   * Funds at risk: `pending` may still be paid, until its HTLC has run out at some block height. An invoice proves who signed it, not that
   * this is whom you mean to pay: show {@link ChannelFront.quotePayment} first.
   *
   * @throws `wallet/channel-elsewhere`, `wallet/busy` (retryable), and `wallet/unknown-channel`, `wallet/channel-not-open` for a
   * channel that is named.
   */
  (invoice: string, options?: InvoicePayOptions): Promise<InvoiceOutcome>
}

/** Asks for a payment: by a name over one channel, or by an invoice. */
export interface RequestPayment {
  /** By a fresh name over a two-way channel. Nothing is stored or sent. Throws `wallet/wrong-kind`, `wallet/unknown-channel`. */
  (wish: NamedWish): Promise<NamedRequest>
  /**
   * By an invoice (BOLT-11), signed by this side's node key of the channel. Whoever is at the other side of the channel is asked to pass
   * the payment on, and its fee and delta are the invoice's one hint (`r`). The preimage is stored before anything is told.
   *
   * Funds at risk: who has the preimage has been paid for it. It is told only for an HTLC of at least `amount`, once, in time, and kept with
   * the channel first: this wallet has to look at the chain before the HTLC runs out, or whoever offered it takes it back.
   *
   * @throws `wallet/unknown-channel`, `wallet/channel-not-open`, `wallet/no-channel` where none is open, `wallet/busy` where `invoicesMax`
   * wait, and `wallet/no-answer` (retryable) where the other side says nothing within `waitMs`.
   */
  (wish: InvoiceWish): Promise<InvoiceRequest>
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
   * Takes an invitation back that nobody has answered: whoever answers it from then on is told no, and has not lost a coin. An answer that
   * was there first stands: that is refused as `answered`. Throws `wallet/unknown-channel`.
   */
  readonly withdraw: (channel: ChannelId) => Promise<Withdrawn>
  readonly pay: Pay
  /**
   * What paying an invoice would come to, and whom it would go to. Nothing is signed, and nobody is asked.
   *
   * @throws `wallet/unknown-channel`, `wallet/channel-not-open` for a channel that is named.
   */
  readonly quotePayment: (invoice: string, options?: InvoicePayOptions) => Promise<QuotedPayment>
  readonly request: RequestPayment
  /** What was paid on a request, or on the text of an invoice of this wallet, once it is final; `null` before. */
  readonly received: (request: PaymentRequest | string) => Promise<Received | null>
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

interface Both {
  readonly oneWay: Channels
  /** `null` where the wallet has no way to their boxes. */
  readonly twoWay: TwoWayDesks | null
  /** Does what is asked of a wallet that is open, and refuses once it is closed. What is known of channels is told even then. */
  readonly awake: <result>(work: () => Promise<result>) => Promise<result>
}

export function channelFront({ feed, ...both }: Both & { readonly feed: ChangeFeed }): ChannelFront {
  const { oneWay, twoWay, awake } = both
  const find = (id: ChannelId): Channel | null => oneWay.find(id) ?? twoWay?.find(id) ?? null
  const list = (): readonly Channel[] => [...oneWay.list(), ...(twoWay?.list() ?? [])]
  return {
    quoteChannel: (wish) =>
      awake(async () => (wish.kind === 'two-way' ? need(twoWay).quote(wish) : oneWay.quote(wish))),
    openChannel: (wish) => awake(async () => (wish.kind === 'two-way' ? need(twoWay).open(wish) : oneWay.open(wish))),
    invite: (wish) => awake(async () => need(twoWay).invite(wish)),
    withdraw: (id) => awake(async () => need(twoWay).withdraw(id)),
    pay: paying(both),
    quotePayment: (invoice, options) => awake(async () => need(twoWay).quotePayment(invoice, options)),
    request: requesting(both),
    received: (request) => awake(async () => received(need(twoWay), request)),
    closeChannel: (id, how) => awake(() => close(both, id, how)),
    channels: list,
    changes: (signal) => changes(feed, { list, find }, signal),
  }
}

async function close({ oneWay, twoWay }: Both, id: ChannelId, how: CloseWish = {}): Promise<Channel> {
  if (twoWay?.find(id)) return twoWay.close(id, how.alone ? 'alone' : how)
  if (how.alone && oneWay.find(id))
    throw wrongKind('A channel in one direction is closed by its payee, and comes back alone at its expiry.')
  return oneWay.close(id, how)
}

function paying({ oneWay, twoWay, awake }: Both): Pay {
  async function overChannel(id: ChannelId, amount: Sats, options?: PayOptions): Promise<PayOutcome> {
    const isTwoWay = twoWay?.find(id) != null
    const outcome = await (isTwoWay ? twoWay.pay(id, inMsats(amount), options) : oneWay.pay(id, amount, options))
    return outcome.state === 'refused' ? { ...outcome, detail: payRefusal(outcome.fault) } : outcome
  }
  function pay(channel: ChannelId, amount: Sats, options?: PayOptions): Promise<PayOutcome>
  function pay(invoice: string, options?: InvoicePayOptions): Promise<InvoiceOutcome>
  function pay(to: string, first?: Sats | InvoicePayOptions, options?: PayOptions) {
    if (typeof first === 'bigint') return awake(() => overChannel(to as ChannelId, first, options))
    return awake(async () => need(twoWay).payInvoice(to, first))
  }
  return pay
}

function requesting({ oneWay, twoWay, awake }: Both): RequestPayment {
  function request(wish: NamedWish): Promise<NamedRequest>
  function request(wish: InvoiceWish): Promise<InvoiceRequest>
  function request(wish: NamedWish | InvoiceWish): Promise<PaymentRequest> {
    return awake(async () => {
      if (wish.channel && oneWay.find(wish.channel))
        throw wrongKind('A channel in one direction only pays: ask for a two-way channel.')
      const both = need(twoWay)
      if (wish.kind === 'invoice') return both.invoice(wish)
      const { channel, amount = null } = wish
      if (!both.find(channel)) throw new SdkError('wallet/unknown-channel', 'The wallet has no such channel.')
      return { kind: 'payment-id', channel, paymentId: both.request(), amount }
    })
  }
  return request
}

/** What was paid under a name, or by an invoice, over any channel where none is known. */
async function received(twoWay: TwoWayDesks, request: PaymentRequest | string): Promise<Received | null> {
  const asked = typeof request === 'string' ? askedBy(twoWay, request) : namedBy(request)
  for (const channel of asked.channels) {
    const note = await twoWay.received(channel, asked.paymentId)
    if (!note) continue
    return { amount: wholeSats(note.amount), isEnough: note.amount >= (asked.amount ?? 0n), number: note.number }
  }
  return null
}

interface Named {
  readonly channels: readonly ChannelId[]
  readonly paymentId: Uint8Array
  readonly amount: Msats | null
}

function namedBy(request: PaymentRequest): Named {
  const { channel, amount } = request
  const paymentId = request.kind === 'invoice' ? receiptIdOf(request.paymentHash) : request.paymentId
  return { channels: [channel], paymentId, amount: amount === null ? null : inMsats(amount) }
}

function askedBy(twoWay: TwoWayDesks, text: string): Named {
  const invoice = decodeInvoice(text)
  if (!invoice.ok) throw new SdkError('units/malformed', `This is no invoice: ${invoice.reason}.`)
  const { paymentHash, amount } = invoice.value
  return { channels: twoWay.list().map(({ id }) => id), paymentId: receiptIdOf(paymentHash), amount }
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

function need(twoWay: TwoWayDesks | null): TwoWayDesks {
  if (twoWay) return twoWay
  throw new SdkError('wallet/no-boxes', 'The wallet was given no way to the boxes of two-way channels.', {
    notes: ['Give it `boxes`: `socketBoxes()`.'],
  })
}

function wrongKind(message: string): SdkError {
  return new SdkError('wallet/wrong-kind', message)
}
