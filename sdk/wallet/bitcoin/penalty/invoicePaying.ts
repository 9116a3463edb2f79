import { decodeInvoice, expiresAtSeconds, paymentFault, type SignedInvoice } from '../../../bitcoin/bolt11/index.ts'
import type { LiveChannel } from '../../../channel/penalty/index.ts'
import {
  type ChannelId,
  type Height,
  type Hex,
  height,
  inMsats,
  type Msats,
  msats,
  type Sats,
  sameBytes,
  toHex,
} from '../../../units.ts'
import { within } from '../patience.ts'
import { payRefusal } from '../words.ts'
import type { PenaltyDesk } from './desk.ts'
import type { Htlcs } from './htlcs.ts'
import { liveOf, nodeKeyOf, openDesks, peerKeyOf, spendableBy } from './node.ts'
import { expiryBlocksMax, htlcWaitMsDefault, offer, outcomeWithin, slackBlocks } from './paying.ts'
import { type HtlcOutcome, type PaymentFailure, type PaymentRefusal, paymentOf } from './payments.ts'

/** Most channels over which one payment is tried. */
const waysMax = 8

/** How an invoice is paid. */
export interface InvoicePayOptions {
  /** Where the invoice leaves it to the payer. */
  readonly amount?: Sats
  /** Over this channel only; where nothing is said, over the one with the cheapest way. */
  readonly channel?: ChannelId
  /** Most that the way may cost beyond the amount; {@link feeMaxDefault} where nothing is said. */
  readonly feeMax?: Sats
  /** The text behind a description that is given as a hash. */
  readonly description?: string
  /** How long to wait for its end. */
  readonly waitMs?: number
}

/** What paying an invoice would come to, before anything leaves. */
export interface InvoiceQuote {
  readonly kind: 'invoice'
  /** 33 bytes: who has signed. Whether that is whom you mean to pay, you have to know. */
  readonly payee: Uint8Array
  readonly amount: Msats
  /** Beyond the amount, for the hub. */
  readonly fee: Msats
  /** The payee's word, and any text: whoever shows it escapes it first. `null` where the invoice gives its hash alone. */
  readonly description: string | null
  /** Seconds since 1970. */
  readonly expiresAtSeconds: number
  /** Over which it would go. */
  readonly channel: ChannelId
  /** False where the payee is at the other side of the channel. */
  readonly isThroughHub: boolean
}

/** Why an invoice was not paid. */
export type InvoiceFault =
  | PaymentRefusal
  /** It came back: nobody at the end of its way knows it, or somebody else has paid it. */
  | 'unknown-payment'
  /** It came back: its payee asks for another amount by now. */
  | 'amount-not-taken'
  /** It came back: too few blocks were left for it on its way. */
  | 'too-late'
  /** The channel ended without it. */
  | 'channel-ended'

/** What became of an invoice that was to be paid. */
export type InvoiceOutcome =
  /** `preimage` is the proof: its SHA-256 is the hash that the payee has signed. `amount` has the hub's `fee` in it. */
  | {
      readonly state: 'paid'
      readonly kind: 'invoice'
      readonly paymentHash: Uint8Array
      readonly preimage: Uint8Array
      readonly amount: Msats
      readonly fee: Msats
    }
  /** Nothing was paid, and nothing is on its way. `detail` says in words what can be done. */
  | { readonly state: 'refused'; readonly fault: InvoiceFault; readonly detail: string }
  /**
   * It is on its way, or waits for its turn, such as while the channel's other side is away: it may be paid at any time. Asked again, it says what
   * became of it. What waits is given up when the invoice expires, or the wallet closes.
   */
  | { readonly state: 'pending'; readonly kind: 'invoice'; readonly paymentHash: Uint8Array }

/** `already-paid`, `under-way`: of an invoice that this wallet has paid, or is paying. */
export type QuotedPayment =
  | { readonly ok: true; readonly quote: InvoiceQuote }
  | {
      readonly ok: false
      readonly refusal: { readonly code: InvoiceFault | 'already-paid' | 'under-way'; readonly detail: string }
    }

/** Paying invoices over the two-way channels of a wallet. */
export interface InvoicePayments {
  readonly quotePayment: (invoice: string, options?: InvoicePayOptions) => Promise<QuotedPayment>
  readonly payInvoice: (invoice: string, options?: InvoicePayOptions) => Promise<InvoiceOutcome>
}

/** Most that a way may cost where nothing is said: a twentieth of the amount, and up to 10 sat of any. */
export function feeMaxDefault(amount: Msats): Msats {
  const share = amount / 20n
  return msats(share > 10_000n ? share : 10_000n)
}

