import type { Context, MiddlewareHandler } from 'hono'
import {
  decodeMessage,
  decodePaymentSignature,
  encodePaymentRequired,
  encodePaymentResponse,
  type Fault,
  type OpeningFault,
  type PaymentOffer,
  type PaymentProof,
  paymentIdBytes,
} from '../channel/index.ts'
import { platformClock, platformRandom } from '../client/platform.ts'
import { SdkError } from '../errors.ts'
import type { Clock, Random } from '../ports.ts'
import { type Sats, sameBytes } from '../units.ts'
import { answerProblem } from './problems.ts'
import { resourceOf } from './resource.ts'
import type { TillProgram } from './runTill.ts'
import type { Till } from './till.ts'

/** How long an offer is payable where nothing else is said: two minutes. */
export const validMsDefault = 120_000
/** How long after that what was paid for is given again: an hour. */
export const redeemMsDefault = 3_600_000
/** How long a request waits for a payment that comes through the box: three seconds. */
export const waitMsDefault = 3_000
/** Longest body of a request that is sold, where nothing else is said: 64 KiB. */
export const bodyBytesDefault = 65_536
/** Most requests that wait for their payment at the same time; beyond, they are told at once that it has not come. */
export const waitersMax = 256

export interface PaidOptions {
  readonly till: Pick<Till, 'terms' | 'quote' | 'isPaid' | 'take'>
  readonly program: Pick<TillProgram, 'onTaken' | 'seal'>
  /** What a request costs. Zero is free. Asked once for each offer, not when it is paid. */
  readonly price: Sats | ((context: Context) => Sats | Promise<Sats>)
  /** The till's address as payers know it, where it is not the origin that requests go to. */
  readonly address?: string
  /** What is sold, for people. */
  readonly description?: string
  /** How long an offer can be paid. */
  readonly validMs?: number
  /** How long after that the same request gets the same goods again. */
  readonly redeemMs?: number
  readonly waitMs?: number
  readonly bodyBytesMax?: number
  readonly clock?: Clock
  readonly random?: Random
}

/** What a handler behind {@link paid} finds under `payment`; the id is one key for all requests that it paid for. */
export interface PaidPayment {
  readonly paymentId: Uint8Array
  readonly price: Sats
}

/** For Hono: what {@link paid} sets. */
export interface PaidEnv {
  readonly Variables: { payment: PaidPayment }
}

/**
 * Sells what lies behind it (x402 version 2, rules PY1 to PY8 of `sdk/till/PROGRAM.md`).
 *
 * Without payment a request is answered `402` with a fresh offer; with one that the till has stored, it goes on. One
 * payment buys one request: its method, path, query and body. Sent again until the offer's end, the same request gets
 * the same goods and costs nothing; the handler then runs again, so where it does more than read, `payment.paymentId` is
 * to be its key against doing it twice.
 */
export function paid(options: PaidOptions): MiddlewareHandler<PaidEnv> {
  const { till, bodyBytesMax = bodyBytesDefault, price } = options
  const shop: Shop = {
    ...options,
    validMs: options.validMs ?? validMsDefault,
    redeemMs: options.redeemMs ?? redeemMsDefault,
    waitMs: options.waitMs ?? waitMsDefault,
    clock: options.clock ?? platformClock,
    random: options.random ?? platformRandom,
    waiters: 0,
  }
  const judge = async (context: Context): Promise<Verdict> => {
    const resource = await resourceOf(context.req, bodyBytesMax)
    if (!resource) {
      const detail = `A body of at most ${bodyBytesMax} bytes is sold.`
      return { answer: answerProblem(context, 'request-too-large', detail) }
    }
    const header = context.req.header('payment-signature')
    if (header !== undefined) return judgeProof(shop, context, resource, header)
    const due = typeof price === 'function' ? await price(context) : price
    return due === 0n ? 'free' : { answer: await offerAnew(shop, context, resource, due) }
  }
  return async (context, next) => {
    // What a browser asks before the request proper costs nothing, and carries no payment.
    if (context.req.method === 'OPTIONS') return next()
    const verdict = await judge(context).catch((error): Verdict => ({ answer: unavailable(context, error) }))
    if (verdict === 'free') return next()
    if ('answer' in verdict) return verdict.answer
    const { paymentId } = verdict.payment
    context.set('payment', verdict.payment)
    await next()
    const { network } = till.terms
    context.header('payment-response', encodePaymentResponse({ network, isPaid: true, reason: null, paymentId }))
    context.header('vary', 'payment-signature', { append: true })
    // What one has paid for is not for a cache to give to others.
    if (!context.res.headers.has('cache-control')) context.header('cache-control', 'private')
    return undefined
  }
}

type Verdict = 'free' | { readonly payment: PaidPayment } | { readonly answer: Response }

interface Shop extends PaidOptions {
  readonly validMs: number
  readonly redeemMs: number
  readonly waitMs: number
  readonly clock: Clock
  readonly random: Random
  waiters: number
}

/** Why a payment that can be read does not buy the request. */
type NotPaid = Fault | OpeningFault | 'other-request' | 'expired' | 'pending' | 'not-authentic'

