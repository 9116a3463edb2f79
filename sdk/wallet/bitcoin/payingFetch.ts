import type { Network } from '../../bitcoin/index.ts'
import {
  decodePaymentRequired,
  decodePaymentResponse,
  encodePaymentSignature,
  type PaymentOffer,
} from '../../channel/index.ts'
import { platformClock } from '../../client/platform.ts'
import { sha256 } from '../../crypto/index.ts'
import { SdkError } from '../../errors.ts'
import type { Clock } from '../../ports.ts'
import { type ChannelId, type Sats, toHex } from '../../units.ts'

/** What is asked of a wallet that pays for requests. */
export interface PayingWallet {
  readonly network: Network
  readonly channels: () => readonly PayingChannel[]
  readonly pay: (
    channel: ChannelId,
    amount: Sats,
    options: { readonly paymentId: Uint8Array },
  ) => Promise<PayingOutcome>
}

/** What is asked of a channel. */
export interface PayingChannel {
  readonly id: ChannelId
  /** Address of the payee's till; a two-way channel has none. */
  readonly peer?: string
  readonly phase: string
  readonly remaining: Sats
}

/** What came of a payment. `message`: the encoded update, where the wallet tells it; the server need not wait for the box then. */
export type PayingOutcome =
  | { readonly state: 'paid' | 'pending'; readonly message?: Uint8Array }
  | { readonly state: 'refused'; readonly fault: string }

export interface PayingFetchOptions {
  /** Most that one request may cost. */
  readonly priceMax: Sats
  /** Channels that may be paid from; all of the wallet's where nothing is said. */
  readonly channels?: readonly ChannelId[]
  /**
   * Origins that may sell through a till of another origin.
   *
   * Funds at risk: such a server can name a payment that somebody else has asked for, and have it paid by this wallet.
   */
  readonly origins?: readonly string[]
  readonly fetch?: (request: Request) => Promise<Response>
  readonly clock?: Pick<Clock, 'now'>
}

/** Most payments that are kept for a request that was not served. */
export const keptMax = 100

/**
 * A `fetch` that pays: a request that is answered `402` with an offer in our scheme, at `priceMax` or less, is paid from an
 * open channel with that payee and made once more. Other answers pass through untouched.
 *
 * Where the answer to a paid request is lost, it throws `wallet/unserved`, and the same request (method, URL and body) made
 * again shows the payment that was made instead of making another. So does a server's failure (a status of 5xx), which is
 * returned. At most {@link keptMax} are kept, in memory, until the offer's end: a crash in between costs the price of the request
 * at the most. What the payee had not taken by then is credit in the channel.
 *
 * Throws `wallet/unknown-scheme`, `wallet/too-dear`, `wallet/foreign-till` and `wallet/no-channel` before anything is
 * signed; `wallet/payment-refused` (nothing was bought, what was signed is credit), `wallet/changed-price` (it was paid,
 * and the server asks for another payment) and `wallet/unserved` (retryable) after; and whatever the wallet and `fetch` do.
 */
export function payingFetch(
  wallet: PayingWallet,
  options: PayingFetchOptions,
): (input: string | URL | Request, init?: RequestInit) => Promise<Response> {
  const { fetch = (request) => globalThis.fetch(request), clock = platformClock } = options
  const state: State = { wallet, options, fetch, kept: new Map() }
  return async (input, init) => {
    const request = new Request(input, init)
    const name = await nameOf(request)
    const made = takeKept(state, name, clock.now())
    if (made) return redeem(state, request, name, made)
    const answer = await fetch(request.clone())
    if (answer.status !== 402) return answer
    const offer = offerIn(answer)
    await answer.body?.cancel()
    const channel = choose(state, offer, originOf(answer, request))
    return redeem(state, request, name, await pay(wallet, channel, offer))
  }
}

interface State {
  readonly wallet: PayingWallet
  readonly options: PayingFetchOptions
  readonly fetch: (request: Request) => Promise<Response>
  /** Payments that no answer came to, by the request they are for; the oldest first. */
  readonly kept: Map<string, readonly Made[]>
}

/** A payment that was made, or is on its way. */
interface Made {
  readonly offer: PaymentOffer
  readonly channel: ChannelId
  readonly message: Uint8Array | null
}

/** Statuses after which the same request may be served. */
const passing: readonly number[] = [408, 425, 429]
/** Faults after which another payment may be taken. */
const passingFaults: readonly string[] = ['unanswered', 'funding-unproven']

async function pay(wallet: PayingWallet, channel: ChannelId, offer: PaymentOffer): Promise<Made> {
  const outcome = await wallet.pay(channel, offer.price, { paymentId: offer.paymentId })
  if (outcome.state === 'refused') throw paymentRefused(outcome.fault)
  return { offer, channel, message: outcome.message ?? null }
}