export function invoicePayments(htlcs: Htlcs, deskOf: (id: ChannelId) => PenaltyDesk): InvoicePayments {
  const { clock, signal } = htlcs
  const paying = new Map<Hex, Promise<InvoiceOutcome>>()
  return {
    quotePayment: (invoice, options = {}) => quotePayment(htlcs, deskOf, invoice, options),
    payInvoice: async (text, options = {}) => {
      const decoded = decodeInvoice(text)
      if (!decoded.ok) return refused(decoded.code, decoded.reason)
      const { paymentHash } = decoded.value
      const name = toHex(paymentHash)
      const waitMs = options.waitMs ?? htlcWaitMsDefault
      const begun = paying.get(name)
      // HB10: whoever asks again meanwhile waits for the same end.
      if (begun) return (await within(begun, { clock, signal }, waitMs)) ?? pendingOf(paymentHash)
      const end = payInvoice(htlcs, deskOf, decoded.value, { ...options, waitMs }).finally(() => paying.delete(name))
      paying.set(name, end)
      return end
    },
  }
}

async function quotePayment(
  htlcs: Htlcs,
  deskOf: (id: ChannelId) => PenaltyDesk,
  text: string,
  options: InvoicePayOptions,
): Promise<QuotedPayment> {
  const no = (code: Extract<QuotedPayment, { ok: false }>['refusal']['code'], detail = payRefusal(code)) => {
    return { ok: false, refusal: { code, detail } } as const
  }
  const decoded = decodeInvoice(text)
  if (!decoded.ok) return no(decoded.code, payRefusal(decoded.code, decoded.reason))
  const invoice = decoded.value
  const state = (await paymentOf(htlcs.world.store, invoice.paymentHash))?.record.state.kind
  if (state === 'paid') return no('already-paid')
  // It may wait for its turn still.
  if (state === 'out' || htlcs.wishing.has(toHex(invoice.paymentHash))) return no('under-way')
  const judged = judge(htlcs, deskOf, invoice, options)
  if (!judged.ok) return no(judged.fault)
  const { amount, ways } = judged
  const [{ desk, fee, isDirect }] = ways
  const description = invoice.description.kind === 'text' ? invoice.description.text : (options.description ?? null)
  const about = { payee: invoice.payee, description, expiresAtSeconds: expiresAtSeconds(invoice) }
  return { ok: true, quote: { kind: 'invoice', ...about, amount, fee, channel: desk.id, isThroughHub: !isDirect } }
}

async function payInvoice(
  htlcs: Htlcs,
  deskOf: (id: ChannelId) => PenaltyDesk,
  invoice: SignedInvoice,
  options: InvoicePayOptions & { readonly waitMs: number },
): Promise<InvoiceOutcome> {
  const { clock, world } = htlcs
  const { paymentHash } = invoice
  const { waitMs } = options
  const stored = await paymentOf(world.store, paymentHash)
  const isBegun = stored !== null && stored.record.state.kind !== 'failed'
  if (isBegun || htlcs.wishing.has(toHex(paymentHash)))
    return told(paymentHash, await outcomeWithin(htlcs, paymentHash, waitMs))
  const judged = judge(htlcs, deskOf, invoice, options)
  if (!judged.ok) return refused(judged.fault)
  const { amount, feeMax, ways } = judged
  const endsAt = clock.now() + waitMs
  let outcome: InvoiceOutcome = refused('no-way')
  // What came back, or was never offered, is tried another way: a hash is out over one channel at a time. [HB10]
  for (const { desk, fee, blocks, isDirect } of ways.slice(0, waysMax)) {
    const expiry = (tip: Height) => height(tip + blocks)
    const left = Math.max(0, endsAt - clock.now())
    const end = await offer(htlcs, desk, {
      ...{ paymentHash, amount, fee, feeMax, expiry, waitMs: left },
      endsAtSeconds: expiresAtSeconds(invoice),
    })
    outcome = told(paymentHash, end)
    if (outcome.state !== 'refused' || (isDirect && end.state === 'failed')) return outcome
  }
  return outcome
}

/** A channel over which an invoice may be paid. */
interface WayOut {
  readonly desk: PenaltyDesk
  readonly channel: LiveChannel
  readonly fee: Msats
  /** Until the expiry of its HTLC. */
  readonly blocks: number
  /** Its payee is at the other side. */
  readonly isDirect: boolean
}