async function judgeProof(shop: Shop, context: Context, resource: Uint8Array, header: string): Promise<Verdict> {
  const proof = decodePaymentSignature(header)
  if (!proof.ok) return { answer: answerProblem(context, 'malformed-payment', `${capital(proof.reason)}.`) }
  const { offer, message } = proof.value
  if (message && !isUpdateFor(message, offer.paymentId))
    return { answer: answerProblem(context, 'malformed-payment', 'The message is no update that pays for this id.') }
  const fault = await redeem(shop, proof.value, resource)
  if (fault === null) return { payment: { paymentId: offer.paymentId, price: offer.price } }
  // PY5: what has not come yet is not asked for anew.
  if (fault === 'pending') return { answer: answerOffer(shop, context, offer, fault) }
  const { price } = shop
  const due = typeof price === 'function' ? await price(context) : price
  return due === 0n ? 'free' : { answer: await offerAnew(shop, context, resource, due, fault) }
}

/** Whether the payment buys the resource: nothing when it does. Goods come from what the till has stored. [PY3] */
async function redeem(shop: Shop, proof: PaymentProof, resource: Uint8Array): Promise<NotPaid | null> {
  const { till, clock } = shop
  const { offer, message } = proof
  const { paymentId } = offer
  // PY2: the id itself says what it was made for.
  const isOurs = offer.network === till.terms.network && sameBytes(paymentIdOf(shop, offer, resource), paymentId)
  if (!isOurs) return 'other-request'
  if (clock.now() >= offer.until) return 'expired'
  if (await till.isPaid(paymentId)) return null
  if (!message) return (await hasCome(shop, proof)) ? null : 'pending'
  const taken = await till.take(message)
  if (await till.isPaid(paymentId)) return null
  return taken.ok ? (taken.fault ?? 'pending') : 'not-authentic'
}

/** Waits a little for a payment that is on its way through the box. */
async function hasCome(shop: Shop, { offer, channel }: PaymentProof): Promise<boolean> {
  const { till, program, clock, waitMs } = shop
  if (shop.waiters >= waitersMax) return false
  const stop = new AbortController()
  let ring: () => void = () => undefined
  const unlisten = program.onTaken((taken) => {
    if (taken.ok && taken.channelId === channel) ring()
  })
  const late = clock.sleep(waitMs, stop.signal).then(
    () => true,
    () => true,
  )
  shop.waiters += 1
  try {
    for (let isLate = false; !isLate; ) {
      const bell = new Promise<false>((resolve) => {
        ring = () => resolve(false)
      })
      if (await till.isPaid(offer.paymentId)) return true
      isLate = await Promise.race([bell, late])
    }
    return till.isPaid(offer.paymentId)
  } finally {
    shop.waiters -= 1
    unlisten()
    stop.abort()
  }
}

/** PY1: a fresh id, quoted at the till before anyone hears of it. */
async function offerAnew(
  shop: Shop,
  context: Context,
  resource: Uint8Array,
  price: Sats,
  fault: NotPaid | null = null,
): Promise<Response> {
  const { till, clock, random, validMs, redeemMs } = shop
  const { network, payeeKey } = till.terms
  const until = clock.now() + validMs + redeemMs
  const draft = { network, price, payeeKey, till: shop.address ?? null, nonce: random(16), until }
  const offer = { ...draft, paymentId: paymentIdOf(shop, draft, resource) }
  await till.quote(offer.paymentId, price, validMs)
  return answerOffer(shop, context, offer, fault)
}

function answerOffer(shop: Shop, context: Context, offer: PaymentOffer, fault: NotPaid | null): Response {
  const { description = null, validMs } = shop
  const { network, paymentId } = offer
  const error = fault === null ? 'A payment is required.' : `The payment does not buy this: ${fault}.`
  const payableSeconds = Math.floor(validMs / 1_000)
  const required = encodePaymentRequired({ offer, url: context.req.url, description, error, payableSeconds })
  const result = { network, isPaid: false, reason: fault, paymentId }
  return answerProblem(context, 'payment-required', error, {
    'payment-required': required,
    ...(fault === null ? {} : { 'payment-response': encodePaymentResponse(result) }),
  })
}

/** The id of a payment for a resource: nobody else can make one, and it fits no other resource, price or time. [PY2] */
function paymentIdOf(
  { program }: Shop,
  { nonce, until, price }: Pick<PaymentOffer, 'nonce' | 'until' | 'price'>,
  resource: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(64)
  const view = new DataView(bytes.buffer)
  bytes.set(nonce)
  view.setBigUint64(16, BigInt(until))
  view.setBigUint64(24, price)
  bytes.set(resource, 32)
  return program.seal(bytes).slice(0, paymentIdBytes)
}

function isUpdateFor(bytes: Uint8Array, paymentId: Uint8Array): boolean {
  const envelope = decodeMessage(bytes)
  if (!envelope.ok || envelope.value.message.type !== 'update') return false
  return sameBytes(envelope.value.message.update.paymentId, paymentId)
}

/** The world failed. What was paid may be stored all the same, so the same request is to be made again. */
function unavailable(context: Context, error: unknown): Response {
  if (!(error instanceof SdkError)) throw error
  if (error.code === 'till/busy') return answerProblem(context, 'busy', 'Too many payments are waited for. Ask again.')
  return answerProblem(context, 'unavailable', 'The till did not answer. The same request may be sent again.')
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