/** Makes the request with the payment. What is not served stays payable with it. */
async function redeem(state: State, request: Request, name: string, made: Made): Promise<Response> {
  const paid = request.clone()
  paid.headers.set('payment-signature', encodePaymentSignature(made))
  let answer: Response
  try {
    answer = await state.fetch(paid)
  } catch (cause) {
    keep(state, name, made)
    throw unserved('The answer to a paid request was lost.', cause)
  }
  if (answer.status >= 500 || passing.includes(answer.status)) keep(state, name, made)
  if (answer.status !== 402) return answer
  await answer.body?.cancel()
  const asked = decodePaymentRequired(answer.headers.get('payment-required') ?? '')
  const told = decodePaymentResponse(answer.headers.get('payment-response') ?? '')
  const reason = told.ok ? told.value.reason : null
  if (asked.ok && asked.value && toHex(asked.value.paymentId) === toHex(made.offer.paymentId)) {
    keep(state, name, made)
    throw unserved('The payee has not seen the payment yet.')
  }
  // A server that says nothing of the payment may not have seen it: then another one would be lost just so.
  if (reason === null) keep(state, name, made)
  if (reason === null || reason === 'expired' || reason === 'other-request')
    throw new SdkError('wallet/changed-price', 'The server asks for another payment for what was paid.', {
      notes: [reason ?? 'It says nothing of the payment: does something on the way drop the PAYMENT-SIGNATURE header?'],
    })
  throw paymentRefused(reason)
}

function paymentRefused(fault: string): SdkError {
  return new SdkError('wallet/payment-refused', `The payment was refused: ${fault}.`, {
    retryable: passingFaults.includes(fault),
    notes: [fault, 'Nothing was bought. What was signed for it is credit in the channel.'],
  })
}

function unserved(message: string, cause?: unknown): SdkError {
  const notes = ['It is paid, or on its way. Make the same request again: it is not paid twice.']
  return new SdkError('wallet/unserved', message, { retryable: true, notes, cause })
}

function offerIn(answer: Response): PaymentOffer {
  const header = answer.headers.get('payment-required')
  const offer = header === null ? null : decodePaymentRequired(header)
  if (offer?.ok && offer.value) return offer.value
  const why = offer && !offer.ok ? offer.reason : 'it offers no channel of this format'
  throw new SdkError('wallet/unknown-scheme', `The server asks for a payment that this wallet cannot make: ${why}.`, {
    notes: ['In a browser, the server has to show its PAYMENT-REQUIRED header to other origins (CORS).'],
  })
}

/** Where an answer came from, after all redirections. */
function originOf(answer: Response, request: Request): string {
  return new URL(answer.url || request.url).origin
}

/** The channel to pay from, if the price and the payee are fine. */
function choose({ wallet, options }: State, offer: PaymentOffer, origin: string): ChannelId {
  const { priceMax, channels, origins = [] } = options
  if (offer.network !== wallet.network)
    throw new SdkError(
      'wallet/unknown-scheme',
      `The server sells on ${offer.network}, the wallet pays on ${wallet.network}.`,
    )
  if (offer.price > priceMax)
    throw new SdkError('wallet/too-dear', `The request costs ${offer.price} sat, more than ${priceMax}.`, {
      notes: [`price ${offer.price}`, `priceMax ${priceMax}`],
    })
  const till = addressOf(offer.till ?? origin)
  if (till === null || (new URL(till).origin !== origin && !origins.includes(origin)))
    throw new SdkError('wallet/foreign-till', "The server sells through somebody else's till.", {
      notes: ['Allow its origin in `origins` if the two belong together.'],
    })
  const known = wallet
    .channels()
    .filter(({ id, peer }) => peer !== undefined && addressOf(peer) === till && (channels?.includes(id) ?? true))
  const open = known.filter(({ phase }) => phase === 'open')
  const fit = open.find(({ remaining }) => remaining >= offer.price)
  if (fit) return fit.id
  const why = open.length > 0 ? 'has too little left' : known.length > 0 ? 'is not open' : 'does not exist'
  throw new SdkError('wallet/no-channel', `A channel with this payee ${why}.`, {
    retryable: known.length > open.length,
    notes: [`${known.length} with this payee`, `${open.length} of them open`],
  })
}

/** One text for one address, whatever slash it ends in. */
function addressOf(text: string): string | null {
  try {
    const { origin, pathname } = new URL(text)
    return origin === 'null' ? null : `${origin}${pathname}`.replace(/\/+$/, '')
  } catch {
    return null
  }
}

/** One text for equal requests. */
async function nameOf(request: Request): Promise<string> {
  const body = request.body === null ? new Uint8Array(0) : new Uint8Array(await request.clone().arrayBuffer())
  return `${request.method} ${request.url} ${toHex(sha256(body))}`
}

/** Keeps a payment for the next request of this name. The oldest makes way. */
function keep({ kept }: State, name: string, made: Made): void {
  const others = kept.get(name) ?? []
  kept.delete(name)
  kept.set(name, [...others, made])
  const count = [...kept.values()].reduce((sum, list) => sum + list.length, 0)
  const [oldest] = kept
  if (count > keptMax && oldest) put(kept, oldest[0], oldest[1].slice(1))
}

/** Takes a payment out, so that no other request shows it meanwhile. */
function takeKept({ kept }: State, name: string, now: number): Made | undefined {
  const [made, ...others] = (kept.get(name) ?? []).filter(({ offer }) => offer.until > now)
  put(kept, name, others)
  return made
}

function put(kept: Map<string, readonly Made[]>, name: string, list: readonly Made[]): void {
  if (list.length > 0) kept.set(name, list)
  else kept.delete(name)
}