type Judged =
  | {
      readonly ok: true
      readonly amount: Msats
      readonly feeMax: Msats
      /** The best one first. */
      readonly ways: readonly [WayOut, ...WayOut[]]
    }
  | { readonly ok: false; readonly fault: PaymentRefusal }

/** Whether an invoice may be paid now, and over which channels. */
function judge(
  htlcs: Htlcs,
  deskOf: (id: ChannelId) => PenaltyDesk,
  invoice: SignedInvoice,
  options: InvoicePayOptions,
): Judged {
  const no = (fault: PaymentRefusal): Judged => ({ ok: false, fault })
  const { clock, world } = htlcs
  const nowSeconds = Math.floor(clock.now() / 1_000)
  const known = { network: world.network, nowSeconds, description: options.description ?? null }
  const fault = paymentFault(invoice, known)
  if (fault) return no(fault)
  const wanted = options.amount === undefined ? null : inMsats(options.amount)
  const amount = invoice.amount ?? wanted
  if (amount === null || amount === 0n) return no('amount-missing')
  if (wanted !== null && wanted !== amount) return no('amount-differs')
  const feeMax = options.feeMax === undefined ? feeMaxDefault(amount) : inMsats(options.feeMax)
  const chosen = options.channel && deskOf(options.channel)
  const open = chosen ? [{ desk: chosen, channel: liveOf(chosen) }] : openDesks(htlcs.desks)
  if (open.some(({ channel }) => sameBytes(nodeKeyOf(channel, channel.own), invoice.payee))) return no('own-invoice')
  if (open.length === 0) return no('no-channel')
  let ways = open.flatMap(({ desk, channel }) => wayOf({ desk, channel }, invoice, amount) ?? [])
  const sieves: readonly (readonly [PaymentRefusal, (way: WayOut) => boolean])[] = [
    ['no-way', () => true],
    ['expires-too-late', ({ blocks }) => blocks <= expiryBlocksMax],
    ['fee-too-high', ({ fee }) => fee <= feeMax],
    ['insufficient', ({ channel, fee }) => amount + fee <= spendableBy(channel, channel.own)],
  ]
  for (const [why, fits] of sieves) {
    ways = ways.filter(fits)
    if (ways.length === 0) return no(why)
  }
  const better = (one: WayOut, other: WayOut) =>
    Number(other.isDirect) - Number(one.isDirect) ||
    order(one.fee, other.fee) ||
    order(spendableBy(other.channel, other.channel.own), spendableBy(one.channel, one.channel.own))
  return { ok: true, amount, feeMax, ways: ways.sort(better) as [WayOut, ...WayOut[]] }
}

/** To the payee at the other side of the channel, or by an invoice's hint of one hop, from a hub on. */
function wayOf(
  place: Pick<WayOut, 'desk' | 'channel'>,
  { payee, routes, finalExpiryBlocks }: SignedInvoice,
  amount: Msats,
): WayOut | null {
  const blocks = finalExpiryBlocks + slackBlocks
  if (sameBytes(peerKeyOf(place.channel), payee)) return { ...place, fee: msats(0n), blocks, isDirect: true }
  const [hop] = routes.find((hops) => hops.length === 1) ?? []
  if (!hop) return null
  const fee = msats(BigInt(hop.feeBaseMsats) + (amount * BigInt(hop.feeMillionths)) / 1_000_000n)
  return { ...place, fee, blocks: blocks + hop.expiryDeltaBlocks, isDirect: false }
}

const failures: Readonly<Record<PaymentFailure, InvoiceFault>> = {
  'unknown-payment': 'unknown-payment',
  'wrong-amount': 'amount-not-taken',
  'expires-too-soon': 'too-late',
  'no-way-on': 'no-way',
  expired: 'too-late',
  'channel-ended': 'channel-ended',
}

/** What became of a payment by hash, as it is told of an invoice. */
function told(paymentHash: Uint8Array, outcome: HtlcOutcome): InvoiceOutcome {
  if (outcome.state === 'paid') return { ...outcome, kind: 'invoice' }
  if (outcome.state === 'pending') return pendingOf(paymentHash)
  return refused(outcome.state === 'failed' ? failures[outcome.reason] : outcome.reason)
}

function pendingOf(paymentHash: Uint8Array): InvoiceOutcome {
  return { state: 'pending', kind: 'invoice', paymentHash }
}

function refused(fault: InvoiceFault, reason?: string): InvoiceOutcome {
  return { state: 'refused', fault, detail: payRefusal(fault, reason) }
}

function order(one: bigint, other: bigint): number {
  return one < other ? -1 : Number(one > other)
}
